/* SPDX-License-Identifier: Apache-2.0 */
/* shown.c - see shown.h. */
#include "shown.h"

#include "eval/eval.h"

#include <string.h>

enum { PIECE = 5 }; /* "\\xNN" and its end, or a sequence of UTF-8 and its end */

/* The character of a well-formed sequence. */
static unsigned code_point(const unsigned char *at, size_t length)
{
    unsigned code = length == 1 ? at[0] : at[0] & (0xffu >> (length + 1));

    for (size_t i = 1; i < length; i++) code = code << 6 | (at[i] & 0x3f);
    return code;
}

unsigned shown_control(const unsigned char *at, size_t length)
{
    /* C0, DEL and C1; and what turns the direction of the text around it, or ends a line. */
    static const struct {
        unsigned first, last;
    } controls[] = { { 0, 0x1f },        { 0x7f, 0x9f },     { 0x61c, 0x61c },
                     { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 } };

    const unsigned code = code_point(at, length);

    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (code >= controls[i].first && code <= controls[i].last) return code;
    return 0;
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
    if (shown_control(at, bytes)) {
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
