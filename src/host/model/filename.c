/* filename.c - see filename.h. */
#include "filename.h"

#include <stdbool.h>
#include <string.h>

/* The number after `word` where `part` is the two of them, as in "segment16"; 0 where it is not. */
static int number_after(const char *part, size_t length, const char *word)
{
    size_t at = strlen(word);
    int number = 0;

    if (length <= at || length > at + 4 || memcmp(part, word, at) != 0) return 0;
    for (; at < length; at++) {
        if (part[at] < '0' || part[at] > '9') return 0;
        number = number * 10 + (part[at] - '0');
    }
    return number;
}

static bool is_word(const char *part, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(part, word, length) == 0;
}

tsm_filename tsm_filename_parse(const char *path)
{
    const char *slash = strrchr(path, '/'), *part = slash ? slash + 1 : path;
    tsm_filename said = { 0 };
    bool after_shift = false;

    if (strncmp(part, "TSM_", 4) != 0) return said;
    while (*part) {
        size_t length = strcspn(part, "_.");
        int segments = number_after(part, length, "segment"), div = number_after(part, length, "shift");

        if (segments) said.segments = segments;
        if (div) said.shift_div = div;
        if (after_shift && is_word(part, length, "blockres")) said.place = TSM_PLACE_BLOCKRES;
        if (after_shift && is_word(part, length, "block")) said.place = TSM_PLACE_BLOCK;
        after_shift = div != 0;
        part += length + (part[length] != '\0');
    }
    return said;
}
