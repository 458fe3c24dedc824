/* SPDX-License-Identifier: Apache-2.0 */
/* failure.c - see failure.h. */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

tsm_status eval_fail(tsm_error *error, tsm_status code, const char *format, ...)
{
    va_list arguments;

    if (!error) return code;
    error->code = code;
    error->device = -1;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return code;
}
