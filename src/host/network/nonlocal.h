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
#include "network.h"

struct tsm_wiring;

/* Finds the blocks; config->nonlocal is GAUSSIAN where they have no embeddings, EMBEDDED_GAUSSIAN where they do,
 * which a dot product may be as well; NONE where there are no blocks. Errors: MODEL. */
tsm_status tsm_nonlocal_derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error);

/* Wires one behind the block that wiring->block names, whose value has so many channels. */
int tsm_nonlocal_wire(struct tsm_wiring *wiring, int value, int channels);

#endif
