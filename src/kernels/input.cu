/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input.cu - from what callers have to what the first convolution reads: channels last, padded with zeros.
 *
 * uint8 RGB: a thread takes four pixels, which are three 32-bit words in and 16 values out. The arithmetic is that of
 * the reference, step by step in float32 with true divisions, so float32 results are equal to the bit. Bytes: 3 in
 * and 4 elements out a pixel.
 *
 * float32 planes: a thread takes one pixel; neighbours read neighbouring elements of each plane and write a row each.
 * Bytes: 4 in a channel, out_channels elements out. A value that is not finite costs an atomic; others cost a
 * compare.
 */
#include "device.h"

namespace tsm
{

constexpr int kBytePixels = 4, kByteChannels = 4;

template <typename T> struct BytesPlan {
    const uint8_t *in;
    T *out;
    int64_t pixels;
    float mean[3], std[3];
    bool words; /* `in` can be read in words */
};

/* The 12 bytes of four pixels, of which `count` exist. */
__device__ __forceinline__ void load_pixels(uint8_t (&bytes)[3 * kBytePixels], const uint8_t *in, int count,
                                            bool words)
{
    if (words && count == kBytePixels) {
        const uint32_t *from = reinterpret_cast<const uint32_t *>(in);
        uint32_t raw[3] = { from[0], from[1], from[2] };
        memcpy(bytes, raw, sizeof bytes);
        return;
    }
#pragma unroll
    for (int i = 0; i < 3 * kBytePixels; i++) bytes[i] = i < 3 * count ? in[i] : 0;
}

template <typename T, int V> __global__ void __launch_bounds__(kThreads, kResident) bytes_kernel(BytesPlan<T> p)
{
    wait_for_previous();
    int64_t first = ((int64_t)blockIdx.x * kThreads + threadIdx.x) * kBytePixels;
    int count = p.pixels - first < kBytePixels ? (int)(p.pixels - first) : kBytePixels;
    uint8_t bytes[3 * kBytePixels];

    if (first >= p.pixels) return;
    load_pixels(bytes, p.in + 3 * first, count, p.words);
#pragma unroll
    for (int i = 0; i < kBytePixels * kByteChannels; i += V) {
        Pack<T, V> pack;
#pragma unroll
        for (int j = 0; j < V; j++) {
            const int pixel = (i + j) / kByteChannels, c = (i + j) % kByteChannels;
            pack.v[j] = from_float<T>(0.0f);
            if (c < 3) pack.v[j] = from_float<T>(((float)bytes[3 * pixel + c] / 255.0f - p.mean[c]) / p.std[c]);
        }
        T *to = p.out + first * kByteChannels + i;
        if (i + V <= count * kByteChannels) {
            store<T, V>(to, pack);
            continue;
        }
#pragma unroll
        for (int j = 0; j < V; j++)
            if (i + j < count * kByteChannels) to[j] = pack.v[j];
    }
}

template <typename T> static cudaError_t bytes_launch(const tsm_kernel_bytes_args *a, cudaStream_t stream)
{
    BytesPlan<T> p = { a->in,
                       static_cast<T *>(a->out),
                       a->pixels,
                       { a->mean[0], a->mean[1], a->mean[2] },
                       { a->std[0], a->std[1], a->std[2] },
                       reinterpret_cast<uintptr_t>(a->in) % 4 == 0 };
    dim3 grid = grid_of(a->pixels, kThreads * kBytePixels, 1);

    if (aligned(a->out)) return TSM_LAUNCH((bytes_kernel<T, vector_length<T>>), grid, kThreads, 0, stream, p);
    return TSM_LAUNCH((bytes_kernel<T, 1>), grid, kThreads, 0, stream, p);
}

/* ---- Planes ---- */

constexpr int kPlaneChannels = 4; /* stored at once */

template <typename T> struct PlanesPlan {
    const float *in;
    T *out;
    int images, channels, out_channels;
    int64_t pixels;
    uint32_t *not_finite;
};

template <typename T, int V> __global__ void __launch_bounds__(kThreads, kResident) planes_kernel(PlanesPlan<T> p)
{
    wait_for_previous();
    int64_t pixel = (int64_t)blockIdx.x * kThreads + threadIdx.x;

    if (pixel >= p.pixels) return;
    for (int image = (int)blockIdx.y; image < p.images; image += (int)gridDim.y) {
        const float *in = p.in + (int64_t)image * p.channels * p.pixels + pixel;
        T *out = p.out + ((int64_t)image * p.pixels + pixel) * p.out_channels;
        bool finite = true;
        for (int c = 0; c < p.out_channels; c += V) {
            Pack<T, V> pack;
#pragma unroll
            for (int j = 0; j < V; j++) {
                float x = c + j < p.channels ? in[(c + j) * p.pixels] : 0.0f;
                finite = finite && is_finite(x);
                pack.v[j] = from_float<T>(x);
            }
            store<T, V>(out + c, pack);
        }
        if (!finite && p.not_finite) atomicMin(p.not_finite, (uint32_t)image);
    }
}

template <typename T> static cudaError_t planes_launch(const tsm_kernel_planes_args *a, cudaStream_t stream)
{
    PlanesPlan<T> p = { a->in,        static_cast<T *>(a->out), a->images, a->channels, a->out_channels, a->pixels,
                        a->not_finite };
    dim3 grid = grid_of(a->pixels, kThreads, a->images);

    if (a->out_channels % kPlaneChannels == 0 && aligned(a->out))
        return TSM_LAUNCH((planes_kernel<T, kPlaneChannels>), grid, kThreads, 0, stream, p);
    return TSM_LAUNCH((planes_kernel<T, 1>), grid, kThreads, 0, stream, p);
}

} // namespace tsm

cudaError_t tsm_kernel_bytes(const tsm_kernel_bytes_args *args, cudaStream_t stream)
{
    if (!args->in || !args->out || args->pixels < 1 || args->pixels / tsm::kThreads > tsm::kMaxIndex)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::bytes_launch, args, stream)
}

cudaError_t tsm_kernel_planes(const tsm_kernel_planes_args *args, cudaStream_t stream)
{
    if (!args->in || !args->out || args->images < 1 || args->channels < 1 || args->out_channels < args->channels ||
        args->pixels < 1 || args->pixels / tsm::kThreads >= tsm::kMaxIndex)
        return cudaErrorInvalidValue;
    TSM_BY_DTYPE(args->dtype, tsm::planes_launch, args, stream)
}
