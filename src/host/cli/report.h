/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - how the command fails: error records, one line on stderr, and a standard output that is checked. */
#ifndef TSM_CLI_REPORT_H
#define TSM_CLI_REPORT_H

#include <stddef.h>
#include <tsm/tsm.h>

/* Fills `error` with one line and returns `code`. */
tsm_status report_fail(tsm_error *error, tsm_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints "tsm: " and one line on stderr, as shown.h has it. */
void report_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Puts "NAME: " before the record's text, unless it begins with that, or with a path inside NAME, already. */
void report_name(tsm_error *error, const char *name);

/* Flushes standard output. On failure says so (quietly where the reader has gone away) and returns EXIT_FAILED,
 * otherwise `status`. */
int report_output(int status);

/* count * size bytes, zeroed; NULL, with `error` filled, when they cannot be had. Released with free. */
void *report_alloc(size_t count, size_t size, tsm_error *error);

#endif
