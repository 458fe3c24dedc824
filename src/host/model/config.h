/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - derives what a network is from its keys and shapes, its metadata and the caller's options. */
#ifndef TSM_MODEL_CONFIG_H
#define TSM_MODEL_CONFIG_H

#include "checkpoint/checkpoint.h"
#include "names/keys.h"
#include "network/arch.h"

/* Settings that nothing gives. In a file that is written such a setting is no fact: its metadata is called
 * "assumed_segments" instead of "segments", which is read back as what to assume again. */
typedef enum tsm_assumed {
    TSM_ASSUMED_SEGMENTS = 1,
    TSM_ASSUMED_SHIFT_DIV = 2,
    TSM_ASSUMED_NONLOCAL = 4,
    TSM_ASSUMED_MEAN = 8,
    TSM_ASSUMED_WEIGHTS = 16
} tsm_assumed;

/*
 * Options come before metadata, metadata before the file's name, that before defaults; keys and shapes are facts:
 *   architecture, width, channels, classes   from keys and shapes; whatever says otherwise is an error
 *   segments      options, metadata, name, 8
 *   nonlocal      whether and with embeddings from keys; the mode from options, metadata, name, naming
 *   shift         marks, metadata, the name or the naming switch it on; metadata that denies the marks is an error;
 *                 without any, TSN; the option no_shift drops it
 *   shift_div     options, metadata, name, 8; in a network that was trained mirrored the segments instead of 8
 *   place         options, else marks, metadata and name, which must agree, else blockres
 *   direction     options, metadata, naming, else bi-directional
 *   input_size    options, metadata, 224; scale_size is input_size * 256 / 224
 *   mean, std     metadata; for three channels those of ImageNet, else those that the release uses for optical flow
 * What nothing says becomes a line of config->doubts, and a bit of config->assumed. Errors: MODEL, ARGUMENT (an
 * option out of its range).
 */
tsm_status tsm_config_derive(tsm_model_config *config, const tsm_keys *keys, const tsm_checkpoint *checkpoint,
                             const tsm_filename *name, const tsm_model_options *options, tsm_error *error);

/* "embedded_gaussian"; "mirrored". Static. */
const char *tsm_nonlocal_name(tsm_nonlocal mode);
const char *tsm_direction_name(tsm_shift_direction direction);

#endif
