/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.cpp - products of warpgroups (wgmma m64nNk16, both factors in shared memory, K contiguous).
 *
 * A product takes place as late as it may, when its thread waits for its group: a stage that is given away too early
 * then has other bytes, or poison. Its sums are poisoned until then. Where factors lie is worked out from descriptors
 * as the PTX ISA describes them (matrix descriptor, canonical layouts), sums and fragments as it draws them.
 */
#include "internal.h"

#include "kernels/conv/wgmma_intrinsics.h" /* and group_ops.h */

#include <algorithm>
#include <math.h>

using namespace sim;

enum { K = 16, GROUP_WARPS = 4 };

static float value_of(bool bfloat, uint16_t bits)
{
    return bfloat ? __bfloat162float(__nv_bfloat16{ bits }) : __half2float(__half{ bits });
}

/* A descriptor, taken apart; the address is completed from that of the block's memory. */
struct Matrix {
    size_t start, along_k, eight_rows, swizzle; /* bytes; swizzle 16: none */

    explicit Matrix(uint64_t bits)
    {
        const size_t first = (size_t)(current->block->dynamic - arena.base), low = (size_t)(bits & 0x3fff) << 4;
        const unsigned mode = (unsigned)(bits >> 62);

        start = first + ((low - first) & 0x3ffff);
        along_k = (size_t)(bits >> 16 & 0x3fff) << 4;
        eight_rows = (size_t)(bits >> 32 & 0x3fff) << 4;
        swizzle = mode ? 256u >> mode : 16;
    }

    size_t chunk(size_t row, size_t i) const
    {
        const size_t offset = row / 8 * eight_rows + row % 8 * swizzle + i * (swizzle == 16 ? along_k : 16);
        const size_t at = start + offset;

        return at ^ ((at >> 3) & (swizzle - 16));
    }

    /* The 16 elements of K of a row. */
    void read(float (&to)[K], size_t row, bool bfloat) const
    {
        uint16_t bits[8];

        for (size_t i = 0; i < 2; i++) {
            const size_t at = chunk(row, i);
            if (arena.state[at] != WRITTEN && (arena.state[at] != UNWRITTEN || !TSM_SIM_ASAN))
                fail("multiplies %s, %s",
                     arena.state[at] == IN_FLIGHT ? "what the copy engine is still writing"
                                                  : "what nobody has written",
                     device_describe(arena.base + at));
            memcpy(bits, arena.base + at, sizeof bits);
            for (size_t k = 0; k < 8; k++) to[i * 8 + k] = value_of(bfloat, bits[k]);
        }
    }
};

static void add(float &sum, const float (&row)[K], const float (&column)[K], bool adds)
{
    double total = adds ? (double)sum : 0.0;

    for (int k = 0; k < K; k++) total += (double)row[k] * (double)column[k];
    sum = (float)total;
}

/* This thread's share: two rows, two columns of each fragment. */
static void complete(const GroupProduct &product, std::vector<float> &sums)
{
    const size_t lane = current->linear % kWarp, warp = current->linear / kWarp % GROUP_WARPS;
    const Matrix a(product.a), b(product.b);
    float rows[2][K], column[K];

    for (size_t i = 0; i < 2; i++) a.read(rows[i], warp * 16 + lane / 4 + 8 * i, product.bfloat);
    for (size_t j = 0; j < (size_t)product.fragments; j++)
        for (size_t i = 0; i < 2; i++) {
            b.read(column, 8 * j + lane % 4 * 2 + i, product.bfloat);
            add(sums[4 * j + i], rows[0], column, product.adds);
            add(sums[4 * j + 2 + i], rows[1], column, product.adds);
        }
}

/* All lanes of the warp come, to the same place. */
static const uint64_t *meet(uint64_t value, const char *what, const char *file, int line)
{
    return exchange(0xffffffffu, value, what, { file, line });
}

void tsm_sim_group_begin(const char *file, int line)
{
    meet(0, "wgmma.fence", file, line);
    current->sums_settled = true;
}

void tsm_sim_group_multiply(bool bfloat, float *d, int fragments, uint64_t a, uint64_t b, bool adds, const char *file,
                            int line)
{
    Thread &self = *current;
    const uint64_t *lanes = meet(a * 31 + b * 2 + adds, "wgmma", file, line);

    for (unsigned i = 1; i < kWarp; i++)
        if (lanes[i] != lanes[0]) fail("multiplies with other factors than lane 0 (%s:%d)", file, line);
    if (!self.sums_settled) fail("multiplies into sums that no wgmma.fence has settled (%s:%d)", file, line);
    if (self.group_products.empty()) {
        self.sums = d;
        self.kept_sums.assign(d, d + 4 * fragments);
        std::fill(d, d + 4 * fragments, NAN);
    }
    if (self.sums != d) fail("multiplies into two sums at once, which is not simulated");
    self.group_products.push_back({ bfloat, adds, fragments, a, b, self.product_group });
}

void tsm_sim_group_commit()
{
    current->product_group++;
}

void tsm_sim_group_wait(unsigned pending, const char *file, int line)
{
    Thread &self = *current;
    std::vector<GroupProduct> &products = self.group_products;
    size_t done = 0;

    while (done < products.size() && products[done].group + pending < self.product_group)
        complete(products[done++], self.kept_sums);
    products.erase(products.begin(), products.begin() + (ptrdiff_t)done);
    if (done && products.empty()) {
        std::copy(self.kept_sums.begin(), self.kept_sums.end(), self.sums);
        self.sums_settled = false;
    }
    meet(0, "wgmma.wait_group", file, line);
}
