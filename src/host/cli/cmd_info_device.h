/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_info_device.h - the part of `tsm info` that speaks of a device: how layers would run there, and what they
 * cost. */
#ifndef TSM_CLI_CMD_INFO_DEVICE_H
#define TSM_CLI_CMD_INFO_DEVICE_H

#include "settings.h"

#include <jansson.h>

typedef struct info_device {
    int asked, profiled;
    tsm_support_row *support;
    int support_count;
    tsm_engine *engine;
    tsm_engine_info info;
    tsm_profile_row *profile;
    int profile_count;
} info_device;

/* What --device, --precision and the like ask for: how every layer of the model would run; with `runs` also a profile
 * of so many for `shape`. What was asked is to be released with info_device_clear, also after a failure. */
tsm_status info_device_ask(info_device *device, const settings *s, const tsm_model *model, const tsm_shape *shape,
                           int runs, tsm_error *error);
void info_device_clear(info_device *device);

void info_device_print(const info_device *device);

/* The same as JSON; null where it was not asked for. */
json_t *info_device_support(const info_device *device);
json_t *info_device_profile(const info_device *device);

#endif
