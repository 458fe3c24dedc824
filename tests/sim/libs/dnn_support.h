/* SPDX-License-Identifier: Apache-2.0 */
/* dnn_support.h - descriptors of cuDNN as tests want them. */
#ifndef TSM_SIM_DNN_SUPPORT_H
#define TSM_SIM_DNN_SUPPORT_H

#include <cudnn.h>

#include "lib_support.h"

typedef cudnnBackendDescriptor_t desc;

#define DNN_OK(call)                                                                                                 \
    do {                                                                                                             \
        cudnnStatus_t status_ = (call);                                                                              \
        ck_assert_msg(status_ == CUDNN_STATUS_SUCCESS && !tsm_sim_failure(), "%s: %s, %s", #call,                    \
                      cudnnGetErrorString(status_), tsm_sim_failure() ? tsm_sim_failure() : "refused");              \
    } while (0)

/* What a test made, in order; destroyed together. */
static desc made[256];
static int made_count;

static inline desc make(cudnnBackendDescriptorType_t type)
{
    ck_assert_int_lt(made_count, COUNT_OF(made));
    DNN_OK(cudnnBackendCreateDescriptor(type, &made[made_count]));
    return made[made_count++];
}

static inline void destroy_all(void)
{
    while (made_count) DNN_OK(cudnnBackendDestroyDescriptor(made[--made_count]));
    assert_nothing_left();
}

static inline void set(desc to, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                       const void *value)
{
    DNN_OK(cudnnBackendSetAttribute(to, name, type, count, value));
}

static inline void set_part(desc to, cudnnBackendAttributeName_t name, desc part)
{
    set(to, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &part);
}

typedef struct tensor_spec {
    int64_t id, n, c, h, w, pitch;
    cudnnDataType_t type;
    bool is_virtual;
} tensor_spec;

static inline desc fill_tensor(const tensor_spec *s)
{
    const int64_t dims[] = { s->n, s->c, s->h, s->w }, alignment = 2;
    const int64_t strides[] = { s->h * s->w * s->pitch, 1, s->w * s->pitch, s->pitch };
    desc tensor = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);

    set(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &s->type);
    set(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
    set(tensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    set(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &s->id);
    set(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
    set(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &s->is_virtual);
    return tensor;
}

static inline desc tensor(int64_t id, int64_t n, int64_t c, int64_t h, int64_t w, int64_t pitch, cudnnDataType_t type,
                          bool is_virtual)
{
    desc made_tensor = fill_tensor(&(tensor_spec){ id, n, c, h, w, pitch, type, is_virtual });

    DNN_OK(cudnnBackendFinalize(made_tensor));
    return made_tensor;
}

static inline desc fill_convolution(int64_t stride, int64_t pad)
{
    const int64_t rank = 2, ones[] = { 1, 1 }, strides[] = { stride, stride }, pads[] = { pad, pad };
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    desc conv = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

    set(conv, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &rank);
    set(conv, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
    set(conv, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(conv, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    set(conv, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads);
    set(conv, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
    set(conv, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
    return conv;
}

static inline desc conv_operation(desc x, desc w, desc y, desc shape, cudnnStatus_t want)
{
    desc operation = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);

    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    set_part(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, shape);
    ck_assert_int_eq(cudnnBackendFinalize(operation), want);
    return operation;
}

static inline desc pointwise_operation(cudnnPointwiseMode_t mode, double upper, desc x, desc other, desc y,
                                       cudnnStatus_t want)
{
    desc pointwise = make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR), operation;

    set(pointwise, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    if (upper > 0) set(pointwise, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1, &upper);
    DNN_OK(cudnnBackendFinalize(pointwise));
    operation = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise);
    set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (other) set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other);
    set_part(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    ck_assert_int_eq(cudnnBackendFinalize(operation), want);
    return operation;
}

static inline desc graph_of(cudnnHandle_t handle, int count, desc *operations, cudnnStatus_t want)
{
    desc graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);

    set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, operations);
    ck_assert_int_eq(cudnnBackendFinalize(graph), want);
    return graph;
}

#endif
