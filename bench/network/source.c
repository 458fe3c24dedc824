/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - where a network comes from. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "network.h"

/* From the folder of the executable, in an installation as in a build tree. */
#define SHIPPED_MODEL "../share/tsm/tsm-demo.safetensors"

static bool find_shipped(char path[PATH_MAX])
{
    const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    if (length < 0) return false;
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + sizeof SHIPPED_MODEL > PATH_MAX) return false;
    strcpy(slash + 1, SHIPPED_MODEL);
    return access(path, R_OK) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

tsm_status bench_source_open(bench_source *source, const char *model, tsm_error *error)
{
    const char *variable = getenv("TSM_MODEL");

    memset(source, 0, sizeof *source);
    if (!model && variable && *variable) model = variable;
    if (!model) {
        if (!find_shipped(source->path))
            return tsm_fail(error, TSM_ERROR_IO,
                            "no model: --model is not given, TSM_MODEL is not set, and the model that comes with the "
                            "command is not beside it; --model resnet50 makes one up");
        source->name = base_name(source->path);
        return TSM_OK;
    }
    source->name = base_name(model);
    if (bench_random_knows(model) && access(model, F_OK) != 0)
        return bench_random_model(model, &source->data, &source->bytes, error);
    if (strlen(model) >= sizeof source->path)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "--model: the path is too long");
    strcpy(source->path, model);
    return TSM_OK;
}

void bench_source_close(bench_source *source)
{
    tsm_free(source->data);
    memset(source, 0, sizeof *source);
}

tsm_status bench_source_load(tsm_model **model, const bench_source *source, const tsm_model_options *options,
                             tsm_error *error)
{
    if (source->data) return tsm_model_load_memory(model, source->data, source->bytes, source->name, options, error);
    return tsm_model_load(model, source->path, options, error);
}
