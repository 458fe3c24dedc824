/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.h - the matrix product under both libraries: out(rows, width) = left(rows, depth) * right(depth, width), in
 * float32.
 */
#ifndef TSM_SIM_PRODUCT_H
#define TSM_SIM_PRODUCT_H

#include <stddef.h>
#include <vector>

#include "numbers.h"

namespace sim
{

/* The right factor, as panels of kPanel columns; columns beyond the width are 0. */
struct RightFactor {
    size_t depth, width;
    std::vector<float> panels;
};

constexpr size_t kPanel = 16;

RightFactor right_factor(size_t depth, size_t width);
void right_set(RightFactor &right, size_t row, size_t column, float value, const Arithmetic &how);

/* `out` has `width` rounded up to whole panels as its pitch. The left factor is rounded as `how` says. */
size_t product_pitch(const RightFactor &right);
void product(std::vector<float> &out, std::vector<float> &left, size_t rows, const RightFactor &right,
             const Arithmetic &how);

} // namespace sim
#endif
