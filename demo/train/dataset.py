# SPDX-License-Identifier: Apache-2.0
"""A pool of rendered training clips, and what is done to them on each use.

Clips are rendered once, at the moments the engine would sample, into a memory
map of uint8 (N,T,S,S,3); S is a little larger than the network's input so
that every use can take another crop. Clip i of a seed is the same on every
machine, whichever worker renders it.
"""

import multiprocessing
import os

import numpy as np
import torch

import degrade
import render
import scene

SEGMENTS = 8
INPUT = 96                  # what the network sees
STORED = 104                # what the pool keeps: room for crops, whole blocks
# The engine scales the short side to 256/224 of the input, then crops.
HALF_HEIGHT = 0.5 * 224 / 256
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

# Streams of random numbers that never meet: [stream, seed, clip].
TRAIN_STREAM, EVAL_STREAM = 1, 2      # make_clips.py has 3


def clip_class(index):
    return index % len(scene.LABELS)


def render_sample(stream, seed, index, edge):
    """One clip (T,edge,edge,3) uint8 of class index % classes."""
    rng = np.random.default_rng([stream, seed, index])
    label = clip_class(index)
    act = scene.make_scene(rng, label // 2)
    length = int(rng.integers(24, 65))
    times = render.sample_times(length, SEGMENTS, reverse=label % 2 == 1)
    frames = render.render(act, times, rng, edge, edge, HALF_HEIGHT * edge / INPUT)
    return degrade.degrade(frames, rng)


def _fill(job):
    path, shape, stream, seed, begin, end = job
    pool = np.memmap(path, np.uint8, "r+", shape=shape)
    for index in range(begin, end):
        pool[index] = render_sample(stream, seed, index, shape[2])
    return end - begin


def render_pool(path, count, stream, seed, edge, workers, note=print):
    """Renders clips 0..count-1 into a memory map at path and returns it."""
    shape = (count, SEGMENTS, edge, edge, 3)
    np.memmap(path, np.uint8, "w+", shape=shape).flush()
    step = 100
    jobs = [(path, shape, stream, seed, begin, min(begin + step, count))
            for begin in range(0, count, step)]
    done = 0
    with multiprocessing.get_context("spawn").Pool(workers) as processes:
        for number in processes.imap_unordered(_fill, jobs):
            done += number
            if done % 2000 == 0:
                note("rendered %d of %d clips" % (done, count))
    return open_pool(path, edge)


def open_pool(path, edge):
    count = os.path.getsize(path) // (SEGMENTS * edge * edge * 3)
    return np.memmap(path, np.uint8, "r", shape=(count, SEGMENTS, edge, edge, 3))


def normalise(clips):
    """uint8 (N,T,H,W,3) -> float (N,T,3,H,W), as the engine prepares frames."""
    x = clips.permute(0, 1, 4, 2, 3).float().div_(255)
    mean = torch.tensor(MEAN).view(3, 1, 1)
    std = torch.tensor(STD).view(3, 1, 1)
    return (x - mean) / std


def _augment_one(clip, label, rng, crop):
    """A crop, maybe mirrored, maybe backwards in time, with its new label."""
    top, left = rng.integers(0, STORED - crop + 1, 2)
    clip = clip[:, top:top + crop, left:left + crop]
    if rng.random() < 0.5:
        clip, label = clip[:, :, ::-1], scene.MIRROR[label]
    if rng.random() < 0.5:
        clip, label = clip[::-1], scene.REVERSE[label]
    return clip, label


def training_batch(pool, indices, rng, edge):
    """(N,T,3,edge,edge) floats and labels; edge below INPUT scales down."""
    clips, labels = [], []
    for index in indices:
        clip, label = _augment_one(pool[index], clip_class(int(index)), rng, INPUT)
        clips.append(clip)
        labels.append(label)
    x = normalise(torch.from_numpy(np.stack(clips)))
    # Exposure and colour of the camera, the same for all frames of a clip.
    shape = (len(clips), 1, 3, 1, 1)
    gain = rng.uniform(0.7, 1.3, (len(clips), 1, 1, 1, 1)) * rng.uniform(0.9, 1.1, shape)
    offset = rng.uniform(-0.3, 0.3, shape)
    x = x * torch.from_numpy(gain).float() + torch.from_numpy(offset).float()
    if edge != INPUT:
        x = torch.nn.functional.interpolate(
            x.flatten(0, 1), size=(edge, edge), mode="bilinear",
            antialias=True).view(*x.shape[:3], edge, edge)
    return x, torch.tensor(labels)
