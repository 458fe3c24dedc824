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

/* The next character of a text of `length` bytes, at least one, as it is shown; returns how many of them it takes. */
static size_t next_piece(const char *text, size_t length, char piece[PIECE])
{
    const unsigned char *at = (const unsigned char *)text;
    size_t bytes = utf8_length(at, length);

    if (bytes == 0) {
        snprintf(piece, PIECE, "\\x%02x", at[0]);
        return 1;
    }
    if (is_control(at, bytes)) {
        strcpy(piece, "?");
    } else {
        memcpy(piece, text, bytes);
        piece[bytes] = '\0';
    }
    return bytes;
}

void shown_print_part(FILE *out, const char *text, size_t length)
{
    char piece[PIECE];

    while (length > 0) {
        size_t bytes = next_piece(text, length, piece);

        fputs(piece, out);
        text += bytes;
        length -= bytes;
    }
}

void shown_print(FILE *out, const char *text)
{
    shown_print_part(out, text, strlen(text));
}

char *shown_copy(char *shown, size_t bytes, const char *text)
{
    char piece[PIECE];
    size_t used = 0, left = strlen(text);

    while (left > 0) {
        size_t taken = next_piece(text, left, piece), length = strlen(piece);

        if (used + length >= bytes) break;
        memcpy(shown + used, piece, length);
        used += length;
        text += taken;
        left -= taken;
    }
    shown[used] = '\0';
    return shown;
}
