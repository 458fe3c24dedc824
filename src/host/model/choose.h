/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose.h - which of the sets of weights in a file is the network: a PyTorch file may hold "state_dict", "ema" and
 * more.
 */
#ifndef TSM_MODEL_CHOOSE_H
#define TSM_MODEL_CHOOSE_H

#include "checkpoint/checkpoint.h"
#include "names/keys.h"
#include "network/arch.h"

/* What a set of tensors makes, as far as names and shapes tell. */
typedef struct tsm_outline {
    tsm_model_config config;
    tsm_keys keys; /* those that the layers take are used: all of them */
    tsm_layer *layers;
    int layer_count;
} tsm_outline;

/* Of the set that is selected. Layers refer to the outline's config. Errors: MODEL, ARGUMENT, MEMORY. Cleared with
 * tsm_outline_clear, also on failure. */
tsm_status tsm_outline_make(tsm_outline *outline, const tsm_checkpoint *checkpoint, const tsm_filename *name,
                            const tsm_model_options *options, tsm_error *error);
void tsm_outline_clear(tsm_outline *outline);

/* The sets of a file that fit, beside the one that was selected. */
typedef struct tsm_choice {
    char *others;  /* their keys, a line each; NULL: there are none. Owned by the caller */
    bool doubtful; /* nothing says that the one selected is meant */
} tsm_choice;

/* Selects the set that options->weights_key names; without it the first that fits, "state_dict" before others and
 * averaged weights (EMA) after them. Where none fits, "state_dict" or the largest is selected. Errors: ARGUMENT (no
 * set of this key), FORMAT, MEMORY. */
tsm_status tsm_choose_weights(tsm_choice *choice, tsm_checkpoint *checkpoint, const tsm_filename *name,
                              const tsm_model_options *options, tsm_error *error);

#endif
