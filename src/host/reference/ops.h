/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.h - every operation in plain C, the oracle that faster ones are tested against.
 *
 * Values are (N,T,H,W,C), float32; sums are made in double and rounded once. `in_dims` is the shape of `in`; where an
 * operation keeps the shape one `dims` stands for both. Outputs must not overlap inputs, except for add and act.
 */
#ifndef TSM_REFERENCE_OPS_H
#define TSM_REFERENCE_OPS_H

#include "graph/backend.h"

void tsm_ref_shift(float *out, const float *in, const tsm_dims *dims, tsm_shift shift);

/* The shift of one frame of a live stream: channels [0, fold) of the `pixels` pixels come from `cache`, which is
 * (pixels, fold) and takes those of `in`. */
void tsm_ref_shift_online(float *out, const float *in, float *cache, int64_t pixels, int channels, int fold);

/* The node's kernel, stride, pad, groups, bias and activation; its shift is the caller's to do. `weights` as from
 * tsm_node_weights; residual (shape of the output) may be NULL. */
void tsm_ref_conv(float *out, const float *in, const tsm_dims *in_dims, const tsm_node *node, const float *weights,
                  const float *residual);

/* (x - mean) / sqrt(variance + eps) * gamma + beta with the node's arrays. */
void tsm_ref_batchnorm(float *out, const float *in, const tsm_dims *dims, const tsm_node *node);

void tsm_ref_add(float *out, const float *a, const float *b, int64_t count);
void tsm_ref_act(float *out, const float *in, int64_t count, tsm_act act);

void tsm_ref_maxpool(float *out, const float *in, const tsm_dims *in_dims, const tsm_node *node);

/* Mean over h and w, and over t as well when over_time: (N,T,1,1,C) or (N,1,1,1,C). */
void tsm_ref_avgpool(float *out, const float *in, const tsm_dims *in_dims, bool over_time);

/* Mean over windows of the node's kernel and stride that begin inside, of what is inside. */
void tsm_ref_window_mean(float *out, const float *in, const tsm_dims *in_dims, const tsm_node *node);

/* act(in * factors), factors (N,T,1,1,C). */
void tsm_ref_scale(float *out, const float *in, const float *factors, const tsm_dims *dims, tsm_act act);

/* Per clip: out[q] = sum over keys k of weight(q, k) values[k], where the score of q and k is the sum over channels
 * of query times key, and the weights of a query are a softmax of its scores or the scores divided by their number.
 * queries (N,T,H,W,C), keys (N,T',H',W',C), values (N,T',H',W',C'); `scores` has room for T' * H' * W' doubles. */
void tsm_ref_attention(float *out, const float *queries, const tsm_dims *query_dims, const float *keys,
                       const float *values, const tsm_dims *value_dims, bool softmax, double *scores);

/* Maximum over frames 2 t - 1 to 2 t + 1 of a clip, where there are such: (N,T,H,W,C) to (N,T/2,H,W,C). */
void tsm_ref_tpool(float *out, const float *in, const tsm_dims *in_dims);

/* Rows of in_channels to rows of out_channels, with the node's bias. */
void tsm_ref_fc(float *out, const float *in, int64_t rows, const tsm_node *node, const float *weights);

/* Mean over t. */
void tsm_ref_tmean(float *out, const float *in, const tsm_dims *in_dims);

/* float32 (N,T,C,H,W) to (N,T,H,W,C); dims are of the result. Returns the first of the N * T frames that has a value
 * that is not finite, or -1. */
int64_t tsm_ref_input_f32(float *out, const float *in, const tsm_dims *dims);

/* uint8 (N,T,H,W,3) to ((x / 255) - mean) / std, each step in float32 as PyTorch does it. */
void tsm_ref_input_u8(float *out, const uint8_t *in, const tsm_dims *dims, const float mean[3], const float std[3]);

float tsm_ref_activate(float value, tsm_act act);

#endif
