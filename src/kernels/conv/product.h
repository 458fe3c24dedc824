/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.h - the product of one step of K, which lies in shared memory, by the warps of a block.
 *
 * A warp multiplies warp_rows x warp_filters outputs, 16 x 8 and 32 bytes of K at a time. Its sums stay in registers
 * for the whole of K. Fragments come by ldmatrix: A as 16 rows x 32 bytes, B as 16 filters x 32 bytes, two fragments.
 */
#ifndef TSM_KERNELS_CONV_PRODUCT_H
#define TSM_KERNELS_CONV_PRODUCT_H

#include "intrinsics.h"
#include "plan.h"

namespace tsm
{

template <typename Type, typename Tile> struct Product {
    static constexpr int k_bytes = 32; /* of one mma */

    float sum[Tile::mma_m][Tile::mma_n][4];
    uint32_t input, filters; /* bytes into a stage: the row of 16 bytes whose address this lane gives */

    __device__ __forceinline__ void begin()
    {
        const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
        const int warp_m = warp / Tile::warps_n, warp_n = warp % Tile::warps_n;
        const int low = lane % 8, odd = lane / 8 % 2, upper = lane / 16; /* matrix odd + 2 upper */
        const int row = warp_m * Tile::warp_rows + odd * 8 + low;
        const int filter = warp_n * Tile::warp_filters + upper * 8 + low;

        input = row * Tile::k_bytes + tsm_conv_swizzle(row, upper, Tile::k_bytes) * TSM_CONV_CHUNK;
        filters = Tile::input_bytes + filter * Tile::k_bytes +
                  tsm_conv_swizzle(filter, odd, Tile::k_bytes) * TSM_CONV_CHUNK;
#pragma unroll
        for (int i = 0; i < Tile::mma_m; i++)
#pragma unroll
            for (int j = 0; j < Tile::mma_n; j++)
#pragma unroll
                for (int e = 0; e < 4; e++) sum[i][j][e] = 0.0f;
    }

    /* Adds the product of the step in `stage`. The next 32 bytes of K lie two chunks on, which under the swizzle is
     * a flip of the same bits in every row. */
    __device__ __forceinline__ void add(uint32_t stage)
    {
#pragma unroll
        for (int k = 0; k < Tile::k_bytes; k += k_bytes) {
            uint32_t a[Tile::mma_m][4], b[Tile::mma_n / 2][4];
#pragma unroll
            for (int i = 0; i < Tile::mma_m; i++) {
                load_matrices(a[i], stage + (input ^ k) + i * (16 * Tile::k_bytes));
                round(a[i]);
            }
#pragma unroll
            for (int j = 0; j < Tile::mma_n / 2; j++)
                load_matrices(b[j], stage + (filters ^ k) + j * (16 * Tile::k_bytes));
#pragma unroll
            for (int i = 0; i < Tile::mma_m; i++)
#pragma unroll
                for (int j = 0; j < Tile::mma_n; j++)
                    multiply(Type(), sum[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
    }

    /* Activations are float32 in memory; filters were rounded when they were packed. */
    __device__ __forceinline__ static void round(uint32_t (&a)[4])
    {
        if constexpr (sizeof(typename Type::Element) == sizeof(float)) {
#pragma unroll
            for (int e = 0; e < 4; e++) a[e] = round_to_tf32(a[e]);
        }
    }
};

} // namespace tsm

#endif
