/* SPDX-License-Identifier: Apache-2.0 */
/* dnn_run.cpp - a plan at work: the convolution as a product of gathered pixels and filters, then what follows it. */
#include "dnn.h"
#include "product.h"

namespace sim
{

static const char *const kCall = "cudnnBackendExecute";

bool dnn_rows(Rows &rows, const Tensor &t, const void *address)
{
    size_t element = type_bytes(t.type);
    int64_t pitch = t.strides[3];

    rows = { address, (size_t)(t.dims[0] * t.dims[2] * t.dims[3]), (size_t)t.dims[1] * element,
             (size_t)pitch * element };
    return (t.dims[1] == 1 || t.strides[1] == 1) && pitch >= t.dims[1] && t.strides[2] == t.dims[3] * pitch &&
           t.strides[0] == t.dims[2] * t.strides[2];
}

/* A tensor of the graph with its address. */
struct Bound {
    Tensor tensor;
    void *address;
    Use use;
};

struct Run {
    std::vector<GraphNode> nodes;
    Engine engine;
    std::map<int64_t, Bound> tensors;
    void *workspace;
};

static std::string in_words(int64_t id)
{
    return "tensor " + std::to_string(id);
}

static bool bind_tensor(Run &run, const Tensor &t, Use use, const Descriptor &pack)
{
    if (t.is_virtual) return true;
    for (int64_t i = 0; i < pack.count(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS); i++)
        if (pack.get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, 0, (size_t)i) == t.id) {
            run.tensors[t.id] = { t, pack.get<void *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, nullptr, (size_t)i),
                                  use };
            return true;
        }
    dnn_refuse(CUDNN_STATUS_BAD_PARAM, in_words(t.id) + " has no address");
    return false;
}

static bool bind(Run &run, const Descriptor &pack)
{
    for (const GraphNode &n : run.nodes)
        if (!bind_tensor(run, n.x, READS, pack) || (n.has_other && !bind_tensor(run, n.other, READS, pack)) ||
            !bind_tensor(run, n.y, WRITES, pack))
            return false;
    run.workspace = pack.get<void *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    return true;
}

static bool check_run(const Run &run)
{
    for (const auto &entry : run.tensors) {
        const Bound &bound = entry.second;
        Rows rows;

        dnn_rows(rows, bound.tensor, bound.address);
        if (!check_device({ kCall, in_words(entry.first).c_str() }, rows, (size_t)bound.tensor.alignment))
            return false;
    }
    return check_device({ kCall, "workspace" }, one_row(run.workspace, (size_t)run.engine.workspace));
}

static bool touch_run(const Run &run)
{
    for (Use use : { READS, WRITES })
        for (const auto &entry : run.tensors) {
            Rows rows;

            dnn_rows(rows, entry.second.tensor, entry.second.address);
            if (entry.second.use == use && !touch({ kCall, in_words(entry.first).c_str() }, rows, use)) return false;
        }
    if (run.engine.workspace == 0) return true;
    if (!touch({ kCall, "workspace" }, one_row(run.workspace, (size_t)run.engine.workspace), WRITES)) return false;
    memset(run.workspace, 0xff, (size_t)run.engine.workspace);
    return true;
}

/* ---- The convolution ---- */

struct Pixel {
    int64_t image, y, x;
};

static Pixel output_pixel(const Tensor &t, size_t i)
{
    int64_t at = (int64_t)i;

    return { at / (t.dims[2] * t.dims[3]), at / t.dims[3] % t.dims[2], at % t.dims[3] };
}

/* The channels [first, first + depth) of all taps of one output pixel; zeros in the padding. */
static void gather(float *to, const GraphNode &n, const void *x, Pixel p, int64_t first, int64_t depth)
{
    for (int64_t r = 0; r < n.other.dims[2]; r++)
        for (int64_t s = 0; s < n.other.dims[3]; s++, to += depth) {
            int64_t h = p.y * n.shape.strides[0] - n.shape.pads[0] + r * n.shape.dilations[0];
            int64_t w = p.x * n.shape.strides[1] - n.shape.pads[1] + s * n.shape.dilations[1];
            bool inside = h >= 0 && h < n.x.dims[2] && w >= 0 && w < n.x.dims[3];
            int64_t at = p.image * n.x.strides[0] + h * n.x.strides[2] + w * n.x.strides[3] + first;

            for (int64_t c = 0; c < depth; c++) to[c] = inside ? read_element(x, (size_t)(at + c), n.x.type) : 0;
        }
}

static RightFactor load_filters(const GraphNode &n, const void *filters, int64_t first, int64_t count,
                                const Arithmetic &how)
{
    const Tensor &w = n.other;
    RightFactor right = right_factor((size_t)(w.dims[1] * w.dims[2] * w.dims[3]), (size_t)count);

    for (int64_t f = 0; f < count; f++) {
        size_t row = 0;

        for (int64_t r = 0; r < w.dims[2]; r++)
            for (int64_t s = 0; s < w.dims[3]; s++)
                for (int64_t c = 0; c < w.dims[1]; c++) {
                    int64_t at = (first + f) * w.strides[0] + c * w.strides[1] + r * w.strides[2] + s * w.strides[3];
                    right_set(right, row++, (size_t)f, read_element(filters, (size_t)at, w.type), how);
                }
    }
    return right;
}

/* ---- What follows it ---- */

static float operand(const Run &run, const Tensor &t, Pixel p, int64_t channel)
{
    const int64_t at[] = { p.image, channel, p.y, p.x };
    int64_t index = 0;

    for (int i = 0; i < 4; i++)
        if (t.dims[i] != 1) index += at[i] * t.strides[i];
    return read_element(run.tensors.at(t.id).address, (size_t)index, t.type);
}

static float round_as(float value, cudaDataType type)
{
    char bytes[4];

    if (type == CUDA_R_32F) return value;
    write_element(bytes, 0, value, type);
    return read_element(bytes, 0, type);
}

static void follow(const Run &run, float *values, Pixel p, int64_t first, int64_t count)
{
    for (const GraphNode &n : run.nodes) {
        for (int64_t i = 0; i < count && !n.convolves; i++) {
            if (n.has_other) values[i] += operand(run, n.other, p, first + i);
            if (n.has_other) continue;
            if (values[i] < n.pointwise.lower) values[i] = n.pointwise.lower;
            if (values[i] > n.pointwise.upper) values[i] = n.pointwise.upper;
        }
        for (int64_t i = 0; i < count && n.y.type != CUDA_R_32F; i++) values[i] = round_as(values[i], n.y.type);
    }
}

static void store(const Run &run, const float *values, Pixel p, int64_t first, int64_t count)
{
    const Tensor &y = run.nodes.back().y;
    int64_t at = p.image * y.strides[0] + p.y * y.strides[2] + p.x * y.strides[3] + first;

    for (int64_t i = 0; i < count; i++)
        write_element(run.tensors.at(y.id).address, (size_t)(at + i), values[i], y.type);
}

static void run_group(const Run &run, int64_t group, int64_t groups)
{
    constexpr size_t kStep = 64;
    const GraphNode &n = run.nodes[0];
    const int64_t depth = n.other.dims[1], filters = n.y.dims[1] / groups;
    const void *x = run.tensors.at(n.x.id).address, *w = run.tensors.at(n.other.id).address;
    const RightFactor right = load_filters(n, w, group * filters, filters, run.engine.arithmetic);
    const size_t pixels = (size_t)(n.y.dims[0] * n.y.dims[2] * n.y.dims[3]), pitch = product_pitch(right);
    std::vector<float> left(kStep * right.depth), out(kStep * pitch);

    for (size_t at = 0; at < pixels; at += kStep) {
        size_t count = std::min(kStep, pixels - at);

        for (size_t i = 0; i < count; i++)
            gather(left.data() + i * right.depth, n, x, output_pixel(n.y, at + i), group * depth, depth);
        product(out, left, count, right, run.engine.arithmetic);
        for (size_t i = 0; i < count; i++) {
            follow(run, out.data() + i * pitch, output_pixel(n.y, at + i), group * filters, filters);
            store(run, out.data() + i * pitch, output_pixel(n.y, at + i), group * filters, filters);
        }
    }
}

static cudaError_t work(const Run &run)
{
    const int64_t groups = run.nodes[0].x.dims[1] / run.nodes[0].other.dims[1];

    counters.convolutions++;
    if (!touch_run(run)) return cudaErrorLaunchFailure;
    for (int64_t group = 0; group < groups; group++) run_group(run, group, groups);
    return cudaSuccess;
}

cudnnStatus_t dnn_execute(cudnnHandle_t handle, const Descriptor &plan, const Descriptor &pack)
{
    if (plan.type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR || pack.type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM, "needs a plan and a variant pack");
    if (!plan.final || !pack.final)
        return dnn_refuse(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "the plan or the pack is not final");
    if (handle->device != current_device()) {
        misuse(kCall, "the handle is of another GPU than the current one");
        return CUDNN_STATUS_BAD_PARAM;
    }
    auto run = std::make_shared<Run>();
    run->nodes = plan.nodes;
    run->engine = plan.engines[0];
    if (!bind(*run, pack) || !check_run(*run)) return CUDNN_STATUS_BAD_PARAM;
    cudaError_t error = submit(handle->stream, kCall, [run] { return work(*run); });
    return error ? CUDNN_STATUS_EXECUTION_FAILED : CUDNN_STATUS_SUCCESS;
}

} // namespace sim
