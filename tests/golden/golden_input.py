# SPDX-License-Identifier: Apache-2.0
"""The inputs of the golden cases, which are generated, not stored: the C side
computes the same integer hash of the element's index and the case's seed."""

import numpy as np


def golden_input(shape, seed):
    """float32 in [-1,1), element i in (N,T,C,H,W) order. All arithmetic is
    uint32 with wraparound up to the last line, which is exact in float32."""
    count = int(np.prod(shape))
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761)
    x += np.uint32((seed * 40503) & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    unit = (x >> np.uint32(8)) * (1.0 / 8388608.0) - 1.0
    return unit.astype(np.float32).reshape(shape)
