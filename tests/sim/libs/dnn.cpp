/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnn.cpp - cuDNN's descriptors as sets of attributes. The codes of misuse are those of cuDNN 9.19; where that one
 * crashes, the simulation has a failure.
 */
#include "dnn.h"

#include <algorithm>
#include <stdio.h>

namespace sim
{

const char *const kDescriptor = "cudnn descriptor", *const kDnnHandle = "cudnn handle";

static thread_local std::string last_words;

cudnnStatus_t dnn_refuse(cudnnStatus_t status, const std::string &why)
{
    last_words = why;
    return status;
}

/* Which attributes a type of descriptor takes; `least` 0: need not be set. */
struct Rule {
    cudnnBackendDescriptorType_t descriptor;
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
    int64_t least, most;
};

static const Rule kRules[] = {
    { CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1 },
    { CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 1, 1 << 16 },
    { CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 1, 1 << 16 },
    { CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, 1 },
    { CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, 1 },
    { CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 0, 1 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, 1 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, 1 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 1, 3 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 1, 3 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 1, 3 },
    { CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 1, 3 },
    { CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 0, 1 },
    { CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 0, 1 },
    { CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, CUDNN_TYPE_DOUBLE, 0, 1 },
    { CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 0, 1 },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
      CUDNN_TYPE_FLOAT, 0, 1 },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
      CUDNN_TYPE_FLOAT, 0, 1 },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, 1 },
    { CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, CUDNN_ATTR_OPERATION_POINTWISE_YDESC,
      CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1 },
    { CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 0, 1 },
    { CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 64 },
    { CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
      1 },
    { CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, 1 },
    { CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 0, 1 },
    { CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR,
      0, 1 },
    { CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0,
      1 << 20 },
    { CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 1, 64 },
    { CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 1, 64 },
    { CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 0, 1 },
};

static size_t element_bytes(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_BOOLEAN: return sizeof(bool);
    case CUDNN_TYPE_CHAR: return 1;
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE: return 8;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return sizeof(void *);
    default: return 4; /* enumerations and float */
    }
}

static const Rule *find_rule(const Descriptor &descriptor, cudnnBackendAttributeName_t name)
{
    for (const Rule &rule : kRules)
        if (rule.descriptor == descriptor.type && rule.name == name) return &rule;
    return nullptr;
}

static std::string in_words(cudnnBackendAttributeName_t name)
{
    return "attribute " + std::to_string((int)name);
}

/* What an attribute refers to must be final before it is set; operations notice later. */
static bool must_be_final(cudnnBackendAttributeName_t name)
{
    return name == CUDNN_ATTR_OPERATIONGRAPH_OPS || name == CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH ||
           name == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG;
}

static cudnnStatus_t check_references(const Rule &rule, int64_t count, const void *elements)
{
    for (int64_t i = 0; i < count && rule.type == CUDNN_TYPE_BACKEND_DESCRIPTOR; i++) {
        const Descriptor *other = static_cast<Descriptor *const *>(elements)[i];

        if (!handle_check("cudnnBackendSetAttribute", other, kDescriptor)) return CUDNN_STATUS_BAD_PARAM;
        if (must_be_final(rule.name) && !other->final)
            return dnn_refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, in_words(rule.name) + " is not final");
    }
    return CUDNN_STATUS_SUCCESS;
}

static bool has_required(const Descriptor &descriptor, std::string &missing)
{
    for (const Rule &rule : kRules)
        if (rule.descriptor == descriptor.type && descriptor.count(rule.name) < rule.least) {
            missing = in_words(rule.name);
            return false;
        }
    return true;
}

/* ---- Results, which have descriptors or numbers of their own ---- */

static cudnnStatus_t get_configurations(const Descriptor &from, int64_t room, int64_t *count, void *elements)
{
    int64_t given = std::min(room, (int64_t)from.engines.size());

    if (room == 0 || !elements) {
        *count = (int64_t)from.engines.size();
        return CUDNN_STATUS_SUCCESS;
    }
    for (int64_t i = 0; i < given; i++) {
        Descriptor *to = static_cast<Descriptor **>(elements)[i];

        if (!handle_check("cudnnBackendGetAttribute", to, kDescriptor) ||
            to->type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)
            return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "results must be engine configurations");
        to->nodes = from.nodes;
        to->engines = { from.engines[(size_t)i] };
        to->final = true;
    }
    *count = given;
    return CUDNN_STATUS_SUCCESS;
}

/* The engine of a configuration, or the configuration of a plan. */
static cudnnStatus_t get_part(const Descriptor &from, cudnnBackendDescriptorType_t type, int64_t room, int64_t *count,
                              void *elements)
{
    Descriptor *to = room >= 1 && elements ? *static_cast<Descriptor **>(elements) : nullptr;

    if (!handle_check("cudnnBackendGetAttribute", to, kDescriptor) || to->type != type)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the result must be an engine or a configuration");
    to->nodes = from.nodes;
    to->engines = from.engines;
    to->final = true;
    *count = 1;
    return CUDNN_STATUS_SUCCESS;
}

template <typename T>
static cudnnStatus_t get_numbers(const std::vector<T> &numbers, int64_t room, int64_t *count, void *elements)
{
    *count = (int64_t)numbers.size();
    if (elements && room > 0 && !numbers.empty()) /* an empty vector has no address to copy from */
        std::copy_n(numbers.begin(), std::min((size_t)room, numbers.size()), static_cast<T *>(elements));
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t get_text(const Descriptor &plan, int64_t room, int64_t *count, void *elements)
{
    const std::string text = dnn_plan_text(plan);

    return get_numbers(std::vector<char>(text.begin(), text.end()), room, count, elements);
}

static cudnnStatus_t get_numerical_notes(const Engine &engine, int64_t room, int64_t *count, void *elements)
{
    std::vector<int32_t> notes;

    if (engine.tensor_cores) notes.push_back(CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
    if (engine.arithmetic.half_sums) notes.push_back(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
    return get_numbers(notes, room, count, elements);
}

static cudnnStatus_t get_behaviour_notes(const Engine &engine, int64_t room, int64_t *count, void *elements)
{
    std::vector<int32_t> notes;

    if (engine.compiled) notes.push_back(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
    return get_numbers(notes, room, count, elements);
}

struct Getter {
    cudnnBackendDescriptorType_t descriptor;
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
};

static const Getter kGetters[] = {
    { CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR },
    { CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR },
    { CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64 },
    { CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE },
    { CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE },
    { CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64 },
};

/* A plan's configuration and text are made anew, however the plan came about. */
static bool is_computed(cudnnBackendAttributeName_t name)
{
    return name == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG || name == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION;
}

static cudnnStatus_t get_result(const Descriptor &from, cudnnBackendAttributeName_t name, int64_t room,
                                int64_t *count, void *elements)
{
    switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS: return get_configurations(from, room, count, elements);
    case CUDNN_ATTR_ENGINECFG_ENGINE: return get_part(from, CUDNN_BACKEND_ENGINE_DESCRIPTOR, room, count, elements);
    case CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG:
        return get_part(from, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, room, count, elements);
    case CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION: return get_text(from, room, count, elements);
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
        return get_numbers(std::vector<int64_t>{ from.engines[0].index }, room, count, elements);
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE: return get_numerical_notes(from.engines[0], room, count, elements);
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE: return get_behaviour_notes(from.engines[0], room, count, elements);
    default: return get_numbers(std::vector<int64_t>{ from.engines[0].workspace }, room, count, elements);
    }
}

/* The type that an attribute is read as; false where the descriptor has no such attribute. */
static bool type_of(const Descriptor &descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t &type)
{
    if (const Rule *rule = find_rule(descriptor, name)) {
        type = rule->type;
        return true;
    }
    for (const Getter &getter : kGetters)
        if (getter.descriptor == descriptor.type && getter.name == name) {
            type = getter.type;
            return true;
        }
    return false;
}

static bool known_descriptor(cudnnBackendDescriptorType_t type)
{
    if (type == CUDNN_BACKEND_ENGINE_DESCRIPTOR || type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR) return true;
    for (const Rule &rule : kRules)
        if (rule.descriptor == type) return true;
    return false;
}

} // namespace sim

using namespace sim;

size_t cudnnGetVersion(void)
{
    return CUDNN_MAJOR * 10000 + CUDNN_MINOR * 100 + CUDNN_PATCHLEVEL;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    switch ((int)status) {
    case CUDNN_STATUS_SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER: return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED: return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE: return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case CUDNN_STATUS_NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN: return "CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN";
    case CUDNN_STATUS_NOT_SUPPORTED_SHAPE: return "CUDNN_STATUS_NOT_SUPPORTED_SHAPE";
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
        return "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED";
    case CUDNN_STATUS_EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    }
    return "CUDNN_UNKNOWN_STATUS";
}

void cudnnGetLastErrorString(char *message, size_t max_size)
{
    if (message && max_size) snprintf(message, max_size, "%s", last_words.c_str());
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    TSM_SIM_API;
    if (capture_forbids("cudnnCreate")) return CUDNN_STATUS_NOT_INITIALIZED; /* allocates */
    *handle = new cudnnContext{ current_device(), nullptr };
    handle_add(*handle, kDnnHandle);
    counters.handles++;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    TSM_SIM_API;
    if (!handle_remove("cudnnDestroy", handle, kDnnHandle)) return CUDNN_STATUS_BAD_PARAM;
    delete handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    TSM_SIM_API;
    if (!handle_check("cudnnSetStream", handle, kDnnHandle) || !find_stream("cudnnSetStream", stream))
        return CUDNN_STATUS_BAD_PARAM;
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor)
{
    TSM_SIM_API;
    if (!known_descriptor(type))
        return dnn_refuse(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "no such descriptor");
    Descriptor *made = new Descriptor();
    made->type = type;
    *descriptor = made;
    handle_add(made, kDescriptor);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    TSM_SIM_API;
    if (!handle_remove("cudnnBackendDestroyDescriptor", descriptor, kDescriptor)) return CUDNN_STATUS_BAD_PARAM;
    delete static_cast<Descriptor *>(descriptor);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void *elements)
{
    TSM_SIM_API;
    Descriptor *descriptor = static_cast<Descriptor *>(handle);

    if (!handle_check("cudnnBackendSetAttribute", handle, kDescriptor)) return CUDNN_STATUS_BAD_PARAM;
    const Rule *rule = find_rule(*descriptor, name);
    if (!rule || descriptor->final)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM,
                          in_words(name) + (rule ? " of a final descriptor" : " is of another type"));
    if (rule->type != type)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, in_words(name) + " has another type");
    if (!elements || count < 1 || count > rule->most)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, in_words(name) + " has another number of elements");
    cudnnStatus_t status = check_references(*rule, count, elements);
    if (status) return status;
    const char *bytes = static_cast<const char *>(elements);
    descriptor->values[name] = { type, count, std::vector<char>(bytes, bytes + (size_t)count * element_bytes(type)) };
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *elements)
{
    TSM_SIM_API;
    const Descriptor *descriptor = static_cast<Descriptor *>(handle);
    cudnnBackendAttributeType_t known;
    int64_t unused;

    if (!handle_check("cudnnBackendGetAttribute", handle, kDescriptor)) return CUDNN_STATUS_BAD_PARAM;
    if (!descriptor->final) return dnn_refuse(CUDNN_STATUS_NOT_INITIALIZED, "the descriptor is not final");
    if (!type_of(*descriptor, name, known))
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, in_words(name) + " is of another type");
    if (known != type) return dnn_refuse(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, in_words(name) + " has another type");
    if (!count) count = &unused;
    auto set = descriptor->values.find(name);
    if (set == descriptor->values.end() || is_computed(name))
        return get_result(*descriptor, name, room, count, elements);
    *count = set->second.count;
    if (elements && !set->second.bytes.empty())
        memcpy(elements, set->second.bytes.data(),
               std::min((size_t)room * element_bytes(type), set->second.bytes.size()));
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle)
{
    TSM_SIM_API;
    Descriptor *descriptor = static_cast<Descriptor *>(handle);
    std::string missing;

    if (!handle_check("cudnnBackendFinalize", handle, kDescriptor)) return CUDNN_STATUS_BAD_PARAM;
    if (descriptor->final) return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is final already");
    if (!has_required(*descriptor, missing)) return dnn_refuse(CUDNN_STATUS_BAD_PARAM, missing + " is missing");
    cudnnStatus_t status = dnn_finalise(*descriptor);
    descriptor->final = status == CUDNN_STATUS_SUCCESS;
    return status;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack)
{
    TSM_SIM_API;
    const char *call = "cudnnBackendExecute";

    if (!handle_check(call, handle, kDnnHandle) || !handle_check(call, plan, kDescriptor) ||
        !handle_check(call, pack, kDescriptor))
        return CUDNN_STATUS_BAD_PARAM;
    return dnn_execute(handle, *static_cast<Descriptor *>(plan), *static_cast<Descriptor *>(pack));
}
