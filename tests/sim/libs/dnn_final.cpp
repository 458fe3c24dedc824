/* SPDX-License-Identifier: Apache-2.0 */
/* dnn_final.cpp - what each type of descriptor means, and the engines that heuristics offer for a graph. */
#include "dnn.h"

#include <cmath>

namespace sim
{

static cudnnStatus_t bad(const char *why)
{
    return dnn_refuse(CUDNN_STATUS_BAD_PARAM, why);
}

static bool read_type(cudaDataType &to, const Descriptor &d, int name)
{
    switch (d.get<int32_t>(name)) {
    case CUDNN_DATA_FLOAT: to = CUDA_R_32F; return true;
    case CUDNN_DATA_HALF: to = CUDA_R_16F; return true;
    case CUDNN_DATA_BFLOAT16: to = CUDA_R_16BF; return true;
    }
    return false;
}

static cudnnStatus_t finalise_tensor(Descriptor &d)
{
    Tensor &t = d.tensor;

    if (d.count(CUDNN_ATTR_TENSOR_DIMENSIONS) != d.count(CUDNN_ATTR_TENSOR_STRIDES))
        return bad("dimensions without strides");
    if (d.count(CUDNN_ATTR_TENSOR_DIMENSIONS) != 4)
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "other than 4 dimensions");
    if (!read_type(t.type, d, CUDNN_ATTR_TENSOR_DATA_TYPE))
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "a type of data");
    for (size_t i = 0; i < 4; i++) {
        t.dims[i] = d.get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, 0, i);
        t.strides[i] = d.get<int64_t>(CUDNN_ATTR_TENSOR_STRIDES, 0, i);
        if (t.dims[i] < 1 || t.strides[i] < 1) return bad("a dimension or stride below 1");
    }
    t.id = d.get<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    t.alignment = d.get<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
    t.is_virtual = d.get<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL);
    return t.alignment < 1 || (t.alignment & (t.alignment - 1)) ? bad("an alignment that is no power of 2")
                                                                : CUDNN_STATUS_SUCCESS;
}

static bool read_pair(int64_t (&to)[2], const Descriptor &d, int name, int64_t least)
{
    for (size_t i = 0; i < 2; i++) to[i] = d.get<int64_t>(name, -1, i);
    return d.count(name) == 2 && to[0] >= least && to[1] >= least;
}

static cudnnStatus_t finalise_convolution(Descriptor &d)
{
    if (d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2)
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "other than 2 dimensions of space");
    if (!read_pair(d.shape.pads, d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0) ||
        !read_pair(d.shape.posts, d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 0) ||
        !read_pair(d.shape.dilations, d, CUDNN_ATTR_CONVOLUTION_DILATIONS, 1) ||
        !read_pair(d.shape.strides, d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 1))
        return bad("a padding, dilation or stride");
    if (d.get<int32_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION ||
        d.get<int32_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) != CUDNN_DATA_FLOAT)
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "other than a cross-correlation in float32");
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalise_pointwise(Descriptor &d)
{
    int32_t mode = d.get<int32_t>(CUDNN_ATTR_POINTWISE_MODE);

    if (mode != CUDNN_POINTWISE_ADD && mode != CUDNN_POINTWISE_RELU_FWD)
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "a mode of pointwise operation");
    d.pointwise.mode = (cudnnPointwiseMode_t)mode;
    d.pointwise.lower = (float)d.get<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, 0);
    d.pointwise.upper = (float)d.get<double>(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, INFINITY);
    return CUDNN_STATUS_SUCCESS;
}

/* What an attribute refers to; NULL where that is not final, or of another type. */
static const Descriptor *reference(const Descriptor &d, int name, cudnnBackendDescriptorType_t type)
{
    const Descriptor *other = d.get<Descriptor *>(name);

    return other && other->final && other->type == type ? other : nullptr;
}

static bool read_tensor(Tensor &to, const Descriptor &d, int name)
{
    const Descriptor *other = reference(d, name, CUDNN_BACKEND_TENSOR_DESCRIPTOR);

    if (other) to = other->tensor;
    return other != nullptr;
}

/* Filters (K, C / groups, R, S) over (N, C, H, W) make (N, K, P, Q). */
static bool convolution_fits(const GraphNode &n)
{
    bool good = n.x.dims[0] == n.y.dims[0] && n.other.dims[0] == n.y.dims[1] && n.x.dims[1] % n.other.dims[1] == 0 &&
                n.y.dims[1] % (n.x.dims[1] / n.other.dims[1]) == 0;

    for (int i = 0; i < 2; i++) {
        int64_t window = n.shape.dilations[i] * (n.other.dims[2 + i] - 1) + 1;
        int64_t room = n.x.dims[2 + i] + n.shape.pads[i] + n.shape.posts[i] - window;
        good = good && room >= 0 && n.y.dims[2 + i] == room / n.shape.strides[i] + 1;
    }
    return good;
}

static cudnnStatus_t finalise_convolution_operation(Descriptor &d)
{
    GraphNode n = {};
    const Descriptor *shape =
        reference(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

    n.convolves = n.has_other = true;
    if (!shape || !read_tensor(n.x, d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X) ||
        !read_tensor(n.other, d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W) ||
        !read_tensor(n.y, d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y))
        return bad("a part of the convolution is not final, or of another type");
    n.shape = shape->shape;
    if (!convolution_fits(n)) return bad("the shapes of the convolution do not fit");
    if (d.get<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1) != 1 ||
        d.get<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0) != 0)
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "alpha other than 1 or beta other than 0");
    d.nodes = { n };
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalise_pointwise_operation(Descriptor &d)
{
    GraphNode n = {};
    const Descriptor *pointwise =
        reference(d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);

    n.has_other = d.count(CUDNN_ATTR_OPERATION_POINTWISE_BDESC) > 0;
    if (!pointwise || !read_tensor(n.x, d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC) ||
        !read_tensor(n.y, d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC) ||
        (n.has_other && !read_tensor(n.other, d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC)))
        return bad("a part of the pointwise operation is not final, or of another type");
    n.pointwise = pointwise->pointwise;
    if (n.pointwise.mode == CUDNN_POINTWISE_ADD && !n.has_other) return bad("an addition of one operand");
    if (n.pointwise.mode == CUDNN_POINTWISE_RELU_FWD) n.has_other = false;
    d.nodes = { n };
    return CUDNN_STATUS_SUCCESS;
}

static bool same_tensor(const Tensor &a, const Tensor &b)
{
    return !memcmp(a.dims, b.dims, sizeof a.dims) && !memcmp(a.strides, b.strides, sizeof a.strides) &&
           a.type == b.type && a.is_virtual == b.is_virtual && a.alignment == b.alignment;
}

/* One tensor an id, one writer a tensor. */
static bool consistent(const std::vector<GraphNode> &nodes)
{
    std::map<int64_t, Tensor> tensors;
    std::set<int64_t> written;

    for (const GraphNode &n : nodes) {
        for (const Tensor *t : { &n.x, &n.y, n.has_other ? &n.other : nullptr })
            if (t && !same_tensor(tensors.emplace(t->id, *t).first->second, *t)) return false;
        if (!written.insert(n.y.id).second) return false;
    }
    return true;
}

static cudnnStatus_t finalise_graph(Descriptor &d)
{
    for (int64_t i = 0; i < d.count(CUDNN_ATTR_OPERATIONGRAPH_OPS); i++) {
        const Descriptor *operation = d.get<Descriptor *>(CUDNN_ATTR_OPERATIONGRAPH_OPS, nullptr, (size_t)i);

        if (operation->type != CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR &&
            operation->type != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            return bad("what is no operation");
        d.nodes.push_back(operation->nodes[0]);
    }
    if (consistent(d.nodes)) return CUDNN_STATUS_SUCCESS;
    d.nodes.clear();
    return bad("two tensors of one id, or two that write one tensor");
}

/* ---- Engines ---- */

static bool broadcasts(const Tensor &operand, const Tensor &to)
{
    for (int i = 0; i < 4; i++)
        if (operand.dims[i] != 1 && operand.dims[i] != to.dims[i]) return false;
    return true;
}

/* Puts a convolution and what follows it in order: each operation reads what the one before writes. */
static bool make_chain(std::vector<GraphNode> &nodes)
{
    for (size_t i = 0; i < nodes.size(); i++) {
        size_t next = i;

        while (next < nodes.size() && (i == 0 ? !nodes[next].convolves : nodes[next].x.id != nodes[i - 1].y.id))
            next++;
        if (next == nodes.size()) return false;
        std::swap(nodes[i], nodes[next]);
        if (i > 0 && (nodes[i].convolves || memcmp(nodes[i].x.dims, nodes[i].y.dims, sizeof nodes[i].x.dims)))
            return false;
        if (i > 0 && nodes[i].has_other && (nodes[i].other.is_virtual || !broadcasts(nodes[i].other, nodes[i].y)))
            return false;
        if (nodes[i].y.is_virtual != (i + 1 < nodes.size())) return false;
    }
    return true;
}

static bool rows_are_even(const std::vector<GraphNode> &nodes)
{
    Rows rows;

    for (const GraphNode &n : nodes)
        if ((!n.x.is_virtual && !dnn_rows(rows, n.x, nullptr)) ||
            (!n.y.is_virtual && !dnn_rows(rows, n.y, nullptr)) || (n.has_other && !dnn_rows(rows, n.other, nullptr)))
            return false;
    return true;
}

/* float32 goes through tensor cores as tf32. Engine 1 is offered and does not finalise; 3 is compiled at run time. */
static std::vector<Engine> known_engines(const std::vector<GraphNode> &nodes)
{
    const bool wide = nodes[0].x.type == CUDA_R_32F;

    return {
        { 0, 0, true, false, true, { wide, false, 1 } },
        { 1, 0, false, false, true, { wide, false, 1 } },
        { 2, 192 << 10, true, false, true, { wide, false, 3 } },
        { 3, 0, true, true, true, { wide, false, 2 } },
        { 4, 0, true, false, true, { wide, true, 1 } },
        { 5, 64 << 10, true, false, false, { false, false, 2 } },
        { 6, 0, true, false, false, { false, false, 1 } },
    };
}

static std::vector<Engine> engines_for(const std::vector<GraphNode> &nodes, int mode)
{
    const std::vector<Engine> known = known_engines(nodes);

    if (mode == CUDNN_HEUR_MODE_FALLBACK) return { known[6], known[0] };
    return { known[1], known[0], known[4], known[3], known[2], known[5] };
}

static cudnnStatus_t check_pattern(std::vector<GraphNode> &nodes)
{
    if (!make_chain(nodes)) return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "no engine for this graph");
    if (nodes[0].x.type != nodes[0].other.type || !rows_are_even(nodes))
        return dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "no engine for these types or strides");
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalise_heuristics(Descriptor &d)
{
    const Descriptor *graph =
        reference(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    int32_t mode = d.get<int32_t>(CUDNN_ATTR_ENGINEHEUR_MODE);

    counters.engine_queries++;
    if (!graph) return bad("no graph");
    if (mode != CUDNN_HEUR_MODE_A && mode != CUDNN_HEUR_MODE_FALLBACK) return bad("no such mode");
    d.nodes = graph->nodes;
    cudnnStatus_t status = check_pattern(d.nodes);
    if (status) return status;
    d.engines = engines_for(d.nodes, mode);
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read_configuration(Descriptor &d)
{
    const Descriptor *config =
        reference(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);

    if (!config) return bad("no engine configuration");
    d.nodes = config->nodes;
    d.engines = config->engines;
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t read_text(Descriptor &d)
{
    const std::vector<char> &bytes = d.values.at(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION).bytes;
    int64_t index;

    d.nodes.clear();
    if (!dnn_read_plan(d.nodes, index, std::string(bytes.begin(), bytes.end())) || !consistent(d.nodes))
        return bad("the text is not of a plan");
    cudnnStatus_t status = check_pattern(d.nodes);
    if (status) return status;
    if (!convolution_fits(d.nodes[0])) return bad("the shapes of the convolution do not fit");
    for (const Engine &engine : known_engines(d.nodes))
        if (engine.index == index) d.engines = { engine };
    return d.engines.empty() ? bad("no such engine") : CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t finalise_plan(Descriptor &d)
{
    const bool has_text = d.count(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) > 0;
    cudnnHandle_t handle = d.get<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE);

    if (!handle && has_text) misuse("cudnnBackendFinalize", "a plan's text without a handle");
    if (!handle) return bad("no handle");
    if (!handle_check("cudnnBackendFinalize", handle, kDnnHandle)) return CUDNN_STATUS_BAD_PARAM;
    cudnnStatus_t status = has_text ? read_text(d) : read_configuration(d);
    if (status) return status;
    return d.engines[0].finalises
               ? CUDNN_STATUS_SUCCESS
               : dnn_refuse(CUDNN_STATUS_NOT_SUPPORTED, "this engine does not serve the graph after all");
}

static cudnnStatus_t finalise_pack(Descriptor &d)
{
    std::set<int64_t> ids;

    if (d.count(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS) != d.count(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS))
        return bad("ids without pointers");
    for (int64_t i = 0; i < d.count(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS); i++)
        if (!ids.insert(d.get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, 0, (size_t)i)).second)
            return bad("an id twice");
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t dnn_finalise(Descriptor &d)
{
    switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR: return finalise_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR: return finalise_convolution(d);
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR: return finalise_pointwise(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: return finalise_convolution_operation(d);
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: return finalise_pointwise_operation(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: return finalise_graph(d);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: return finalise_heuristics(d);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: return finalise_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: return finalise_pack(d);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR: break;
    }
    return bad("engines and their configurations come from heuristics only");
}

} // namespace sim
