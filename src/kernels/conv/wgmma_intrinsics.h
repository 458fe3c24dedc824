/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma_intrinsics.h - the machine instructions of sm_90a that the family on wgmma and TMA is built of, one function
 * each: inline PTX with nvcc; elsewhere the simulated device has them (tests/sim).
 *
 * Barriers in shared memory (mbarrier) have phases. A phase ends when as many arrivals as were set have come and all
 * bytes that were announced have landed. A wait names the parity of the phase it waits for: 0 for the first, 1 for
 * the second; before any has ended, a wait for parity 1 goes straight on.
 *
 * A warpgroup is four warps, 128 threads, that multiply together. Both factors lie in shared memory, where
 * descriptors (wgmma_geometry.h) find them; sums lie in registers: warp w of the group has rows 16 w to 16 w + 15, in
 * fragments of 16 x 8 as intrinsics.h draws C and D, fragment j for columns 8 j to 8 j + 7. Products run beside the
 * program: sums are there, and shared memory may be changed, only behind a wait.
 */
#ifndef TSM_KERNELS_CONV_WGMMA_INTRINSICS_H
#define TSM_KERNELS_CONV_WGMMA_INTRINSICS_H

#include "intrinsics.h"

#include <cuda.h>

#ifndef TSM_SHARED_STAGES
/* The dynamic shared memory of the launch, aligned to what the swizzle repeats after. */
#define TSM_SHARED_STAGES(name) extern __shared__ __align__(1024) char name[]
#endif

#ifndef __CUDACC__
#include <group_ops.h>
#else

namespace tsm
{

/* ---- Barriers ---- */

__device__ __forceinline__ void barrier_init(uint32_t barrier, unsigned arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

/* What one thread has initialised is there for the copy engine, and for others behind a __syncthreads. */
__device__ __forceinline__ void barrier_init_done()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void barrier_arrive(uint32_t barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/* Arrives, and announces bytes that copies will land. */
__device__ __forceinline__ void barrier_arrive_expecting(uint32_t barrier, uint32_t bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

__device__ __forceinline__ bool barrier_ended(uint32_t barrier, uint32_t parity)
{
    uint32_t ended;

    asm volatile("{\n"
                 ".reg .pred p;\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
                 "selp.u32 %0, 1, 0, p;\n"
                 "}"
                 : "=r"(ended)
                 : "r"(barrier), "r"(parity)
                 : "memory");
    return ended != 0;
}

__device__ __forceinline__ uint64_t nanoseconds()
{
    uint64_t now;

    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
    return now;
}

/* Returns behind the end of the phase of that parity. One that has not ended after seconds never will: the launch then
 * fails instead of hanging. */
__device__ __forceinline__ void barrier_wait(uint32_t barrier, uint32_t parity)
{
    constexpr uint64_t longest = 10000000000; /* ns */

    if (barrier_ended(barrier, parity)) return;
    const uint64_t begin = nanoseconds();
#pragma unroll 1
    while (!barrier_ended(barrier, parity))
        if (nanoseconds() - begin > longest) __trap();
}

/* ---- The copy engine: each by one thread; what lies outside of the tensor becomes zero, and counts as landed ----
 */

/* A box of a tiled map of rank 3, at coordinates (x, y, z), x the innermost. */
__device__ __forceinline__ void copy_box(uint32_t to, const CUtensorMap *map, uint32_t barrier, int x, int y, int z)
{
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3, %4, %5}], [%2];" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(x), "r"(y), "r"(z)
                 : "memory");
}

/* A pixel of an im2col map: coordinates in its bounding box, of the window's first tap. */
struct PixelPlace {
    int w, h, d, n;
};

/* The map's number of pixels, from `at` on along W, H, D, N of the bounding box, each read at the tap (w, h, d). */
__device__ __forceinline__ void copy_pixels(uint32_t to, const CUtensorMap *map, uint32_t barrier, int channel,
                                            const PixelPlace &at, int w, int h, int d)
{
    asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%3, %4, %5, %6, %7}], [%2], {%8, %9, %10};" ::"r"(to),
                 "l"(map), "r"(barrier), "r"(channel), "r"(at.w), "r"(at.h), "r"(at.d), "r"(at.n), "h"((uint16_t)w),
                 "h"((uint16_t)h), "h"((uint16_t)d)
                 : "memory");
}

/* ---- Products of a warpgroup: all 128 threads call each ---- */

/* Before the first product, and before one that follows another use of the sums. */
__device__ __forceinline__ void group_begin()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void group_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Waits until at most Pending of the groups that were committed are still running. */
template <int Pending> __device__ __forceinline__ void group_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

/* Registers of a thread from here on, of all threads of a warpgroup: what one group gives back, another takes. Waits
 * until there are as many. */
template <int Count> __device__ __forceinline__ void take_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count));
}
template <int Count> __device__ __forceinline__ void give_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count));
}

/* Sums as operands of assembly: fragments i, i + 1, ... */
#define TSM_SUM1(i)  "+f"(d[i][0]), "+f"(d[i][1]), "+f"(d[i][2]), "+f"(d[i][3])
#define TSM_SUM4(i)  TSM_SUM1(i), TSM_SUM1(i + 1), TSM_SUM1(i + 2), TSM_SUM1(i + 3)
#define TSM_SUM8(i)  TSM_SUM4(i), TSM_SUM4(i + 4)
#define TSM_SUM16(i) TSM_SUM8(i), TSM_SUM8(i + 8)
#define TSM_SUM32(i) TSM_SUM16(i), TSM_SUM16(i + 16)

#define TSM_NAMES_0_31                                                                                               \
    "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29," \
    "%30,%31"
#define TSM_NAMES_32_63                                                                                              \
    "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,"   \
    "%59,%60,%61,%62,%63"
#define TSM_NAMES_64_95                                                                                              \
    "%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79,%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,"   \
    "%91,%92,%93,%94,%95"
#define TSM_NAMES_96_127                                                                                             \
    "%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111,%112,%113,%114,%115,%116,%117,"     \
    "%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"

/* d (+)= a b, 64 x filters, 16 of K; `adds` 0 overwrites the sums. */
#define TSM_GROUP_MULTIPLY(filters, type, names, sums, a_name, b_name, adds_name)                                    \
    asm volatile("{\n"                                                                                               \
                 ".reg .pred p;\n"                                                                                   \
                 "setp.ne.b32 p, " adds_name ", 0;\n"                                                                \
                 "wgmma.mma_async.sync.aligned.m64n" filters "k16.f32." type "." type " {" names "}, " a_name        \
                 ", " b_name ", p, 1, 1, 0, 0;\n"                                                                    \
                 "}"                                                                                                 \
                 : sums                                                                                              \
                 : "l"(a), "l"(b), "r"((int)adds)                                                                    \
                 : "memory")

#define TSM_GROUP_MULTIPLIES(Type, type)                                                                             \
    __device__ __forceinline__ void group_multiply(Type, float(&d)[8][4], uint64_t a, uint64_t b, bool adds)         \
    {                                                                                                                \
        TSM_GROUP_MULTIPLY("64", type, TSM_NAMES_0_31, TSM_SUM8(0), "%32", "%33", "%34");                            \
    }                                                                                                                \
    __device__ __forceinline__ void group_multiply(Type, float(&d)[16][4], uint64_t a, uint64_t b, bool adds)        \
    {                                                                                                                \
        TSM_GROUP_MULTIPLY("128", type, TSM_NAMES_0_31 "," TSM_NAMES_32_63, TSM_SUM16(0), "%64", "%65", "%66");      \
    }                                                                                                                \
    __device__ __forceinline__ void group_multiply(Type, float(&d)[32][4], uint64_t a, uint64_t b, bool adds)        \
    {                                                                                                                \
        TSM_GROUP_MULTIPLY("256", type, TSM_NAMES_0_31 "," TSM_NAMES_32_63 "," TSM_NAMES_64_95 "," TSM_NAMES_96_127, \
                           TSM_SUM32(0), "%128", "%129", "%130");                                                    \
    }

TSM_GROUP_MULTIPLIES(Fp16, "f16")
TSM_GROUP_MULTIPLIES(Bf16, "bf16")

} // namespace tsm

#endif
#endif
