# SPDX-License-Identifier: Apache-2.0
"""What cameras and codecs do to a picture: blur, sensor noise, block
quantisation. Frames are (F,H,W,3) float32 in about [0,1]."""

import numpy as np

BLOCK = 8


def _dct_matrix():
    k = np.arange(BLOCK)[:, None]
    n = np.arange(BLOCK)[None, :]
    matrix = np.cos(np.pi * k * (2 * n + 1) / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


_DCT = _dct_matrix()
# Coarser for higher frequencies, roughly as the codecs' tables are.
_STEPS = (1 + 0.5 * np.add.outer(np.arange(BLOCK), np.arange(BLOCK))).astype(np.float32)


def blur(frames, amount):
    """A three-tap kernel (amount/2, 1-amount, amount/2) along both axes."""
    for axis in (1, 2):
        size = frames.shape[axis]
        index = np.arange(size)
        before = frames.take(np.maximum(index - 1, 0), axis)
        after = frames.take(np.minimum(index + 1, size - 1), axis)
        frames = (1 - amount) * frames + amount / 2 * (before + after)
    return frames


def quantise_blocks(frames, step):
    """JPEG-like: 8x8 DCT coefficients rounded to multiples of step."""
    count, height, width, channels = frames.shape
    blocks = frames.reshape(count, height // BLOCK, BLOCK, width // BLOCK, BLOCK,
                            channels).transpose(0, 1, 3, 5, 2, 4)
    coefficients = _DCT @ blocks @ _DCT.T
    steps = _STEPS * step
    coefficients = np.rint(coefficients / steps) * steps
    blocks = _DCT.T @ coefficients @ _DCT
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(frames.shape)


def add_noise(frames, rng, sigma):
    noise = rng.standard_normal(frames.shape, dtype=np.float32)
    return frames + noise * np.float32(sigma)


def to_bytes(frames):
    return (np.clip(frames, 0, 1) * 255 + 0.5).astype(np.uint8)


def degrade(frames, rng):
    """A random camera and codec; the same for all frames of a clip."""
    if rng.random() < 0.6:
        frames = blur(frames, rng.uniform(0.1, 0.65))
    if rng.random() < 0.6:
        frames = add_noise(frames, rng, rng.uniform(0.002, 0.04))
    if rng.random() < 0.5:
        frames = quantise_blocks(frames, rng.uniform(0.01, 0.08))
    return to_bytes(frames)
