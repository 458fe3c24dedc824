/* SPDX-License-Identifier: Apache-2.0 */
/* passes.h - rewrites of a graph that leave its logits as they are, up to rounding; and a graph as text. */
#ifndef TSM_PASSES_PASSES_H
#define TSM_PASSES_PASSES_H

#include "graph/backend.h"

/* CONV -> BATCHNORM becomes CONV with per-channel scale and bias (eps 1e-5, in double). */
tsm_status tsm_pass_fold_batchnorm(tsm_graph *graph, tsm_error *error);

/* SHIFT whose every reader is a CONV's data edge becomes an attribute of those edges. A shift that somebody else
 * reads too (placement `block`) stays a node; so does a uni-directional one that several read. */
tsm_status tsm_pass_attach_shift(tsm_graph *graph, tsm_error *error);

/* CONV -> ADD -> ACT becomes CONV with residual and activation, CONV -> ACT and SCALE -> ACT one with activation. The
 * convolution that comes last of an ADD's two operands takes the other as its residual. */
tsm_status tsm_pass_fuse_epilogue(tsm_graph *graph, tsm_error *error);

/* AVGPOOL -> FC -> TMEAN becomes AVGPOOL over h, w and t -> FC: the mean over frames commutes with a linear layer. */
tsm_status tsm_pass_pool_before_fc(tsm_graph *graph, tsm_error *error);

/* Drops nodes that the output does not need and renumbers the rest. Every pass above ends with it. */
void tsm_pass_remove_dead(tsm_graph *graph);

/* All of the above, in order. */
tsm_status tsm_graph_optimize(tsm_graph *graph, tsm_error *error);

/* Ends an optimised graph before its classifier: the result is what that reads, (N,1,1,1,C) or, with per_frame,
 * (N,T,1,1,C), and C is what graph->classes says. Errors: INTERNAL where the result is not that of an FC. */
tsm_status tsm_graph_end_at_features(tsm_graph *graph, tsm_error *error);

/* A name and a function a pass, in the order of tsm_graph_optimize, ended by {NULL, NULL}; for tests and dumps. */
typedef struct tsm_pass {
    const char *name;
    tsm_status (*run)(tsm_graph *graph, tsm_error *error);
} tsm_pass;
extern const tsm_pass tsm_passes[];

/* Text of the graph, a node a line, with the shapes of tsm_graph_infer; with `offsets` (bytes in the arena, -1: none)
 * columns for them. How numbers are stored is shown where a node says so. *text is released with tsm_free. Errors:
 * MEMORY. */
tsm_status tsm_graph_print(const tsm_graph *graph, const tsm_dims *shapes, const int64_t *offsets,
                           uint64_t arena_bytes, char **text, tsm_error *error);

#endif
