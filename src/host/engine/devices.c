/* SPDX-License-Identifier: Apache-2.0 */
/* devices.c - which backend a device's name means. */
#include <stdio.h>
#include <string.h>

#include "devices.h"

#define MAX_DEVICES 4096

const tsm_device_kind tsm_device_kinds[] = {
    { "cuda", NULL, &tsm_needs_of_cuda, true, true },
    { "cpu", &tsm_backend_cpu, NULL, false, true },
    { "reference", &tsm_backend_reference, NULL, false, false },
    { NULL, NULL, NULL, false, false },
};

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

static bool parse_as(tsm_device *device, const tsm_device_kind *kind, const char *text)
{
    const size_t length = strlen(kind->name);

    if (strncmp(text, kind->name, length) != 0) return false;
    *device = (tsm_device){ kind, 0 };
    if (!text[length]) return true;
    if (!kind->indexed || text[length] != ':') return false;
    device->index = parse_index(text + length + 1);
    return device->index >= 0;
}

tsm_status tsm_device_parse(tsm_device *device, const char *text, tsm_error *error)
{
    char names[200] = "auto";

    *device = (tsm_device){ NULL, 0 };
    if (!text || strcmp(text, "auto") == 0) return TSM_OK;
    for (const tsm_device_kind *kind = tsm_device_kinds; kind->name; kind++) {
        const size_t used = strlen(names);

        if (parse_as(device, kind, text)) return TSM_OK;
        snprintf(names + used, sizeof names - used, kind->indexed ? ", %s, %s:N" : ", %s", kind->name, kind->name);
    }
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "device \"%.100s\": not one of %s", text, names);
}

tsm_status tsm_device_backend(const tsm_backend **backend, const tsm_device_kind *kind, tsm_error *error)
{
    char file[64], entry[64];
    tsm_status status;

    *backend = kind->builtin;
    if (*backend) return TSM_OK;
    snprintf(file, sizeof file, "libtsm_%s-abi%d.so", kind->name, TSM_BACKEND_ABI);
    snprintf(entry, sizeof entry, "tsm_%s_backend", kind->name);
    status = tsm_plugin_open(backend, file, entry, kind->needs, error);
    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, kind->name);
}
