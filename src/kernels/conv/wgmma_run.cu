/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_run.cu - the door to the kernels on wgmma and TMA: from arguments to maps and plan, and to the kernel of its
 * type. */
#include "wgmma_kernel.h"
#include "wgmma_maps.h"

namespace tsm
{

static bool is_served(const tsm_conv_wgmma_args *a)
{
    const tsm_conv_kernel_args &c = a->conv;

    return tsm_conv_wgmma_serves(&c.spec, nullptr) && tsm_conv_wgmma_way_serves(&c.spec, &a->way) && c.in &&
           c.weights && c.out && aligned(c.in) && aligned(c.weights) && aligned(c.out) && aligned(c.bias) &&
           aligned(c.residual) && !c.residual == !c.spec.residual_pitch;
}

static WgmmaPlan wgmma_plan_of(const tsm_conv_wgmma_args *a)
{
    const tsm_conv_kernel_spec &s = a->conv.spec;
    const tsm_conv_tile *tile = tsm_conv_wgmma_tile(a->way.tile);
    WgmmaPlan p = {};

    memcpy(&p.input, a->maps.input, sizeof p.input);
    memcpy(&p.filters, a->maps.filters, sizeof p.filters);
    p.conv = conv_plan_operands(&a->conv);
    p.conv.tiles_n = tsm_divisor_make((uint32_t)divide_up(s.filters, tile->filters));
    p.conv.per_tap = (int)divide_up(p.conv.filters.row_bytes / (s.kernel_h * s.kernel_w), TSM_WGMMA_K_BYTES);
    p.steps = p.conv.per_tap * s.kernel_h * s.kernel_w;
    p.part = tsm_wgmma_part_bytes(s.fold * (int)sizeof(__half), s.end * (int)sizeof(__half));
    for (int i = 0; i < TSM_WGMMA_PRODUCTS; i++)
        p.product_at[i] = (int)tsm_wgmma_product_offset(i, tile->rows, p.part) / TSM_CONV_CHUNK;
    p.tiled = a->way.tiled;
    p.clip_rows = p.tiled ? p.conv.rows.count / s.n : p.conv.rows.count;
    p.per_clip = tsm_divisor_make((uint32_t)divide_up(p.clip_rows, tile->rows));
    p.tiles = (int)(p.conv.tiles_n.value * p.per_clip.value) * (p.tiled ? s.n : 1);
    return p;
}

} // namespace tsm

cudaError_t tsm_conv_wgmma_prepare(tsm_conv_wgmma_args *args)
{
    CUtensorMap input, filters;
    cudaError_t error;

    if (!tsm::is_served(args)) return cudaErrorInvalidValue;
    error = tsm_wgmma_map_input(&input, args);
    if (error == cudaSuccess) error = tsm_wgmma_map_filters(&filters, args);
    if (error != cudaSuccess) return error;
    static_assert(sizeof input == sizeof args->maps.input, "a map is 128 bytes");
    memcpy(args->maps.input, &input, sizeof input);
    memcpy(args->maps.filters, &filters, sizeof filters);
    return cudaSuccess;
}

cudaError_t tsm_conv_wgmma_run(const tsm_conv_wgmma_args *args, cudaStream_t stream)
{
    if (!tsm::is_served(args)) return cudaErrorInvalidValue;
    const tsm::WgmmaPlan plan = tsm::wgmma_plan_of(args);
    if (args->conv.spec.dtype == TSM_FLOAT16)
        return tsm::wgmma_launch_fp16(plan, args->way.tile, args->way.blocks, stream);
    return tsm::wgmma_launch_bf16(plan, args->way.tile, args->way.blocks, stream);
}
