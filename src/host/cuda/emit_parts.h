/* SPDX-License-Identifier: Apache-2.0 */
/* emit_parts.h - what nodes become, kind by kind: each appends steps to a binding's list. */
#ifndef TSM_CUDA_EMIT_PARTS_H
#define TSM_CUDA_EMIT_PARTS_H

#include "binding.h"

/* An empty step of a node. */
tsm_status tsm_emit_step(tsm_binding *binding, tsm_step_kind kind, int node, tsm_step **step, tsm_error *error);
tsm_kernel_act tsm_emit_act(tsm_act act);

/* A shift by `args`, with its node's channels; of live streams with the cache of node `owner`. */
tsm_status tsm_emit_shift_step(tsm_binding *binding, int node, int owner, const tsm_kernel_shift_args *args,
                               tsm_error *error);

/* A shifted copy of the whole value `from`, of so many channels, at `out`. */
tsm_status tsm_emit_shift(tsm_binding *binding, int node, int from, int channels, void *out, tsm_error *error);

/* out = act(a + b); b < 0: act(a). */
tsm_status tsm_emit_add(tsm_binding *binding, int node, int a, int b, tsm_act act, tsm_error *error);

/* Of the value `from`, with the node's stride, to `out`. */
tsm_status tsm_emit_maxpool(tsm_binding *binding, int node, int from, void *out, int64_t out_pitch, int kernel,
                            int pad, tsm_error *error);

/* emit_pool.c */
tsm_status tsm_emit_avgpool(tsm_binding *binding, int node, tsm_error *error);
tsm_status tsm_emit_tmean(tsm_binding *binding, int node, tsm_error *error);
tsm_status tsm_emit_tpool(tsm_binding *binding, int node, tsm_error *error);

tsm_status tsm_emit_scale(tsm_binding *binding, int node, tsm_error *error);

/* CONV and FC (emit_conv.c), ATTENTION (emit_attention.c) */
tsm_status tsm_emit_conv(tsm_binding *binding, int node, tsm_error *error);
tsm_status tsm_emit_attention(tsm_binding *binding, int node, tsm_error *error);

#endif
