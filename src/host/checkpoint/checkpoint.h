/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - what a checkpoint file holds, whichever container it came in: named tensors and metadata.
 *
 * A container's reader creates one, adds tensors and metadata, and finishes it; the mapper then only looks up.
 */
#ifndef TSM_CHECKPOINT_CHECKPOINT_H
#define TSM_CHECKPOINT_CHECKPOINT_H

#include <stdbool.h>

#include "core/status.h"

#define TSM_STORED_MAX_DIMS 8

/* Element types of containers, by their safetensors names. */
#define TSM_STORED_TYPES(X)                                                                                          \
    X(F32, 4)                                                                                                        \
    X(F16, 2)                                                                                                        \
    X(BF16, 2)                                                                                                       \
    X(F64, 8) X(I64, 8) X(I32, 4) X(I16, 2) X(I8, 1) X(U64, 8) X(U32, 4) X(U16, 2) X(U8, 1) X(BOOL, 1) X(F8_E4M3, 1) \
        X(F8_E5M2, 1)

typedef enum tsm_stored_type {
#define TSM_STORED_ENUM(name, bytes) TSM_STORED_##name,
    TSM_STORED_TYPES(TSM_STORED_ENUM)
#undef TSM_STORED_ENUM
        TSM_STORED_COUNT
} tsm_stored_type;

const char *tsm_stored_name(tsm_stored_type type);
size_t tsm_stored_bytes(tsm_stored_type type);

/* Finds a type by its safetensors name; TSM_STORED_COUNT where there is none. */
tsm_stored_type tsm_stored_find(const char *name);

typedef struct tsm_stored_tensor {
    char *name;
    tsm_stored_type type;
    int ndim;
    int64_t dims[TSM_STORED_MAX_DIMS];
    int64_t count;    /* product of dims */
    uint64_t bytes;   /* count * size of the type */
    const void *data; /* dense, PyTorch order; may be unaligned for its type */
    void *owned;      /* a block of this tensor alone that `data` points into; NULL: in the checkpoint's buffer */
} tsm_stored_tensor;

typedef struct tsm_metadata {
    char *key, *value;
} tsm_metadata;

typedef struct tsm_checkpoint {
    const char *container; /* "safetensors"; static */
    tsm_stored_tensor *tensors;
    int count, capacity;
    int *by_name; /* indices of tensors, sorted by name; made by tsm_checkpoint_finish */
    tsm_metadata *metadata;
    int metadata_count, metadata_capacity;
    void *buffer; /* what tensors point into; owned */
} tsm_checkpoint;

tsm_checkpoint *tsm_checkpoint_create(const char *container);
void tsm_checkpoint_destroy(tsm_checkpoint **checkpoint);

/* Appends a tensor without data, all of whose sizes are checked, and returns it in *tensor, valid until the next add.
 * Errors: FORMAT (negative or overflowing dims, too many of them), MEMORY. */
tsm_status tsm_checkpoint_add(tsm_checkpoint *checkpoint, const char *name, tsm_stored_type type, const int64_t *dims,
                              int ndim, tsm_stored_tensor **tensor, tsm_error *error);

tsm_status tsm_checkpoint_add_metadata(tsm_checkpoint *checkpoint, const char *key, const char *value,
                                       tsm_error *error);

/* Sorts the names for lookup. Errors: FORMAT (two tensors of one name), MEMORY. */
tsm_status tsm_checkpoint_finish(tsm_checkpoint *checkpoint, tsm_error *error);

/* NULL where there is no such tensor. Only after tsm_checkpoint_finish. */
const tsm_stored_tensor *tsm_checkpoint_find(const tsm_checkpoint *checkpoint, const char *name);

/* The value of a metadata key, or NULL. */
const char *tsm_checkpoint_metadata(const tsm_checkpoint *checkpoint, const char *key);

/* "(64,3,7,7)" into `text`, which is returned. */
#define TSM_DIMS_TEXT 96
char *tsm_dims_text(char text[TSM_DIMS_TEXT], const int64_t *dims, int ndim);

#endif
