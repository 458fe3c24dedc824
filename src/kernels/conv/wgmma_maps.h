/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wgmma_maps.h - tensor maps: how the copy engine is told where input and filters lie, and what a box of them is. The
 * driver encodes them; it is found through the runtime, so that nothing links libcuda.
 *
 *   input, clip by clip   rank 3: channels, pixels of a clip (T*H*W), clips. A frame on is H*W pixels on; what lies
 *                         before the clip's first pixel, and past its last, reads as zeros: the ends of the shift.
 *   input, im2col         rank 5: channels, W, H, T, clips. The bounding box holds the first tap of every window:
 * along W and H it begins at -pad, along T at -1, so that offsets 0, 1 and 2 are the frames before, at and after;
 * elements' strides are the convolution's. Outside of the image, and of the clip, zeros. filters               rank
 * 3: channels of a tap, taps, filters
 */
#ifndef TSM_KERNELS_CONV_WGMMA_MAPS_H
#define TSM_KERNELS_CONV_WGMMA_MAPS_H

#include <cuda.h>

#include "wgmma.h"

#ifdef __cplusplus
extern "C" {
#endif

cudaError_t tsm_wgmma_map_input(CUtensorMap *map, const tsm_conv_wgmma_args *args);
cudaError_t tsm_wgmma_map_filters(CUtensorMap *map, const tsm_conv_wgmma_args *args);

#ifdef __cplusplus
}
#endif
#endif
