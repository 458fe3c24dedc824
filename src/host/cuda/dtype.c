/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.c - see dtype.h. */
#include "dtype.h"

#include <math.h>
#include <string.h>

const tsm_cuda_dtype *tsm_cuda_dtype_of(tsm_precision precision)
{
    static const tsm_cuda_dtype dtypes[] = {
        { "fp32", TSM_PRECISION_FP32, TSM_FLOAT32, 4, 0x1p-24 },
        { "tf32", TSM_PRECISION_TF32, TSM_FLOAT32, 4, 0x1p-11 },
        { "fp16", TSM_PRECISION_FP16, TSM_FLOAT16, 2, 0x1p-11 },
        { "bf16", TSM_PRECISION_BF16, TSM_BFLOAT16, 2, 0x1p-8 },
    };

    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].precision == precision) return &dtypes[i];
    return NULL;
}

bool tsm_cuda_round(void *out, const float *in, size_t count, tsm_dtype type)
{
    uint16_t *shorts = out;
    bool finite = true;

    if (type == TSM_FLOAT32) memcpy(out, in, count * sizeof *in);
    for (size_t i = 0; i < count; i++) {
        if (type == TSM_FLOAT16) shorts[i] = tsm_float_to_half(in[i]);
        if (type == TSM_BFLOAT16) shorts[i] = tsm_float_to_bfloat(in[i]);
        finite = finite && isfinite(tsm_number_at(out, type, (int64_t)i));
    }
    return finite;
}
