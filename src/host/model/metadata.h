/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.h - what a file says of a model besides its tensors, so that nothing is left to be guessed. */
#ifndef TSM_MODEL_METADATA_H
#define TSM_MODEL_METADATA_H

#include "model.h"

#define TSM_METADATA_KEYS 12

typedef struct tsm_metadata_list {
    tsm_metadata items[TSM_METADATA_KEYS]; /* keys are static, values owned */
    int count;
} tsm_metadata_list;

/* Errors: MODEL (a label that no line can hold), MEMORY. Cleared with tsm_metadata_clear, also on failure. */
tsm_status tsm_metadata_describe(tsm_metadata_list *list, const tsm_model *model, tsm_error *error);
void tsm_metadata_clear(tsm_metadata_list *list);

#endif
