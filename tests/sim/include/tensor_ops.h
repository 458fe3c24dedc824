/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor_ops.h - of the simulated device: what src/kernels/conv/intrinsics.h, which includes it, has as inline PTX
 * under nvcc. See there for what the functions do, and tensor.cpp for what is noticed.
 */
#ifndef TSM_SIM_TENSOR_OPS_H
#define TSM_SIM_TENSOR_OPS_H

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime.h"

enum tsm_sim_product { TSM_SIM_FP16, TSM_SIM_BF16, TSM_SIM_TF32 };

/* A shared address is an offset in the range that all blocks' shared memory lies in. */
uint32_t tsm_sim_shared_address(const void *pointer);
void tsm_sim_copy_async(uint32_t to, const void *from, int bytes, int source_bytes);
void tsm_sim_copy_async_commit();
void tsm_sim_copy_async_wait(unsigned pending);
void tsm_sim_load_matrices(uint32_t *r, uint32_t row, const char *file, int line);
void tsm_sim_multiply(tsm_sim_product type, float *d, const uint32_t *a, uint32_t b0, uint32_t b1, const char *file,
                      int line);
uint32_t tsm_sim_arrive(uint32_t *counter);

namespace tsm
{

static inline uint32_t shared_address(const void *pointer)
{
    return tsm_sim_shared_address(pointer);
}

template <int Bytes> void copy_async(uint32_t to, const void *from, int source_bytes)
{
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async moves 4, 8 or 16 bytes");
    tsm_sim_copy_async(to, from, Bytes, source_bytes);
}
static inline void copy_async_commit()
{
    tsm_sim_copy_async_commit();
}
template <int Pending> void copy_async_wait()
{
    tsm_sim_copy_async_wait(Pending);
}

static inline void load_matrices(uint32_t (&r)[4], uint32_t row, TSM_SIM_SITE)
{
    tsm_sim_load_matrices(r, row, file, line);
}

static inline uint32_t round_to_tf32(uint32_t bits)
{
    bool finite = (bits & 0x7f800000u) != 0x7f800000u;

    return finite ? (bits + 0x1000u) & ~0x1fffu : bits;
}

static inline void multiply(Fp16, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, TSM_SIM_SITE)
{
    tsm_sim_multiply(TSM_SIM_FP16, d, a, b0, b1, file, line);
}
static inline void multiply(Bf16, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, TSM_SIM_SITE)
{
    tsm_sim_multiply(TSM_SIM_BF16, d, a, b0, b1, file, line);
}
static inline void multiply(Tf32, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, TSM_SIM_SITE)
{
    tsm_sim_multiply(TSM_SIM_TF32, d, a, b0, b1, file, line);
}

static inline uint32_t arrive(uint32_t *counter)
{
    return tsm_sim_arrive(counter);
}

} // namespace tsm

#endif
