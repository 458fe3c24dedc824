/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutants_groups.cu - as mutants.cu, for the copy engine, barriers with phases and products of warpgroups: a pipeline
 * of two stages, in which one warp copies steps of X (64 x 64 halves) and a warpgroup sums up X X^T.
 */
#include "kernels/conv/wgmma_geometry.h"
#include "kernels/conv/wgmma_intrinsics.h"
#include "kernels/device.h"
#include "mutants.h"

#include <vector>

namespace tsm
{

constexpr int kSide = 64, kGroupSteps = 12, kGroupStages = 2, kStageBytes = kSide * TSM_WGMMA_K_BYTES;

enum class Slip {
    none,
    no_wait,       /* products of a stage that may not be there */
    wrong_parity,  /* of the last turn */
    early_release, /* a stage given away while its products run */
    no_release,
    no_fence,
    too_few_bytes, /* announced */
    early_sums     /* read before the products are done */
};

struct GroupMutant {
    CUtensorMap map; /* steps, one under the other */
    float *out;
    Slip slip;
};

__device__ void copy_steps(const GroupMutant &p, uint32_t base, uint32_t full, uint32_t empty)
{
    tsm_wgmma_turn turn = { 0, 0 };

    for (int step = 0; step < kGroupSteps; step++) {
        barrier_wait(empty + turn.stage * 8, turn.parity ^ 1);
        barrier_arrive_expecting(full + turn.stage * 8, kStageBytes / (p.slip == Slip::too_few_bytes ? 2 : 1));
        for (int half = 0; half < 2; half++)
            copy_box(base + turn.stage * kStageBytes + half * (kStageBytes / 2), &p.map, full + turn.stage * 8, 0,
                     step * kSide + half * (kSide / 2), 0);
        tsm_wgmma_next(&turn, kGroupStages);
    }
}

__device__ void multiply_steps(const GroupMutant &p, uint32_t base, uint32_t full, uint32_t empty)
{
    const uint64_t operand = tsm_wgmma_descriptor(base, kSide, TSM_WGMMA_K_BYTES);
    const uint32_t first = p.slip == Slip::wrong_parity;
    tsm_wgmma_turn turn = { 0, 0 };
    float sum[kSide / 8][4];

    for (int step = 0; step < kGroupSteps; step++) {
        const uint64_t x = operand + turn.stage * (kStageBytes / 16);

        if (p.slip != Slip::no_wait) barrier_wait(full + turn.stage * 8, turn.parity ^ first);
        if (p.slip != Slip::no_fence) group_begin();
        for (int i = 0; i < TSM_WGMMA_PRODUCTS; i++) group_multiply(Fp16(), sum, x + 2 * i, x + 2 * i, step + i > 0);
        group_commit();
        if (p.slip != Slip::early_release) group_wait<0>();
        if (threadIdx.x % 32 == 0 && p.slip != Slip::no_release) barrier_arrive(empty + turn.stage * 8);
        if (p.slip == Slip::early_release) __syncwarp();
        if (p.slip == Slip::early_release && step + 1 == kGroupSteps) group_wait<0>();
        if (p.slip == Slip::early_sums && step + 1 == kGroupSteps) {
            group_begin();
            group_multiply(Fp16(), sum, x, x, true);
            group_commit();
        }
        tsm_wgmma_next(&turn, kGroupStages);
    }
    for (int i = 0; i < kSide / 2; i++) p.out[threadIdx.x * (kSide / 2) + i] = sum[i / 4][i % 4];
    group_wait<0>();
}

__global__ void group_mutant_kernel(const __grid_constant__ GroupMutant p)
{
    TSM_SHARED_STAGES(memory);
    const uint32_t base = shared_address(memory), full = base + kGroupStages * kStageBytes;
    const uint32_t empty = full + kGroupStages * 8;

    if (threadIdx.x == 0) {
        for (int i = 0; i < kGroupStages; i++) {
            barrier_init(full + i * 8, 1);
            barrier_init(empty + i * 8, 4);
        }
        barrier_init_done();
    }
    __syncthreads();
    if (threadIdx.x < 128)
        multiply_steps(p, base, full, empty);
    else if (threadIdx.x == 128)
        copy_steps(p, base, full, empty);
}

/* The map of X, of which a box is half a step. */
static bool make_map(CUtensorMap *map, void *x)
{
    const cuuint64_t dims[] = { kSide, (cuuint64_t)kSide * kGroupSteps, 1 };
    const cuuint64_t strides[] = { TSM_WGMMA_K_BYTES, (cuuint64_t)kStageBytes * kGroupSteps };
    const cuuint32_t box[] = { kSide, kSide / 2, 1 }, every[] = { 1, 1, 1 };

    return cuTensorMapEncodeTiled(map, CU_TENSOR_MAP_DATA_TYPE_FLOAT16, 3, x, dims, strides, box, every,
                                  CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                  CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

/* X is 1 where row and step agree modulo 4, else 0: sums count the steps that two rows have in common. */
static bool run_groups(Slip slip)
{
    constexpr size_t values = (size_t)kSide * kSide * kGroupSteps, sums = kSide * kSide;
    std::vector<uint16_t> x(values);
    std::vector<float> out(sums);
    GroupMutant p = {};
    void *device_x = nullptr;
    bool good = cudaMalloc(&device_x, values * 2) == cudaSuccess &&
                cudaMalloc((void **)&p.out, sums * sizeof(float)) == cudaSuccess;

    for (size_t i = 0; i < values; i++) x[i] = i / kSide % kSide % 4 == i / kSide / kSide % 4 ? 0x3c00 : 0;
    p.slip = slip;
    good = good && cudaMemcpyAsync(device_x, x.data(), values * 2, cudaMemcpyHostToDevice, nullptr) == cudaSuccess;
    good = good && make_map(&p.map, device_x);
    good =
        good && TSM_LAUNCH(group_mutant_kernel, 1, 160, kGroupStages * (kStageBytes + 16), nullptr, p) == cudaSuccess;
    good = good &&
           cudaMemcpyAsync(out.data(), p.out, sums * sizeof(float), cudaMemcpyDeviceToHost, nullptr) == cudaSuccess;
    for (size_t i = 0; good && i < sums; i++) {
        const size_t thread = i / (kSide / 2), of = i % (kSide / 2);
        const size_t row = thread / 32 * 16 + thread % 32 / 4 + of % 4 / 2 * 8;
        const size_t column = of / 4 * 8 + thread % 4 * 2 + of % 2;
        good = out[i] == (row % 4 == column % 4 ? (float)(kSide * kGroupSteps / 4) : 0.0f);
    }
    return cudaFree(device_x) == cudaSuccess && cudaFree(p.out) == cudaSuccess && good;
}

template <Slip S> bool groups(bool broken)
{
    return run_groups(broken ? S : Slip::none);
}

} // namespace tsm

const tsm_mutant tsm_group_mutants[] = {
    { "products that wait for no box",
      { "copy engine is still writing", "nobody has written" },
      TSM_FOUND_ALWAYS,
      tsm::groups<tsm::Slip::no_wait> },
    { "products that wait for the turn before",
      { "copy engine is still writing", "a barrier in shared memory" },
      TSM_FOUND_ALWAYS,
      tsm::groups<tsm::Slip::wrong_parity> },
    { "stage given away while its products run", {}, TSM_FOUND_ALWAYS, tsm::groups<tsm::Slip::early_release> },
    { "stage never given away",
      { "a barrier in shared memory" },
      TSM_FOUND_ALWAYS,
      tsm::groups<tsm::Slip::no_release> },
    { "sums without a fence", { "no wgmma.fence" }, TSM_FOUND_ALWAYS, tsm::groups<tsm::Slip::no_fence> },
    { "fewer bytes announced than land", {}, TSM_FOUND_ALWAYS, tsm::groups<tsm::Slip::too_few_bytes> },
    { "sums read before they are there", {}, TSM_FOUND_ALWAYS, tsm::groups<tsm::Slip::early_sums> },
};
const int tsm_group_mutant_count = sizeof tsm_group_mutants / sizeof tsm_group_mutants[0];
