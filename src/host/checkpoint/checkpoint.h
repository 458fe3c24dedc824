/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - what a checkpoint file holds, whichever container it came in: named tensors and metadata; and
 * writing such a file. The face of checkpoint/, which knows no network.
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
    X(F64, 8)                                                                                                        \
    X(I64, 8)                                                                                                        \
    X(I32, 4) X(I16, 2) X(I8, 1) X(U64, 8) X(U32, 4) X(U16, 2) X(U8, 1) X(BOOL, 1) X(F8_E4M3, 1) X(F8_E5M2, 1)

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

#define TSM_MAX_SETS 16

struct tsm_checkpoint;

/* What tsm_checkpoint_select reads from. */
typedef struct tsm_set_reader {
    tsm_status (*read)(void *state, int set, struct tsm_checkpoint *checkpoint, tsm_error *error);
    void (*release)(void *state);
    void *state;
} tsm_set_reader;

typedef struct tsm_checkpoint {
    const char *container; /* "safetensors"; static */
    tsm_stored_tensor *tensors;
    int count, capacity;
    int *by_name; /* indices of tensors, sorted by name; made by tsm_checkpoint_finish */
    tsm_metadata *metadata;
    int metadata_count, metadata_capacity;
    void *buffer; /* what tensors point into; owned */

    /* The sets of tensors in the file, of which one is selected: the keys of their dictionaries, "state_dict",
     * "ema.state_dict"; "" for the object that was saved. None: the file is one set, without a key. */
    char *sets[TSM_MAX_SETS];
    int set_count, set;
    tsm_set_reader set_reader;
} tsm_checkpoint;

/* Reads the file at `path`, or a buffer that may be freed afterwards: safetensors, or one of PyTorch's containers.
 * Released with tsm_checkpoint_destroy. `cancel`, unless it is NULL, is asked while
 * the file is read. Errors: IO, FORMAT, CANCELLED, MEMORY; the text does not name the file. */
tsm_status tsm_checkpoint_read_file(tsm_checkpoint **checkpoint, const char *path, const tsm_cancel *cancel,
                                    tsm_error *error);
tsm_status tsm_checkpoint_read_memory(tsm_checkpoint **checkpoint, const void *data, size_t bytes, tsm_error *error);

void tsm_checkpoint_destroy(tsm_checkpoint **checkpoint);

/* Replaces the tensors by those of another set; those before are gone. Errors: FORMAT, MEMORY. */
tsm_status tsm_checkpoint_select(tsm_checkpoint *checkpoint, int set, tsm_error *error);

/* Frees what only selecting needs. */
void tsm_checkpoint_settle(tsm_checkpoint *checkpoint);

/* NULL where there is no such tensor. Only after tsm_checkpoint_finish. */
const tsm_stored_tensor *tsm_checkpoint_find(const tsm_checkpoint *checkpoint, const char *name);

/* The value of a metadata key, or NULL. */
const char *tsm_checkpoint_metadata(const tsm_checkpoint *checkpoint, const char *key);

/* "(64,3,7,7)" into `text`, which is returned. */
#define TSM_DIMS_TEXT 96
char *tsm_dims_text(char text[TSM_DIMS_TEXT], const int64_t *dims, int ndim);

/* ---- Writing ----------------------------------------------------------------------------------------------- */

/* What a file is made of. Of the tensors, name, type, dims and bytes are read; `fill` is called for each in turn and
 * writes its bytes to `out`. Readers like wide types first: every tensor is then aligned for its type. */
typedef struct tsm_writing {
    const tsm_stored_tensor *tensors;
    int count;
    const tsm_metadata *metadata;
    int metadata_count;
    tsm_status (*fill)(void *state, int index, uint8_t *out, tsm_error *error);
    void *state;
} tsm_writing;

/* Makes a safetensors file in memory. *data is the caller's, to be released with tsm_free. Errors: MODEL (metadata
 * that is not UTF-8 or too much), MEMORY, and those of `fill`. */
tsm_status tsm_checkpoint_write(const tsm_writing *writing, void **data, size_t *bytes, tsm_error *error);

#endif
