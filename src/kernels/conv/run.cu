/* SPDX-License-Identifier: Apache-2.0 */
/* run.cu - the entry of the convolution kernels: from a spec to the numbers of plan.h, and to the kernel of its type.
 */
#include "kernel.h"

namespace tsm
{

static bool is_complete(const tsm_conv_kernel_args *a)
{
    const bool parts = a->way.parts > 1;

    return a->in && a->weights && a->out && aligned(a->in) && aligned(a->weights) && aligned(a->out) &&
           aligned(a->bias) && aligned(a->residual) && !a->residual == !a->spec.residual_pitch &&
           aligned(a->joined) && !a->joined == !a->spec.joined_channels &&
           (!parts || (a->workspace && a->counters && aligned(a->workspace)));
}

/* The most bytes that a copy may move: what both folds are multiples of. */
static int piece_of(const tsm_conv_kernel_spec &s, int element_bytes)
{
    int piece = TSM_CONV_CHUNK;

    while (s.fold * element_bytes % piece || s.end * element_bytes % piece) piece /= 2;
    return piece;
}

static void plan_input(ConvPlan &p, const tsm_conv_kernel_args *a, int element_bytes)
{
    const tsm_conv_kernel_spec &s = a->spec;
    const int oh = tsm_conv_kernel_out_h(&s), ow = tsm_conv_kernel_out_w(&s);

    p.rows = { s.n * s.t * oh * ow, tsm_divisor_make((uint32_t)(oh * ow)), tsm_divisor_make((uint32_t)ow),
               tsm_divisor_make((uint32_t)s.t) };
    p.in.data = static_cast<const char *>(a->in);
    p.in.h = s.h;
    p.in.w = s.w;
    p.in.t = s.t;
    p.in.pixel = (int)(s.in_pitch * element_bytes / TSM_CONV_WORD);
    p.in.frame = p.in.pixel * s.h * s.w;
    p.in.channels = s.channels;
    p.in.kernel_h = s.kernel_h;
    p.in.kernel_w = s.kernel_w;
    p.in.stride = s.stride;
    p.in.pad = s.pad;
    p.in.piece = piece_of(s, element_bytes);
    p.in.shift = { s.fold, s.end, s.step };
}

static void plan_joined(ConvPlan &p, const tsm_conv_kernel_args *a, int element_bytes)
{
    const tsm_conv_kernel_spec &s = a->spec;

    p.joined.data = static_cast<const char *>(a->joined);
    p.joined.h = s.joined_h;
    p.joined.w = s.joined_w;
    p.joined.pixel = (int)(s.joined_pitch * element_bytes / TSM_CONV_WORD);
    p.joined.channels = s.joined_channels;
    p.joined.stride = s.joined_stride;
}

static void plan_output(ConvPlan &p, const tsm_conv_kernel_args *a)
{
    const tsm_conv_kernel_spec &s = a->spec;

    p.out.data = a->out;
    p.out.bias = a->bias;
    p.out.residual = a->residual;
    p.out.pitch = s.out_pitch;
    p.out.residual_pitch = s.residual_pitch;
    p.out.residual_frame = s.residual_pitch * p.rows.per_frame.value;
    p.out.residual_shift = { s.residual_fold, s.residual_end, s.step };
    p.out.act = s.act;
}

static void plan_filters(ConvPlan &p, const tsm_conv_kernel_args *a)
{
    p.filters = { static_cast<const char *>(a->weights), a->spec.filters,
                  (int)(tsm_conv_kernel_packed_bytes(&a->spec) / (size_t)a->spec.filters) };
}

static void plan_tiles(ConvPlan &p, const tsm_conv_kernel_args *a, int element_bytes)
{
    const tsm_conv_tile *tile = tsm_conv_kernel_tile(a->way.tile);

    p.tiles_n = tsm_divisor_make((uint32_t)divide_up(a->spec.filters, tile->filters));
    p.per_tap =
        (int)divide_up(a->spec.channels * element_bytes, TSM_CONV_PACK_BYTES) * TSM_CONV_PACK_BYTES / tile->k_bytes;
    p.joined_at = p.per_tap * a->spec.kernel_h * a->spec.kernel_w;
    p.split.total = p.filters.row_bytes / tile->k_bytes;
    p.split.steps = (int)divide_up(p.split.total, a->way.parts);
    p.split.count = (int)divide_up(p.split.total, p.split.steps); /* none is empty */
    p.split.sums = static_cast<float *>(a->workspace);
    p.split.counters = static_cast<uint32_t *>(a->counters);
}

ConvPlan conv_plan_operands(const tsm_conv_kernel_args *a)
{
    const int element_bytes = a->spec.dtype == TSM_FLOAT32 ? sizeof(float) : sizeof(__half);
    ConvPlan p = {};

    plan_input(p, a, element_bytes);
    plan_joined(p, a, element_bytes);
    plan_output(p, a);
    plan_filters(p, a);
    return p;
}

} // namespace tsm

cudaError_t tsm_conv_kernel_run(const tsm_conv_kernel_args *args, cudaStream_t stream)
{
    if (!tsm_conv_kernel_serves(&args->spec, nullptr) || !tsm_conv_kernel_way_serves(&args->spec, args->way))
        return cudaErrorInvalidValue;
    if (!tsm::is_complete(args)) return cudaErrorInvalidValue;
    tsm::ConvPlan plan = tsm::conv_plan_operands(args);
    tsm::plan_tiles(plan, args, args->spec.dtype == TSM_FLOAT32 ? sizeof(float) : sizeof(__half));
    switch (args->spec.dtype) {
    case TSM_FLOAT16: return tsm::conv_launch_fp16(plan, args->way.tile, stream);
    case TSM_BFLOAT16: return tsm::conv_launch_bf16(plan, args->way.tile, stream);
    default: return tsm::conv_launch_tf32(plan, args->way.tile, stream);
    }
}
