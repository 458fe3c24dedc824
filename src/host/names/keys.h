/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - the tensor names of a checkpoint, brought to one form. The face of names/, which knows whose names they
 * are and no network.
 *
 * A key is the name that the tensor has in the MIT release, without "module." and without the ".net" that marks there
 * what is shifted; whichever naming the file is in. The mark is kept beside it. Parts that all names begin with are
 * taken off, as far as that makes them names of a release: wrappers put them there, one around the other.
 */
#ifndef TSM_NAMES_KEYS_H
#define TSM_NAMES_KEYS_H

#include "checkpoint/checkpoint.h"
#include "bookkeeping.h"
#include "filename.h"
#include "naming.h"

typedef struct tsm_key {
    char *name; /* "base_model.layer1.0.conv1.weight" */
    const tsm_stored_tensor *tensor;
    tsm_marks marks;
    bool known; /* the naming has such names */
    bool used;  /* a layer was made of it */
} tsm_key;

typedef struct tsm_keys {
    tsm_key *items; /* sorted by name */
    int count;
    const tsm_naming *naming;     /* the one that most names fit; NULL: none fits any */
    char *prefix;                 /* what was taken off all names, "module.model."; "": nothing. Owned */
    int left_out[TSM_BOOK_COUNT]; /* tensors of each kind of bookkeeping */
} tsm_keys;

/* Bookkeeping is left out. The keys point into the checkpoint. Errors: MODEL (two tensors
 * come to the same key), MEMORY. Cleared with tsm_keys_clear, also on failure. */
tsm_status tsm_keys_make(tsm_keys *keys, const tsm_checkpoint *checkpoint, tsm_error *error);
void tsm_keys_clear(tsm_keys *keys);

/* mmcv keeps averages of the weights beside them: of backbone.conv1.weight in ema_backbone_conv1_weight. */
#define TSM_AVERAGES "ema_*"

/* Gives every key the tensor of its average. Errors: MODEL (one has none), MEMORY. */
tsm_status tsm_keys_take_averages(tsm_keys *keys, const tsm_checkpoint *checkpoint, tsm_error *error);

tsm_key *tsm_keys_find(const tsm_keys *keys, const char *name);

/* The dimensions of a key's tensor as the network has them: a transposed matrix the other way round. */
void tsm_key_dims(const tsm_key *key, int64_t dims[TSM_STORED_MAX_DIMS]);

/* The first tensor, in the file's order, that no layer was made of; NULL where all are used. */
const tsm_key *tsm_keys_first_unused(const tsm_keys *keys);

#endif
