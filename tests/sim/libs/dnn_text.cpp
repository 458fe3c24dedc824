/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnn_text.cpp - a plan as text and back. The tensors are written as cuDNN 9.19 writes them, the rest like it; only
 * what was written here is read, byte for byte.
 */
#include "dnn.h"

#include <cfloat>
#include <cmath>
#include <stdio.h>
#include <stdlib.h>

namespace sim
{

static const struct {
    cudaDataType type;
    const char *name;
} kTypes[] = { { CUDA_R_32F, "CUDNN_DATA_FLOAT" },
               { CUDA_R_16F, "CUDNN_DATA_HALF" },
               { CUDA_R_16BF, "CUDNN_DATA_BFLOAT16" } };

static const char kConvolves[] = "{\"operation\":\"CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR\"";
static const char kPointwise[] = "{\"operation\":\"CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR\"";
static const char kAfterVirtual[] = ",\"isByValue\":false,\"vectCount\":1,\"vectDim\":-1,\"ptrAlignment\":";
static const char kAfterTensor[] = ",\"reordering\":\"CUDNN_TENSOR_REORDERING_NONE\"}";

/* ---- Writing ---- */

static std::string list(const int64_t *numbers, int count)
{
    std::string text = "[";

    for (int i = 0; i < count; i++) text += (i ? "," : "") + std::to_string(numbers[i]);
    return text + "]";
}

static std::string quoted(int64_t id)
{
    return "\"" + std::to_string(id) + "\"";
}

static std::string tensor_text(const Tensor &t)
{
    const char *type = "";

    for (const auto &known : kTypes)
        if (known.type == t.type) type = known.name;
    return "{\"name\":" + quoted(t.id) + ",\"dataType\":\"" + type + "\",\"dim\":" + list(t.dims, 4) +
           ",\"stride\":" + list(t.strides, 4) + ",\"isVirtual\":" + (t.is_virtual ? "true" : "false") +
           kAfterVirtual + std::to_string(t.alignment) + kAfterTensor;
}

static std::string clip_text(float value)
{
    char text[64];

    snprintf(text, sizeof text, "%.17g", std::isinf(value) ? DBL_MAX : (double)value);
    return text;
}

static std::string node_text(const GraphNode &n)
{
    const std::string ends = ",\"X\":" + quoted(n.x.id) + ",\"Y\":" + quoted(n.y.id);

    if (n.convolves)
        return kConvolves + std::string(",\"pad\":") + list(n.shape.pads, 2) +
               ",\"postPad\":" + list(n.shape.posts, 2) + ",\"stride\":" + list(n.shape.strides, 2) +
               ",\"dilation\":" + list(n.shape.dilations, 2) + ends + ",\"W\":" + quoted(n.other.id) + "}";
    return kPointwise + std::string(",\"mode\":") + std::to_string((int)n.pointwise.mode) +
           ",\"upperClip\":" + clip_text(n.pointwise.upper) + ",\"lowerClip\":" + clip_text(n.pointwise.lower) +
           ends + (n.has_other ? ",\"B\":" + quoted(n.other.id) : "") + "}";
}

std::string dnn_plan_text(const Descriptor &plan)
{
    std::map<int64_t, Tensor> tensors;
    std::string texts, nodes;

    for (const GraphNode &n : plan.nodes) {
        tensors[n.x.id] = n.x;
        tensors[n.y.id] = n.y;
        if (n.has_other) tensors[n.other.id] = n.other;
        nodes += (nodes.empty() ? "" : ",") + node_text(n);
    }
    for (const auto &entry : tensors) texts += (texts.empty() ? "" : ",") + tensor_text(entry.second);
    return "{\"cudnnVersion\":" + std::to_string(cudnnGetVersion()) + ",\"operationGraph\":{\"tensors\":[" + texts +
           "],\"nodes\":[" + nodes + "]},\"engine\":{\"engineId\":" + std::to_string(plan.engines[0].index) + "}}";
}

/* ---- Reading ---- */

/* Stops being good at the first thing that was not expected. */
struct Reader {
    const char *at;
    bool good;

    bool is(const char *want)
    {
        size_t length = strlen(want);
        bool found = good && !strncmp(at, want, length);

        if (found) at += length;
        return found;
    }
    void expect(const char *want) { good = is(want); }
    int64_t number()
    {
        char *end = nullptr;
        int64_t value = good ? strtoll(at, &end, 10) : 0;

        good = good && end != at;
        if (good) at = end;
        return value;
    }
    double real()
    {
        char *end = nullptr;
        double value = good ? strtod(at, &end) : 0;

        good = good && end != at;
        if (good) at = end;
        return value;
    }
    void numbers(int64_t *to, int count)
    {
        for (int i = 0; i < count; i++) {
            expect(i ? "," : "[");
            to[i] = number();
        }
        expect("]");
    }
    /* cuDNN ends the process where a name is no number. */
    int64_t name(const char *key)
    {
        expect(key);
        expect(":\"");
        if (good && *at && (*at < '0' || *at > '9'))
            misuse("cudnnBackendFinalize", "a name in a plan's text is no number");
        int64_t id = number();
        expect("\"");
        return id;
    }
};

static Tensor read_tensor(Reader &in)
{
    Tensor t = {};
    bool known = false;

    t.id = in.name("{\"name\"");
    in.expect(",\"dataType\":\"");
    for (const auto &type : kTypes)
        if (!known && in.is(type.name)) {
            t.type = type.type;
            known = true;
        }
    in.expect("\",\"dim\":");
    in.numbers(t.dims, 4);
    in.expect(",\"stride\":");
    in.numbers(t.strides, 4);
    in.expect(",\"isVirtual\":");
    t.is_virtual = in.is("true");
    if (!t.is_virtual) in.expect("false");
    in.expect(kAfterVirtual);
    t.alignment = in.number();
    in.expect(kAfterTensor);
    for (int i = 0; i < 4; i++) in.good = in.good && t.dims[i] > 0 && t.strides[i] > 0;
    in.good = in.good && known && t.alignment > 0;
    return t;
}

static Tensor named(Reader &in, const char *key, const std::map<int64_t, Tensor> &tensors)
{
    auto found = tensors.find(in.name(key));

    in.good = in.good && found != tensors.end();
    return in.good ? found->second : Tensor();
}

static float clip_of(double value)
{
    return value > FLT_MAX ? INFINITY : (float)value;
}

static GraphNode read_node(Reader &in, const std::map<int64_t, Tensor> &tensors)
{
    GraphNode n = {};

    n.convolves = in.is(kConvolves);
    if (n.convolves) {
        in.expect(",\"pad\":");
        in.numbers(n.shape.pads, 2);
        in.expect(",\"postPad\":");
        in.numbers(n.shape.posts, 2);
        in.expect(",\"stride\":");
        in.numbers(n.shape.strides, 2);
        in.expect(",\"dilation\":");
        in.numbers(n.shape.dilations, 2);
        for (int i = 0; i < 2; i++) in.good = in.good && n.shape.strides[i] > 0 && n.shape.dilations[i] > 0;
    } else {
        in.expect(kPointwise);
        in.expect(",\"mode\":");
        n.pointwise.mode = in.number() == CUDNN_POINTWISE_ADD ? CUDNN_POINTWISE_ADD : CUDNN_POINTWISE_RELU_FWD;
        in.expect(",\"upperClip\":");
        n.pointwise.upper = clip_of(in.real());
        in.expect(",\"lowerClip\":");
        n.pointwise.lower = clip_of(in.real());
    }
    n.x = named(in, ",\"X\"", tensors);
    n.y = named(in, ",\"Y\"", tensors);
    n.has_other = n.convolves || n.pointwise.mode == CUDNN_POINTWISE_ADD;
    if (n.has_other) n.other = named(in, n.convolves ? ",\"W\"" : ",\"B\"", tensors);
    in.expect("}");
    return n;
}

bool dnn_read_plan(std::vector<GraphNode> &nodes, int64_t &engine, const std::string &text)
{
    Reader in = { text.c_str(), true };
    std::map<int64_t, Tensor> tensors;

    in.expect("{\"cudnnVersion\":");
    in.good = in.number() == (int64_t)cudnnGetVersion() && in.good;
    in.expect(",\"operationGraph\":{\"tensors\":[");
    do {
        Tensor t = read_tensor(in);
        tensors[t.id] = t;
    } while (in.is(","));
    in.expect("],\"nodes\":[");
    do {
        nodes.push_back(read_node(in, tensors));
    } while (in.is(","));
    in.expect("]},\"engine\":{\"engineId\":");
    engine = in.number();
    in.expect("}}");
    return in.good && !*in.at;
}

} // namespace sim
