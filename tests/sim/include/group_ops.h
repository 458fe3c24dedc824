/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_ops.h - of the simulated device: what src/kernels/conv/wgmma_intrinsics.h, which includes it, has as inline
 * PTX under nvcc. See there for what the functions do, and bulk.cpp and groups.cpp for what is noticed.
 */
#ifndef TSM_SIM_GROUP_OPS_H
#define TSM_SIM_GROUP_OPS_H

#include "cuda.h"
#include "cuda_runtime.h"

void tsm_sim_barrier_init(uint32_t barrier, unsigned arrivals);
void tsm_sim_barrier_arrive(uint32_t barrier, uint32_t bytes);
void tsm_sim_barrier_wait(uint32_t barrier, uint32_t parity, const char *file, int line);
/* `at` has a coordinate for each dimension of the map, the innermost first, `offsets` those of the tap. */
void tsm_sim_copy_box(uint32_t to, const CUtensorMap *map, uint32_t barrier, const int *at, const int *offsets);
void tsm_sim_group_begin(const char *file, int line);
void tsm_sim_group_multiply(bool bfloat, float *d, int fragments, uint64_t a, uint64_t b, bool adds, const char *file,
                            int line);
void tsm_sim_group_commit();
void tsm_sim_group_wait(unsigned pending, const char *file, int line);

namespace tsm
{

static inline void barrier_init(uint32_t barrier, unsigned arrivals)
{
    tsm_sim_barrier_init(barrier, arrivals);
}
static inline void barrier_init_done() {}
static inline void barrier_arrive(uint32_t barrier)
{
    tsm_sim_barrier_arrive(barrier, 0);
}
static inline void barrier_arrive_expecting(uint32_t barrier, uint32_t bytes)
{
    tsm_sim_barrier_arrive(barrier, bytes);
}
static inline void barrier_wait(uint32_t barrier, uint32_t parity, TSM_SIM_SITE)
{
    tsm_sim_barrier_wait(barrier, parity, file, line);
}

static inline void copy_box(uint32_t to, const CUtensorMap *map, uint32_t barrier, int x, int y, int z)
{
    const int at[] = { x, y, z };

    tsm_sim_copy_box(to, map, barrier, at, nullptr);
}

struct PixelPlace {
    int w, h, d, n;
};

static inline void copy_pixels(uint32_t to, const CUtensorMap *map, uint32_t barrier, int channel,
                               const PixelPlace &pixel, int w, int h, int d)
{
    const int at[] = { channel, pixel.w, pixel.h, pixel.d, pixel.n }, offsets[] = { w, h, d };

    tsm_sim_copy_box(to, map, barrier, at, offsets);
}

static inline void group_begin(TSM_SIM_SITE)
{
    tsm_sim_group_begin(file, line);
}
template <int Fragments>
void group_multiply(Fp16, float (&d)[Fragments][4], uint64_t a, uint64_t b, bool adds, TSM_SIM_SITE)
{
    tsm_sim_group_multiply(false, d[0], Fragments, a, b, adds, file, line);
}
template <int Fragments>
void group_multiply(Bf16, float (&d)[Fragments][4], uint64_t a, uint64_t b, bool adds, TSM_SIM_SITE)
{
    tsm_sim_group_multiply(true, d[0], Fragments, a, b, adds, file, line);
}
static inline void group_commit()
{
    tsm_sim_group_commit();
}
template <int Count> void take_registers() {}
template <int Count> void give_registers() {}
template <int Pending> void group_wait(TSM_SIM_SITE)
{
    tsm_sim_group_wait(Pending, file, line);
}

} // namespace tsm

#endif
