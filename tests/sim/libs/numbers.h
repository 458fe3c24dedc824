/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.h - the element types of the libraries: to float32 and back, rounded to nearest even. */
#ifndef TSM_SIM_NUMBERS_H
#define TSM_SIM_NUMBERS_H

#include "../include/cuda_bf16.h"
#include "../include/cuda_fp16.h"
#include "../include/library_types.h"

namespace sim
{

static inline size_t type_bytes(cudaDataType type)
{
    return type == CUDA_R_32F ? 4 : 2;
}

static inline float read_element(const void *array, size_t i, cudaDataType type)
{
    const char *at = static_cast<const char *>(array) + i * type_bytes(type);
    uint16_t bits;
    float value;

    if (type == CUDA_R_32F) {
        memcpy(&value, at, sizeof value);
        return value;
    }
    memcpy(&bits, at, sizeof bits);
    return type == CUDA_R_16F ? __half2float(__half{ bits }) : __bfloat162float(__nv_bfloat16{ bits });
}

static inline void write_element(void *array, size_t i, float value, cudaDataType type)
{
    char *at = static_cast<char *>(array) + i * type_bytes(type);

    if (type == CUDA_R_32F) {
        memcpy(at, &value, sizeof value);
        return;
    }
    uint16_t bits = type == CUDA_R_16F ? __float2half_rn(value).bits : __float2bfloat16_rn(value).bits;
    memcpy(at, &bits, sizeof bits);
}

/* The 10 bits of fraction that tf32 keeps. */
static inline float round_to_tf32(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* How a kernel of a library computes: the ways differ in rounding, as real ones do. */
struct Arithmetic {
    bool tf32;      /* the factors are rounded */
    bool half_sums; /* partial sums are rounded to binary16 */
    unsigned parts; /* of the sum, each summed alone */
};

} // namespace sim
#endif
