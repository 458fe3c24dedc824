/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nonlocal.h - non-local blocks (Wang et al., "Non-local Neural Networks", CVPR 2018) after blocks of a ResNet: every
 * position of a clip sums what it reads at all others, a quarter of them, and adds it to itself.
 *
 * Half of the channels inside; keys and values are pooled 2x2 in each frame. The MIT release and mmaction2 differ in
 * names, and in whether the last convolution has a bias.
 */
#ifndef TSM_NETWORK_NONLOCAL_H
#define TSM_NETWORK_NONLOCAL_H

#include "names/keys.h"
#include "layers.h"

struct tsm_wiring;

/* Finds the blocks; config->nonlocal is GAUSSIAN where they have no embeddings, EMBEDDED_GAUSSIAN where they do,
 * which a dot product may be as well; NONE where there are no blocks. Errors: MODEL. */
tsm_status tsm_nonlocal_derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error);

/* The layers of one, behind those of the block that the list's prefix is of. */
void tsm_nonlocal_list(tsm_layer_list *list, const tsm_model_config *config, int channels);

int tsm_nonlocal_wire(struct tsm_wiring *wiring, int value);

#endif
