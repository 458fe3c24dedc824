/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_support.h - what the kernel tests share: device buffers, the three floating types as bits, tolerances.
 */
#ifndef TSM_SIM_DEVICE_SUPPORT_H
#define TSM_SIM_DEVICE_SUPPORT_H

#include "support.h"

#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "kernels/kernels.h"
#include "sim.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* A device call must succeed; otherwise the failure of the simulation is the reason. */
#define DEVICE_OK(call)                                                                                              \
    do {                                                                                                             \
        cudaError_t device_error_ = (call);                                                                          \
        ck_assert_msg(device_error_ == cudaSuccess && !tsm_sim_failure(), "%s: %s: %s", #call,                       \
                      cudaGetErrorName(device_error_), tsm_sim_failure() ? tsm_sim_failure() : "refused");           \
    } while (0)

/* Seeds the schedule of a case: TSM_SIM_SEED (1 by default) and the number of the case. Failures print the sum. */
static inline void begin_case(unsigned number)
{
    const char *text = getenv("TSM_SIM_SEED");

    tsm_sim_clear();
    tsm_sim_seed((text ? strtoull(text, NULL, 0) : 1) * 1000003u + number);
}

/* `offset` bytes are left free before the data, to try addresses that are not multiples of 16. */
static inline char *device_room(size_t bytes, size_t offset)
{
    void *memory = NULL;

    DEVICE_OK(cudaMalloc(&memory, bytes + offset));
    return (char *)memory + offset;
}

static inline char *device_copy(const void *host, size_t bytes, size_t offset)
{
    char *memory = device_room(bytes, offset);

    DEVICE_OK(cudaMemcpyAsync(memory, host, bytes, cudaMemcpyHostToDevice, NULL));
    return memory;
}

static inline void device_read(void *host, const void *memory, size_t bytes)
{
    DEVICE_OK(cudaMemcpyAsync(host, memory, bytes, cudaMemcpyDeviceToHost, NULL));
    DEVICE_OK(cudaStreamSynchronize(NULL));
}

static inline void device_release(char *memory, size_t offset)
{
    DEVICE_OK(cudaFree(memory - offset));
}

/* ---- Floating types ---- */

static const tsm_dtype float_types[] = { TSM_FLOAT32, TSM_FLOAT16, TSM_BFLOAT16 };

static inline size_t dtype_bytes(tsm_dtype dtype)
{
    return dtype == TSM_FLOAT32 ? 4 : dtype == TSM_UINT8 ? 1 : 2;
}

/* Distance of 1 to the next number. */
static inline double dtype_epsilon(tsm_dtype dtype)
{
    return dtype == TSM_FLOAT32 ? 0x1p-23 : dtype == TSM_FLOAT16 ? 0x1p-10 : 0x1p-7;
}

/* The nearest number with `digits` bits and smallest exponent `low`, ties to even; written with arithmetic, as a
 * check on the bit patterns of the device types. Overflow is the caller's. */
static inline double round_to(double x, int digits, int low)
{
    double step;

    if (x == 0 || !isfinite(x)) return x;
    step = ldexp(1, (ilogb(x) > low ? ilogb(x) : low) - digits + 1);
    return rint(x / step) * step;
}

static inline uint16_t half_bits(float x)
{
    double r = round_to(x, 11, -14);
    uint16_t sign = signbit(x) ? 0x8000 : 0;

    r = fabs(r);
    if (isnan(r)) return 0x7fff;
    if (r >= 65536) return sign | 0x7c00;
    if (r < 0x1p-14) return sign | (uint16_t)(r * 0x1p24);
    return sign | (uint16_t)((ilogb(r) + 15) * 1024 + (int)(ldexp(r, 10 - ilogb(r)) - 1024));
}

static inline uint16_t bfloat_bits(float x)
{
    float r = (float)round_to(x, 8, -126);
    uint32_t bits;

    memcpy(&bits, &r, sizeof bits);
    return isnan(x) ? 0x7fff : (uint16_t)(bits >> 16);
}

static inline float half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                       : exponent == 0 ? fraction * 0x1p-24
                                       : ldexp(1024 + fraction, exponent - 25);

    return (float)(bits >> 15 ? -magnitude : magnitude);
}

static inline float bfloat_value(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float x;

    memcpy(&x, &wide, sizeof x);
    return x;
}

/* A malloced array of `dtype` with the values of `from`, which are replaced by what the type can hold. */
static inline void *encode(float *from, size_t count, tsm_dtype dtype)
{
    char *to = malloc(count * dtype_bytes(dtype));

    ck_assert_ptr_nonnull(to);
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = dtype == TSM_FLOAT16 ? half_bits(from[i]) : bfloat_bits(from[i]);

        if (dtype == TSM_FLOAT32) {
            memcpy(to + 4 * i, &from[i], 4);
            continue;
        }
        memcpy(to + 2 * i, &bits, 2);
        from[i] = dtype == TSM_FLOAT16 ? half_value(bits) : bfloat_value(bits);
    }
    return to;
}

static inline void decode(float *to, const void *from, size_t count, tsm_dtype dtype)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;

        if (dtype == TSM_FLOAT32) {
            memcpy(&to[i], (const char *)from + 4 * i, 4);
            continue;
        }
        memcpy(&bits, (const char *)from + 2 * i, 2);
        to[i] = dtype == TSM_FLOAT16 ? half_value(bits) : bfloat_value(bits);
    }
}

/* Uploads hashed values as `dtype`; the values that the device sees stay in *host, to be freed. */
static inline char *device_values(float **host, size_t count, uint32_t seed, tsm_dtype dtype, size_t offset)
{
    void *encoded;
    char *memory;

    *host = hashed_array(count, seed);
    encoded = encode(*host, count, dtype);
    memory = device_copy(encoded, count * dtype_bytes(dtype), offset);
    free(encoded);
    return memory;
}

/* Reads an output of `dtype` as float32; the caller frees it. */
static inline float *device_result(const char *memory, size_t count, tsm_dtype dtype)
{
    void *encoded = malloc(count * dtype_bytes(dtype));
    float *values = malloc(count * sizeof *values);

    ck_assert(encoded && values);
    device_read(encoded, memory, count * dtype_bytes(dtype));
    decode(values, encoded, count, dtype);
    free(encoded);
    return values;
}

/* One rounding to the type, after sums of `terms` in float32. */
static inline double sum_tolerance(tsm_dtype dtype, int terms)
{
    return 0.501 * dtype_epsilon(dtype) + terms * 0x1p-24;
}

static inline void assert_bytes(const void *got, const void *want, size_t bytes, const char *what)
{
    const uint8_t *a = got, *b = want;
    size_t i = 0;

    while (i < bytes && a[i] == b[i]) i++; /* one assertion: Check writes a record for each */
    ck_assert_msg(i == bytes, "%s: byte %zu of %zu is %02x, want %02x", what, i, bytes, a[i], b[i]);
}

#endif
