/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fragments.h - which element of a matrix a lane's register holds, written from the formulas of the PTX ISA (mma
 * m16n8k16 of 16-bit types, m16n8k8 of tf32), element by element; independent of the simulated device.
 */
#ifndef TSM_SIM_FRAGMENTS_H
#define TSM_SIM_FRAGMENTS_H

#include <stdbool.h>

typedef struct fragment_place {
    int row, column;
} fragment_place;

/* Element i of A (16 x K): 0 to 7 of 16-bit types, two a register, 0 to 3 of tf32. */
static inline fragment_place fragment_a(bool tf32, int lane, int i)
{
    const int group = lane >> 2, in_group = lane % 4;

    if (tf32) return (fragment_place){ i == 0 || i == 2 ? group : group + 8, i < 2 ? in_group : in_group + 4 };
    return (fragment_place){ (i >= 0 && i < 2) || (i >= 4 && i < 6) ? group : group + 8,
                             in_group * 2 + (i & 1) + (i >= 4 ? 8 : 0) };
}

/* Element i of B (K x 8): 0 to 3 of 16-bit types, 0 and 1 of tf32. */
static inline fragment_place fragment_b(bool tf32, int lane, int i)
{
    const int group = lane >> 2, in_group = lane % 4;

    if (tf32) return (fragment_place){ i == 0 ? in_group : in_group + 4, group };
    return (fragment_place){ in_group * 2 + (i & 1) + (i >= 2 ? 8 : 0), group };
}

/* Element i of C and D (16 x 8), 0 to 3. */
static inline fragment_place fragment_c(int lane, int i)
{
    return (fragment_place){ i < 2 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1) };
}

#endif
