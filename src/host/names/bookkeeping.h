/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bookkeeping.h - tensors beside the weights that known tools leave in a checkpoint, and that no network needs:
 *   num_batches_tracked   PyTorch's batch norms count their batches
 *   thop                  total_ops and total_params of every module that it profiled
 *   EMA                   mmcv's second copy of the weights, ema_backbone_conv1_weight; counters of averaging
 *   loss, metrics         buffers of what a Lightning module holds beside its network
 */
#ifndef TSM_NAMES_BOOKKEEPING_H
#define TSM_NAMES_BOOKKEEPING_H

#include <stdbool.h>

typedef enum tsm_bookkeeping {
    TSM_BOOK_NONE,
    TSM_BOOK_BATCHES,
    TSM_BOOK_THOP,
    TSM_BOOK_EMA,
    TSM_BOOK_LOSS,
    TSM_BOOK_METRICS,
    TSM_BOOK_COUNT
} tsm_bookkeeping;

/* What the tensor of this name is, NONE for one that may be a weight. */
tsm_bookkeeping tsm_bookkeeping_of(const char *name);

/* "thop". Static. */
const char *tsm_bookkeeping_name(tsm_bookkeeping kind);

#endif
