/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "commands.h"
#include "shown.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tsm_status report_fail(tsm_error *error, tsm_status code, const char *format, ...)
{
    char text[TSM_ERROR_TEXT_BYTES];
    va_list arguments;

    if (!error) return code;
    error->code = code;
    error->device = -1;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    memcpy(error->text, text, sizeof text);
    return code;
}

void report_line(const char *format, ...)
{
    char text[2 * TSM_ERROR_TEXT_BYTES], shown[4 * TSM_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "tsm: %s\n", shown_copy(shown, sizeof shown, text));
}

void report_name(tsm_error *error, const char *name)
{
    char text[TSM_ERROR_TEXT_BYTES];
    size_t length = strlen(name);

    if (strncmp(error->text, name, length) == 0 && strchr(":/", error->text[length])) return;
    memcpy(text, error->text, sizeof text);
    text[sizeof text - 1] = '\0';
    report_fail(error, error->code, "%s: %s", name, text);
}

/* A pipe whose reader has gone away. */
static bool reader_is_gone(int reason)
{
    struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

    return reason == EPIPE || (poll(&output, 1, 0) == 1 && (output.revents & POLLERR));
}

int report_output(int status)
{
    static bool reported; /* a full disk is one error, however often it is met */
    int reason = fflush(stdout) == 0 ? 0 : errno;

    if (reason == 0 && !ferror(stdout)) return status;
    if (!reported && !reader_is_gone(reason)) {
        report_line("standard output: %s", reason ? strerror(reason) : "it could not be written");
    }
    reported = true;
    return EXIT_FAILED;
}

void *report_alloc(size_t count, size_t size, tsm_error *error)
{
    void *memory = calloc(count ? count : 1, size);

    if (!memory) report_fail(error, TSM_ERROR_MEMORY, "out of memory (%zu x %zu bytes)", count, size);
    return memory;
}
