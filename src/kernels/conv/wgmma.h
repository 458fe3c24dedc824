/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma.h - convolutions with the temporal shift in their load on wgmma and the copy engine (TMA), as C functions:
 * for sm_90a alone (H100, H200). See docs/shift-conv.md. What is computed, the spec and the packed filters are those
 * of conv_kernels.h; bits differ from that family's, since sums are made in another order.
 */
#ifndef TSM_KERNELS_CONV_WGMMA_H
#define TSM_KERNELS_CONV_WGMMA_H

#include "conv_kernels.h"
#include "wgmma_tiles.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the family has a kernel for it; if not, *why is a static text. */
bool tsm_conv_wgmma_serves(const tsm_conv_kernel_spec *spec, const char **why);

/* How a served convolution is run: the tile; whether rows are cut clip by clip (`tiled`, only 1x1 at stride 1) or all
 * in one go by the engine's im2col mode; how many blocks stay and share the tiles. */
typedef struct tsm_conv_wgmma_way {
    int tile, blocks;
    bool tiled;
} tsm_conv_wgmma_way;

/* What is worth a try on a GPU of so many multiprocessors, best guess first; at most `room`. Returns their number. */
int tsm_conv_wgmma_ways(tsm_conv_wgmma_way *ways, int room, const tsm_conv_kernel_spec *spec, int multiprocessors);
bool tsm_conv_wgmma_way_serves(const tsm_conv_kernel_spec *spec, const tsm_conv_wgmma_way *way);

/* tile < TSM_WGMMA_TILE_COUNT; k_bytes is 128. */
const tsm_conv_tile *tsm_conv_wgmma_tile(int tile);

/* What the copy engine is told of input and filters: tensor maps of the driver, opaque. */
typedef struct tsm_conv_wgmma_maps {
    uint64_t input[16], filters[16];
} tsm_conv_wgmma_maps;

/* The `way` of the arguments is not looked at. */
typedef struct tsm_conv_wgmma_args {
    tsm_conv_kernel_args conv;
    tsm_conv_wgmma_way way;
    tsm_conv_wgmma_maps maps;
} tsm_conv_wgmma_args;

/* Makes the maps, for these addresses: once, before any launch. cudaErrorNotSupported: the driver has no tensor maps;
 * cudaErrorInvalidValue: what is not served, a NULL or misaligned pointer, or the driver refuses. */
cudaError_t tsm_conv_wgmma_prepare(tsm_conv_wgmma_args *args);

/* Enqueues and returns. */
cudaError_t tsm_conv_wgmma_run(const tsm_conv_wgmma_args *args, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
