#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a full-size TSM or TSN ResNet with random weights, for benches.

    make_model.py OUT.safetensors [--arch resnet50] [--classes 400]
                  [--segments 8] [--shift-div 8 (0 is TSN)] [--place blockres]
                  [--width 64] [--in-channels 3] [--dtype f32|f16] [--seed 1]

Needs numpy only. Weights are scaled by fan-in and residual branches are
damped, so that activations stay near one through all blocks: a bench whose
values overflow, or are all zero, measures something else. The same seed gives
the same weights with and without the shift, so TSM and TSN can be compared.
"""

import argparse
import json
import struct

import numpy as np

# arch -> (blocks a stage, bottleneck?)
ARCHS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}
DTYPES = {"f32": ("F32", "<f4"), "f16": ("F16", "<f2")}


class Tensors:
    """Names and arrays in file order, drawn from one random stream."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.items = []

    def add(self, name, array):
        self.items.append((name, array.astype(np.float32)))

    def conv(self, name, cin, cout, kernel):
        fan_in = cin * kernel * kernel
        shape = (cout, cin, kernel, kernel)
        weight = self.rng.standard_normal(shape, dtype=np.float32)
        self.add(name + ".weight", weight * np.sqrt(2.0 / fan_in))

    def norm(self, name, channels, gain=1.0):
        uniform = self.rng.uniform
        self.add(name + ".weight", gain * uniform(0.8, 1.2, channels))
        self.add(name + ".bias", uniform(-0.1, 0.1, channels))
        self.add(name + ".running_mean", uniform(-0.1, 0.1, channels))
        self.add(name + ".running_var", uniform(0.8, 1.25, channels))


def block_names(stage, index, shifted, place):
    """Prefix of a block, and the name of its first convolution; `.net` marks
    what is shifted, as in the MIT release."""
    prefix = "base_model.layer%d.%d." % (stage + 1, index)
    if shifted and place == "block":
        prefix += "net."
    conv1 = prefix + "conv1"
    if shifted and place == "blockres":
        conv1 += ".net"
    return prefix, conv1


def add_block(tensors, names, cin, width, bottleneck, project, gain):
    prefix, conv1 = names
    cout = width * (4 if bottleneck else 1)
    tensors.conv(conv1, cin, width, 1 if bottleneck else 3)
    tensors.norm(prefix + "bn1", width)
    tensors.conv(prefix + "conv2", width, width, 3)
    if bottleneck:
        tensors.norm(prefix + "bn2", width)
        tensors.conv(prefix + "conv3", width, cout, 1)
        tensors.norm(prefix + "bn3", cout, gain)
    else:
        tensors.norm(prefix + "bn2", width, gain)
    if project:
        tensors.conv(prefix + "downsample.0", cin, cout, 1)
        # The fan-in rule allows for a ReLU, and here none follows.
        tensors.norm(prefix + "downsample.1", cout, 0.7)
    return cout


def build(options):
    depths, bottleneck = ARCHS[options.arch]
    tensors = Tensors(options.seed)
    tensors.conv("base_model.conv1", options.in_channels, options.width, 7)
    tensors.norm("base_model.bn1", options.width)
    # The deep networks shift every second block of a stage only.
    n_round = 2 if options.place == "blockres" and depths[2] >= 23 else 1
    gain = 1.0 / np.sqrt(sum(depths))
    channels = options.width
    for stage, depth in enumerate(depths):
        width = options.width << stage
        for index in range(depth):
            shifted = options.shift_div > 0 and index % n_round == 0
            names = block_names(stage, index, shifted, options.place)
            project = index == 0 and (stage > 0 or bottleneck)
            channels = add_block(tensors, names, channels, width, bottleneck,
                                 project, gain)
    weight = tensors.rng.standard_normal((options.classes, channels))
    tensors.add("new_fc.weight", weight / np.sqrt(channels))
    tensors.add("new_fc.bias", np.zeros(options.classes))
    return tensors.items


def metadata(options):
    return {
        "format": "tsm", "arch": options.arch,
        "segments": str(options.segments), "classes": str(options.classes),
        "shift_div": str(options.shift_div), "shift_place": options.place,
    }


def write(path, items, strings, dtype):
    """safetensors: u64 length, JSON header padded to eight bytes, the data."""
    name, code = DTYPES[dtype]
    header, offset = {"__metadata__": strings}, 0
    for key, array in items:
        size = array.size * np.dtype(code).itemsize
        header[key] = {"dtype": name, "shape": list(array.shape),
                       "data_offsets": [offset, offset + size]}
        offset += size
    raw = json.dumps(header, separators=(",", ":")).encode("utf-8")
    raw += b" " * (-len(raw) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        for _, array in items:
            file.write(array.astype(code).tobytes())


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--arch", choices=sorted(ARCHS), default="resnet50")
    parser.add_argument("--classes", type=int, default=400)
    parser.add_argument("--segments", type=int, default=8)
    parser.add_argument("--shift-div", type=int, default=8)
    parser.add_argument("--place", choices=("blockres", "block"), default="blockres")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--in-channels", type=int, default=3)
    parser.add_argument("--dtype", choices=sorted(DTYPES), default="f32")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    options = parse_options()
    write(options.out, build(options), metadata(options), options.dtype)


if __name__ == "__main__":
    main()
