/* config.h - derives what a network is from its keys and shapes, its metadata and the caller's options. */
#ifndef TSM_MODEL_CONFIG_H
#define TSM_MODEL_CONFIG_H

#include "filename.h"
#include "keys.h"

#define TSM_MAX_WIDTH      8192
#define TSM_MAX_CHANNELS   1024
#define TSM_MAX_CLASSES    1000000
#define TSM_MAX_SEGMENTS   1024
#define TSM_MAX_SHIFT_DIV  8192
#define TSM_MAX_INPUT_SIZE 4096

/*
 * Options come before metadata, metadata before the file's name, that before defaults; keys and shapes are facts:
 *   architecture, width, channels, classes   from keys and shapes; metadata or options that say otherwise are errors
 *   segments      options, metadata, name, 8
 *   shift         marks, metadata or the name switch it on; metadata that denies the marks is an error; without any,
 *                 TSN; shift_div: options, metadata, name, 8; place: options, else marks, metadata and name, which
 * must agree, else blockres; the option no_shift drops it all input_size    options, metadata, 224; scale_size is
 * input_size * 256 / 224 mean, std     metadata; for three channels those of ImageNet, else those that the release
 * uses for optical flow Errors: MODEL, ARGUMENT (an option out of its range).
 */
tsm_status tsm_config_derive(tsm_model_config *config, const tsm_keys *keys, const tsm_checkpoint *checkpoint,
                             const tsm_filename *name, const tsm_model_options *options, tsm_error *error);

#endif
