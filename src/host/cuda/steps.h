/* SPDX-License-Identifier: Apache-2.0 */
/* steps.h - what a plan puts on a stream, one kernel or library call each, with its addresses. */
#ifndef TSM_CUDA_STEPS_H
#define TSM_CUDA_STEPS_H

#include "kernels/kernels.h"
#include "attention.h"
#include "cuda/conv/conv.h"

typedef enum tsm_step_kind {
    TSM_STEP_CONV,
    TSM_STEP_SHIFT,
    TSM_STEP_SHIFT_ONLINE,
    TSM_STEP_MAXPOOL,
    TSM_STEP_AVGPOOL,
    TSM_STEP_WINDOW_MEAN,
    TSM_STEP_TPOOL,
    TSM_STEP_DEPTHWISE,
    TSM_STEP_ADD, /* also a lone activation */
    TSM_STEP_SCALE,
    TSM_STEP_PRODUCT, /* of an attention */
    TSM_STEP_SOFTMAX
} tsm_step_kind;

typedef struct tsm_step {
    tsm_step_kind kind;
    int node;
    const char *name; /* of the node, borrowed from the graph */
    union {
        tsm_conv_bound *conv;
        tsm_kernel_shift_args shift;
        tsm_kernel_shift_online_args shift_online;
        tsm_kernel_maxpool_args maxpool;
        tsm_kernel_avgpool_args avgpool;
        tsm_kernel_window_mean_args window_mean;
        tsm_kernel_tpool_args tpool;
        tsm_kernel_depthwise_args depthwise;
        tsm_kernel_add_args add;
        tsm_kernel_scale_args scale;
        struct {
            const tsm_product *plan; /* must outlive it */
            tsm_matmul_buffers buffers;
        } product;
        tsm_kernel_softmax_args softmax;
    };
} tsm_step;

typedef struct tsm_steps {
    tsm_step *list;
    int count, capacity;
} tsm_steps;

/* A zeroed step at the end, or NULL when out of memory; valid until the next append. */
tsm_step *tsm_steps_append(tsm_steps *steps, tsm_step_kind kind, int node, const char *name);
void tsm_steps_clear(tsm_steps *steps);

/* Puts one on a stream, which cuDNN's handle was given. The error names the node. */
tsm_status tsm_step_enqueue(const tsm_step *step, const tsm_cuda_libraries *libraries, cudaStream_t stream,
                            tsm_error *error);

#define TSM_STEP_HOW TSM_CONV_HOW

/* "cuDNN engine 38, configuration 2", "shift kernel". */
void tsm_step_describe(const tsm_step *step, char how[TSM_STEP_HOW]);

#endif
