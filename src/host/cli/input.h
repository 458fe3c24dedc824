/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - files that the command reads, whatever stands behind their names.
 *
 * "-" is standard input. Regular files are read where they are; pipes and devices are read to their end first, into a
 * temporary file without a name or into memory, so that everything after may seek. */
#ifndef TSM_CLI_INPUT_H
#define TSM_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tsm/tsm.h>

#define INPUT_MAX_BYTES (UINT64_C(16) << 30) /* that a pipe may bring, where nothing smaller is known */

typedef struct input_file {
    int descriptor; /* seekable; -1: none */
    uint64_t bytes;
} input_file;

#define INPUT_FILE_INIT                                                                                              \
    {                                                                                                                \
        .descriptor = -1                                                                                             \
    }

/* "-", or how errors name it. */
const char *input_name(const char *path);

/* Whether the path is standard input, a pipe or a device: what can be read once only. */
bool input_is_stream(const char *path);

/* Opens `path`, spooling a stream of at most `limit` bytes. Blocks until a pipe has a writer, and until it ends.
 * Errors: IO (a folder, too much, no room for it). */
tsm_status input_open(input_file *input, const char *path, uint64_t limit, tsm_error *error);
void input_close(input_file *input);

/* Reads `bytes` bytes from `offset` on, however often the system gives fewer. Errors: IO, also at an early end. */
tsm_status input_read_at(const input_file *input, const char *path, void *out, size_t bytes, uint64_t offset,
                         tsm_error *error);

/* All of a file or stream in memory; *data is released with free, and a zero byte stands behind it. Errors: IO, also
 * where it is longer than `limit`; MEMORY. */
tsm_status input_read_all(const char *path, uint64_t limit, char **data, size_t *bytes, tsm_error *error);

#endif
