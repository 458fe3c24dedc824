/* SPDX-License-Identifier: Apache-2.0 */
/* bind.h - gives every layer of a network its tensors from a checkpoint. */
#ifndef TSM_MODEL_BIND_H
#define TSM_MODEL_BIND_H

#include "names/keys.h"
#include "network/layers.h"

/* Finds, checks and attaches the tensors of all layers, and sees that no tensor is left over.
 * Tensors that are float32, float16 or bfloat16 and aligned for it stay where the checkpoint has them; others get an
 * aligned copy of their own (float64 as float32), owned by the layer. A merged layer gets, and owns, the sum of its
 * branches.
 * Errors: MODEL (missing, left over, wrong shape or type, not finite, a negative variance), MEMORY. */
tsm_status tsm_layers_bind(tsm_layer *layers, int count, tsm_keys *keys, tsm_error *error);

#endif
