/* SPDX-License-Identifier: Apache-2.0 */
/* probes.cu - see probes.h. */
#include "kernels/conv/intrinsics.h"
#include "kernels/device.h"
#include "probes.h"

namespace tsm
{

__global__ void probe_load_kernel(const uint4 *rows, uint32_t *out)
{
    TSM_SHARED(uint4, tile, TSM_PROBE_ROWS);
    uint32_t r[4];

    tile[threadIdx.x] = rows[threadIdx.x];
    __syncthreads();
    load_matrices(r, shared_address(&tile[threadIdx.x]));
    for (int i = 0; i < 4; i++) out[threadIdx.x * 4 + i] = r[i];
}

template <typename Type> __global__ void probe_multiply_kernel(const uint32_t *a, const uint32_t *b, float *d)
{
    const unsigned lane = threadIdx.x;
    uint32_t factors[4];
    float sums[4];

    for (int i = 0; i < 4; i++) factors[i] = a[lane * 4 + i];
    for (int i = 0; i < 4; i++) sums[i] = d[lane * 4 + i];
    multiply(Type(), sums, factors, b[lane * 2], b[lane * 2 + 1]);
    for (int i = 0; i < 4; i++) d[lane * 4 + i] = sums[i];
}

template <int Bytes> __global__ void probe_copy_kernel(const char *in, const int32_t *sizes, uint32_t *out)
{
    TSM_SHARED(uint4, tile, TSM_PROBE_LANES);
    const unsigned lane = threadIdx.x;

    tile[lane] = make_uint4(0xeeeeeeeeu, 0xeeeeeeeeu, 0xeeeeeeeeu, 0xeeeeeeeeu);
    __syncthreads();
    copy_async<Bytes>(shared_address(&tile[lane]), in + lane * 16, sizes[lane]);
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
    const uint4 words = tile[lane];
    out[lane * 4] = words.x;
    out[lane * 4 + 1] = words.y;
    out[lane * 4 + 2] = words.z;
    out[lane * 4 + 3] = words.w;
}

__global__ void probe_round_kernel(const uint32_t *in, uint32_t *out)
{
    out[threadIdx.x] = round_to_tf32(in[threadIdx.x]);
}

} // namespace tsm

cudaError_t tsm_probe_load_matrices(const void *rows, uint32_t *out, cudaStream_t stream)
{
    return TSM_LAUNCH(tsm::probe_load_kernel, 1, TSM_PROBE_LANES, 0, stream, static_cast<const uint4 *>(rows), out);
}

cudaError_t tsm_probe_multiply(tsm_dtype type, const uint32_t *a, const uint32_t *b, float *d, cudaStream_t stream)
{
    void (*kernel)(const uint32_t *, const uint32_t *, float *) =
        type == TSM_FLOAT16    ? tsm::probe_multiply_kernel<tsm::Fp16>
        : type == TSM_BFLOAT16 ? tsm::probe_multiply_kernel<tsm::Bf16>
                               : tsm::probe_multiply_kernel<tsm::Tf32>;

    return TSM_LAUNCH(kernel, 1, TSM_PROBE_LANES, 0, stream, a, b, d);
}

cudaError_t tsm_probe_copy(const void *in, const int32_t *sizes, void *out, int bytes, cudaStream_t stream)
{
    void (*kernel)(const char *, const int32_t *, uint32_t *) = bytes == 16  ? tsm::probe_copy_kernel<16>
                                                                : bytes == 8 ? tsm::probe_copy_kernel<8>
                                                                             : tsm::probe_copy_kernel<4>;

    return TSM_LAUNCH(kernel, 1, TSM_PROBE_LANES, 0, stream, static_cast<const char *>(in), sizes,
                      static_cast<uint32_t *>(out));
}

cudaError_t tsm_probe_round(const uint32_t *in, uint32_t *out, cudaStream_t stream)
{
    return TSM_LAUNCH(tsm::probe_round_kernel, 1, TSM_PROBE_LANES, 0, stream, in, out);
}
