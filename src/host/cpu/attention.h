/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.h - ATTENTION nodes: of all positions of a clip to all positions.
 *
 * A tile of queries meets all keys, its scores become weights, and those meet the values: of the scores no more than
 * a tile a thread exists, in that thread's second-level cache. Keys and values are first brought into the layout that
 * oneDNN's products read weights in, by all threads; then each thread works through tiles of its own.
 *
 * Without a softmax the products may change places, queries (keys' values) / count for (queries keys') values /
 * count: a tenth of the work for layer2 of ResNet-50. The cheaper order is taken.
 */
#ifndef TSM_CPU_ATTENTION_H
#define TSM_CPU_ATTENTION_H

#include "dnnl_shim.h"

/* Compiled for a shape. */
typedef struct tsm_cpu_attention {
    int64_t clips, rows, keys, channels, value_channels; /* rows: queries of a clip; keys: of them too */
    int64_t tile;                                        /* rows at a time */
    bool softmax, keys_first;
    int lane_count; /* threads that work by themselves */
    tsm_dnnl_op first, second, key_pack, value_pack;
    uint64_t scratch_bytes;
} tsm_cpu_attention;

/* What a thread has for itself. */
typedef struct tsm_cpu_attention_lane {
    tsm_dnnl_bound first, second;
    float *between, *sums, *factors; /* what the products make; one a row */
} tsm_cpu_attention_lane;

/* With its buffers. */
typedef struct tsm_cpu_attention_bound {
    const tsm_cpu_attention *what;
    tsm_cpu_attention_lane *lanes;
    tsm_dnnl_bound packing_keys, packing_values;
    const float *queries, *key_rows, *values;
    float *out, *packed_keys, *packed_values;
} tsm_cpu_attention_bound;

/* Compiles what a node needs for omp_get_max_threads(). *attention is released with tsm_cpu_attention_destroy.
 * Errors: DEVICE, MEMORY. */
tsm_status tsm_cpu_attention_create(tsm_cpu_attention **attention, dnnl_engine_t engine, const tsm_node *node,
                                    const tsm_dims *shapes, tsm_error *error);
void tsm_cpu_attention_destroy(tsm_cpu_attention *attention);

/* Gives it its buffers; `scratch` has scratch_bytes and TSM_ALIGNMENT, `out` overlaps none of the operands. A stream
 * a lane, borrowed. *bound is released with tsm_cpu_attention_unbind. Errors: DEVICE, MEMORY. */
tsm_status tsm_cpu_attention_bind(tsm_cpu_attention_bound **bound, const tsm_cpu_attention *attention,
                                  dnnl_engine_t engine, const dnnl_stream_t *streams,
                                  const float *const operands[TSM_INPUTS], float *out, float *scratch,
                                  tsm_error *error);
void tsm_cpu_attention_unbind(tsm_cpu_attention_bound *bound);

/* With the OpenMP settings of create, by one caller at a time. */
tsm_status tsm_cpu_attention_run(const tsm_cpu_attention_bound *bound, tsm_error *error);

#endif
