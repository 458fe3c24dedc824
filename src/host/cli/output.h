/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - what the command writes, to whatever its name is.
 *
 * A regular file appears complete or not at all: data goes to a temporary file in its folder, which is renamed over
 * it at the end; a failure, or a signal that ends the process, leaves what stood there before. Where no file can take
 * its place (it is a mount point of its own, or its folder is not to be written to) it is written over at the end.
 * Symbolic links are followed, dangling ones as well. Pipes, devices and "-" (standard output) are written directly;
 * nothing is ever renamed over them. */
#ifndef TSM_CLI_OUTPUT_H
#define TSM_CLI_OUTPUT_H

#include <stdio.h>
#include <tsm/tsm.h>

typedef struct output_file {
    FILE *file;
    const char *path; /* as the user named it, for errors; borrowed */
    char *target;     /* what is replaced: `path` with symbolic links followed */
    char *temporary;  /* renamed over it; NULL: written directly, or copied over the target */
} output_file;

/* Opens the output: the place to find out that it cannot be written, before any work. A pipe is opened once only, and
 * waits for its reader. Where the output is standard output, what the command prints goes to stderr from here on. One
 * output may be open at a time. Errors: IO, MEMORY. */
tsm_status output_open(output_file *output, const char *path, tsm_error *error);

/* Whether it could be opened, without waiting for the reader of a pipe. Errors: IO, MEMORY. */
tsm_status output_check(const char *path, tsm_error *error);

/* Appends bytes. Errors: IO. */
tsm_status output_write(output_file *output, const void *data, size_t bytes, tsm_error *error);

/* Makes the file appear; on failure nothing has changed at the target. Closes either way. */
tsm_status output_commit(output_file *output, tsm_error *error);

/* Drops an output that was not committed; a zeroed or closed one is fine. */
void output_abort(output_file *output);

#endif
