/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.c - opens backends that are libraries of their own.
 *
 * A plugin that was built against another version of the interface would be called with other structs than it knows.
 * So its ABI number, which its file's name carries too, and the sizes of the structs are looked at first.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#include "devices.h"

/* Where the library was found; its name where that is not known. */
static const char *path_of(void *plugin, const char *file)
{
    struct link_map *map = NULL;

    if (dlinfo(plugin, RTLD_DI_LINKMAP, &map) != 0 || !map || !map->l_name[0]) return file;
    return map->l_name;
}

static void format_sizes(char *text, size_t bytes, const uint32_t *sizes, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%u", i ? "," : "", sizes[i]);
}

static tsm_status check_interface(const tsm_backend *backend, const char *path, tsm_error *error)
{
    static const tsm_backend ours = { .struct_bytes = TSM_BACKEND_STRUCTS };
    const size_t count = sizeof ours.struct_bytes / sizeof *ours.struct_bytes;
    char got[80], want[80];

    if (backend->abi != TSM_BACKEND_ABI)
        return tsm_fail_file(error, TSM_ERROR_DEVICE, path, "was built for interface %u, this libtsm has %u",
                             backend->abi, (unsigned)TSM_BACKEND_ABI);
    if (memcmp(backend->struct_bytes, ours.struct_bytes, sizeof ours.struct_bytes) == 0) return TSM_OK;
    format_sizes(got, sizeof got, backend->struct_bytes, count);
    format_sizes(want, sizeof want, ours.struct_bytes, count);
    return tsm_fail_file(error, TSM_ERROR_DEVICE, path,
                         "was built for interface %u with structs of %s bytes, this libtsm has them of %s bytes",
                         backend->abi, got, want);
}

static tsm_status open_entry(const tsm_backend **backend, void *plugin, const char *file, const char *name,
                             tsm_error *error)
{
    const char *path = path_of(plugin, file);
    const tsm_backend *found;
    tsm_backend_entry *entry;

    *(void **)&entry = dlsym(plugin, name);
    if (!entry) return tsm_fail_file(error, TSM_ERROR_DEVICE, path, "has no %s", name);
    found = entry();
    if (!found) return tsm_fail_file(error, TSM_ERROR_DEVICE, path, "offers no backend");
    TSM_TRY_RETURN(check_interface(found, path, error));
    *backend = found;
    return TSM_OK;
}

tsm_status tsm_plugin_open(const tsm_backend **backend, const char *file, const char *name, const tsm_needs *needs,
                           tsm_error *error)
{
    tsm_status status;
    void *plugin;

    *backend = NULL;
    TSM_TRY_RETURN(tsm_needs_open(&plugin, file, needs, error));
    status = open_entry(backend, plugin, file, name, error);
    dlclose(plugin);
    return status;
}
