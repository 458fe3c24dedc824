/* mobilenet.h - the channels of a MobileNetV2, of any width, from its tensors' shapes. */
#ifndef TSM_MODEL_MOBILENET_H
#define TSM_MODEL_MOBILENET_H

#include "keys.h"

/* Fills config->inverted and last_channels; config->width must be known. Strides are those of the paper, and a block
 * of stride 1 whose channels come out as they went in is residual. Errors: MODEL. */
tsm_status tsm_mobilenet_derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error);

#endif
