/* SPDX-License-Identifier: Apache-2.0 */
#include "json_out.h"

#include "eval/eval.h"
#include "report.h"
#include "shown.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

json_t *json_out_text(const char *text)
{
    json_t *value;
    char *copy;
    size_t used = 0;

    if (!text) return json_null();
    value = json_string(text);
    if (value) return value;
    /* Not UTF-8: keep what is ASCII. */
    copy = malloc(strlen(text) * (sizeof replacement - 1) + 1);
    if (!copy) return NULL;
    for (; *text; text++) {
        if ((unsigned char)*text < 0x80) {
            copy[used++] = *text;
        } else {
            memcpy(copy + used, replacement, sizeof replacement - 1);
            used += sizeof replacement - 1;
        }
    }
    value = json_stringn(copy, used);
    free(copy);
    return value;
}

json_t *json_out_add_bytes(json_t *object, const char *key, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    char *digits;
    json_t *value;

    if (!object || !text || utf8_is_text(text, length)) return object;
    digits = malloc(2 * length + 1);
    for (size_t i = 0; digits && i < length; i++) sprintf(digits + 2 * i, "%02x", (unsigned char)text[i]);
    value = digits ? json_stringn(digits, 2 * length) : NULL;
    free(digits);
    if (value && json_object_set_new(object, key, value) == 0) return object;
    json_decref(object);
    return NULL;
}

json_t *json_out_rounded(double value, int decimals)
{
    double unit = pow(10, decimals);

    return json_real(round(value * unit) / unit);
}

json_t *json_out_rows(const int *numbers, int rows, int columns)
{
    json_t *all = json_array();

    for (int row = 0; all && row < rows; row++) {
        json_t *list = json_array();
        int failed = !list;

        for (int i = 0; i < columns && !failed; i++) {
            failed =
                json_array_append_new(list, json_integer(numbers[(size_t)row * (size_t)columns + (size_t)i])) != 0;
        }
        if (failed) {
            json_decref(list);
            json_decref(all);
            return NULL;
        }
        if (json_array_append_new(all, list) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* jansson, whose text is UTF-8, escapes what JSON wants escaped. The other control characters are for terminals. */
static void print_line(const char *line)
{
    size_t left = strlen(line);

    while (left > 0) {
        const unsigned char *at = (const unsigned char *)line;
        const size_t length = utf8_length(at, left);
        const unsigned control = shown_control(at, length);

        if (control)
            printf("\\u%04X", control);
        else
            fwrite(line, 1, length, stdout);
        line += length;
        left -= length;
    }
    putchar('\n');
}

int json_out_print(json_t *value)
{
    char *line = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

    json_decref(value);
    if (!line) {
        report_line("standard output: out of memory for a line of JSON");
        return -1;
    }
    print_line(line);
    free(line);
    return 0;
}
