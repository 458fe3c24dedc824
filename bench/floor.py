#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The least time that a ResNet can take on a GPU, from its layers alone.

    floor.py [--arch resnet50] [--bytes 2] [--markdown]
    floor.py --frame-us "NVIDIA H200" [--batch 32] [--bytes 2]

Each layer takes at least as long as its bytes or its arithmetic,

    floor = sum over layers of max(bytes / bandwidth, 2 multiply-adds / rate),

where the bytes are its input, its output, what it adds and its filters, each
once, and BatchNorm, bias, sum and ReLU are part of the convolution before them.
The shift counts as nothing: it is what an implementation is measured against.
Only layers that are fused, or values that stay in the second-level cache from
one layer to the next (one clip at a time, say), can be faster.

Bandwidth and rate were measured on such machines, not by our code: a copy in
device memory, bytes read plus bytes written, and an 8192^3 product in bfloat16.

--frame-us prints the microseconds of one frame for the GPU of that name, and
nothing for a GPU that is not listed.
"""

import argparse
from collections import namedtuple

SEGMENTS, EDGE, CLASSES = 8, 224, 400

# What the name contains -> bytes a second, operations a second in 16 bits.
# In 8 bits the rate doubles.
Device = namedtuple("Device", "name bandwidth rate")
DEVICES = (Device("H100", 3.0e12, 790e12), Device("H200", 4.3e12, 790e12))

ARCHS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}

# Elements a frame that are read or written, elements of the filter, and
# multiply-adds a frame.
Layer = namedtuple("Layer", "kind moved filters macs")


def conv(kind, edge, cin, cout, kernel, stride=1, added=0):
    """`added`: elements of the residual, read as well."""
    after = (edge + stride - 1) // stride
    # A strided 1x1 convolution need not read what it steps over.
    read = after * after if kernel == 1 else edge * edge
    return after, Layer(kind, read * cin + after * after * cout + added,
                        kernel * kernel * cin * cout,
                        after * after * kernel * kernel * cin * cout)


def bottleneck(edge, cin, width, stride):
    _, c1 = conv("c1", edge, cin, width, 1)
    after, c2 = conv("c2", edge, width, width, 3, stride)
    cout = 4 * width
    _, c3 = conv("c3", after, width, cout, 1, added=after * after * cout)
    layers = [c1, c2, c3]
    if cin != cout or stride > 1:
        layers.append(conv("downsample", edge, cin, cout, 1, stride)[1])
    return after, cout, layers


def basic(edge, cin, width, stride):
    after, c1 = conv("c1", edge, cin, width, 3, stride)
    _, c2 = conv("c2", after, width, width, 3, added=after * after * width)
    layers = [c1, c2]
    if cin != width or stride > 1:
        layers.append(conv("downsample", edge, cin, width, 1, stride)[1])
    return after, width, layers


def layers_of(arch):
    depths, deep = ARCHS[arch]
    block = bottleneck if deep else basic
    edge, stem = conv("stem", EDGE, 3, 64, 7, 2)
    pooled = edge // 2
    layers = [stem, Layer("stem", 64 * (edge * edge + pooled * pooled), 0, 0)]
    edge, channels = pooled, 64
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage > 0 and index == 0 else 1
            edge, channels, made = block(edge, channels, 64 << stage, stride)
            layers += made
    layers.append(Layer("head", edge * edge * channels + channels, 0, 0))
    layers.append(Layer("head", channels + CLASSES, channels * CLASSES,
                        channels * CLASSES))
    return layers


def frame_us(layer, device, element_bytes, batch):
    """`batch` clips share the reading of the filters; 0: infinitely many."""
    moved = layer.moved + (layer.filters / (SEGMENTS * batch) if batch else 0)
    rate = device.rate * 2 / element_bytes
    return 1e6 * max(moved * element_bytes / device.bandwidth, 2 * layer.macs / rate)


def floor_us(layers, device, element_bytes, batch):
    return sum(frame_us(layer, device, element_bytes, batch) for layer in layers)


def print_markdown(layers):
    """A row a GPU, precision and batch: what docs/verification.md shows."""
    print("| GPU | bandwidth, rate | bits | clips at once | us a frame | ms | clips/s |")
    print("|---|---|---|---|---|---|---|")
    for device in DEVICES:
        for element_bytes in (2, 1):
            for batch in (1, 8, 32):
                us = floor_us(layers, device, element_bytes, batch)
                clip = us * SEGMENTS
                print("| %s | %.1f TB/s, %d TFLOP/s | %d | %d | %.1f | %.2f | %d |" % (
                    device.name, device.bandwidth / 1e12,
                    device.rate * 2 / element_bytes / 1e12, 8 * element_bytes,
                    batch, us, clip * batch / 1e3, 1e6 / clip))


def print_table(layers, element_bytes):
    moved = sum(layer.moved for layer in layers)
    print("%.3f G multiply-adds, %.1f MB of activations, %.1f MB of filters" % (
        sum(layer.macs for layer in layers) / 1e9, moved * element_bytes / 1e6,
        sum(layer.filters for layer in layers) * element_bytes / 1e6))
    for device in DEVICES:
        kinds = {}
        for layer in layers:
            us = frame_us(layer, device, element_bytes, 0)
            kinds[layer.kind] = kinds.get(layer.kind, 0) + us
        us = sum(kinds.values())
        print("%s: %.1f us a frame, %d frames/s, %d clips/s; %s" % (
            device.name, us, 1e6 / us, 1e6 / us / SEGMENTS,
            ", ".join("%s %.1f" % item for item in kinds.items())))


def main():
    flags = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    flags.add_argument("--arch", choices=sorted(ARCHS), default="resnet50")
    flags.add_argument("--bytes", type=int, choices=(1, 2), default=2, help="an element")
    flags.add_argument("--batch", type=int, default=0, help="clips; 0: infinitely many")
    flags.add_argument("--markdown", action="store_true")
    flags.add_argument("--frame-us", metavar="GPU")
    options = flags.parse_args()
    layers = layers_of(options.arch)
    if options.frame_us is not None:
        for device in DEVICES:
            if device.name in options.frame_us:
                print("%.3f" % floor_us(layers, device, options.bytes, options.batch))
    elif options.markdown:
        print_markdown(layers)
    else:
        print_table(layers, options.bytes)


if __name__ == "__main__":
    main()
