/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "status.h"

#include <string.h>

/* No struct comes near this; a larger struct_size was never set. */
#define MAX_STRUCT_BYTES 4096

tsm_status tsm_options_read(void *options, size_t bytes, const void *caller, const char *name, tsm_error *error)
{
    size_t given;

    memset(options, 0, bytes);
    memcpy(options, &bytes, sizeof bytes);
    if (!caller) return TSM_OK;
    memcpy(&given, caller, sizeof given);
    if (given < sizeof given || given > MAX_STRUCT_BYTES)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: struct_size is %zu", name, given);
    for (size_t i = bytes; i < given; i++)
        if (((const char *)caller)[i])
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s: an option that this version of libtsm does not know",
                            name);
    memcpy((char *)options + sizeof given, (const char *)caller + sizeof given,
           (given < bytes ? given : bytes) - sizeof given);
    return TSM_OK;
}

tsm_status tsm_info_write(void *caller, const void *info, size_t bytes)
{
    size_t room, copied;

    memcpy(&room, caller, sizeof room);
    if (room < sizeof room || room > MAX_STRUCT_BYTES) return TSM_ERROR_ARGUMENT;
    copied = room < bytes ? room : bytes;
    memcpy((char *)caller + sizeof room, (const char *)info + sizeof room, copied - sizeof room);
    memset((char *)caller + copied, 0, room - copied);
    return TSM_OK;
}
