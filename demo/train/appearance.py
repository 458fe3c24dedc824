# SPDX-License-Identifier: Apache-2.0
"""What things look like: colours, textures, outlines, backgrounds.

Lengths are in units of the picture's short side, x to the right, y down, the
origin in the middle. Arrays over frames and pixels are (F,H,W).
"""

import numpy as np

TABLE = 360      # entries of an outline, one a degree
TILE = 48        # edge of a texture tile in texels


def smooth_noise(rng, cells, height, width):
    """Value noise in [0,1]: a cells x cells random grid, bilinear between."""
    grid = rng.random((cells + 1, cells + 1), dtype=np.float32)

    def weights(count):
        at = np.linspace(0, cells, count, endpoint=False, dtype=np.float32)
        low = at.astype(int)
        matrix = np.zeros((count, cells + 1), np.float32)
        matrix[np.arange(count), low] = 1 - (at - low)
        matrix[np.arange(count), low + 1] += at - low
        return matrix

    return weights(height) @ grid @ weights(width).T


def fractal_noise(rng, height, width):
    first = int(rng.integers(2, 7))
    total = np.zeros((height, width), np.float32)
    for octave in range(3):
        total += smooth_noise(rng, first << octave, height, width) * 0.5 ** octave
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def random_colour(rng):
    """Half of the colours are greyish, as they are in real footage."""
    colour = rng.random(3, dtype=np.float32)
    if rng.random() < 0.5:
        colour = colour.mean() + 0.25 * (colour - colour.mean())
    return colour.astype(np.float32)


def contrasting_colour(rng, other, least=0.3):
    for _ in range(20):
        colour = random_colour(rng)
        if np.abs(colour - other).mean() >= least:
            break
    return colour


# --- textures: (ox, oy) in object coordinates, about [-1,1] -> mix in [0,1] ---

def make_texture(rng, oriented=False):
    """`oriented` textures show how far the object has turned."""
    kinds = ["halves", "noise"] if oriented else [
        "flat", "flat", "halves", "stripes", "checker", "noise", "noise"]
    kind = kinds[int(rng.integers(len(kinds)))]
    turn = 0.0 if oriented else float(rng.uniform(0, 2 * np.pi))
    tile = fractal_noise(rng, TILE, TILE) if kind == "noise" else None
    return {"kind": kind, "frequency": float(rng.uniform(3, 8)), "tile": tile,
            "cos": np.cos(turn), "sin": np.sin(turn)}


def texture_mix(texture, ox, oy):
    kind = texture["kind"]
    if kind == "flat":
        return np.zeros_like(ox)
    if kind == "noise":
        # Tiled, so that panels and paths longer than one tile work too.
        column = (ox * (TILE * 0.35)).astype(np.int32) % TILE
        row = (oy * (TILE * 0.35)).astype(np.int32) % TILE
        return texture["tile"][row, column]
    along = ox * texture["cos"] + oy * texture["sin"]
    if kind == "halves":
        return np.clip(along * 12 + 0.5, 0, 1)
    wave = np.sin(along * texture["frequency"])
    if kind == "checker":
        across = oy * texture["cos"] - ox * texture["sin"]
        wave = wave * np.sin(across * texture["frequency"])
    return np.clip(wave * 4 + 0.5, 0, 1)


# --- outlines: the radius at each degree, at most 1 ---

def _polygon(rng, theta):
    corners = int(rng.integers(3, 7))
    sector = 2 * np.pi / corners
    return np.cos(sector / 2) / np.cos(theta % sector - sector / 2)


def _box(rng, theta):
    ratio = rng.uniform(0.3, 1)
    return np.minimum(1 / np.maximum(np.abs(np.cos(theta)), 1e-3),
                      ratio / np.maximum(np.abs(np.sin(theta)), 1e-3))


def _ellipse(rng, theta):
    ratio = rng.uniform(0.35, 1)
    return ratio / np.hypot(ratio * np.cos(theta), np.sin(theta))


def _star(rng, theta):
    points = int(rng.integers(3, 7))
    return 0.65 + 0.35 * np.cos(points * theta)


def _drop(rng, theta):
    return 0.4 + 0.6 * np.maximum(np.cos(theta), 0) ** rng.uniform(2, 5)


def _blob(rng, theta):
    radius = np.ones_like(theta)
    for harmonic in range(1, 5):
        phase = rng.uniform(0, 2 * np.pi)
        radius += rng.uniform(0.1, 0.35) * np.cos(harmonic * theta + phase)
    return np.maximum(radius, 0.25)


def make_outline(rng, oriented=False):
    makers = [_drop, _blob] if oriented else [
        _polygon, _box, _ellipse, _ellipse, _star, _drop, _blob]
    theta = np.arange(TABLE) * (2 * np.pi / TABLE)
    radius = makers[int(rng.integers(len(makers)))](rng, theta)
    return (radius / radius.max()).astype(np.float32)


# --- backgrounds: (H,W,3) in [0,1] ---

def make_background(rng, height, width):
    first = random_colour(rng)
    second = first + rng.uniform(0.1, 0.6) * (random_colour(rng) - first)
    kind = int(rng.integers(6))
    y, x = np.mgrid[-0.5:0.5:height * 1j, -0.5:0.5:width * 1j].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    if kind == 0:
        mix = along * rng.uniform(0, 1) + 0.5
    elif kind == 1:
        mix = np.sin(along * rng.uniform(10, 60)) * 2 + 0.5
    elif kind == 2:
        rate = rng.uniform(10, 50)
        mix = np.sin(along * rate) * np.sin(across * rate) * 4 + 0.5
    elif kind == 3:
        # A floor below a wall.
        mix = (y - rng.uniform(-0.1, 0.35)) * 60 + 0.5
        mix = np.clip(mix, 0, 1) * 0.8 + 0.2 * fractal_noise(rng, height, width)
    else:
        mix = fractal_noise(rng, height, width)
    mix = np.clip(mix, 0, 1)[..., None]
    return first + mix * (second - first)
