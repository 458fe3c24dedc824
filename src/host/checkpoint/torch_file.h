/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch_file.h - files that are pickles as checkpoints: PyTorch's, where a pickle describes tensors whose storages
 * are beside it, in the legacy stream (before PyTorch 1.6) or in a zip archive; and PaddlePaddle's, a pickle of NumPy
 * arrays.
 *
 * The file is read once, whole, into memory of the checkpoint; tensors point into it. Only tensors that are not dense
 * are copied. All tensors together may be no larger than twice the file: storages are shared by few tensors, or by an
 * attacker.
 */
#ifndef TSM_CHECKPOINT_TORCH_FILE_H
#define TSM_CHECKPOINT_TORCH_FILE_H

#include "checkpoint.h"
#include "pickle.h"
#include "source.h"

/* True where the first bytes of a file are those of one of the three containers. */
bool tsm_torch_recognise(const uint8_t *head, size_t bytes);

/* Finds the dictionaries that hold tensors, and takes those of `state_dict`, or of the first. Errors: FORMAT, IO,
 * MEMORY. */
tsm_status tsm_torch_read(tsm_checkpoint **checkpoint, const tsm_source *source, tsm_error *error);

/* ---- Between the containers, torch_sets.c, torch_tensors.c and torch_file.c ---- */

/* The bytes of a storage. */
typedef struct tsm_torch_storage {
    const char *key; /* not terminated */
    size_t key_length;
    const uint8_t *data;
    uint64_t bytes;
} tsm_torch_storage;

typedef struct tsm_torch_storages {
    tsm_torch_storage *items; /* sorted by key once the container is read */
    size_t count, room;
} tsm_torch_storages;

typedef enum tsm_torch_container { TSM_TORCH_ZIP, TSM_TORCH_LEGACY, TSM_TORCH_PICKLE } tsm_torch_container;

typedef struct tsm_torch_file {
    tsm_torch_container container;
    const uint8_t *data; /* the whole file; of the checkpoint */
    size_t bytes;
    tsm_pickle pickle;
    uint32_t root; /* the object that was saved */
    tsm_torch_storages storages;
    uint32_t dicts[TSM_MAX_SETS]; /* the sets of tensors */
} tsm_torch_file;

/* Fill pickle, root and storages. Errors: FORMAT, MEMORY. */
tsm_status tsm_torch_read_legacy(tsm_torch_file *file, tsm_error *error);
tsm_status tsm_torch_read_zip(tsm_torch_file *file, tsm_error *error);

tsm_status tsm_torch_add_storage(tsm_torch_storages *storages, const tsm_torch_storage *storage, tsm_error *error);

/* Sorts by key. Errors: FORMAT (a key is there twice). */
tsm_status tsm_torch_sort_storages(tsm_torch_storages *storages, tsm_error *error);

/* The order of keys, for qsort. */
int tsm_torch_compare_storages(const void *a, const void *b);

/* NULL where there is none. */
const tsm_torch_storage *tsm_torch_find_storage(const tsm_torch_storages *storages, const char *key, size_t length);

/* The tensor or array of an entry of a dictionary, a value; 0 where that has none, or its key is no text. And how
 * many have one? */
uint32_t tsm_torch_tensor(const tsm_pickle *pickle, uint32_t key, uint32_t value);
int tsm_torch_count(const tsm_pickle *pickle, uint32_t dict);

/* Lists the dictionaries with tensors as sets of the checkpoint. Errors: FORMAT (there is none), MEMORY. */
tsm_status tsm_torch_find_sets(tsm_torch_file *file, tsm_checkpoint *checkpoint, tsm_error *error);

/* Adds the tensors of a dictionary. Errors: FORMAT, MEMORY. */
tsm_status tsm_torch_fill(const tsm_torch_file *file, uint32_t dict, tsm_checkpoint *checkpoint, tsm_error *error);

#endif
