#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renders clips that the training never saw and encodes them as H.264.

    make_clips.py --out DIR --count N [--seed S] [--height 120]
                  [--crf 28] [--list FILE]

Clip i shows class i % 14, so N = 14 gives one of each. With --list, writes a
line `name label_index` a clip, names relative to DIR. Needs numpy and the
`ffmpeg` command with libx264. The random stream is not that of the training
pool, whatever the seed.
"""

import argparse
import os
import subprocess

import numpy as np

import degrade
import render
import scene

CLIP_STREAM = 3             # dataset.py has 1 and 2; this file needs no torch
RATE = 25


def render_clip(seed, index, height):
    """(L,H,W,3) uint8, 4:3, of class index % classes, and that class."""
    rng = np.random.default_rng([CLIP_STREAM, seed, index])
    label = index % len(scene.LABELS)
    act = scene.make_scene(rng, label // 2)
    length = int(rng.integers(24, 65))
    times = render.clip_times(length, reverse=label % 2 == 1)
    frames = render.render(act, times, rng, height, height * 4 // 3, 0.5)
    frames = degrade.add_noise(frames, rng, rng.uniform(0, 0.02))
    return degrade.to_bytes(frames), label


def encode(frames, path, crf):
    """Tagged BT.601, limited range, so that every decoder agrees on colours;
    bitexact, so that the same frames give the same file."""
    count, height, width, _ = frames.shape
    command = [
        "ffmpeg", "-v", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "%dx%d" % (width, height),
        "-r", str(RATE), "-i", "-",
        "-vf", "scale=out_color_matrix=bt601:out_range=tv",
        "-c:v", "libx264", "-preset", "medium", "-crf", str(crf),
        "-pix_fmt", "yuv420p", "-threads", "1", "-color_range", "tv",
        "-colorspace", "smpte170m", "-color_primaries", "smpte170m",
        "-color_trc", "smpte170m", "-map_metadata", "-1", "-fflags", "+bitexact",
        "-flags:v", "+bitexact", "-movflags", "+faststart", path]
    subprocess.run(command, input=frames.tobytes(), check=True)


def clip_name(label, number):
    return "%s-%02d.mp4" % (scene.LABELS[label].replace(" ", "-"), number)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=len(scene.LABELS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--height", type=int, default=120,
                        help="of the 4:3 picture, a multiple of 6")
    parser.add_argument("--crf", type=int, default=28)
    parser.add_argument("--list")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    lines = []
    for index in range(options.count):
        frames, label = render_clip(options.seed, index, options.height)
        name = clip_name(label, index // len(scene.LABELS) + 1)
        encode(frames, os.path.join(options.out, name), options.crf)
        lines.append("%s %d\n" % (name, label))
    if options.list:
        with open(options.list, "w", encoding="utf-8") as file:
            file.writelines(lines)


if __name__ == "__main__":
    main()
