/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor_maps.cpp - tensor maps as the driver's documentation describes them: what is refused, and which element of
 * global memory lies where in a box.
 *
 * A box of a tiled map is a block of the tensor. One of an im2col map is a column of pixels: they follow each other
 * through a bounding box along W, H, D and N, by the elements' strides, and each is read an offset away. Elements
 * outside of the tensor are zeros. In shared memory pixels lie one after the other; the swizzle permutes chunks of 16
 * bytes by bits of their address.
 */
#include "tensor_maps.h"

#include <string.h>

namespace sim
{

static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap), "a map holds what it says");

static constexpr size_t kElement = 2, kChunk = 16;

static bool bad_tensor(const TensorMap &map, uint32_t rank, const cuuint64_t *dims, const cuuint64_t *strides)
{
    if (map.address == 0 || map.address % 16) return true;
    for (uint32_t i = 0; i < rank; i++)
        if (dims[i] == 0 || dims[i] > (cuuint64_t)1 << 32) return true;
    for (uint32_t i = 0; i + 1 < rank; i++)
        if (strides[i] % 16 || strides[i] >= (cuuint64_t)1 << 40 || strides[i] < (i ? strides[i - 1] : 2 * dims[0]))
            return true;
    return false;
}

static void describe(TensorMap &map, uint32_t rank, const void *address, const cuuint64_t *dims,
                     const cuuint64_t *strides, uint32_t swizzle)
{
    map.magic = TensorMap::kMagic;
    map.rank = (uint8_t)rank;
    map.address = reinterpret_cast<uintptr_t>(address);
    map.swizzle_bytes = (uint8_t)(16u << swizzle);
    for (uint32_t i = 0; i < rank; i++) map.dims[i] = (uint32_t)dims[i];
    for (uint32_t i = 0; i + 1 < rank; i++) map.strides[i] = strides[i];
}

static bool bad_inner(uint32_t elements, uint32_t swizzle)
{
    const size_t bytes = elements * kElement;

    return elements == 0 || elements > 256 || bytes % 16 || (swizzle && bytes > 16u << swizzle) || swizzle > 3;
}

/* ---- Reading ---- */

/* A chunk of the innermost dimension, at coordinates that lie in the tensor or not. */
static void read_chunk(const TensorMap &map, char *to, int64_t x, const int64_t *at)
{
    int64_t offset = x * (int64_t)kElement, left = ((int64_t)map.dims[0] - x) * (int64_t)kElement;

    memset(to, 0, kChunk);
    for (int i = 1; i < map.rank; i++) {
        if (at[i] < 0 || at[i] >= (int64_t)map.dims[i]) return;
        offset += at[i] * (int64_t)map.strides[i - 1];
    }
    if (x < 0 || left <= 0) return;
    const char *from = reinterpret_cast<const char *>(map.address) + offset;
    const size_t bytes = left < (int64_t)kChunk ? (size_t)left : kChunk;
    read_access(from, bytes);
    memcpy(to, from, bytes);
}

static size_t swizzled(const TensorMap &map, size_t address)
{
    return address ^ ((address >> 3) & (size_t)(map.swizzle_bytes - 16));
}

static void read_pixel(const TensorMap &map, char *base, size_t to, int64_t x, const int64_t *at)
{
    for (size_t i = 0; i < map.box[0] * kElement; i += kChunk)
        read_chunk(map, base + swizzled(map, to + i), x + (int64_t)(i / kElement), at);
}

static void read_tiled(const TensorMap &map, char *base, size_t to, const int *at)
{
    for (uint32_t z = 0; z < map.box[2]; z++)
        for (uint32_t y = 0; y < map.box[1]; y++, to += map.box[0] * kElement) {
            const int64_t place[] = { at[0], (int64_t)at[1] + y, (int64_t)at[2] + z };
            read_pixel(map, base, to, at[0], place);
        }
}

/* The next pixel of the bounding box. */
static void step(const TensorMap &map, int64_t *at)
{
    for (int i = 1; i <= 3; i++) {
        at[i] += map.every[i];
        if (at[i] < (int64_t)map.dims[i] + map.upper[i - 1]) return;
        at[i] = map.lower[i - 1];
    }
    at[4]++;
}

static void read_im2col(const TensorMap &map, char *base, size_t to, const int *at, const int *offsets)
{
    int64_t pixel[] = { at[0], at[1], at[2], at[3], at[4] };

    for (uint32_t i = 0; i < map.box[1]; i++, to += map.box[0] * kElement, step(map, pixel)) {
        const int64_t place[] = { at[0], pixel[1] + offsets[0], pixel[2] + offsets[1], pixel[3] + offsets[2],
                                  pixel[4] };
        read_pixel(map, base, to, at[0], place);
    }
}

const TensorMap &tensor_map(const CUtensorMap *map)
{
    const TensorMap *made = reinterpret_cast<const TensorMap *>(map);

    if (made->magic != TensorMap::kMagic) fail("copies a box of what is no tensor map");
    return *made;
}

size_t tensor_box_bytes(const TensorMap &map)
{
    return map.box[0] * kElement * map.box[1] * map.box[2];
}

void tensor_box_read(const TensorMap &map, char *base, size_t to, const int *at, const int *offsets)
{
    if (offsets)
        read_im2col(map, base, to, at, offsets);
    else
        read_tiled(map, base, to, at);
}

void tensor_box_check(const TensorMap &map, const int *at, const int *offsets)
{
    if ((offsets != nullptr) != map.im2col) fail("copies a box of a map of the other mode");
    for (int i = 1; offsets && i <= 3; i++) {
        if (offsets[i - 1] < 0 || offsets[i - 1] > 31) fail("reads a tap at offset %d", offsets[i - 1]);
        if (at[i] < map.lower[i - 1] || at[i] >= (int64_t)map.dims[i] + map.upper[i - 1])
            fail("begins outside of the bounding box: coordinate %d is %d", i, at[i]);
    }
}

} // namespace sim

using namespace sim;

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType, cuuint32_t rank, void *address,
                                const cuuint64_t *dims, const cuuint64_t *strides, const cuuint32_t *box,
                                const cuuint32_t *every, CUtensorMapInterleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion, CUtensorMapFloatOOBfill)
{
    TensorMap made = {};

    if (rank != 3) return CUDA_ERROR_INVALID_VALUE; /* others are not simulated */
    describe(made, rank, address, dims, strides, swizzle);
    if (bad_tensor(made, rank, dims, strides) || bad_inner(box[0], swizzle)) return CUDA_ERROR_INVALID_VALUE;
    for (uint32_t i = 0; i < rank; i++) {
        if (box[i] == 0 || box[i] > 256 || every[i] != 1) return CUDA_ERROR_INVALID_VALUE;
        made.box[i] = (uint16_t)box[i];
    }
    memcpy(map, &made, sizeof made);
    return CUDA_SUCCESS;
}

CUresult cuTensorMapEncodeIm2col(CUtensorMap *map, CUtensorMapDataType, cuuint32_t rank, void *address,
                                 const cuuint64_t *dims, const cuuint64_t *strides, const int *lower,
                                 const int *upper, cuuint32_t channels, cuuint32_t pixels, const cuuint32_t *every,
                                 CUtensorMapInterleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                                 CUtensorMapFloatOOBfill)
{
    TensorMap made = {};

    if (rank != 5) return CUDA_ERROR_INVALID_VALUE;
    describe(made, rank, address, dims, strides, swizzle);
    if (bad_tensor(made, rank, dims, strides) || bad_inner(channels, swizzle) || pixels == 0 || pixels > 1024)
        return CUDA_ERROR_INVALID_VALUE;
    made.im2col = true;
    made.box[0] = (uint16_t)channels;
    made.box[1] = (uint16_t)pixels;
    made.box[2] = 1;
    for (int i = 0; i < 5; i++) {
        if (every[i] == 0 || every[i] > 8) return CUDA_ERROR_INVALID_VALUE;
        made.every[i] = (uint8_t)every[i];
    }
    for (int i = 0; i < 3; i++) {
        if (lower[i] < -16 || lower[i] > 15 || upper[i] < -16 || upper[i] > 15) return CUDA_ERROR_INVALID_VALUE;
        if ((int64_t)dims[i + 1] + upper[i] <= lower[i]) return CUDA_ERROR_INVALID_VALUE;
        made.lower[i] = (int8_t)lower[i];
        made.upper[i] = (int8_t)upper[i];
    }
    memcpy(map, &made, sizeof made);
    return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *symbol, void **function, unsigned, unsigned long long,
                                             enum cudaDriverEntryPointQueryResult *result)
{
    *function = strcmp(symbol, "cuTensorMapEncodeTiled") == 0    ? reinterpret_cast<void *>(cuTensorMapEncodeTiled)
                : strcmp(symbol, "cuTensorMapEncodeIm2col") == 0 ? reinterpret_cast<void *>(cuTensorMapEncodeIm2col)
                                                                 : nullptr;
    *result = *function ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    return cudaSuccess;
}
