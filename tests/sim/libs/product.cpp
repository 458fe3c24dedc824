/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.cpp - see product.h. Four rows by one panel of columns are summed at a time, in the order of the depth, so
 * that the compiler can use vectors without changing any sum.
 */
#include "product.h"

#include <algorithm>

namespace sim
{

constexpr size_t kRows = 4, kHalfStep = 32;

RightFactor right_factor(size_t depth, size_t width)
{
    return { depth, width, std::vector<float>((width + kPanel - 1) / kPanel * kPanel * depth) };
}

void right_set(RightFactor &right, size_t row, size_t column, float value, const Arithmetic &how)
{
    right.panels[(column / kPanel * right.depth + row) * kPanel + column % kPanel] =
        how.tf32 ? round_to_tf32(value) : value;
}

size_t product_pitch(const RightFactor &right)
{
    return (right.width + kPanel - 1) / kPanel * kPanel;
}

/* Adds depth [from, to) of `count` rows to their sums. */
__attribute__((no_sanitize("address", "undefined"))) static inline __attribute__((always_inline)) void
add_products(float (&sums)[kRows][kPanel], const float *const (&rows)[kRows], const float *panel, size_t from,
             size_t to)
{
    for (size_t k = from; k < to; k++)
        for (size_t r = 0; r < kRows; r++)
            for (size_t c = 0; c < kPanel; c++) sums[r][c] += rows[r][k] * panel[k * kPanel + c];
}

typedef void AddProducts(float (&)[kRows][kPanel], const float *const (&)[kRows], const float *, size_t, size_t);

__attribute__((no_sanitize("address", "undefined"), noinline)) static void
add_products_plain(float (&sums)[kRows][kPanel], const float *const (&rows)[kRows], const float *panel, size_t from,
                   size_t to)
{
    add_products(sums, rows, panel, from, to);
}

#if defined(__x86_64__)
__attribute__((no_sanitize("address", "undefined"), noinline, target("avx2"))) static void
add_products_avx2(float (&sums)[kRows][kPanel], const float *const (&rows)[kRows], const float *panel, size_t from,
                  size_t to)
{
    add_products(sums, rows, panel, from, to);
}

static AddProducts *choose()
{
    return __builtin_cpu_supports("avx2") ? add_products_avx2 : add_products_plain;
}
#else
static AddProducts *choose()
{
    return add_products_plain;
}
#endif

static void round_sums(float (&sums)[kRows][kPanel])
{
    for (auto &row : sums)
        for (float &sum : row) sum = __half2float(__float2half_rn(sum));
}

/* One tile: the parts of the sum are added at the end. */
static void tile(float (&total)[kRows][kPanel], const float *const (&rows)[kRows], const float *panel, size_t depth,
                 const Arithmetic &how, AddProducts *add)
{
    size_t parts = std::max(how.parts, 1u);

    memset(total, 0, sizeof total);
    for (size_t part = 0; part < parts; part++) {
        float sums[kRows][kPanel] = {};
        size_t from = depth * part / parts, to = depth * (part + 1) / parts, step = how.half_sums ? kHalfStep : depth;

        for (size_t k = from; k < to; k += step) {
            add(sums, rows, panel, k, std::min(k + step, to));
            if (how.half_sums) round_sums(sums);
        }
        for (size_t r = 0; r < kRows; r++)
            for (size_t c = 0; c < kPanel; c++) total[r][c] += sums[r][c];
    }
}

void product(std::vector<float> &out, std::vector<float> &left, size_t rows, const RightFactor &right,
             const Arithmetic &how)
{
    static AddProducts *const add = choose();
    size_t pitch = product_pitch(right);

    if (how.tf32)
        for (size_t i = 0; i < rows * right.depth; i++) left[i] = round_to_tf32(left[i]);
    for (size_t row = 0; row < rows; row += kRows)
        for (size_t column = 0; column < pitch; column += kPanel) {
            const float *lines[kRows];
            float sums[kRows][kPanel];

            for (size_t r = 0; r < kRows; r++) lines[r] = left.data() + std::min(row + r, rows - 1) * right.depth;
            tile(sums, lines, right.panels.data() + column * right.depth, right.depth, how, add);
            for (size_t r = 0; r < kRows && row + r < rows; r++)
                memcpy(out.data() + (row + r) * pitch + column, sums[r], sizeof sums[r]);
        }
}

} // namespace sim
