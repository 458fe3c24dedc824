/* SPDX-License-Identifier: Apache-2.0 */
/* mutants_tensor.cu - as mutants.cu, for asynchronous copies, fragments, and blocks that meet at a counter. */
#include "kernels/conv/intrinsics.h"
#include "kernels/device.h"
#include "mutants.h"

namespace tsm
{

constexpr int kSteps = 4, kLanes = 64, kWords = kSteps * kLanes; /* a word a thread and step */

/* Runs launch(in, out) on in[i] = i and compares out with want(i). */
template <typename Launch, typename Want> bool run_words(Launch launch, Want want)
{
    uint32_t host[kWords];
    uint32_t *in, *out;
    bool good =
        cudaMalloc((void **)&in, sizeof host) == cudaSuccess && cudaMalloc((void **)&out, sizeof host) == cudaSuccess;

    for (int i = 0; i < kWords; i++) host[i] = (uint32_t)i;
    good = good && cudaMemcpyAsync(in, host, sizeof host, cudaMemcpyHostToDevice, nullptr) == cudaSuccess;
    good = good && launch(in, out) == cudaSuccess;
    good = good && cudaMemcpyAsync(host, out, sizeof host, cudaMemcpyDeviceToHost, nullptr) == cudaSuccess;
    for (int i = 0; good && i < kWords; i++) good = host[i] == want(i);
    return cudaFree(in) == cudaSuccess && cudaFree(out) == cudaSuccess && good;
}

/* ---- A pipeline of two stages: out = the step's words in reverse ---- */

enum class Lapse { none, no_wait, no_commit, no_barrier, too_soon, left_behind, past_the_end, misaligned };

__global__ void pipeline_kernel(const uint32_t *in, uint32_t *out, Lapse lapse)
{
    TSM_SHARED(uint32_t, stages, 2 * kLanes + 4);
    const int thread = (int)threadIdx.x;
    auto start = [&](int step) {
        const bool exists = step < kSteps || lapse == Lapse::past_the_end;
        const uint32_t to = shared_address(&stages[step % 2 * kLanes + thread]) + 2 * (lapse == Lapse::misaligned);
        copy_async<4>(to, exists ? in + step * kLanes + thread : in, exists ? 4 : 0);
        if (lapse != Lapse::no_commit) copy_async_commit();
    };

    start(0);
    for (int step = 0; step < kSteps; step++) {
        if (lapse == Lapse::too_soon) start(step + 1);
        if (lapse != Lapse::no_wait) {
            if (lapse == Lapse::too_soon)
                copy_async_wait<1>();
            else
                copy_async_wait<0>();
        }
        if (lapse != Lapse::no_barrier) __syncthreads();
        if (lapse != Lapse::too_soon) start(step + 1);
        out[step * kLanes + thread] = stages[step % 2 * kLanes + kLanes - 1 - thread];
    }
    if (lapse != Lapse::left_behind) copy_async_wait<0>();
}

template <Lapse L> bool pipeline(bool broken)
{
    return run_words(
        [=](uint32_t *in, uint32_t *out) {
            return TSM_LAUNCH(pipeline_kernel, 1, kLanes, 0, nullptr, in, out, broken ? L : Lapse::none);
        },
        [](int i) { return (uint32_t)(i / kLanes * kLanes + kLanes - 1 - i % kLanes); });
}

/* ---- Fragments ---- */

/* Loads 32 rows of 16 bytes as fragments and writes them where they came from. */
__global__ void fragment_kernel(const uint32_t *in, uint32_t *out, bool misaligned, bool lane_missing)
{
    TSM_SHARED(uint4, rows, 36);
    const unsigned lane = threadIdx.x;
    uint32_t *words = reinterpret_cast<uint32_t *>(rows), r[4];

    for (int i = 0; i < 4; i++) words[lane * 4 + i] = in[lane * 4 + i];
    for (int i = 0; i < 4; i++) out[128 + lane * 4 + i] = in[128 + lane * 4 + i];
    if (lane < 16) words[128 + lane % 16] = 0;
    __syncthreads();
    if (lane_missing && lane == 7) return;
    load_matrices(r, shared_address(words + lane * 4) + 4 * misaligned);
    for (int i = 0; i < 4; i++) out[(i * 8 + lane / 4) * 4 + lane % 4] = r[i];
}

bool fragment_misaligned(bool broken)
{
    return run_words(
        [=](uint32_t *in, uint32_t *out) {
            return TSM_LAUNCH(fragment_kernel, 1, 32, 0, nullptr, in, out, broken, false);
        },
        [](int i) { return (uint32_t)i; });
}

bool fragment_lane(bool broken)
{
    return run_words(
        [=](uint32_t *in, uint32_t *out) {
            return TSM_LAUNCH(fragment_kernel, 1, 32, 0, nullptr, in, out, false, broken);
        },
        [](int i) { return (uint32_t)i; });
}

/* One product of ones, in which a lane takes no part. */
__global__ void product_kernel(const uint32_t *in, uint32_t *out, bool broken)
{
    const unsigned lane = threadIdx.x;
    const uint32_t ones = 0x3c003c00, a[4] = { ones, ones, ones, ones };
    float d[4] = { 0, 0, 0, 0 };

    for (int i = (int)lane; i < kWords; i += 32) out[i] = in[i];
    if (broken && lane == 31) return;
    multiply(Fp16(), d, a, ones, ones);
    out[lane] += d[0] == 16.0f && d[3] == 16.0f ? 1 : 0;
}

bool product_lane(bool broken)
{
    return run_words(
        [=](uint32_t *in, uint32_t *out) { return TSM_LAUNCH(product_kernel, 1, 32, 0, nullptr, in, out, broken); },
        [](int i) { return (uint32_t)(i < 32 ? i + 1 : i); });
}

/* ---- Blocks that meet at a counter: the last to come reverses what all have left ---- */

__global__ void meeting_kernel(const uint32_t *in, uint32_t *out, uint32_t *left, uint32_t *counter, bool early)
{
    TSM_SHARED(uint32_t, arrived, 1);
    const unsigned i = blockIdx.x * kLanes + threadIdx.x;

    if (!early) left[i] = in[i];
    __syncthreads();
    if (threadIdx.x == 0) arrived[0] = arrive(counter);
    __syncthreads();
    if (early) left[i] = in[i];
    if (arrived[0] + 1 < gridDim.x) return;
    for (unsigned k = threadIdx.x; k < kWords; k += kLanes) out[k] = left[kWords - 1 - k];
}

bool meeting(bool broken)
{
    uint32_t *counter, *left;
    bool good = cudaMalloc((void **)&counter, sizeof *counter) == cudaSuccess &&
                cudaMalloc((void **)&left, kWords * sizeof *left) == cudaSuccess;

    good = good && cudaMemsetAsync(counter, 0, sizeof *counter, nullptr) == cudaSuccess;
    good =
        good && run_words(
                    [=](uint32_t *in, uint32_t *out) {
                        return TSM_LAUNCH(meeting_kernel, kSteps, kLanes, 0, nullptr, in, out, left, counter, broken);
                    },
                    [](int i) { return (uint32_t)(kWords - 1 - i); });
    return cudaFree(counter) == cudaSuccess && cudaFree(left) == cudaSuccess && good;
}

} // namespace tsm

const tsm_mutant tsm_tensor_mutants[] = {
    { "asynchronous copy not waited for",
      { "asynchronous copy is still writing", "race" },
      TSM_FOUND_ALWAYS,
      tsm::pipeline<tsm::Lapse::no_wait> },
    { "asynchronous copy in no group",
      { "asynchronous copy is still writing", "race" },
      TSM_FOUND_ALWAYS,
      tsm::pipeline<tsm::Lapse::no_commit> },
    { "barrier after a wait removed",
      { "race", "nobody has written" },
      TSM_FOUND_ALWAYS,
      tsm::pipeline<tsm::Lapse::no_barrier> },
    { "copy into a stage that is still read",
      { "race", "asynchronous copy is still writing" },
      TSM_FOUND_ALWAYS,
      tsm::pipeline<tsm::Lapse::too_soon> },
    { "copy never waited for",
      { "copies are on their way" },
      TSM_FOUND_ALWAYS,
      tsm::pipeline<tsm::Lapse::left_behind> },
    { "copy from past an allocation",
      { "past the end of an allocation" },
      TSM_FOUND_ALWAYS,
      tsm::pipeline<tsm::Lapse::past_the_end> },
    { "copy to half a word", { "misaligned" }, TSM_FOUND_ALWAYS, tsm::pipeline<tsm::Lapse::misaligned> },
    { "row of ldmatrix misaligned", { "misaligned row of ldmatrix" }, TSM_FOUND_ALWAYS, tsm::fragment_misaligned },
    { "lane missing from ldmatrix", { "divergent barrier" }, TSM_FOUND_ALWAYS, tsm::fragment_lane },
    { "lane missing from mma", { "divergent barrier" }, TSM_FOUND_ALWAYS, tsm::product_lane },
    { "block that leaves its part too late", { "race", "nobody has written" }, TSM_FOUND_ALWAYS, tsm::meeting },
};
const int tsm_tensor_mutant_count = sizeof tsm_tensor_mutants / sizeof tsm_tensor_mutants[0];
