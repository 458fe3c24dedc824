/* SPDX-License-Identifier: Apache-2.0 */
/* shown.c - see shown.h. */
#include "shown.h"

#include "eval/eval.h"

#include <stdbool.h>
#include <string.h>

enum { PIECE = 5 }; /* "\\xNN" and its end, or a sequence of UTF-8 and its end */

/* C0, DEL, and C1, which UTF-8 writes in two bytes. */
static bool is_control(const unsigned char *at, size_t length)
{
    return length == 1 ? at[0] < 0x20 || at[0] == 0x7f : length == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

/* The next character of the text as it is shown; returns what follows it. */
static const char *next_piece(const char *text, char piece[PIECE])
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = utf8_length(at, strnlen(text, 4));

    if (length == 0) {
        snprintf(piece, PIECE, "\\x%02x", at[0]);
        return text + 1;
    }
    if (is_control(at, length)) {
        strcpy(piece, "?");
    } else {
        memcpy(piece, text, length);
        piece[length] = '\0';
    }
    return text + length;
}

void shown_print(FILE *out, const char *text)
{
    char piece[PIECE];

    while (*text) {
        text = next_piece(text, piece);
        fputs(piece, out);
    }
}

char *shown_copy(char *shown, size_t bytes, const char *text)
{
    char piece[PIECE];
    size_t used = 0;

    while (*text) {
        size_t length;

        text = next_piece(text, piece);
        length = strlen(piece);
        if (used + length >= bytes) break;
        memcpy(shown + used, piece, length);
        used += length;
    }
    shown[used] = '\0';
    return shown;
}
