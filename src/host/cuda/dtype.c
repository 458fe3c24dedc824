/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.c - see dtype.h. */
#include "dtype.h"

#include <math.h>
#include <string.h>

#include "graph/graph.h"

const tsm_cuda_dtype *tsm_cuda_dtype_of(tsm_precision precision)
{
    static const tsm_cuda_dtype dtypes[] = {
        [TSM_PRECISION_FP32] = { "fp32", TSM_FLOAT32, 4, 0x1p-24, CUDA_R_32F, CUDNN_DATA_FLOAT, CUBLAS_COMPUTE_32F },
        [TSM_PRECISION_TF32] = { "tf32", TSM_FLOAT32, 4, 0x1p-11, CUDA_R_32F, CUDNN_DATA_FLOAT,
                                 CUBLAS_COMPUTE_32F_FAST_TF32 },
        [TSM_PRECISION_FP16] = { "fp16", TSM_FLOAT16, 2, 0x1p-11, CUDA_R_16F, CUDNN_DATA_HALF, CUBLAS_COMPUTE_32F },
        [TSM_PRECISION_BF16] = { "bf16", TSM_BFLOAT16, 2, 0x1p-8, CUDA_R_16BF, CUDNN_DATA_BFLOAT16,
                                 CUBLAS_COMPUTE_32F },
    };

    return (size_t)precision < sizeof dtypes / sizeof *dtypes ? &dtypes[precision] : NULL;
}

static uint32_t float_bits(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint16_t to_bfloat(float value)
{
    uint32_t bits = float_bits(value);

    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static uint16_t to_half(float value)
{
    uint32_t bits = float_bits(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;

    /* 65520 is the first number that rounds to infinity; below 2^-14 halves are multiples of 2^-24. */
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) return (uint16_t)(sign | (uint32_t)lrintf(fabsf(value) * 0x1p24f));
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
}

bool tsm_cuda_convert(void *out, const float *in, size_t count, tsm_dtype type)
{
    uint16_t *shorts = out;
    bool finite = true;

    if (type == TSM_FLOAT32) memcpy(out, in, count * sizeof *in);
    for (size_t i = 0; i < count; i++) {
        if (type == TSM_FLOAT16) shorts[i] = to_half(in[i]);
        if (type == TSM_BFLOAT16) shorts[i] = to_bfloat(in[i]);
        finite = finite && isfinite(tsm_cuda_element(out, i, type));
    }
    return finite;
}

float tsm_cuda_element(const void *array, size_t index, tsm_dtype type)
{
    if (type == TSM_FLOAT16) return tsm_half_to_float(((const uint16_t *)array)[index]);
    if (type == TSM_BFLOAT16) return tsm_bfloat_to_float(((const uint16_t *)array)[index]);
    return ((const float *)array)[index];
}
