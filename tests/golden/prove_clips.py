# SPDX-License-Identifier: Apache-2.0
"""Clips for prove.py. Frames of noise alone would look the same to every pooling; these differ in brightness, in
what is where, and in detail, so that a frame in the wrong place shows in the logits."""

import numpy as np


def random_clip(shape, seed):
    """float32 (N,T,C,H,W), about as large as normalised pixels."""
    n, t, c, height, width = shape
    source = np.random.default_rng(seed)
    clip = 0.4 * source.standard_normal(shape, dtype=np.float32)
    coarse = source.standard_normal((n, t, c, 7, 7), dtype=np.float32)
    rows, columns = np.arange(height) * 7 // height, np.arange(width) * 7 // width
    clip += coarse[..., rows[:, None], columns]
    clip += 0.7 * source.standard_normal((n, t, c, 1, 1), dtype=np.float32)
    return clip
