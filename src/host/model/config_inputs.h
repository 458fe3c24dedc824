/* SPDX-License-Identifier: Apache-2.0 */
/* config_inputs.h - what a configuration is derived from, and the steps of that. See config.h. */
#ifndef TSM_MODEL_CONFIG_INPUTS_H
#define TSM_MODEL_CONFIG_INPUTS_H

#include "config.h"

/* Everything a derivation looks at. */
typedef struct tsm_config_inputs {
    const tsm_keys *keys;
    const tsm_checkpoint *checkpoint;
    const tsm_filename *name;
    const tsm_model_options *options;
} tsm_config_inputs;

/* A metadata integer; *present is false, and *value untouched, where the key is absent. Errors: MODEL. */
tsm_status tsm_config_integer(const tsm_config_inputs *in, const char *key, int min, int max, int *value,
                              bool *present, tsm_error *error);

/* The option where it is not 0, else metadata, else the fallback. Errors: ARGUMENT, MODEL. */
tsm_status tsm_config_choose(const tsm_config_inputs *in, const char *key, int option, int min, int max, int fallback,
                             int *value, tsm_error *error);

/* Metadata that is one of `names`: *index is which, -1 where the key is absent. Errors: MODEL. */
tsm_status tsm_config_name(const tsm_config_inputs *in, const char *key, const char *const *names, int count,
                           int *index, tsm_error *error);

/* A setting that nothing gives: a line for tsm_model_info.doubts. */
__attribute__((format(printf, 3, 4))) void tsm_config_doubt(tsm_model_config *config, tsm_assumed setting,
                                                            const char *format, ...);

/* Fill the part of the configuration that they name. Errors: MODEL, ARGUMENT. */
tsm_status tsm_config_derive_nonlocal(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error);
tsm_status tsm_config_derive_shift(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error);

#endif
