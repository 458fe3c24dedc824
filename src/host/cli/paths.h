/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - the inputs of a command: as they are named, out of folders of videos, and out of lists. */
#ifndef TSM_CLI_PATHS_H
#define TSM_CLI_PATHS_H

#include <tsm/tsm.h>

#define PATHS_MAX       10000000    /* of one command */
#define PATHS_MAX_LIST  (256 << 20) /* bytes of a list */
#define PATHS_MAX_DEPTH 16          /* folders inside folders */

typedef struct paths {
    char **items; /* owned, as is each */
    int count, room;
} paths;

/* Adds an input: a folder without JPEG and PNG files of its own that has videos or folders somewhere inside gives
 * those, in the order of their names; anything else is added as it is. Errors: MEMORY, UNSUPPORTED (too many). */
tsm_status paths_add(paths *p, const char *path, tsm_error *error);

/* Adds what a list names, a path a line, "-" for standard input; paths are taken from the folder of the list, or of
 * `root` where that is not NULL. White space around a path, empty lines and lines that begin with '#' do not count.
 * Errors: IO, FORMAT (no paths, a NUL), and those of paths_add. */
tsm_status paths_add_list(paths *p, const char *list, const char *root, tsm_error *error);

/* `name` inside `folder`, "" or NULL for none, and as it is where it begins with a slash. Released with free; NULL
 * when out of memory. */
char *paths_join(const char *folder, const char *name);

void paths_clear(paths *p);

#endif
