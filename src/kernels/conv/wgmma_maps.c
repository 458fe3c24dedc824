/* SPDX-License-Identifier: Apache-2.0 */
/* wgmma_maps.c - see wgmma_maps.h. */
#include "wgmma_maps.h"
#include "wgmma_geometry.h"

#define ELEMENT_BYTES  2
#define DRIVER_VERSION 12000 /* of the first driver that has them */

/* The driver's functions, as cuda.h declares them. */
typedef CUresult encode_tiled(CUtensorMap *, CUtensorMapDataType, cuuint32_t, void *, const cuuint64_t *,
                              const cuuint64_t *, const cuuint32_t *, const cuuint32_t *, CUtensorMapInterleave,
                              CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
typedef CUresult encode_im2col(CUtensorMap *, CUtensorMapDataType, cuuint32_t, void *, const cuuint64_t *,
                               const cuuint64_t *, const int *, const int *, cuuint32_t, cuuint32_t,
                               const cuuint32_t *, CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
                               CUtensorMapFloatOOBfill);

typedef union driver_function {
    void *address;
    encode_tiled *tiled;
    encode_im2col *im2col;
} driver_function;

static cudaError_t find(driver_function *function, const char *name)
{
    enum cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
    const cudaError_t error =
        cudaGetDriverEntryPointByVersion(name, &function->address, DRIVER_VERSION, cudaEnableDefault, &result);

    if (error != cudaSuccess) return error;
    return result == cudaDriverEntryPointSuccess && function->address ? cudaSuccess : cudaErrorNotSupported;
}

static CUtensorMapDataType type_of(const tsm_conv_kernel_spec *spec)
{
    return spec->dtype == TSM_FLOAT16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
}

static CUtensorMapSwizzle swizzle_of(int part)
{
    return part == 128  ? CU_TENSOR_MAP_SWIZZLE_128B
           : part == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
           : part == 32 ? CU_TENSOR_MAP_SWIZZLE_32B
                        : CU_TENSOR_MAP_SWIZZLE_NONE;
}

static cudaError_t outcome(CUresult result)
{
    return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

static cudaError_t map_tiled(CUtensorMap *map, const tsm_conv_kernel_spec *spec, const void *data,
                             const cuuint64_t dims[3], const cuuint64_t strides[2], int part, int rows_of_x,
                             int rows_of_y)
{
    const cuuint32_t box[] = { (cuuint32_t)(part / ELEMENT_BYTES), (cuuint32_t)rows_of_x, (cuuint32_t)rows_of_y };
    const cuuint32_t every[] = { 1, 1, 1 };
    driver_function encode = { NULL };
    const cudaError_t error = find(&encode, "cuTensorMapEncodeTiled");

    if (error != cudaSuccess) return error;
    return outcome(encode.tiled(map, type_of(spec), 3, (void *)(uintptr_t)data, dims, strides, box, every,
                                CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(part), CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE));
}

static int part_of(const tsm_conv_kernel_spec *spec)
{
    return tsm_wgmma_part_bytes(spec->fold * ELEMENT_BYTES, spec->end * ELEMENT_BYTES);
}

static cudaError_t map_clips(CUtensorMap *map, const tsm_conv_wgmma_args *args)
{
    const tsm_conv_kernel_spec *s = &args->conv.spec;
    const cuuint64_t pixels = (cuuint64_t)s->t * (cuuint64_t)s->h * (cuuint64_t)s->w;
    const cuuint64_t pixel = (cuuint64_t)s->in_pitch * ELEMENT_BYTES;
    const cuuint64_t dims[] = { (cuuint64_t)s->channels, pixels, (cuuint64_t)s->n };
    const cuuint64_t strides[] = { pixel, pixel * pixels };

    return map_tiled(map, s, args->conv.in, dims, strides, part_of(s), tsm_conv_wgmma_tile(args->way.tile)->rows, 1);
}

/* Corners are given as {W, H, D}, as dimensions are. */
static cudaError_t map_windows(CUtensorMap *map, const tsm_conv_wgmma_args *args)
{
    const tsm_conv_kernel_spec *s = &args->conv.spec;
    const cuuint64_t pixel = (cuuint64_t)s->in_pitch * ELEMENT_BYTES, line = pixel * (cuuint64_t)s->w;
    const cuuint64_t frame = line * (cuuint64_t)s->h;
    const cuuint64_t dims[] = { (cuuint64_t)s->channels, (cuuint64_t)s->w, (cuuint64_t)s->h, (cuuint64_t)s->t,
                                (cuuint64_t)s->n };
    const cuuint64_t strides[] = { pixel, line, frame, frame * (cuuint64_t)s->t };
    const int lower[] = { -s->pad, -s->pad, -1 };
    const int upper[] = { s->pad - (s->kernel_w - 1), s->pad - (s->kernel_h - 1), -1 };
    const cuuint32_t every[] = { 1, (cuuint32_t)s->stride, (cuuint32_t)s->stride, 1, 1 };
    const int part = part_of(s);
    driver_function encode = { NULL };
    const cudaError_t error = find(&encode, "cuTensorMapEncodeIm2col");

    if (error != cudaSuccess) return error;
    return outcome(encode.im2col(map, type_of(s), 5, (void *)(uintptr_t)args->conv.in, dims, strides, lower, upper,
                                 (cuuint32_t)(part / ELEMENT_BYTES),
                                 (cuuint32_t)tsm_conv_wgmma_tile(args->way.tile)->rows, every,
                                 CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle_of(part), CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                 CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE));
}

cudaError_t tsm_wgmma_map_input(CUtensorMap *map, const tsm_conv_wgmma_args *args)
{
    return args->way.tiled ? map_clips(map, args) : map_windows(map, args);
}

cudaError_t tsm_wgmma_map_filters(CUtensorMap *map, const tsm_conv_wgmma_args *args)
{
    const tsm_conv_kernel_spec *s = &args->conv.spec;
    const cuuint64_t taps = (cuuint64_t)s->kernel_h * (cuuint64_t)s->kernel_w;
    const cuuint64_t row = tsm_conv_kernel_packed_bytes(s) / (cuuint64_t)s->filters, tap = row / taps;
    const cuuint64_t dims[] = { tap / ELEMENT_BYTES, taps, (cuuint64_t)s->filters };
    const cuuint64_t strides[] = { tap, row };

    return map_tiled(map, s, args->conv.weights, dims, strides, TSM_WGMMA_K_BYTES, 1,
                     tsm_conv_wgmma_tile(args->way.tile)->filters);
}
