/* SPDX-License-Identifier: Apache-2.0 */
/* bind.h - gives every layer of a network its tensors from a checkpoint. */
#ifndef TSM_MODEL_BIND_H
#define TSM_MODEL_BIND_H

#include "network/arch.h"

/* Attaches the tensors of all layers, which were claimed before (claim.h). Those that are float32, float16 or
 * bfloat16 and aligned for it stay where the checkpoint has them; others get an aligned copy of their own (float64 as
 * float32), owned by the layer. A merged layer gets, and owns, the sum of its branches. Errors: MODEL (wrong type,
 * not finite, a negative variance), CANCELLED, MEMORY. */
tsm_status tsm_layers_bind(tsm_layer *layers, int count, const tsm_keys *keys, const tsm_cancel *cancel,
                           tsm_error *error);

#endif
