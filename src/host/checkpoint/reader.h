/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - for the readers of containers: how a checkpoint is filled. */
#ifndef TSM_CHECKPOINT_READER_H
#define TSM_CHECKPOINT_READER_H

#include "checkpoint.h"

/* Empty: a reader adds tensors and metadata, and finishes it. NULL when out of memory. */
tsm_checkpoint *tsm_checkpoint_create(const char *container);

/* Makes room for exactly so many tensors. Errors: MEMORY. */
tsm_status tsm_checkpoint_reserve(tsm_checkpoint *checkpoint, int count, tsm_error *error);

/* Appends the key of a set, of which there may be TSM_MAX_SETS. Errors: MEMORY. */
tsm_status tsm_checkpoint_add_set(tsm_checkpoint *checkpoint, const char *key, tsm_error *error);

/* Appends a tensor without data, all of whose sizes are checked, and returns it in *tensor, valid until the next add.
 * Errors: FORMAT (negative or overflowing dims, too many of them), MEMORY. */
tsm_status tsm_checkpoint_add(tsm_checkpoint *checkpoint, const char *name, tsm_stored_type type, const int64_t *dims,
                              int ndim, tsm_stored_tensor **tensor, tsm_error *error);

tsm_status tsm_checkpoint_add_metadata(tsm_checkpoint *checkpoint, const char *key, const char *value,
                                       tsm_error *error);

/* Sorts the names for lookup. Errors: FORMAT (two tensors of one name), MEMORY. */
tsm_status tsm_checkpoint_finish(tsm_checkpoint *checkpoint, tsm_error *error);

#endif
