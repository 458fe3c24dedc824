/* SPDX-License-Identifier: Apache-2.0 */
/* recognise.h - which network the keys of a checkpoint belong to, and what is said where they make none. */
#ifndef TSM_NETWORK_RECOGNISE_H
#define TSM_NETWORK_RECOGNISE_H

#include "names/keys.h"
#include "network.h"

/* Where in a network the tensor of a name is. */
typedef struct tsm_place {
    const tsm_family *family; /* NULL outside of blocks, as in the next line */
    int stage, block; /* 0-based; -1: none. MobileNetV2's features are stage 0, MobileOne's stage0 TSM_STAGES */
} tsm_place;

tsm_place tsm_recognise_place(const char *name);

/* What the names tell of an architecture, for tsm_arch_match. */
tsm_arch tsm_recognise_traits(const tsm_keys *keys);

/* Size `dim` of a tensor that must be there, with `ndim` dimensions; `what` names it in errors: "%d output channels",
 * of which there must be 1 to `max`. Errors: MODEL. */
tsm_status tsm_recognise_size(const tsm_keys *keys, const char *name, int ndim, int dim, const char *what, int max,
                              int *size, tsm_error *error);

/* Fails with MODEL: `name` is missing; and says what the checkpoint looks like, where that can be told. `ndim` 0: its
 * shape is not known. */
tsm_status tsm_recognise_missing(const tsm_keys *keys, const char *name, const int64_t *dims, int ndim,
                                 tsm_error *error);

/* The same for a tensor that has no place in the network. */
tsm_status tsm_recognise_left_over(const tsm_keys *keys, const tsm_key *key, tsm_error *error);

#endif
