/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - which backend a device's name means, and the door to the CUDA plugin. */
#include <dlfcn.h>
#include <string.h>

#include "engine.h"

#define PLUGIN       "libtsm_cuda.so"
#define PLUGIN_ENTRY "tsm_cuda_backend"
#define MAX_DEVICES  4096

/* N of "cuda:N", or -1. */
static int parse_index(const char *digits)
{
    int index = 0;

    if (!*digits) return -1;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9') return -1;
        index = index * 10 + (*digits - '0');
        if (index >= MAX_DEVICES) return -1;
    }
    return index;
}

tsm_status tsm_device_parse(tsm_device *device, const char *text, tsm_error *error)
{
    static const struct {
        const char *name;
        tsm_device_kind kind;
    } names[] = {
        { "auto", TSM_DEVICE_AUTO },
        { "cpu", TSM_DEVICE_CPU },
        { "cuda", TSM_DEVICE_CUDA },
        { "reference", TSM_DEVICE_REFERENCE },
    };

    *device = (tsm_device){ TSM_DEVICE_AUTO, 0 };
    if (!text) return TSM_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0) {
            device->kind = names[i].kind;
            return TSM_OK;
        }
    if (strncmp(text, "cuda:", 5) == 0 && (device->index = parse_index(text + 5)) >= 0) {
        device->kind = TSM_DEVICE_CUDA;
        return TSM_OK;
    }
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "device \"%.100s\": not one of auto, cpu, cuda, cuda:N, reference",
                    text);
}

tsm_status tsm_device_cuda(const tsm_backend **backend, tsm_error *error)
{
    /* Never unloaded: CUDA libraries leave threads and exit handlers behind. */
    void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    tsm_backend_entry *entry;

    *backend = NULL;
    if (!plugin) return tsm_fail(error, TSM_ERROR_DEVICE, "cuda: %s", dlerror());
    *(void **)&entry = dlsym(plugin, PLUGIN_ENTRY);
    if (entry) *backend = entry();
    dlclose(plugin);
    if (*backend) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_DEVICE, "cuda: " PLUGIN ": %s",
                    entry ? "offers no backend" : "has no " PLUGIN_ENTRY);
}
