/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiles.h - the tiles that the convolutions are compiled with, in one table: kernels, dispatch, tests and the table
 * of resources are made from it. Each row costs three kernels (a type each) for every target.
 *
 *     X(rows, filters, k_bytes, stages, warps_m, warps_n)
 *
 * A block makes rows x filters outputs, warps_m x warps_n warps share them. K goes by k_bytes a step, of which
 * `stages` steps lie in shared memory: stages * (rows + filters) * k_bytes, at most 99 KiB, which every target has.
 *
 *   128 x 256  the most products a byte of shared memory (64 x 64 a warp, 8 warps): layers bound by arithmetic
 *   128 x 128  the same warps, two blocks a multiprocessor: a start or an end of one behind the other's products. A
 *              fourth stage would leave room for one block where there are 100 KiB (sm_86, 89, 120)
 *   128 x 64   64 filters, as all of layer1 has; two to four blocks a multiprocessor, for layers bound by memory
 *   64 x 64    few rows: batch 1, layer4; steps of 128 bytes, since its blocks are too short to hide more barriers
 */
#ifndef TSM_KERNELS_CONV_TILES_H
#define TSM_KERNELS_CONV_TILES_H

#define TSM_CONV_TILES(X)                                                                                            \
    X(128, 256, 64, 3, 2, 4)                                                                                         \
    X(128, 128, 64, 3, 2, 2)                                                                                         \
    X(128, 64, 64, 4, 2, 2)                                                                                          \
    X(64, 64, 128, 3, 2, 2)

#define TSM_CONV_TILE_ONE(...) +1
enum { TSM_CONV_TILE_COUNT = 0 TSM_CONV_TILES(TSM_CONV_TILE_ONE) };

#endif
