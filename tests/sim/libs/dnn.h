/* SPDX-License-Identifier: Apache-2.0 */
/* dnn.h - the parts of the simulated cuDNN: descriptors (dnn.cpp), what they mean once final (dnn_final.cpp), plans
 * as text (dnn_text.cpp), and plans that run (dnn_run.cpp). */
#ifndef TSM_SIM_DNN_H
#define TSM_SIM_DNN_H

#include <cudnn.h>

#include "libs.h"
#include "numbers.h"

struct cudnnContext {
    int device;
    cudaStream_t stream;
};

namespace sim
{

struct Tensor {
    int64_t id, dims[4], strides[4], alignment; /* N, C, H, W */
    cudaDataType type;
    bool is_virtual;
};

struct ConvolutionShape {
    int64_t pads[2], posts[2], dilations[2], strides[2];
};

struct Pointwise {
    cudnnPointwiseMode_t mode;
    float lower, upper;
};

struct GraphNode {
    bool convolves;
    Tensor x, y;
    Tensor other; /* the filters, or the second operand */
    bool has_other;
    ConvolutionShape shape;
    Pointwise pointwise;
};

/* A way to run a graph. */
struct Engine {
    int64_t index;
    int64_t workspace;
    bool finalises, compiled, tensor_cores;
    Arithmetic arithmetic;
};

/* What an attribute was set to. */
struct Value {
    cudnnBackendAttributeType_t type;
    int64_t count;
    std::vector<char> bytes;
};

struct Descriptor {
    cudnnBackendDescriptorType_t type;
    bool final;
    std::map<int, Value> values;
    /* After it was made final, whichever belongs to its type: */
    Tensor tensor;
    ConvolutionShape shape;
    Pointwise pointwise;
    std::vector<GraphNode> nodes; /* of an operation, a graph, a plan: in the order in which they run */
    std::vector<Engine> engines;  /* of heuristics; one of an engine, a configuration or a plan */

    template <typename T> T get(int name, T otherwise = {}, size_t i = 0) const
    {
        auto found = values.find(name);
        if (found == values.end() || (size_t)found->second.count <= i) return otherwise;
        memcpy(&otherwise, found->second.bytes.data() + i * sizeof(T), sizeof(T));
        return otherwise;
    }
    int64_t count(int name) const
    {
        auto found = values.find(name);
        return found == values.end() ? 0 : found->second.count;
    }
};

extern const char *const kDescriptor, *const kDnnHandle;

/* Keeps the words for cudnnGetLastErrorString. */
cudnnStatus_t dnn_refuse(cudnnStatus_t status, const std::string &why);

/* Everything that its type demands was set: makes it final, or says what is wrong. */
cudnnStatus_t dnn_finalise(Descriptor &descriptor);

std::string dnn_plan_text(const Descriptor &plan);
/* False where dnn_plan_text did not write it so. */
bool dnn_read_plan(std::vector<GraphNode> &nodes, int64_t &engine, const std::string &text);

/* Rows of the pixels of a tensor; false where channels do not come last, or pixels are not evenly spaced. */
bool dnn_rows(Rows &rows, const Tensor &tensor, const void *address);
cudnnStatus_t dnn_execute(cudnnHandle_t handle, const Descriptor &plan, const Descriptor &pack);

} // namespace sim
#endif
