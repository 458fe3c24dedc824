/* SPDX-License-Identifier: Apache-2.0 */
#include "model_path.h"

#include "report.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From the folder of the executable, in an installation as in a build tree. */
#define SHIPPED_MODEL "../share/tsm/tsm-demo.safetensors"

static int shipped_path(char *path, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    char *slash;

    if (length < 0) return 0;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + sizeof SHIPPED_MODEL > bytes) return 0;
    memcpy(slash + 1, SHIPPED_MODEL, sizeof SHIPPED_MODEL);
    return 1;
}

tsm_status model_path_find(const char *given, char **path, tsm_error *error)
{
    const char *variable = getenv("TSM_MODEL");
    char shipped[PATH_MAX] = "";

    *path = NULL;
    if (!given && variable && *variable) given = variable;
    if (!given) {
        *path = shipped_path(shipped, sizeof shipped) ? realpath(shipped, NULL) : NULL;
        if (*path) return TSM_OK;
        return report_fail(error, TSM_ERROR_IO,
                           "no model: --model is not given, TSM_MODEL is not set, and there is no %s",
                           *shipped ? shipped : SHIPPED_MODEL);
    }
    *path = strdup(given);
    return *path ? TSM_OK : report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", given);
}
