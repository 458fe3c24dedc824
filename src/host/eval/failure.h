/* SPDX-License-Identifier: Apache-2.0 */
/* failure.h - error records of this folder, which sees of libtsm only its public headers. */
#ifndef TSM_EVAL_FAILURE_H
#define TSM_EVAL_FAILURE_H

#include <tsm/tsm.h>

/* Fills `error` (NULL is fine) with one printable line and returns `code`. */
tsm_status eval_fail(tsm_error *error, tsm_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
