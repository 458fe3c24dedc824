/* SPDX-License-Identifier: Apache-2.0 */
/* dnn_graph.c - see dnn_graph.h. */
#include "dnn_graph.h"

#include <string.h>

#define FIRST_VIRTUAL_ID 16
#define MAX_NOTES        16

static cudnnDataType_t type_of(const tsm_conv_spec *spec)
{
    const tsm_dtype type = tsm_cuda_dtype_of(spec->precision)->type;

    return type == TSM_FLOAT16 ? CUDNN_DATA_HALF : type == TSM_BFLOAT16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

/* A part is destroyed with the graph, also when it could not be filled. */
static tsm_status add_part(tsm_dnn_graph *graph, cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *part,
                           tsm_error *error)
{
    if (graph->part_count == TSM_DNN_MAX_PARTS)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "cudnn: more than %d descriptors", TSM_DNN_MAX_PARTS);
    TSM_CUDNN(cudnnBackendCreateDescriptor(type, part));
    graph->parts[graph->part_count++] = *part;
    return TSM_OK;
}

static tsm_status set_descriptor(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name,
                                 cudnnBackendDescriptor_t value, tsm_error *error)
{
    TSM_CUDNN(cudnnBackendSetAttribute(to, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value));
    return TSM_OK;
}

/* Dimensions are always told in the order N, C, H, W; the strides say that channels come last. */
static tsm_status add_tensor(tsm_dnn_graph *graph, const tsm_dnn_tensor *s, cudnnBackendDescriptor_t *tensor,
                             tsm_error *error)
{
    const int64_t dims[] = { s->n, s->c, s->h, s->w };
    const int64_t strides[] = { s->h * s->w * s->pitch, 1, s->w * s->pitch, s->pitch };

    if (graph->tensor_count == TSM_DNN_MAX_TENSORS)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "cudnn: more than %d tensors", TSM_DNN_MAX_TENSORS);
    graph->tensors[graph->tensor_count++] = *s;
    TSM_TRY_RETURN(add_part(graph, CUDNN_BACKEND_TENSOR_DESCRIPTOR, tensor, error));
    TSM_CUDNN(cudnnBackendSetAttribute(*tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &s->type));
    TSM_CUDNN(cudnnBackendSetAttribute(*tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims));
    TSM_CUDNN(cudnnBackendSetAttribute(*tensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides));
    TSM_CUDNN(cudnnBackendSetAttribute(*tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &s->id));
    TSM_CUDNN(
        cudnnBackendSetAttribute(*tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &s->alignment));
    if (s->is_virtual)
        TSM_CUDNN(
            cudnnBackendSetAttribute(*tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &s->is_virtual));
    TSM_CUDNN(cudnnBackendFinalize(*tensor));
    return TSM_OK;
}

/* The bytes that the address of the first channel is a multiple of, as far as cuDNN cares. */
static int64_t input_alignment(const tsm_conv_spec *spec)
{
    const tsm_cuda_dtype *dtype = tsm_cuda_dtype_of(spec->precision);

    return spec->in_offset * dtype->bytes % 16 ? dtype->bytes : 16;
}

/* The tensor that the next operation writes: the output after the last one, a float32 intermediate before. */
static tsm_status add_result(tsm_dnn_graph *graph, const tsm_conv_spec *spec, bool last,
                             cudnnBackendDescriptor_t *tensor, tsm_error *error)
{
    const tsm_dnn_tensor result = {
        .id = last ? TSM_DNN_OUT : FIRST_VIRTUAL_ID + graph->operation_count,
        .n = spec->images,
        .c = spec->filters,
        .h = spec->oh,
        .w = spec->ow,
        .pitch = last ? spec->out_pitch : spec->filters,
        .alignment = 16,
        .type = last ? type_of(spec) : CUDNN_DATA_FLOAT,
        .is_virtual = !last,
    };

    return add_tensor(graph, &result, tensor, error);
}

static tsm_status describe_conv(tsm_dnn_graph *graph, const tsm_conv_spec *spec, cudnnBackendDescriptor_t *conv,
                                tsm_error *error)
{
    const int64_t rank = 2, ones[] = { 1, 1 }, strides[] = { spec->stride, spec->stride };
    const int64_t pads[] = { spec->pad, spec->pad };
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;

    TSM_TRY_RETURN(add_part(graph, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, conv, error));
    TSM_CUDNN(cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &rank));
    TSM_CUDNN(cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute));
    TSM_CUDNN(
        cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode));
    TSM_CUDNN(cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads));
    TSM_CUDNN(cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads));
    TSM_CUDNN(cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones));
    TSM_CUDNN(cudnnBackendSetAttribute(*conv, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides));
    TSM_CUDNN(cudnnBackendFinalize(*conv));
    return TSM_OK;
}

static tsm_status add_conv(tsm_dnn_graph *graph, const tsm_conv_spec *spec, cudnnBackendDescriptor_t *result,
                           tsm_error *error)
{
    const int64_t depth = spec->channels / spec->groups;
    const tsm_dnn_tensor in = { TSM_DNN_IN,     spec->images,          spec->channels, spec->h, spec->w,
                                spec->in_pitch, input_alignment(spec), type_of(spec),  false };
    const tsm_dnn_tensor weights = { TSM_DNN_WEIGHTS, spec->filters, depth, spec->kernel_h, spec->kernel_w, depth, 16,
                                     type_of(spec),   false };
    const float one = 1, zero = 0;
    cudnnBackendDescriptor_t x, w, conv, operation;

    TSM_TRY_RETURN(add_tensor(graph, &in, &x, error));
    TSM_TRY_RETURN(add_tensor(graph, &weights, &w, error));
    TSM_TRY_RETURN(add_result(graph, spec, false, result, error));
    TSM_TRY_RETURN(describe_conv(graph, spec, &conv, error));
    TSM_TRY_RETURN(add_part(graph, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, &operation, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, *result, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, conv, error));
    TSM_CUDNN(cudnnBackendSetAttribute(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1,
                                       &one));
    TSM_CUDNN(cudnnBackendSetAttribute(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1,
                                       &zero));
    TSM_CUDNN(cudnnBackendFinalize(operation));
    graph->operations[graph->operation_count++] = operation;
    return TSM_OK;
}

static tsm_status describe_pointwise(tsm_dnn_graph *graph, cudnnPointwiseMode_t mode, tsm_act act,
                                     cudnnBackendDescriptor_t *pointwise, tsm_error *error)
{
    const cudnnDataType_t compute = CUDNN_DATA_FLOAT;
    const double lower = 0, upper = 6;

    TSM_TRY_RETURN(add_part(graph, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, pointwise, error));
    TSM_CUDNN(cudnnBackendSetAttribute(*pointwise, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode));
    TSM_CUDNN(
        cudnnBackendSetAttribute(*pointwise, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute));
    if (act == TSM_ACT_RELU6) {
        TSM_CUDNN(
            cudnnBackendSetAttribute(*pointwise, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, CUDNN_TYPE_DOUBLE, 1, &lower));
        TSM_CUDNN(
            cudnnBackendSetAttribute(*pointwise, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1, &upper));
    }
    TSM_CUDNN(cudnnBackendFinalize(*pointwise));
    return TSM_OK;
}

/* *value = *value + operand, or act(*value) where operand is NULL. */
static tsm_status add_pointwise(tsm_dnn_graph *graph, const tsm_conv_spec *spec, const tsm_dnn_tensor *operand,
                                bool last, cudnnBackendDescriptor_t *value, tsm_error *error)
{
    cudnnBackendDescriptor_t pointwise, operation, second = NULL, result;

    if (operand) {
        TSM_TRY_RETURN(add_tensor(graph, operand, &second, error));
        TSM_TRY_RETURN(describe_pointwise(graph, CUDNN_POINTWISE_ADD, TSM_ACT_NONE, &pointwise, error));
    } else {
        TSM_TRY_RETURN(describe_pointwise(graph, CUDNN_POINTWISE_RELU_FWD, spec->act, &pointwise, error));
    }
    TSM_TRY_RETURN(add_result(graph, spec, last, &result, error));
    TSM_TRY_RETURN(add_part(graph, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, &operation, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, *value, error));
    if (second) TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, second, error));
    TSM_TRY_RETURN(set_descriptor(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, result, error));
    TSM_CUDNN(cudnnBackendFinalize(operation));
    graph->operations[graph->operation_count++] = operation;
    *value = result;
    return TSM_OK;
}

static tsm_status add_operations(tsm_dnn_graph *graph, const tsm_conv_spec *spec, tsm_error *error)
{
    const cudnnDataType_t type = type_of(spec);
    const tsm_dnn_tensor residual = { TSM_DNN_RESIDUAL,     spec->images, spec->filters, spec->oh, spec->ow,
                                      spec->residual_pitch, 16,           type,          false };
    const tsm_dnn_tensor bias = { TSM_DNN_BIAS, 1, spec->filters, 1, 1, spec->filters, 16, type, false };
    cudnnBackendDescriptor_t value;

    if (spec->act > TSM_ACT_RELU6)
        return tsm_fail(error, TSM_ERROR_INTERNAL, "cudnn: a convolution with %s", tsm_act_name(spec->act));
    TSM_TRY_RETURN(add_conv(graph, spec, &value, error));
    if (spec->residual_pitch) TSM_TRY_RETURN(add_pointwise(graph, spec, &residual, false, &value, error));
    TSM_TRY_RETURN(add_pointwise(graph, spec, &bias, spec->act == TSM_ACT_NONE, &value, error));
    if (spec->act != TSM_ACT_NONE) TSM_TRY_RETURN(add_pointwise(graph, spec, NULL, true, &value, error));
    return TSM_OK;
}

static tsm_status finish_graph(tsm_dnn_graph *graph, tsm_error *error)
{
    TSM_TRY_RETURN(add_part(graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, &graph->graph, error));
    if (graph->handle)
        TSM_CUDNN(cudnnBackendSetAttribute(graph->graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1,
                                           &graph->handle));
    TSM_CUDNN(cudnnBackendSetAttribute(graph->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                       graph->operation_count, graph->operations));
    TSM_CUDNN(cudnnBackendFinalize(graph->graph));
    return TSM_OK;
}

tsm_status tsm_dnn_graph_make(tsm_dnn_graph *graph, cudnnHandle_t handle, cudnnBackendDescriptor_t device,
                              const tsm_conv_spec *spec, tsm_error *error)
{
    tsm_status status;

    memset(graph, 0, sizeof *graph);
    graph->handle = handle;
    graph->device = device;
    TSM_TRY(add_operations(graph, spec, error));
    TSM_TRY(finish_graph(graph, error));
    return TSM_OK;
fail:
    tsm_dnn_graph_clear(graph);
    return status;
}

void tsm_dnn_graph_clear(tsm_dnn_graph *graph)
{
    while (graph->config_count) cudnnBackendDestroyDescriptor(graph->configs[--graph->config_count]);
    while (graph->part_count) cudnnBackendDestroyDescriptor(graph->parts[--graph->part_count]);
    memset(graph, 0, sizeof *graph);
}

/* Appends a mode's configurations. A mode that knows none is no failure. */
static tsm_status query_mode(tsm_dnn_graph *graph, cudnnBackendDescriptor_t heuristics, cudnnBackendHeurMode_t mode,
                             tsm_error *error)
{
    cudnnBackendDescriptor_t *configs = graph->configs + graph->config_count;
    int64_t room = TSM_DNN_MAX_CONFIGS - graph->config_count, found = 0;

    TSM_TRY_RETURN(set_descriptor(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph->graph, error));
    TSM_CUDNN(cudnnBackendSetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode));
    if (graph->device)
        TSM_TRY_RETURN(set_descriptor(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, graph->device, error));
    if (cudnnBackendFinalize(heuristics) != CUDNN_STATUS_SUCCESS) return TSM_OK;
    TSM_CUDNN(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0,
                                       &found, NULL));
    if (found < room) room = found;
    for (int64_t i = 0; i < room; i++) {
        TSM_CUDNN(cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs[i]));
        graph->config_count++;
    }
    if (room == 0) return TSM_OK;
    TSM_CUDNN(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, room,
                                       &found, configs));
    return TSM_OK;
}

tsm_status tsm_dnn_graph_query(tsm_dnn_graph *graph, tsm_error *error)
{
    const cudnnBackendHeurMode_t modes[] = { CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK };

    for (int i = 0; i < 2; i++) {
        cudnnBackendDescriptor_t heuristics;
        tsm_status status;

        TSM_CUDNN(cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, &heuristics));
        status = query_mode(graph, heuristics, modes[i], error);
        cudnnBackendDestroyDescriptor(heuristics);
        TSM_TRY_RETURN(status);
    }
    return TSM_OK;
}

/* float32 promises products of 24 bits, so no tensor cores; every precision promises float32 sums, the same each
 * run. */
static bool is_acceptable(const cudnnBackendNumericalNote_t *notes, int64_t count, tsm_precision precision)
{
    for (int64_t i = 0; i < count; i++) {
        if (notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) return false;
        if (notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) return false;
        if (precision != TSM_PRECISION_FP32) continue;
        if (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)
            return false;
    }
    return true;
}

static tsm_status describe_engine(tsm_dnn_config_info *info, cudnnBackendDescriptor_t config,
                                  cudnnBackendDescriptor_t engine, tsm_precision precision, tsm_error *error)
{
    cudnnBackendNumericalNote_t numerics[MAX_NOTES];
    cudnnBackendBehaviorNote_t behaviours[MAX_NOTES];
    int64_t found = 0;

    TSM_CUDNN(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &found,
                                       &engine));
    TSM_CUDNN(
        cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &found, &info->engine));
    TSM_CUDNN(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, MAX_NOTES,
                                       &found, numerics));
    info->acceptable = is_acceptable(numerics, found, precision);
    TSM_CUDNN(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, MAX_NOTES,
                                       &found, behaviours));
    info->compiled = false;
    for (int64_t i = 0; i < found; i++)
        if (behaviours[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) info->compiled = true;
    return TSM_OK;
}

tsm_status tsm_dnn_config_describe(tsm_dnn_config_info *info, cudnnBackendDescriptor_t config,
                                   tsm_precision precision, tsm_error *error)
{
    cudnnBackendDescriptor_t engine;
    tsm_status status;

    TSM_CUDNN(cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine));
    status = describe_engine(info, config, engine, precision, error);
    cudnnBackendDestroyDescriptor(engine);
    return status;
}
