/* SPDX-License-Identifier: Apache-2.0 */
/* filename.c - see filename.h. */
#include "filename.h"

#include <string.h>

/* A part of a name, between its separators. */
typedef struct word {
    const char *text;
    size_t length;
} word;

/* The next one at *name, whose parts any of `separators` ends; false at the end of the name. */
static bool next_word(const char **name, const char *separators, word *out)
{
    if (!**name) return false;
    *out = (word){ *name, strcspn(*name, separators) };
    *name += out->length + ((*name)[out->length] != '\0');
    return true;
}

static bool is_word(word part, const char *text)
{
    return strlen(text) == part.length && memcmp(part.text, text, part.length) == 0;
}

/* The number after `prefix` where the part is the two of them, as in "segment16"; 0 where it is not. */
static int number_after(word part, const char *prefix)
{
    size_t at = strlen(prefix);
    int number = 0;

    if (part.length <= at || part.length > at + 4 || memcmp(part.text, prefix, at) != 0) return 0;
    for (; at < part.length; at++) {
        if (part.text[at] < '0' || part.text[at] > '9') return 0;
        number = number * 10 + (part.text[at] - '0');
    }
    return number;
}

static void keep_arch(tsm_filename *said, word part)
{
    static const char *const names[] = {
        "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenetv2"
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_word(part, names[i])) memcpy(said->arch, names[i], strlen(names[i]) + 1);
}

static tsm_filename parse_mit(const char *name)
{
    tsm_filename said = { 0 };
    bool after_shift = false;
    word part;

    while (next_word(&name, "_.", &part)) {
        int segments = number_after(part, "segment"), div = number_after(part, "shift");

        if (segments) said.segments = segments;
        if (div) said.shift_div = div;
        if (after_shift && is_word(part, "blockres")) said.place = TSM_PLACE_BLOCKRES;
        if (after_shift && is_word(part, "block")) said.place = TSM_PLACE_BLOCK;
        if (is_word(part, "tpool")) said.tpool = true;
        if (is_word(part, "nl")) said.nonlocal = TSM_NONLOCAL_EMBEDDED_GAUSSIAN;
        keep_arch(&said, part);
        after_shift = div != 0;
    }
    return said;
}

/* After "nl": embedded gaussian, gaussian, dot product. */
static tsm_nonlocal nonlocal_word(word part)
{
    if (is_word(part, "embedded")) return TSM_NONLOCAL_EMBEDDED_GAUSSIAN;
    if (is_word(part, "dot")) return TSM_NONLOCAL_DOT_PRODUCT;
    return is_word(part, "gaussian") ? TSM_NONLOCAL_GAUSSIAN : TSM_NONLOCAL_NONE;
}

static tsm_filename parse_mmaction2(const char *name)
{
    tsm_filename said = { 0 };
    bool after_nl = false;
    word part;

    while (next_word(&name, "_-.", &part)) {
        int segments = number_after(part, "1x1x");

        if (segments) said.segments = segments;
        if (after_nl) said.nonlocal = nonlocal_word(part);
        after_nl = is_word(part, "nl");
    }
    return said;
}

tsm_filename tsm_filename_parse(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    if (strncmp(name, "TSM_", 4) == 0) return parse_mit(name);
    if (strncmp(name, "tsm_", 4) == 0) return parse_mmaction2(name);
    return (tsm_filename){ 0 };
}
