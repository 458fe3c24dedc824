/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.h - whether the caller of a long function has had enough. */
#ifndef TSM_CORE_CANCEL_H
#define TSM_CORE_CANCEL_H

#include <tsm/tsm.h>

/* As in tsm_engine_options: asked by the thread that works, so that engines ask it from several at once. */
typedef struct tsm_cancel {
    int (*wanted)(void *user); /* NULL: never */
    void *user;
} tsm_cancel;

/* Between the steps of something long. Errors: CANCELLED. */
tsm_status tsm_cancel_check(const tsm_cancel *cancel, tsm_error *error);

#endif
