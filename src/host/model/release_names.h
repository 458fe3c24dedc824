/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release_names.h - the names that the tensors of a model have in the MIT release, without "module.".
 *
 * Where a network shifts is in its names. It is taken from the graph that the model builds, so that the two cannot
 * disagree, whichever names the checkpoint came with and whatever options said.
 */
#ifndef TSM_MODEL_RELEASE_NAMES_H
#define TSM_MODEL_RELEASE_NAMES_H

#include "model.h"

#define TSM_RELEASE_NAME 128

/* What is shifted before a layer: nothing, the input of this convolution, or the block that it is part of. */
typedef struct tsm_shift_mark {
    tsm_shift_place place;
    int block; /* length of the block's name, with its last dot */
} tsm_shift_mark;

/* *marks: one a layer, to be released with tsm_free. Errors: MEMORY. */
tsm_status tsm_release_names_mark(const tsm_model *model, tsm_shift_mark **marks, tsm_error *error);

/* The name of a layer's tensor: "base_model.layer1.0.conv1.net.weight". */
void tsm_release_name(const tsm_model *model, const tsm_shift_mark *marks, int layer, int which,
                      char name[TSM_RELEASE_NAME]);

#endif
