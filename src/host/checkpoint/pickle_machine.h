/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_machine.h - between pickle.c, the stack machine, and pickle_torch.c, the names that mean something. */
#ifndef TSM_CHECKPOINT_PICKLE_MACHINE_H
#define TSM_CHECKPOINT_PICKLE_MACHINE_H

#include "pickle.h"

/* The global called `module`.`name`, as a number for value.as.global; TSM_GLOBAL_INERT for most. */
#define TSM_GLOBAL_INERT 0u
uint32_t tsm_pickle_global(const char *module, size_t module_length, const char *name, size_t name_length);

/* What calling `callable` with the tuple `arguments` makes. May append values. Errors: FORMAT, MEMORY. */
tsm_status tsm_pickle_call(tsm_pickle *pickle, uint32_t callable, uint32_t arguments, uint32_t *result,
                           tsm_error *error);

/* The storage that a persistent id (a tuple) names. */
tsm_status tsm_pickle_storage(tsm_pickle *pickle, uint32_t id, uint32_t *result, tsm_error *error);

/* Appends a zeroed value of `kind`. */
tsm_status tsm_pickle_new(tsm_pickle *pickle, tsm_pickle_kind kind, uint32_t *value, tsm_error *error);

/* Item `index` of a TUPLE or LIST; 0 where there is none. */
uint32_t tsm_pickle_item(const tsm_pickle *pickle, uint32_t container, uint32_t index);

#endif
