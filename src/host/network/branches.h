/* SPDX-License-Identifier: Apache-2.0 */
/*
 * branches.h - the parallel branches of a MobileOne block, and the one convolution that they make.
 *
 * All branches are linear and read the same value: convolutions with batch norms, and where channels and size stay as
 * they are a batch norm alone. So their sum is a convolution, whose kernel is the sum of theirs, as in the paper.
 */
#ifndef TSM_NETWORK_BRANCHES_H
#define TSM_NETWORK_BRANCHES_H

#include "layers.h"

/* Lists the layers that `merged` is the sum of, each batch norm behind its convolution. *parts is released with
 * tsm_layers_destroy. Errors: MEMORY. */
tsm_status tsm_branches_list(const tsm_layer *merged, tsm_layer **parts, int *count, tsm_error *error);

/* Makes kernel and bias of `merged`, which owns them, from parts that have their tensors: sums in double, rounded
 * once to float32. Errors: MODEL (beyond float32), MEMORY. */
tsm_status tsm_branches_merge(tsm_layer *merged, const tsm_layer *parts, int count, tsm_error *error);

#endif
