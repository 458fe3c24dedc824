/* SPDX-License-Identifier: Apache-2.0 */
/* model_path.h - which model a subcommand uses. */
#ifndef TSM_CLI_MODEL_PATH_H
#define TSM_CLI_MODEL_PATH_H

#include <tsm/tsm.h>

/* `given` (of --model), else $TSM_MODEL, else the network that is installed with the command. *path is released with
 * free. Errors: IO, where there is none; the text names what was tried. MEMORY. */
tsm_status model_path_find(const char *given, char **path, tsm_error *error);

#endif
