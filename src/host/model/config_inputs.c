/* SPDX-License-Identifier: Apache-2.0 */
/* config_inputs.c - see config_inputs.h. */
#include "config_inputs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tsm_status tsm_config_integer(const tsm_config_inputs *in, const char *key, int min, int max, int *value,
                              bool *present, tsm_error *error)
{
    const char *text = tsm_checkpoint_metadata(in->checkpoint, key);
    int64_t number = 0;
    size_t digits = text ? strspn(text, "0123456789") : 0;

    *present = text != NULL;
    if (!text) return TSM_OK;
    for (size_t i = 0; i < digits && i < 10; i++) number = number * 10 + (text[i] - '0');
    if (digits == 0 || digits > 10 || text[digits] || number < min || number > max)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata %s is \"%.40s\", want a number from %d to %d", key, text,
                        min, max);
    *value = (int)number;
    return TSM_OK;
}

tsm_status tsm_config_choose(const tsm_config_inputs *in, const char *key, int option, int min, int max, int fallback,
                             int *value, tsm_error *error)
{
    bool present;

    *value = fallback;
    TSM_TRY_RETURN(tsm_config_integer(in, key, min, max, value, &present, error));
    if (option == 0) return TSM_OK;
    if (option < min || option > max)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option %s is %d, want %d to %d", key, option, min, max);
    *value = option;
    return TSM_OK;
}

tsm_status tsm_config_name(const tsm_config_inputs *in, const char *key, const char *const *names, int count,
                           int *index, tsm_error *error)
{
    const char *text = tsm_checkpoint_metadata(in->checkpoint, key);
    char list[120] = "";
    size_t used = 0;

    *index = -1;
    if (!text) return TSM_OK;
    for (int i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) {
            *index = i;
            return TSM_OK;
        }
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     i == 0           ? ""
                                     : i == count - 1 ? " or "
                                                      : ", ",
                                     names[i]);
    }
    return tsm_fail(error, TSM_ERROR_MODEL, "metadata %s is \"%.40s\", want %s", key, text, list);
}

void tsm_config_doubt(tsm_model_config *config, tsm_assumed setting, const char *format, ...)
{
    const size_t used = strlen(config->doubts), room = sizeof config->doubts - used;
    va_list arguments;

    config->assumed |= setting;
    va_start(arguments, format);
    if (used) snprintf(config->doubts + used, room, "\n");
    vsnprintf(config->doubts + used + (used > 0), room - (used > 0), format, arguments);
    va_end(arguments);
}
