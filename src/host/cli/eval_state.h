/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_state.h - the rows that a long evaluation has so far, in a file, for it to go on from wherever it was ended.
 *
 * The file begins with what it was made with, and goes on with a record a video, each written at once and with a
 * check sum: a process that is killed leaves whole records and perhaps the beginning of one, which is cut off when
 * the file is opened again. A record has the number of its video, so that none counts twice.
 */
#ifndef TSM_CLI_EVAL_STATE_H
#define TSM_CLI_EVAL_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <tsm/tsm.h>

typedef struct eval_state {
    int descriptor; /* -1: none is kept */
    const char *path;
    int values;
    void *record; /* room for one */
    size_t record_bytes;
} eval_state;

#define EVAL_STATE_INIT                                                                                              \
    {                                                                                                                \
        .descriptor = -1                                                                                             \
    }

/* Opens or makes the file, and takes what it has: `rows` (videos, values), `frames` and `done` (videos) are filled at
 * its videos. `made_with` is text, a line a setting. Errors: IO (also where another process has it), FORMAT (no such
 * file; made with other settings, naming the first that differs), MEMORY. */
tsm_status eval_state_open(eval_state *state, const char *path, const char *made_with, int videos, int values,
                           float *rows, int *frames, bool *done, tsm_error *error);

/* Appends a video's row. Errors: IO. Nothing where no file is open. */
tsm_status eval_state_add(eval_state *state, int video, int frames, const float *row, tsm_error *error);

void eval_state_close(eval_state *state);

/* FNV-1a, of 64 bits. */
uint64_t eval_state_hash(const void *data, size_t bytes);

#endif
