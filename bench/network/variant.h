/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variant.h - what a network with temporal shifts is held against: the same network with something else in the
 * place of each shift.
 *
 *   tsm       as the checkpoint has it
 *   tsn       nothing: the 2D network
 *   block     the paper's in-place TSM: the shift before the whole block, its identity included
 *   copy, inplace, overlap, gather    tsm, with the shift realised in that way; copy is the paper's naive one
 *   dense     a dense 3x1x1 convolution of all channels, and a ReLU, before each first convolution of a block
 *   inflated  the first convolution of each block made 3x1x1 (3x3x3 where it is 3x3), as I3D inflates a ResNet
 *
 * A dense convolution over time is three convolutions over space, of the frame itself and of those next to it, whose
 * results are added up: the same multiply-adds, by the same kernels that the rest of the network has.
 */
#ifndef TSM_BENCH_VARIANT_H
#define TSM_BENCH_VARIANT_H

#include "graph/backend.h"

/* Rewrites a graph as a model draws it (no pass run). Weights that it makes up lie in *weights, to be released with
 * tsm_free once an engine has been made. Where there is no shift, nothing changes. Errors: MEMORY. */
tsm_status bench_make_dense(tsm_graph **graph, float **weights, tsm_error *error);
tsm_status bench_make_inflated(tsm_graph **graph, tsm_error *error);

#endif
