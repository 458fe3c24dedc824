/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.h - what the autotuner found, and cuDNN's plans of it, kept in memory for an engine and on disk for the
 * next process.
 *
 * One text file per subject (GPU, model, precision) and versions (driver, cuDNN, cuBLASLt); the batch shape is part
 * of each entry's name. It is written whole to a temporary name, then renamed, so that readers see an old file or a
 * new one. A file that is damaged or was made for something else counts as absent, but for a note.
 */
#ifndef TSM_CUDA_CONV_CACHE_H
#define TSM_CUDA_CONV_CACHE_H

#include <pthread.h>

#include "graph/backend.h"
#include "cuda/device.h"
#include "cuda/dtype.h"

#define TSM_TUNE_NAME        192
#define TSM_TUNE_VALUE       32
#define TSM_TUNE_PLAN        (16 << 10)
#define TSM_TUNE_PATH        512
#define TSM_TUNE_VERSIONS    128
#define TSM_TUNE_MAX_ENTRIES 4096
#define TSM_TUNE_MAX_PLANS   (7 << 20) /* bytes of all plans: some 2000 of the usual size */

typedef struct tsm_tune_entry {
    char name[TSM_TUNE_NAME];   /* one word: a convolution, or "shift," and the shape of a plan */
    char value[TSM_TUNE_VALUE]; /* one word */
    char *plan;                 /* of cuDNN, one line; or NULL */
} tsm_tune_entry;

typedef struct tsm_tune_cache {
    pthread_mutex_t mutex;
    bool initialized;
    char path[TSM_TUNE_PATH]; /* "": nothing is kept on disk */
    char subject[320];        /* one line */
    char versions[TSM_TUNE_VERSIONS];
    char note[900]; /* why a file that was there was not taken; "" otherwise */
    tsm_tune_entry *entries;
    int count, capacity;
    size_t plan_bytes; /* of all entries */
} tsm_tune_cache;

/* An empty one without a file. Errors: MEMORY. */
tsm_status tsm_tune_cache_init(tsm_tune_cache *cache, tsm_error *error);

/* Opens the cache in `directory`; "": nowhere; NULL: $TSM_CACHE_DIR, $XDG_CACHE_HOME/tsm or ~/.cache/tsm, whichever
 * is set first. Errors: MEMORY. */
tsm_status tsm_tune_cache_open(tsm_tune_cache *cache, const char *directory, const tsm_cuda_device *device,
                               const tsm_graph *graph, const tsm_cuda_dtype *dtype, tsm_error *error);
void tsm_tune_cache_close(tsm_tune_cache *cache);

/* Copies the value of `name`; false where there is none. Thread-safe. */
bool tsm_tune_cache_get(tsm_tune_cache *cache, const char *name, char value[TSM_TUNE_VALUE]);

/* Sets it in memory; what does not fit is forgotten, which only costs time later. Thread-safe. */
void tsm_tune_cache_set(tsm_tune_cache *cache, const char *name, const char *value);

/* A copy of the plan kept beside the value, released with tsm_free; NULL where there is none. Thread-safe. */
char *tsm_tune_cache_get_plan(tsm_tune_cache *cache, const char *name);

/* Sets value and plan (one line, or NULL); a plan that does not fit is forgotten alone. Returns whether there is
 * anything new to save. Thread-safe. */
bool tsm_tune_cache_set_plan(tsm_tune_cache *cache, const char *name, const char *value, const char *plan);

/* Adds an entry where there is none of the name. Not locked. */
void tsm_tune_cache_merge(tsm_tune_cache *cache, const char *name, const char *value, const char *plan);

/* Adds what another process wrote meanwhile, and writes the file. A disk that cannot be written to is no failure:
 * returns false. Thread-safe. */
bool tsm_tune_cache_save(tsm_tune_cache *cache);

typedef enum tsm_tune_file {
    TSM_TUNE_TAKEN,
    TSM_TUNE_ABSENT,
    TSM_TUNE_UNREADABLE,
    TSM_TUNE_DAMAGED,
    TSM_TUNE_FOREIGN /* of another subject or versions, or another version of this format */
} tsm_tune_file;

/* Merges a file into the cache, entries in memory first. Nothing is merged of one that is not taken. */
tsm_tune_file tsm_tune_cache_load(tsm_tune_cache *cache, const char *path);

#endif
