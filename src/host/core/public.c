/* SPDX-License-Identifier: Apache-2.0 */
/* public.c - the exported functions of core; part of libtsm only, while the rest of core is in every library. */
#include <stdlib.h>
#include <tsm/tsm.h>

#define TEXT_OF(number)              #number
#define VERSION(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *tsm_version(void)
{
    return VERSION(TSM_VERSION_MAJOR, TSM_VERSION_MINOR, TSM_VERSION_PATCH);
}

void tsm_free(void *memory)
{
    free(memory);
}

const char *tsm_status_name(tsm_status status)
{
    switch (status) {
    case TSM_OK: return "ok";
    case TSM_ERROR_ARGUMENT: return "argument error";
    case TSM_ERROR_MEMORY: return "out of memory";
    case TSM_ERROR_IO: return "input/output error";
    case TSM_ERROR_FORMAT: return "format error";
    case TSM_ERROR_MODEL: return "model error";
    case TSM_ERROR_UNSUPPORTED: return "unsupported";
    case TSM_ERROR_DEVICE: return "device error";
    case TSM_ERROR_CANCELLED: return "cancelled";
    case TSM_ERROR_INTERNAL: return "internal error";
    }
    return "unknown status";
}
