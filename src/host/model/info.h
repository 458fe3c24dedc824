/* SPDX-License-Identifier: Apache-2.0 */
/* info.h - what is said of a model. */
#ifndef TSM_MODEL_INFO_H
#define TSM_MODEL_INFO_H

#include "model.h"

/* Fills model->info, and the texts that it refers to, once everything else of the model is there. The prefix is taken
 * from the keys. Errors: ARGUMENT (the network leaves no pixels at its own size), MEMORY. */
tsm_status tsm_model_fill_info(tsm_model *model, tsm_keys *keys, tsm_error *error);

#endif
