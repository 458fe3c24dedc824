/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - filling the caller's error record, and the macros that pass failures on. The face of core/, which brings
 * its other headers.
 */
#ifndef TSM_CORE_STATUS_H
#define TSM_CORE_STATUS_H

#include <stdarg.h>
#include <tsm/tsm.h>

#include "cancel.h"
#include "clock.h"
#include "cpus.h"
#include "hash.h"
#include "memory.h"
#include "numbers.h"
#include "options.h"

/* Fills `error` (NULL is fine) with one formatted line and returns `code`, so that `return tsm_fail(...)` reads well.
 * Control characters are replaced, so text from hostile files stays one line. */
tsm_status tsm_fail(tsm_error *error, tsm_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a named file: "PATH: what is wrong". */
tsm_status tsm_fail_file(tsm_error *error, tsm_status code, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "PREFIX: " before the text of a record that is already filled; returns its code. */
tsm_status tsm_error_prefix(tsm_error *error, tsm_status code, const char *prefix);

tsm_status tsm_fail_memory(tsm_error *error, size_t bytes);

/* The static analyser looks into one file at a time and has to be told that a failure is never TSM_OK. */
#ifdef __clang_analyzer__
#define TSM_NOT_OK(call)                                                                                             \
    ({                                                                                                               \
        tsm_status tsm_failed_ = (call);                                                                             \
        if (tsm_failed_ == TSM_OK) __builtin_unreachable();                                                          \
        tsm_failed_;                                                                                                 \
    })
#define tsm_fail(...)        TSM_NOT_OK(tsm_fail(__VA_ARGS__))
#define tsm_fail_file(...)   TSM_NOT_OK(tsm_fail_file(__VA_ARGS__))
#define tsm_fail_memory(...) TSM_NOT_OK(tsm_fail_memory(__VA_ARGS__))
#else
#define TSM_NOT_OK(call) (call)
#endif

/* Evaluates a call that returns tsm_status once; on failure goes to `fail` with the code in `status`. */
#define TSM_TRY(call)                                                                                                \
    do {                                                                                                             \
        status = (call);                                                                                             \
        if (status != TSM_OK) goto fail;                                                                             \
    } while (0)

/* The same for functions without anything to undo. */
#define TSM_TRY_RETURN(call)                                                                                         \
    do {                                                                                                             \
        tsm_status tsm_try_status_ = (call);                                                                         \
        if (tsm_try_status_ != TSM_OK) return tsm_try_status_;                                                       \
    } while (0)

#endif
