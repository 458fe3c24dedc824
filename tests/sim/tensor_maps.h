/* SPDX-License-Identifier: Apache-2.0 */
/* tensor_maps.h - what a CUtensorMap holds on the simulated device, and the boxes of it. */
#ifndef TSM_SIM_TENSOR_MAPS_H
#define TSM_SIM_TENSOR_MAPS_H

#include "include/cuda.h"
#include "internal.h"

namespace sim
{

struct TensorMap {
    static constexpr uint32_t kMagic = 0x70a3b0c5;
    uint32_t magic;
    uint8_t rank, swizzle_bytes; /* 16: none */
    bool im2col;
    uint8_t every[5];
    int8_t lower[3], upper[3]; /* corners of the bounding box, W, H, D */
    uint16_t box[3];           /* elements, then of each dimension; im2col: elements, pixels, 1 */
    uint32_t dims[5];
    uintptr_t address;
    uint64_t strides[4];
};

const TensorMap &tensor_map(const CUtensorMap *map);
size_t tensor_box_bytes(const TensorMap &map);
/* Fails where the hardware would, or would read what nobody meant. */
void tensor_box_check(const TensorMap &map, const int *at, const int *offsets);
/* Puts the box at base + to; the swizzle looks at `to`, an address in shared memory. */
void tensor_box_read(const TensorMap &map, char *base, size_t to, const int *at, const int *offsets);

} // namespace sim

#endif
