/* SPDX-License-Identifier: Apache-2.0 */
/*
 * needs.c - see needs.h.
 *
 * A library that is loaded already serves whoever needs one of its name. So those of a place are opened by their
 * paths, then the plugin, which holds on to them.
 */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "needs.h"

#define PATH 1024

/* Never unloaded: CUDA libraries leave threads and exit handlers behind. */
#define PLUGIN_FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)

/* A toolkit; or what pip installs: nvidia/cu13/lib, nvidia/cudnn/lib, ... Words with a $ begin with a variable. */
static const char *const cuda_places[] = {
    "$CUDA_PATH",
    "/usr/local/cuda",
    "$VIRTUAL_ENV/lib/python3*/site-packages/nvidia",
    "$CONDA_PREFIX/lib/python3*/site-packages/nvidia",
    "$HOME/.local/lib/python3*/site-packages/nvidia",
    "/usr/local/lib/python3*/*-packages/nvidia",
    "/usr/lib/python3*/dist-packages/nvidia",
    NULL,
};

const tsm_needs tsm_needs_of_cuda = {
    .variable = "TSM_CUDA_PATH",
    .libraries = (const char *const[]){ "libcudart", "libcublasLt", "libcudnn", NULL },
    .places = cuda_places,
};

/* Libraries that were opened for a plugin, chained. */
typedef struct opened {
    void *library;
    struct opened *next;
} opened;

static void close_all(opened *list)
{
    while (list) {
        opened *next = list->next;

        dlclose(list->library);
        tsm_free(list);
        list = next;
    }
}

static bool open_one(opened **list, const char *path)
{
    opened *one = tsm_alloc_zero(1, sizeof *one);

    if (!one) return false;
    one->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!one->library) {
        tsm_free(one);
        return false;
    }
    one->next = *list;
    *list = one;
    return true;
}

/* All versions of a library that match; a plugin takes its own. */
static bool open_matches(opened **list, const char *pattern)
{
    bool any = false;
    glob_t found;

    if (glob(pattern, 0, NULL, &found) != 0) return false;
    for (size_t i = 0; i < found.gl_pathc; i++) any = open_one(list, found.gl_pathv[i]) || any;
    globfree(&found);
    return any;
}

static bool open_library(opened **list, const char *place, const char *name)
{
    static const char *const within[] = { "", "lib64/", "*/lib/" };
    char pattern[PATH];

    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        const int length = snprintf(pattern, sizeof pattern, "%s/%s%s.so.*", place, within[i], name);

        if (length < (int)sizeof pattern && open_matches(list, pattern)) return true;
    }
    return false;
}

/* The plugin with all its libraries from one place; NULL with *missing, a library or NULL where the plugin has no use
 * for these. */
static void *open_at(const char *file, const tsm_needs *needs, const char *place, const char **missing)
{
    opened *list = NULL;
    void *plugin = NULL;

    *missing = NULL;
    for (const char *const *name = needs->libraries; *name && !*missing; name++)
        if (!open_library(&list, place, *name)) *missing = *name;
    if (!*missing) plugin = dlopen(file, PLUGIN_FLAGS);
    close_all(list);
    return plugin;
}

/* "$NAME/rest" with the variable's value; false where that is empty. */
static bool expand(char pattern[PATH], const char *place)
{
    const size_t length = strcspn(place, "/");
    char name[40];
    const char *value;

    if (place[0] != '$') return snprintf(pattern, PATH, "%s", place) < PATH;
    snprintf(name, sizeof name, "%.*s", (int)length - 1, place + 1);
    value = getenv(name);
    return value && *value && snprintf(pattern, PATH, "%s%s", value, place + length) < PATH;
}

static void *open_at_first(const char *file, const tsm_needs *needs)
{
    const char *missing;
    void *plugin = NULL;

    for (const char *const *place = needs->places; *place && !plugin; place++) {
        char pattern[PATH];
        glob_t found;

        if (!expand(pattern, *place) || glob(pattern, 0, NULL, &found) != 0) continue;
        for (size_t i = 0; i < found.gl_pathc && !plugin; i++)
            plugin = open_at(file, needs, found.gl_pathv[i], &missing);
        globfree(&found);
    }
    return plugin;
}

static tsm_status open_named(void **plugin, const char *file, const tsm_needs *needs, const char *place,
                             tsm_error *error)
{
    const char *missing;

    *plugin = open_at(file, needs, place, &missing);
    if (*plugin) return TSM_OK;
    if (missing) return tsm_fail(error, TSM_ERROR_DEVICE, "%s=%s: no %s there", needs->variable, place, missing);
    return tsm_fail(error, TSM_ERROR_DEVICE, "with the libraries of %s=%s: %s", needs->variable, place, dlerror());
}

/* What the loader says; true where it is the plugin itself that is not there. */
static bool is_absent(tsm_error *first, const char *file)
{
    const char *text = dlerror();

    tsm_fail(first, TSM_ERROR_DEVICE, "%s", text ? text : "cannot be loaded");
    return strncmp(first->text, file, strlen(file)) == 0;
}

tsm_status tsm_needs_open(void **plugin, const char *file, const tsm_needs *needs, tsm_error *error)
{
    const char *place = needs ? getenv(needs->variable) : NULL;
    tsm_error first;

    if (place && *place) return open_named(plugin, file, needs, place, error);
    *plugin = dlopen(file, PLUGIN_FLAGS);
    if (*plugin) return TSM_OK;
    if (is_absent(&first, file) || !needs) return tsm_fail(error, TSM_ERROR_DEVICE, "%s", first.text);
    *plugin = open_at_first(file, needs);
    if (*plugin) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_DEVICE, "%s; %s can say where such libraries are", first.text, needs->variable);
}
