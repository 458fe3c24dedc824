/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutants.cu - see mutants.h. The right form of each kernel must pass on every seed, the broken one must be caught.
 */
#include "kernels/device.h"
#include "mutants.h"

#include <algorithm>
#include <cooperative_groups.h>

namespace
{

constexpr int kBlocks = 3, kBlock = 64, kCount = kBlocks * kBlock;

/* Runs `launch(in, out)` on in[i] = i and compares out with want(i), `count` ints. */
template <typename Launch, typename Want> bool run_ints(int count, Launch launch, Want want)
{
    int host[2 * kCount];
    int *in, *out;
    bool good = cudaMalloc((void **)&in, kCount * sizeof *in) == cudaSuccess &&
                cudaMalloc((void **)&out, count * sizeof *out) == cudaSuccess;

    for (int i = 0; i < kCount; i++) host[i] = i;
    good = good && cudaMemcpyAsync(in, host, kCount * sizeof *in, cudaMemcpyHostToDevice, nullptr) == cudaSuccess;
    good = good && launch(in, out) == cudaSuccess;
    good = good && cudaMemcpyAsync(host, out, count * sizeof *out, cudaMemcpyDeviceToHost, nullptr) == cudaSuccess;
    for (int i = 0; good && i < count; i++) good = host[i] == want(i);
    return cudaFree(in) == cudaSuccess && cudaFree(out) == cudaSuccess && good;
}

int same(int i)
{
    return i;
}

/* ---- Shared memory and barriers ---- */

__global__ void reverse_kernel(const int *in, int *out, bool broken)
{
    TSM_SHARED(int, tile, kBlock);
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    tile[threadIdx.x] = in[i];
    if (!broken) __syncthreads();
    out[i] = tile[kBlock - 1 - threadIdx.x];
}

bool reverse(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(reverse_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        [](int i) { return i / kBlock * kBlock + kBlock - 1 - i % kBlock; });
}

/* Dynamic shared memory, written again after it was read. */
__global__ void reuse_kernel(const int *in, int *out, bool broken)
{
    TSM_SHARED_DYNAMIC(int, tile);
    int sum = 0;

    for (unsigned block = 0; block < gridDim.x; block++) {
        tile[threadIdx.x] = in[block * kBlock + threadIdx.x];
        __syncthreads();
        sum += tile[kBlock - 1 - threadIdx.x];
        if (!broken) __syncthreads();
    }
    out[blockIdx.x * kBlock + threadIdx.x] = sum;
}

bool reuse(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(reuse_kernel, kBlocks, kBlock, kBlock * sizeof(int), nullptr, in, out, broken);
        },
        [](int i) { return kBlocks * (kBlock - 1 - i % kBlock) + kBlock * kBlocks * (kBlocks - 1) / 2; });
}

__global__ void divergent_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    if (!broken || threadIdx.x < 40) __syncthreads();
    out[i] = in[i];
}

bool divergent(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(divergent_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        same);
}

__global__ void two_barriers_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    if (broken && threadIdx.x % 2)
        __syncthreads();
    else
        __syncthreads();
    out[i] = in[i];
}

bool two_barriers(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(two_barriers_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken);
        },
        same);
}

__global__ void shared_bounds_kernel(const int *in, int *out, bool broken)
{
    TSM_SHARED(int, first, kBlock);
    TSM_SHARED(int, second, kBlock);
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    first[threadIdx.x + (broken ? 1 : 0)] = in[i];
    second[threadIdx.x] = in[i];
    out[i] = second[threadIdx.x];
}

bool shared_bounds(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(shared_bounds_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken);
        },
        same);
}

__global__ void shared_unwritten_kernel(const int *in, int *out, bool broken)
{
    TSM_SHARED(int, tile, kBlock);
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    if (!broken || threadIdx.x) tile[threadIdx.x] = in[i];
    __syncthreads();
    out[i] = tile[threadIdx.x];
}

bool shared_unwritten(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(shared_unwritten_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken);
        },
        same);
}

/* ---- Device memory ---- */

__global__ void bounds_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    out[i + (broken ? 1 : 0)] = in[i];
}

bool bounds(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(bounds_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        same);
}

__global__ void unwritten_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    if (!broken || i != kCount - 1) out[i] = in[i];
}

bool unwritten(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(unwritten_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        same);
}

/* Sums of windows, the last of which is cut short, as a pool's are at the edge of an image. */
constexpr int kWindow = 5, kWindows = (kCount + kWindow - 1) / kWindow;

__global__ void windows_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x), end = (i + 1) * kWindow, sum = 0;

    if (i >= kWindows) return;
    if (!broken && end > kCount) end = kCount;
    for (int k = i * kWindow; k < end; k++) sum += in[k];
    out[i] = sum;
}

bool window(bool broken)
{
    return run_ints(
        kWindows,
        [=](int *in, int *out) { return TSM_LAUNCH(windows_kernel, 1, kBlock, 0, nullptr, in, out, broken); },
        [](int i) {
            int count = std::min(kWindow, kCount - i * kWindow);
            return i * kWindow * count + count * (count - 1) / 2;
        });
}

/* Reads its output before anything has written it. */
__global__ void read_first_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    out[i] = broken ? in[i] + (out[i] & 1) : in[i];
}

bool read_first(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(read_first_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken);
        },
        same);
}

bool freed(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            int *gone;
            cudaMalloc((void **)&gone, kCount * sizeof *gone);
            if (broken) cudaFree(gone);
            cudaError_t error = TSM_LAUNCH(bounds_kernel, kBlocks, kBlock, 0, nullptr, in, gone, false);
            if (!broken) cudaMemcpyAsync(out, gone, kCount * sizeof *gone, cudaMemcpyDeviceToDevice, nullptr);
            if (!broken) cudaFree(gone);
            return error;
        },
        same);
}

bool host_pointer(bool broken)
{
    static int host[kCount];

    for (int i = 0; i < kCount; i++) host[i] = i;
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(bounds_kernel, kBlocks, kBlock, 0, nullptr, broken ? host : in, out, false);
        },
        same);
}

bool foreign_free(bool broken)
{
    int *memory;

    return cudaMalloc((void **)&memory, 100) == cudaSuccess && cudaFree(memory) == cudaSuccess &&
           (!broken || cudaFree(memory) == cudaSuccess);
}

/* ---- Vectors ---- */

__global__ void vector_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    if (i >= kCount / 4 - 1) {
        if (i < kCount / 4)
            for (int k = 0; k < 4; k++) out[4 * i + k] = in[4 * i + k];
        return;
    }
    int4 v = *reinterpret_cast<const int4 *>(in + 4 * i + (broken ? 1 : 0));
    *reinterpret_cast<int4 *>(out + 4 * i) = make_int4(v.x - broken, v.y - broken, v.z - broken, v.w - broken);
}

bool vector(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(vector_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        same);
}

/* Pairs of halves: i + 0.5 per element, summed. */
__global__ void half_kernel(const int *in, int *out, bool broken)
{
    TSM_SHARED(__half, pairs, 2 * kBlock + 2);
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);
    __half *mine = pairs + 2 * threadIdx.x + (broken ? 1 : 0);

    *reinterpret_cast<__half2 *>(mine) = __floats2half2_rn((float)(in[i] - 1), 1.0f);
    float2 both = __half22float2(*reinterpret_cast<__half2 *>(mine));
    out[i] = (int)(both.x + both.y);
}

bool half_pair(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(half_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        same);
}

/* ---- Blocks against blocks ---- */

__global__ void block_race_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    out[i] = in[i];
    if (broken) out[threadIdx.x] = in[i];
}

bool block_race(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH(block_race_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken);
        },
        same);
}

__global__ void count_kernel(int *out, bool broken)
{
    if (broken)
        *out += 1;
    else
        atomicAdd(out, 1);
}

bool count(bool broken)
{
    return run_ints(
        1,
        [=](int *, int *out) {
            cudaMemsetAsync(out, 0, sizeof *out, nullptr);
            return TSM_LAUNCH(count_kernel, kBlocks, kBlock, 0, nullptr, out, broken);
        },
        [](int) { return kCount; });
}

__global__ void grid_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    out[kCount + i] = in[i];
    if (!broken) cooperative_groups::this_grid().sync();
    out[i] = out[kCount + kCount - 1 - i];
}

bool grid(bool broken)
{
    return run_ints(
        2 * kCount,
        [=](int *in, int *out) {
            return TSM_LAUNCH_COOPERATIVE(grid_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken);
        },
        [](int i) { return i < kCount ? kCount - 1 - i : i - kCount; });
}

/* ---- Warps ---- */

/* Every lane gets the sum of its warp by each kind of shuffle in turn, and keeps the third. */
__global__ void shuffle_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x), x = in[i], prefix = x, suffix = x;

    if (broken && threadIdx.x == 5) {
        out[i] = 0;
        return;
    }
    for (int d = 16; d > 0; d /= 2) x += __shfl_xor_sync(0xffffffffu, x, d);
    for (unsigned d = 1; d < 32; d *= 2) {
        int up = __shfl_up_sync(0xffffffffu, prefix, d), down = __shfl_down_sync(0xffffffffu, suffix, d);
        if (threadIdx.x % 32 >= d) prefix += up;
        if (threadIdx.x % 32 + d < 32) suffix += down;
    }
    bool agree = prefix + suffix - in[i] == x && __shfl_sync(0xffffffffu, prefix, 31) == x;
    out[i] = __all_sync(0xffffffffu, agree) && __ballot_sync(0xffffffffu, i % 2) == 0xaaaaaaaau ? x : -1;
}

bool shuffle(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(shuffle_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        [](int i) { return i / 32 * 32 * 32 + 31 * 16; });
}

__global__ void warp_kernel(const int *in, int *out, bool broken)
{
    TSM_SHARED(int, tile, kBlock);
    int i = (int)(blockIdx.x * kBlock + threadIdx.x);

    tile[threadIdx.x] = in[i];
    if (!broken) __syncwarp();
    out[i] = tile[threadIdx.x ^ 31];
}

bool warp(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(warp_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        [](int i) { return i ^ 31; });
}

/* A row for each warp, summed from memory and replaced in place, as attention weighs its scores. */
__global__ void row_kernel(const int *in, int *out, bool broken)
{
    int i = (int)(blockIdx.x * kBlock + threadIdx.x), first = i / 32 * 32, sum = 0;

    out[i] = in[i];
    __syncwarp();
    for (int k = first; k < first + 32; k++) sum += out[k];
    if (!broken) __syncwarp();
    out[i] = sum;
}

bool row(bool broken)
{
    return run_ints(
        kCount,
        [=](int *in, int *out) { return TSM_LAUNCH(row_kernel, kBlocks, kBlock, 0, nullptr, in, out, broken); },
        [](int i) { return i / 32 * 32 * 32 + 31 * 16; });
}

/* Votes of the block: how many threads are odd, whether any is, whether all are. */
__global__ void vote_kernel(int *out, bool broken)
{
    int odd = threadIdx.x % 2, i = (int)(blockIdx.x * kBlock + threadIdx.x);

    if (broken && threadIdx.x == 1) odd = 0;
    int votes = __syncthreads_count(odd);
    out[i] = votes + 1000 * __syncthreads_or(odd) + 10000 * __syncthreads_and(odd);
}

bool vote(bool broken)
{
    return run_ints(
        kCount, [=](int *, int *out) { return TSM_LAUNCH(vote_kernel, kBlocks, kBlock, 0, nullptr, out, broken); },
        [](int) { return 1000 + kBlock / 2; });
}

} // namespace

const tsm_mutant tsm_mutants[] = {
    { "barrier removed before a read", { "race", "nobody has written" }, TSM_FOUND_ALWAYS, reverse },
    { "barrier removed before the next write", { "race" }, TSM_FOUND_ALWAYS, reuse },
    { "barrier that some threads pass by", { "divergent barrier" }, TSM_FOUND_ALWAYS, divergent },
    { "barrier in both branches", { "divergent barrier" }, TSM_FOUND_ALWAYS, two_barriers },
    { "write past a shared array", { "outside of the arrays in shared memory" }, TSM_FOUND_ALWAYS, shared_bounds },
    { "shared element never written", { "nobody has written" }, TSM_FOUND_ALWAYS, shared_unwritten },
    { "write past an allocation",
      { "0 bytes past the end of an allocation of 768 bytes" },
      TSM_FOUND_ALWAYS,
      bounds },
    { "window past an allocation", { "past the end of an allocation of 768 bytes" }, TSM_FOUND_ALWAYS, window },
    { "output element never written", { "nobody has written" }, TSM_FOUND_ALWAYS, unwritten },
    { "read of what nobody wrote", { "nobody has written" }, TSM_FOUND_ALWAYS, read_first },
    { "write to freed memory", { "freed allocation" }, TSM_FOUND_ALWAYS, freed },
    { "host pointer", { "host memory" }, TSM_FOUND_INSTRUMENTED, host_pointer },
    { "memory freed twice", { "no live allocation" }, TSM_FOUND_ALWAYS, foreign_free },
    { "misaligned int4", { "misaligned" }, TSM_FOUND_ALWAYS, vector },
    { "misaligned half2", { "misaligned" }, TSM_FOUND_ALWAYS, half_pair },
    { "two blocks write one element", { "race" }, TSM_FOUND_ALWAYS, block_race },
    { "count without an atomic", { "race" }, TSM_FOUND_INSTRUMENTED, count },
    { "barrier of the grid removed", { "race", "nobody has written" }, TSM_FOUND_ALWAYS, grid },
    { "lane missing from a shuffle", { "divergent barrier" }, TSM_FOUND_ALWAYS, shuffle },
    { "warp barrier removed", { "race", "nobody has written" }, TSM_FOUND_ALWAYS, warp },
    { "row replaced while it is read", { "race" }, TSM_FOUND_ALWAYS, row },
    { "vote", {}, TSM_FOUND_ALWAYS, vote },
};
const int tsm_mutant_count = sizeof tsm_mutants / sizeof tsm_mutants[0];
