/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch.h - the architectures: which families of networks there are, how many blocks each member has, and which of
 * them shift. The face of network/.
 *
 * ResNets (He et al., 2016) with the stride of a bottleneck on its 3x3 convolution, the "vd" ones of PaddlePaddle
 * with three 3x3 convolutions as stem and average pools in the shortcuts (He et al., 2019), MobileNetV2 (Sandler et
 * al., 2018) and MobileOne (Vasu et al., 2023). Which blocks shift is what the release of each does.
 */
#ifndef TSM_NETWORK_ARCH_H
#define TSM_NETWORK_ARCH_H

#include "branches.h"
#include "layers.h"
#include "network.h"
#include "recognise.h"

struct tsm_wiring;

/* What networks of one kind have in common. A key belongs to a family by its name, see recognise.c. */
struct tsm_family {
    const char *name;           /* "ResNet" */
    tsm_shift_place only_place; /* where its blocks shift; TSM_PLACE_FROM_FILE: either way */
    const char *shifted_layer;  /* BLOCKRES: part of the names of the layer of a block that shifts */

    /* Reads off names and shapes what they tell, but for classes. Errors: MODEL. */
    tsm_status (*derive)(tsm_model_config *config, const tsm_keys *keys, tsm_error *error);

    /* The network from its input to the pool before the classifier, see wiring.h; *channels: of the value
     * returned. */
    int (*wire)(struct tsm_wiring *wiring, int value, int *channels);

    /* Does `block` of `stage`, as tsm_place counts them, shift? */
    bool (*shifts)(const tsm_model_config *config, tsm_shift_place place, int stage, int block);
};

extern const tsm_family tsm_family_resnet, tsm_family_mobilenet, tsm_family_mobileone;

/* Ended by a nameless entry. */
extern const tsm_arch tsm_archs[];

/* NULL where there is none. */
const tsm_arch *tsm_arch_find(const char *name);
const tsm_arch *tsm_arch_match(const tsm_arch *traits);

/* "resnet18, resnet34, ... or mobileone" into `text`, which is returned. */
#define TSM_ARCH_NAMES 200
const char *tsm_arch_names(char text[TSM_ARCH_NAMES]);

/* Lists the layers of a network in the order in which they are wired, without tensors. `config` must live as long as
 * the list. *layers is released with tsm_layers_destroy. Errors: MEMORY. */
tsm_status tsm_network_list(const tsm_model_config *config, tsm_layer **layers, int *count, tsm_error *error);

/* Builds the layer graph as the paper draws it (no passes run), up to the mean over the frames or, with `per_frame`,
 * to what that is taken of. The graph borrows the tensors of `layers`, a list of the same network. *graph is released
 * with tsm_graph_destroy. Errors: MEMORY. */
tsm_status tsm_network_build(const tsm_model_config *config, const tsm_layer *layers, int count, bool per_frame,
                             tsm_graph **graph, tsm_error *error);

#endif
