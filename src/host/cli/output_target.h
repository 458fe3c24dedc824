/* SPDX-License-Identifier: Apache-2.0 */
/* output_target.h - what stands behind the name of an output. */
#ifndef TSM_CLI_OUTPUT_TARGET_H
#define TSM_CLI_OUTPUT_TARGET_H

#include <sys/types.h>

typedef enum output_kind {
    OUTPUT_REPLACED, /* a regular file, or nothing yet: a new file is renamed over it */
    OUTPUT_DIRECT,   /* a pipe, a device, or a link into /proc */
    OUTPUT_STANDARD  /* standard output, by whatever name */
} output_kind;

typedef struct output_target {
    output_kind kind;
    char *path;  /* OUTPUT_REPLACED: with symbolic links followed; released with free */
    mode_t mode; /* OUTPUT_REPLACED: of the file to be replaced, otherwise 0666 */
} output_target;

/* Returns 0, or the errno that says why nothing can be written there. */
int output_target_find(output_target *target, const char *path);

/* Whether `path` is still, or not yet, a regular file: what may be renamed over. */
int output_target_replaceable(const char *path);

#endif
