/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_probes.cu - see wgmma_probes.h. */
#include "kernels/conv/wgmma_geometry.h"
#include "kernels/conv/wgmma_intrinsics.h"
#include "kernels/device.h"
#include "wgmma_probes.h"

namespace tsm
{

constexpr int kRows = TSM_PROBE_GROUP_ROWS, kFilters = TSM_PROBE_GROUP_FILTERS, kThreads4 = 128;
constexpr int kInputBytes = kRows * TSM_WGMMA_K_BYTES, kFilterBytes = kFilters * TSM_WGMMA_K_BYTES;

/* Both operands as they lie, to shared memory; a step's products; the sums, thread by thread. */
template <typename Type>
__global__ void probe_group_kernel(const uint4 *input, const uint4 *filters, float *out, int part)
{
    TSM_SHARED_STAGES(memory);
    uint4 *to = reinterpret_cast<uint4 *>(memory);
    const uint32_t base = shared_address(memory);
    float sum[kFilters / 8][4];

    for (int i = (int)threadIdx.x; i < kInputBytes / 16; i += kThreads4) to[i] = input[i];
    for (int i = (int)threadIdx.x; i < kFilterBytes / 16; i += kThreads4) to[kInputBytes / 16 + i] = filters[i];
    barrier_init_done(); /* what threads have written is there for the products */
    __syncthreads();
    const uint64_t a = tsm_wgmma_descriptor(base, kRows, part);
    const uint64_t b = tsm_wgmma_descriptor(base + kInputBytes, kFilters, TSM_WGMMA_K_BYTES);
    group_begin();
    for (int i = 0; i < TSM_WGMMA_PRODUCTS; i++)
        group_multiply(Type(), sum, a + tsm_wgmma_product_offset(i, kRows, part) / 16, b + i * 2, i > 0);
    group_commit();
    group_wait<0>();
    for (int i = 0; i < kFilters / 2; i++) out[threadIdx.x * (kFilters / 2) + i] = sum[i / 4][i % 4];
}

struct ProbeMap {
    CUtensorMap map;
    tsm_probe_place place;
    bool im2col;
    int bytes;
};

/* One box to shared memory, and from there to `out`, as it lies. */
__global__ void probe_box_kernel(const __grid_constant__ ProbeMap p, uint4 *out)
{
    TSM_SHARED_STAGES(memory);
    const uint32_t base = shared_address(memory), barrier = base + p.bytes;
    const tsm_probe_place &at = p.place;

    if (threadIdx.x == 0) {
        barrier_init(barrier, 1);
        barrier_init_done();
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        barrier_arrive_expecting(barrier, p.bytes);
        if (p.im2col)
            copy_pixels(base, &p.map, barrier, at.channel, { at.at[0], at.at[1], at.at[2], at.at[3] }, at.tap[0],
                        at.tap[1], at.tap[2]);
        else
            copy_box(base, &p.map, barrier, at.channel, at.at[0], at.at[1]);
    }
    barrier_wait(barrier, 0);
    for (int i = (int)threadIdx.x; i < p.bytes / 16; i += 32) out[i] = reinterpret_cast<const uint4 *>(memory)[i];
}

} // namespace tsm

cudaError_t tsm_probe_group(tsm_dtype type, const void *input, const void *filters, float *out, int part,
                            cudaStream_t stream)
{
    void (*kernel)(const uint4 *, const uint4 *, float *, int) =
        type == TSM_FLOAT16 ? tsm::probe_group_kernel<tsm::Fp16> : tsm::probe_group_kernel<tsm::Bf16>;

    return TSM_LAUNCH(kernel, 1, tsm::kThreads4, tsm::kInputBytes + tsm::kFilterBytes, stream,
                      static_cast<const uint4 *>(input), static_cast<const uint4 *>(filters), out, part);
}

cudaError_t tsm_probe_box(const uint64_t map[16], bool im2col, const tsm_probe_place *place, void *out, int bytes,
                          cudaStream_t stream)
{
    tsm::ProbeMap probe = {};

    memcpy(&probe.map, map, sizeof probe.map);
    probe.place = *place;
    probe.im2col = im2col;
    probe.bytes = bytes;
    return TSM_LAUNCH(tsm::probe_box_kernel, 1, 32, (size_t)bytes + 8, stream, probe, static_cast<uint4 *>(out));
}
