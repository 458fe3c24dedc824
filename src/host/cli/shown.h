/* SPDX-License-Identifier: Apache-2.0 */
/* shown.h - text from files and their names as it is shown to people.
 *
 * Control characters, which a terminal would obey, and those that turn text around become '?'; bytes that are not
 * UTF-8 become \xNN, by which a file can be found again; everything else passes. */
#ifndef TSM_CLI_SHOWN_H
#define TSM_CLI_SHOWN_H

#include <stddef.h>
#include <stdio.h>

/* Writes the text so, or `length` bytes of it. */
void shown_print(FILE *out, const char *text);
void shown_print_part(FILE *out, const char *text, size_t length);

/* The same into `shown`, of `bytes` bytes, cut where there is no more room, and always terminated; returns
 * `shown`. */
char *shown_copy(char *shown, size_t bytes, const char *text);

/* The control character that a well-formed sequence of `length` bytes of UTF-8 is; 0 where it is none. */
unsigned shown_control(const unsigned char *at, size_t length);

#endif
