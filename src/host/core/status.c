/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - the error record. */
#include "status.h"

#include <stdio.h>
#include <string.h>

/* What the analyser is told of them is for those who call. */
#undef tsm_fail
#undef tsm_fail_file
#undef tsm_fail_memory

/* Keeps the record one line of printable text, whatever bytes a file put into it; UTF-8 passes. */
static void make_printable(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f) *c = '?';
}

static void fill(tsm_error *error, tsm_status code, const char *path, const char *format, va_list arguments)
{
    int used = 0;

    if (!error) return;
    error->code = code;
    error->device = -1;
    error->text[0] = '\0';
    /* The path may take half of the record: what is wrong with it must still fit. */
    if (path) used = snprintf(error->text, sizeof error->text, "%.*s: ", TSM_ERROR_TEXT_BYTES / 2, path);
    if (used < 0) used = 0;
    vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, arguments);
    make_printable(error->text);
}

tsm_status tsm_fail(tsm_error *error, tsm_status code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill(error, code, NULL, format, arguments);
    va_end(arguments);
    return code;
}

tsm_status tsm_fail_file(tsm_error *error, tsm_status code, const char *path, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill(error, code, path, format, arguments);
    va_end(arguments);
    return code;
}

tsm_status tsm_fail_memory(tsm_error *error, size_t bytes)
{
    return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory (%zu bytes)", bytes);
}

tsm_status tsm_error_prefix(tsm_error *error, tsm_status code, const char *prefix)
{
    char text[TSM_ERROR_TEXT_BYTES];
    int device;

    if (!error) return code;
    memcpy(text, error->text, sizeof text);
    text[sizeof text - 1] = '\0';
    device = error->device;
    tsm_fail_file(error, code, prefix, "%s", text);
    error->device = device;
    return code;
}
