/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intrinsics.h - the machine instructions that the convolutions are built of, one function each.
 *
 * With nvcc they are inline PTX for sm_80 and later; elsewhere the simulated device has them (tests/sim), with the
 * fragment layouts that the PTX ISA draws. Shared memory is addressed by 32 bits, as the instructions do.
 *
 * A tile row is 32 bytes of K a product, whatever the type: 16 halves or bfloats, 8 tf32. In bytes the fragments of
 * all types are the same, so one ldmatrix serves them all; only the product itself knows the type.
 *
 *     A, 16 rows x 32 bytes, row major        B, 8 columns x 32 bytes, K contiguous    C, D, 16 x 8 float32
 *       bytes 0..15   16..31                    bytes 0..15   16..31                     columns 0..7
 *      | a[0]       | a[2]       | rows 0..7   | b[0]       | b[1]       | columns      | c[0] c[1]  | rows 0..7
 *      | a[1]       | a[3]       | rows 8..15                              0..7         | c[2] c[3]  | rows 8..15
 *     lane l holds 4 bytes of row (column of B) l / 4, at 4 (l % 4); of C and D the elements 2 (l % 4), + 1
 */
#ifndef TSM_KERNELS_CONV_INTRINSICS_H
#define TSM_KERNELS_CONV_INTRINSICS_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdint.h>

#ifndef TSM_SHARED_DYNAMIC
/* The dynamic shared memory of the launch. */
#define TSM_SHARED_DYNAMIC(type, name) extern __shared__ __align__(128) type name[]
#endif

namespace tsm
{

/* The types of a product's factors; sums are float32. */
struct Fp16 {
    using Element = __half;
};
struct Bf16 {
    using Element = __nv_bfloat16;
};
struct Tf32 { /* float32 of which 10 bits of fraction count */
    using Element = float;
};

} // namespace tsm

#ifndef __CUDACC__
#include <tensor_ops.h>
#else

namespace tsm
{

__device__ __forceinline__ uint32_t shared_address(const void *pointer)
{
    return (uint32_t)__cvta_generic_to_shared(pointer);
}

/* ---- Asynchronous copies from global to shared memory ---- */

/* Starts a copy of Bytes (4, 8 or 16, both ends aligned to as many); those from `source_bytes` on become zero. With
 * 16 bytes it goes past L1, and L2 is asked for the rest of the 128 bytes, which the next blocks of K want. */
template <int Bytes> __device__ __forceinline__ void copy_async(uint32_t to, const void *from, int source_bytes)
{
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async moves 4, 8 or 16 bytes");
    if constexpr (Bytes == 16)
        asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(source_bytes)
                     : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(Bytes),
                     "r"(source_bytes)
                     : "memory");
}

/* Closes a group of the copies that this thread has started; a group may be empty. */
__device__ __forceinline__ void copy_async_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits until at most Pending of this thread's groups are on their way. Other threads need a barrier besides. */
template <int Pending> __device__ __forceinline__ void copy_async_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

/* ---- Fragments ---- */

/* Four matrices of 8 rows of 16 bytes; lanes 8i ... 8i + 7 have the addresses of the rows of matrix i. */
__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], uint32_t row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(row)
                 : "memory");
}

/* float32 bits rounded to tf32, halves away from zero; the product would cut them off. */
__device__ __forceinline__ uint32_t round_to_tf32(uint32_t bits)
{
    uint32_t rounded;

    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
    return rounded;
}

#define TSM_MMA(shape_and_types)                                                                                     \
    asm("mma.sync.aligned." shape_and_types " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"       \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                             \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))

/* d += a b, by the 32 lanes of a warp together. */
__device__ __forceinline__ void multiply(Fp16, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    TSM_MMA("m16n8k16.row.col.f32.f16.f16.f32");
}
__device__ __forceinline__ void multiply(Bf16, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    TSM_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
}
__device__ __forceinline__ void multiply(Tf32, float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    TSM_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
}
#undef TSM_MMA

/* ---- Blocks that take turns ---- */

/* Adds 1 to a counter and returns what it was. What this block has written before (its threads, before a barrier) is
 * seen by those threads of a block that comes later which are behind a barrier after it. */
__device__ __forceinline__ uint32_t arrive(uint32_t *counter)
{
    __threadfence();
    uint32_t before = atomicAdd(counter, 1u);
    __threadfence();
    return before;
}

} // namespace tsm

#endif
#endif
