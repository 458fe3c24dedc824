/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma_tiles.h - the tiles of the family on wgmma and TMA, in one table, as tiles.h. Each row costs two kernels
 * (fp16, bf16), for sm_90a alone.
 *
 *     X(rows, filters, stages, blocks)
 *
 * Each 64 rows are a warpgroup's; one warp more starts the copies. A step of K is 128 bytes. `blocks` are meant to
 * lie on a multiprocessor together, the start and the end of one behind the products of the other.
 *
 *   128 x 256  the most products a byte: 171 operations a byte of shared memory that is filled
 *   128 x 128  layers of 128 filters, or whose tiles of 256 would leave multiprocessors idle
 *   128 x 64   64 filters, two blocks
 *   64 x 128   few rows: clips whose pixels fill no multiple of 128, two blocks
 */
#ifndef TSM_KERNELS_CONV_WGMMA_TILES_H
#define TSM_KERNELS_CONV_WGMMA_TILES_H

#define TSM_WGMMA_TILES(X)                                                                                           \
    X(128, 256, 4, 1)                                                                                                \
    X(128, 128, 6, 1)                                                                                                \
    X(128, 64, 3, 2)                                                                                                 \
    X(64, 128, 4, 2)

#define TSM_WGMMA_TILE_ONE(...) +1
enum { TSM_WGMMA_TILE_COUNT = 0 TSM_WGMMA_TILES(TSM_WGMMA_TILE_ONE) };

#endif
