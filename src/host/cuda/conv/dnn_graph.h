/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnn_graph.h - a convolution as a cuDNN operation graph, and the engine configurations that can run it.
 *
 * The order conv -> add residual -> add bias (in the I/O type) -> activation is the one that reaches the precompiled
 * kernels; float32 between the operations. With a handle the configurations are for its GPU; with a described device
 * instead, no driver is needed.
 */
#ifndef TSM_CUDA_CONV_DNN_GRAPH_H
#define TSM_CUDA_CONV_DNN_GRAPH_H

#include "cuda/cuda_calls.h"
#include "descriptor.h"

/* Ids of the tensors in a variant pack. */
enum { TSM_DNN_IN = 1, TSM_DNN_WEIGHTS, TSM_DNN_RESIDUAL, TSM_DNN_BIAS, TSM_DNN_OUT };

#define TSM_DNN_MAX_PARTS   24
#define TSM_DNN_MAX_TENSORS 8 /* five with an address, three between the operations */
#define TSM_DNN_MAX_CONFIGS 64

/* NHWC, `pitch` elements from a pixel to the next. A virtual tensor has no address. */
typedef struct tsm_dnn_tensor {
    int64_t id, n, c, h, w, pitch, alignment;
    cudnnDataType_t type;
    bool is_virtual;
} tsm_dnn_tensor;

typedef struct tsm_dnn_graph {
    cudnnHandle_t handle;
    cudnnBackendDescriptor_t device; /* borrowed; NULL where there is a handle */
    cudnnBackendDescriptor_t parts[TSM_DNN_MAX_PARTS];
    int part_count;
    tsm_dnn_tensor tensors[TSM_DNN_MAX_TENSORS];
    int tensor_count;
    cudnnBackendDescriptor_t operations[4], graph; /* among the parts */
    int operation_count;
    cudnnBackendDescriptor_t configs[TSM_DNN_MAX_CONFIGS];
    int config_count;
} tsm_dnn_graph;

/* Builds the graph; no configurations yet. One of handle and device is NULL. Errors: DEVICE. */
tsm_status tsm_dnn_graph_make(tsm_dnn_graph *graph, cudnnHandle_t handle, cudnnBackendDescriptor_t device,
                              const tsm_conv_spec *spec, tsm_error *error);

/* Asks the heuristics: mode A, then what FALLBACK adds. The order is cuDNN's and the same each time. */
tsm_status tsm_dnn_graph_query(tsm_dnn_graph *graph, tsm_error *error);
void tsm_dnn_graph_clear(tsm_dnn_graph *graph);

typedef struct tsm_dnn_config_info {
    int64_t engine;  /* global index */
    bool compiled;   /* needs a compiler at run time, 0.2 to 4 s a plan */
    bool acceptable; /* as precise as the precision promises, and the same each run */
} tsm_dnn_config_info;

tsm_status tsm_dnn_config_describe(tsm_dnn_config_info *info, cudnnBackendDescriptor_t config,
                                   tsm_precision precision, tsm_error *error);

#endif
