# SPDX-License-Identifier: Apache-2.0
"""Draws scenes: a scene, times and a window in, uint8 frames (F,H,W,3) out.

Outlines are tables of a radius by degree, so one lookup draws every shape;
edges are softened over one pixel. Only the box that an actor can reach is
touched, which is what makes rendering quicker than training.
"""

import numpy as np

import appearance as look

_SKIN = np.array([0.75, 0.58, 0.46], np.float32)


class Grid:
    """Pixel centres of a window: half_height short sides above and below the
    middle, as wide as the frame's shape makes it."""

    def __init__(self, height, width, half_height):
        self.height, self.width = height, width
        self.pixel = 2 * half_height / height
        self.xs = ((np.arange(width) + 0.5 - width / 2) * self.pixel).astype(np.float32)
        self.ys = ((np.arange(height) + 0.5 - height / 2) * self.pixel).astype(np.float32)

    def box(self, x, y, reach):
        """Slices of rows and columns within reach of any of the points."""
        columns = np.searchsorted(self.xs, [(x - reach).min(), (x + reach).max()])
        rows = np.searchsorted(self.ys, [(y - reach).min(), (y + reach).max()])
        return slice(*rows), slice(*columns)


def _object_coordinates(grid, rows, columns, x, y, size, angle):
    """(ox, oy), each (F,h,w): pixels as the object sees them, size 1."""
    frames = (slice(None), None, None)
    dx = (grid.xs[columns][None, None, :] - x[frames]) / size[frames]
    dy = (grid.ys[rows][None, :, None] - y[frames]) / size[frames]
    cos, sin = np.cos(angle)[frames], np.sin(angle)[frames]
    return dx * cos + dy * sin, dy * cos - dx * sin


def _edge(distance, size, grid):
    """Signed distance in object units (inside positive) -> coverage."""
    scale = (size / grid.pixel)[:, None, None]
    return np.clip(distance * scale + 0.5, 0, 1)


def _paint(image, coverage, colour):
    image += coverage[..., None] * (colour - image)


def _mix(actor, ox, oy):
    first, second = actor.colours
    weight = look.texture_mix(actor.texture, ox, oy)[..., None]
    return first + weight * (second - first)


def _draw_outline(image, actor, grid, ox, oy, state):
    degree = np.arctan2(oy, ox) * (look.TABLE / (2 * np.pi))
    radius = actor.outline[degree.astype(np.int32) % look.TABLE]
    if actor.kind == "wedge":
        # A mouth that opens to the right of the object, up to 75 degrees a side.
        mouth = state["gap"][:, None, None] * (75 * look.TABLE / 360)
        radius = np.where(np.abs(degree) < mouth, 0, radius)
    coverage = _edge(radius - np.hypot(ox, oy), state["size"], grid)
    coverage *= state["alpha"][:, None, None]
    _paint(image, coverage, _mix(actor, ox, oy))


def _draw_doors(image, actor, grid, ox, oy, state):
    """Two panels in a fixed frame slide apart and show what lies behind."""
    inside = np.minimum(0.75 - np.abs(ox), 0.6 - np.abs(oy))
    frame = _edge(inside, state["size"], grid)
    gap = 0.75 * state["gap"][:, None, None]
    panel = _edge(np.abs(ox) - gap, state["size"], grid)
    behind = actor.colours[1] * 0.4
    _paint(image, frame, behind)
    # The texture moves with the panel.
    _paint(image, frame * panel, _mix(actor, ox - np.sign(ox) * gap, oy))


def _capsule(ox, oy, start, end, radius):
    """Signed distance to a thick line; its end may differ by frame."""
    ax, ay = start
    bx, by = (np.asarray(v, np.float32).reshape(-1, 1, 1) for v in end)
    dx, dy = bx - ax, by - ay
    along = ((ox - ax) * dx + (oy - ay) * dy) / (dx * dx + dy * dy)
    along = np.clip(along, 0, 1)
    return radius - np.hypot(ox - ax - along * dx, oy - ay - along * dy)


def _draw_person(image, actor, grid, ox, oy, state):
    """Capsules in body coordinates, the head near y = -1, the feet at y = 1;
    the gait swings the ends of the limbs."""
    rate, phase = actor.gait
    swing = np.sin(2 * np.pi * rate * state["u"] + phase).astype(np.float32)
    top, legs = actor.colours
    parts = (
        ((0, 0.15), (0.3 * swing, 0.9), 0.1, legs),
        ((0, 0.15), (-0.3 * swing, 0.9), 0.1, legs * 0.85),
        ((0, -0.45), (-0.3 * swing, 0.1), 0.08, top * 0.8),
        ((0, -0.4), (0, 0.15), 0.2, top),
        ((0, -0.45), (0.3 * swing, 0.1), 0.08, top * 0.9),
        ((0, -0.82), (0, -0.78), 0.17, _SKIN),
    )
    for start, end, radius, colour in parts:
        distance = _capsule(ox, oy, start, end, radius)
        coverage = _edge(distance, state["size"], grid)
        _paint(image, coverage * state["alpha"][:, None, None], colour)


_DRAW = {"outline": _draw_outline, "wedge": _draw_outline,
         "doors": _draw_doors, "person": _draw_person}


def _draw_actor(frames, actor, grid, times, shake):
    state = {name: np.broadcast_to(np.asarray(getattr(actor, name)(times),
                                              np.float32), times.shape)
             for name in ("x", "y", "size", "angle", "alpha", "gap")}
    state["u"] = times
    x, y = state["x"] + shake[0], state["y"] + shake[1]
    rows, columns = grid.box(x, y, state["size"].max() * 1.1)
    if rows.start == rows.stop or columns.start == columns.stop:
        return
    ox, oy = _object_coordinates(grid, rows, columns, x, y,
                                 state["size"], state["angle"])
    _DRAW[actor.kind](frames[:, rows, columns], actor, grid, ox, oy, state)


def _background_frames(scene, grid, shake):
    """The still background, moved by whole pixels where the camera shakes."""
    rng = np.random.default_rng(scene.background)
    margin = 4
    whole = look.make_background(rng, grid.height + 2 * margin,
                                 grid.width + 2 * margin)
    moves = np.clip(np.rint(shake / grid.pixel), -margin, margin).astype(int)
    return np.stack([
        whole[margin - dy:margin - dy + grid.height,
              margin - dx:margin - dx + grid.width]
        for dx, dy in moves.T])


def render(scene, times, rng, height, width, half_height):
    """Frames (F,H,W,3) float32 in about [0,1] at the given times."""
    grid = Grid(height, width, half_height)
    times = np.asarray(times, np.float32)
    shake = rng.normal(0, 1, (2, len(times))).astype(np.float32) * scene.shake
    frames = np.ascontiguousarray(_background_frames(scene, grid, shake),
                                  dtype=np.float32)
    for actor in scene.actors:
        _draw_actor(frames, actor, grid, times, shake)
    gain, offset = scene.light
    return frames * gain + offset


def sample_times(length, segments, reverse):
    """When the frames that the engine takes from a clip of `length` frames
    were shot: the uniform sampling of the MIT release, in [0,1]."""
    tick = length / segments
    index = np.floor(tick / 2 + tick * np.arange(segments))
    times = index / (length - 1)
    return 1 - times if reverse else times


def clip_times(length, reverse):
    times = np.arange(length) / (length - 1)
    return 1 - times if reverse else times
