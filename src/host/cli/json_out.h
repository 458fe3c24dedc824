/* SPDX-License-Identifier: Apache-2.0 */
/* json_out.h - JSON on standard output, an object a line, on top of jansson. */
#ifndef TSM_CLI_JSON_OUT_H
#define TSM_CLI_JSON_OUT_H

#include <jansson.h>

/* A JSON string of text that need not be UTF-8 (file names): bytes that are not become U+FFFD. NULL is null. */
json_t *json_out_text(const char *text);

/* Adds to an object, where `text` is not UTF-8, its bytes as hexadecimal digits under `key`: so that a file can be
 * found again. Returns the object, or NULL, having dropped it, where memory runs out; NULL stays NULL. */
json_t *json_out_add_bytes(json_t *object, const char *key, const char *text);

/* A number rounded to `decimals` places. */
json_t *json_out_rounded(double value, int decimals);

/* [[...], ...]: `rows` lists of `columns` numbers. */
json_t *json_out_rows(const int *numbers, int rows, int columns);

/* Prints one line and drops the reference, NULL (out of memory while building) included. Returns 0, or -1 with a line
 * on stderr; whether the line could be written shows in report_output. */
int json_out_print(json_t *value);

#endif
