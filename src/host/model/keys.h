/*
 * keys.h - the tensor names of a checkpoint, brought to one form.
 *
 * The MIT release wraps what it shifts into a module called `net`, so a shifted convolution's weight is
 * "layer1.0.conv1.net.weight" and a shifted block's "layer1.0.net.conv1.weight"; and it may put "module." before
 * everything. A key is the name without these, and the mark says what was shifted.
 */
#ifndef TSM_MODEL_KEYS_H
#define TSM_MODEL_KEYS_H

#include "arch.h"
#include "checkpoint.h"

typedef struct tsm_key {
    char *name; /* "base_model.layer1.0.conv1.weight" */
    const tsm_stored_tensor *tensor;
    int stage, block;     /* 0-based; -1 outside the stages */
    tsm_shift_place mark; /* TSM_PLACE_FROM_FILE: none */
    bool used;            /* a layer was made of it */
} tsm_key;

typedef struct tsm_keys {
    tsm_key *items; /* sorted by name */
    int count;
} tsm_keys;

/* Batch counters (num_batches_tracked) are left out. The keys point into the checkpoint. Errors: MODEL (two tensors
 * come to the same key), MEMORY. Cleared with tsm_keys_clear, also on failure. */
tsm_status tsm_keys_make(tsm_keys *keys, const tsm_checkpoint *checkpoint, tsm_error *error);
void tsm_keys_clear(tsm_keys *keys);

tsm_key *tsm_keys_find(const tsm_keys *keys, const char *name);

/* The first tensor, in the file's order, that no layer was made of; NULL where all are used. */
const tsm_key *tsm_keys_first_unused(const tsm_keys *keys);

/* Fails with MODEL: `name` is missing; and says what the checkpoint looks like instead, where that can be told. */
tsm_status tsm_keys_missing(const tsm_keys *keys, const char *name, const int64_t *dims, int ndim, tsm_error *error);

#endif
