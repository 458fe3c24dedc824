/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.h - reads the pickles of PyTorch and PaddlePaddle as data. Nothing is ever executed: a pickle names
 * functions and classes, and few of those names mean something here (ordered dictionaries, tensors and their
 * storages, NumPy's arrays and their types, tuples, see pickle_globals.c); every other one makes an inert object.
 * Nothing recurses.
 */
#ifndef TSM_CHECKPOINT_PICKLE_H
#define TSM_CHECKPOINT_PICKLE_H

#include "pickle_value.h"

/* Reads one pickle from data[0..bytes); *root is its value, *used its length. A zeroed tsm_pickle may read several,
 * whose values it keeps. `data` must outlive it. Errors: FORMAT, MEMORY. */
tsm_status tsm_pickle_read(tsm_pickle *pickle, const uint8_t *data, size_t bytes, uint32_t *root, size_t *used,
                           tsm_error *error);
void tsm_pickle_clear(tsm_pickle *pickle);

#endif
