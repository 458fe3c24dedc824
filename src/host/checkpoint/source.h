/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where checkpoint bytes come from: a regular file or a caller's buffer. Its size is known before it is
 * read. */
#ifndef TSM_CHECKPOINT_SOURCE_H
#define TSM_CHECKPOINT_SOURCE_H

#include "core/status.h"

typedef struct tsm_source {
    int fd;               /* -1: memory */
    const uint8_t *bytes; /* borrowed */
    uint64_t size;
    const tsm_cancel *cancel; /* asked between pieces that are read; NULL: none */
} tsm_source;

/* Opens a regular file; anything else (folder, pipe, device) is refused without waiting for it. Errors: IO. */
tsm_status tsm_source_open(tsm_source *source, const char *path, tsm_error *error);
void tsm_source_close(tsm_source *source);

/* Copies bytes [offset, offset + bytes) to `out`. Errors: IO (also when the file has become shorter), CANCELLED. */
tsm_status tsm_source_read(const tsm_source *source, uint64_t offset, void *out, size_t bytes, tsm_error *error);

/* What a file that is no checkpoint really is, from its first bytes: "an HTML page"; NULL where unknown. */
const char *tsm_source_kind(const uint8_t *head, size_t bytes);

#endif
