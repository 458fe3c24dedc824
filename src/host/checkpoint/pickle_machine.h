/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_machine.h - between pickle.c, the machine, pickle_stack.c, what it works on, and pickle_globals.c, the names
 * that mean something.
 */
#ifndef TSM_CHECKPOINT_PICKLE_MACHINE_H
#define TSM_CHECKPOINT_PICKLE_MACHINE_H

#include "pickle_value.h"

/* Values that are there once, before all others. */
enum {
    TSM_PICKLE_NONE_VALUE = 1,
    TSM_PICKLE_FALSE_VALUE,
    TSM_PICKLE_TRUE_VALUE,
    TSM_PICKLE_EMPTY_TUPLE,
    TSM_PICKLE_SMALL, /* INTEGER, 0 to 255 */
    TSM_PICKLE_FIRST = TSM_PICKLE_SMALL + 256
};

/* ---- pickle_stack.c ---- */

#define TSM_PICKLE_MARK UINT32_MAX /* on the stack: where a container's items begin */

/* Fails with FORMAT: "its pickle is damaged: WHAT". */
tsm_status tsm_pickle_damaged(tsm_error *error, const char *what);

/* Makes room for one more element of an array that grows by doubling. Errors: FORMAT (too many), MEMORY. */
tsm_status tsm_pickle_grow(void **array, size_t count, size_t *room, size_t size, tsm_error *error);

/* Appends a zeroed value of `kind`; or pushes it as well. Errors: FORMAT, MEMORY. */
tsm_status tsm_pickle_new(tsm_pickle *pickle, tsm_pickle_kind kind, uint32_t *value, tsm_error *error);
tsm_status tsm_pickle_push_new(tsm_pickle *pickle, tsm_pickle_kind kind, tsm_error *error);

tsm_status tsm_pickle_push(tsm_pickle *pickle, uint32_t value, tsm_error *error);

/* Takes `count` values off the stack; the deepest comes first. Marks may not be among them. */
tsm_status tsm_pickle_pop(tsm_pickle *pickle, uint32_t *values, size_t count, tsm_error *error);

/* TUPLE, TUPLE1 to 3; APPENDS and SETITEMS; APPEND and SETITEM, of `count` values. */
tsm_status tsm_pickle_marked_tuple(tsm_pickle *pickle, tsm_error *error);
tsm_status tsm_pickle_short_tuple(tsm_pickle *pickle, size_t count, tsm_error *error);
tsm_status tsm_pickle_marked_items(tsm_pickle *pickle, tsm_pickle_kind kind, tsm_error *error);
tsm_status tsm_pickle_single_items(tsm_pickle *pickle, tsm_pickle_kind kind, size_t count, tsm_error *error);

/* ---- pickle_globals.c ---- */

/* The global called `module`.`name`, as a number for value.as.global; TSM_GLOBAL_INERT for most. */
#define TSM_GLOBAL_INERT 0u
uint32_t tsm_pickle_global(const char *module, size_t module_length, const char *name, size_t name_length);

/* What calling `callable` with the tuple `arguments` makes. May append values. Errors: FORMAT, MEMORY. */
tsm_status tsm_pickle_call(tsm_pickle *pickle, uint32_t callable, uint32_t arguments, uint32_t *result,
                           tsm_error *error);

/* Gives `object` its state: NumPy's arrays and their types take theirs, others nothing. Errors: FORMAT. */
tsm_status tsm_pickle_build(tsm_pickle *pickle, uint32_t object, uint32_t state, tsm_error *error);

/* The storage that a persistent id (a tuple) names. */
tsm_status tsm_pickle_storage(tsm_pickle *pickle, uint32_t id, uint32_t *result, tsm_error *error);

#endif
