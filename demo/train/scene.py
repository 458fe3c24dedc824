# SPDX-License-Identifier: Apache-2.0
"""What happens in a clip: the classes, and how each moves things over time.

Classes come in pairs that differ only in the order of time. A scene always
describes the first class of its pair as a function of u in [0,1]; the second
class is the same scene seen at 1 - u. Every set of frames is thus as likely
under one class of a pair as under the other, and a network that does not look
at the order can be right half of the time at best.
"""

from dataclasses import dataclass, field

import numpy as np

import appearance as look

PAIRS = (
    ("moving left", "moving right"),
    ("moving up", "moving down"),
    ("approaching", "receding"),
    ("turning clockwise", "turning counter-clockwise"),
    ("appearing", "vanishing"),
    ("opening", "closing"),
    ("coming together", "moving apart"),
)
LABELS = [label for pair in PAIRS for label in pair]

# What a mirror image (left to right) does to a class; the rest keep theirs.
_MIRRORED = {0: 1, 1: 0, 6: 7, 7: 6}
MIRROR = [_MIRRORED.get(index, index) for index in range(len(LABELS))]
REVERSE = [index ^ 1 for index in range(len(LABELS))]


@dataclass
class Actor:
    """One thing. The callables map times (F,) to values (F,)."""
    kind: str                   # "outline", "person", "doors", "wedge"
    colours: tuple              # two colours, mixed by the texture
    texture: dict
    outline: np.ndarray
    x: object
    y: object
    size: object
    angle: object
    alpha: object
    gap: object                 # how far doors and wedges are open, [0,1]
    gait: tuple = (0.0, 0.0)    # swings a clip, phase: legs of a person


@dataclass
class Scene:
    pair: int
    background: int             # seed; the renderer draws from it
    actors: list = field(default_factory=list)
    shake: float = 0.0          # camera jitter, standard deviation
    light: tuple = (1.0, 0.0)   # gain, offset of the exposure


def constant(value):
    return lambda u: np.full(u.shape, value, np.float32)


def make_progress(rng):
    """A monotone path from 0 to 1: a start, an end and an easing between."""
    start = rng.uniform(0, 0.2)
    end = rng.uniform(0.8, 1)
    bend = rng.choice([0.0, rng.uniform(0, 1)])

    def progress(u):
        p = np.clip((u - start) / (end - start), 0, 1)
        return ((1 - bend) * p + bend * p * p * (3 - 2 * p)).astype(np.float32)

    return progress


def between(progress, first, last):
    return lambda u: first + (last - first) * progress(u)


def make_actor(rng, backdrop, oriented=False, person=0.25):
    """A still thing somewhere in the middle; motions replace its callables."""
    is_person = rng.random() < person
    first = look.contrasting_colour(rng, backdrop)
    second = look.contrasting_colour(rng, first, 0.25)
    tilt = 0.0 if is_person else rng.uniform(0, 2 * np.pi)
    # To show a turn, either the outline or the texture must tell the angle.
    by_outline = rng.random() < 0.5
    return Actor(
        kind="person" if is_person else "outline",
        colours=(first, second),
        texture=look.make_texture(rng, oriented and not by_outline),
        outline=look.make_outline(rng, oriented and by_outline),
        x=constant(rng.uniform(-0.3, 0.3)), y=constant(rng.uniform(-0.3, 0.3)),
        size=constant(rng.uniform(0.08, 0.22) * (1.4 if is_person else 1)),
        angle=constant(tilt), alpha=constant(1.0), gap=constant(0.0),
        gait=(rng.uniform(1, 5), rng.uniform(0, 2 * np.pi)))


def sway(rng, most):
    """A small, aimless motion to add to anything."""
    amount = rng.uniform(0, most)
    rate, phase = rng.uniform(0.5, 2), rng.uniform(0, 2 * np.pi)
    return lambda u: amount * np.sin(2 * np.pi * rate * u + phase)


def plus(first, second):
    return lambda u: first(u) + second(u)


# --- the first class of each pair, one function a pair ---

def _travel(rng, backdrop, vertical):
    """Left or up: one to three things along one axis, some drift across."""
    actors = []
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        actor = make_actor(rng, backdrop, person=0.4)
        length = rng.uniform(0.3, 0.95)
        middle = rng.uniform(-0.15, 0.15)
        drift = rng.uniform(-0.2, 0.2) * length
        across = rng.uniform(-0.3, 0.3)
        progress = make_progress(rng)
        main = between(progress, middle + length / 2, middle - length / 2)
        side = between(progress, across - drift / 2, across + drift / 2)
        actor.x, actor.y = (side, main) if vertical else (main, side)
        actor.angle = plus(actor.angle, sway(rng, 0.15))
        actors.append(actor)
    return actors


def _left(rng, backdrop):
    return _travel(rng, backdrop, vertical=False)


def _up(rng, backdrop):
    return _travel(rng, backdrop, vertical=True)


def _approach(rng, backdrop):
    actor = make_actor(rng, backdrop)
    small = rng.uniform(0.06, 0.16)
    size = between(make_progress(rng), small, small * rng.uniform(1.7, 3.2))
    actor.size = size
    actor.x = plus(actor.x, sway(rng, 0.03))
    actor.y = plus(actor.y, sway(rng, 0.03))
    return [actor]


def _clockwise(rng, backdrop):
    actor = make_actor(rng, backdrop, oriented=True, person=0.1)
    actor.x, actor.y = (constant(rng.uniform(-0.2, 0.2)) for _ in range(2))
    actor.size = constant(rng.uniform(0.13, 0.32))
    # At most 45 degrees between two of eight frames; y points down, so a
    # growing angle turns clockwise.
    begin = rng.uniform(0, 2 * np.pi)
    actor.angle = between(make_progress(rng), begin,
                          begin + np.radians(rng.uniform(90, 290)))
    return [actor]


def _appear(rng, backdrop):
    actor = make_actor(rng, backdrop)
    actor.size = constant(rng.uniform(0.1, 0.3))
    start = rng.uniform(0.12, 0.6)
    length = rng.uniform(0.04, 0.88 - start)
    actor.alpha = lambda u: np.clip((u - start) / length, 0, 1).astype(np.float32)
    actor.x = plus(actor.x, sway(rng, 0.02))
    return [actor]


def _open(rng, backdrop):
    actor = make_actor(rng, backdrop, person=0)
    actor.kind = "doors" if rng.random() < 0.6 else "wedge"
    actor.x, actor.y = (constant(rng.uniform(-0.15, 0.15)) for _ in range(2))
    actor.size = constant(rng.uniform(0.15, 0.35))
    if actor.kind == "doors":
        quarter = rng.integers(4) * np.pi / 2
        actor.angle = constant(quarter + rng.uniform(-0.2, 0.2))
    shut, wide = rng.uniform(0, 0.15), rng.uniform(0.55, 0.95)
    actor.gap = between(make_progress(rng), shut, wide)
    return [actor]


def _together(rng, backdrop):
    one, other = make_actor(rng, backdrop), make_actor(rng, backdrop)
    turn = rng.uniform(0, 2 * np.pi)
    x, y = rng.uniform(-0.12, 0.12, 2)
    far, near = rng.uniform(0.27, 0.42), rng.uniform(0.06, 0.13)
    progress = make_progress(rng)
    for actor, side in ((one, 1), (other, -1)):
        actor.size = constant(rng.uniform(0.07, 0.15))
        reach = between(progress, side * far, side * near)
        actor.x = lambda u, reach=reach: x + np.cos(turn) * reach(u)
        actor.y = lambda u, reach=reach: y + np.sin(turn) * reach(u)
    return [one, other]


MOTIONS = (_left, _up, _approach, _clockwise, _appear, _open, _together)


def make_scene(rng, pair):
    """A random scene of the pair; the renderer asks for it at times u."""
    scene = Scene(pair=pair, background=int(rng.integers(2 ** 31)))
    backdrop = look.random_colour(np.random.default_rng(scene.background))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 3))):
            scene.actors.append(make_actor(rng, backdrop))
    scene.actors.extend(MOTIONS[pair](rng, backdrop))
    scene.shake = float(rng.choice([0, 0, rng.uniform(0, 0.006)]))
    scene.light = (float(rng.uniform(0.6, 1.15)), float(rng.uniform(-0.08, 0.1)))
    return scene
