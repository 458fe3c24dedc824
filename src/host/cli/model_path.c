/* SPDX-License-Identifier: Apache-2.0 */
#include "model_path.h"

#include "report.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* From the folder of the executable, in an installation as in a build tree. */
#define SHIPPED_MODEL "../share/tsm/tsm-demo.safetensors"

/* Where the executable is; without /proc, as in a bare chroot, by the name that it was started with. */
static int own_path(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    const char *started = (const char *)getauxval(AT_EXECFN);

    if (length < 0) return started && realpath(started, path);
    path[length] = '\0';
    return 1;
}

static int shipped_path(char path[PATH_MAX])
{
    char *slash;

    if (!own_path(path)) return 0;
    slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + sizeof SHIPPED_MODEL > PATH_MAX) return 0;
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
        *path = shipped_path(shipped) ? realpath(shipped, NULL) : NULL;
        if (*path) return TSM_OK;
        return report_fail(error, TSM_ERROR_IO,
                           "no model: --model is not given, TSM_MODEL is not set, and there is no %s",
                           *shipped ? shipped : SHIPPED_MODEL);
    }
    *path = strdup(given);
    return *path ? TSM_OK : report_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", given);
}
