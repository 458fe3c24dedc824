# SPDX-License-Identifier: Apache-2.0
"""A checkpoint of `tsm-bench make` as an ONNX model, without PyTorch: the same
weights, batch norms folded into convolutions as any engine does at first, and
the shift as an export has it: slices, pads and a concatenation.

    export_onnx.py IN.safetensors OUT.onnx [--batch 1] [--size 224] [--no-shift]
"""

import argparse
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

EPS = 1e-5
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3),
          "resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3)}
MOBILENET = ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))  # blocks, stride


def load(path):
    """(tensors, metadata) of a safetensors file of float32."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
        tensors[name.replace(".net.", ".")] = array
    return tensors, metadata


class Graph:
    """Nodes of an ONNX graph in the making; values are named by their number."""

    def __init__(self, tensors, batch, segments, size, div):
        self.tensors = tensors
        self.batch, self.segments, self.size, self.div = batch, segments, size, div
        self.nodes, self.constants = [], []

    def constant(self, array):
        name = "c%d" % len(self.constants)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, dtype=np.int64))

    def add(self, op, *inputs, **attributes):
        name = "v%d" % len(self.nodes)
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def conv(self, x, conv, norm, stride=1, groups=1):
        """A convolution with its batch norm folded in."""
        weight = self.tensors["base_model.%s.weight" % conv].astype(np.float64)
        part = {key: self.tensors["base_model.%s.%s" % (norm, key)].astype(np.float64)
                for key in ("weight", "bias", "running_mean", "running_var")}
        factor = part["weight"] / np.sqrt(part["running_var"] + EPS)
        bias = part["bias"] - part["running_mean"] * factor
        weight = weight * factor[:, None, None, None]
        pad = weight.shape[2] // 2
        return self.add("Conv", x, self.constant(weight.astype(np.float32)),
                        self.constant(bias.astype(np.float32)), strides=[stride, stride],
                        pads=[pad] * 4, kernel_shape=list(weight.shape[2:]), group=groups)

    def relu(self, x):
        return self.add("Relu", x)

    def relu6(self, x):
        low, high = (self.constant(np.float32(value)) for value in (0, 6))
        return self.add("Clip", x, low, high)

    def slice(self, x, axis, begin, end):
        return self.add("Slice", x, self.ints(begin), self.ints(end), self.ints(axis))

    def shift(self, x, channels, size):
        """One fold from the next frame, one from the one before."""
        fold = channels // self.div if self.div else 0
        if not fold:
            return x
        clip = self.add("Reshape", x, self.ints(self.batch, self.segments, channels, size, size))
        sooner = self.slice(self.slice(clip, 2, 0, fold), 1, 1, self.segments)
        later = self.slice(self.slice(clip, 2, fold, 2 * fold), 1, 0, self.segments - 1)
        sooner = self.add("Pad", sooner, self.ints(0, 0, 0, 0, 0, 0, 1, 0, 0, 0))
        later = self.add("Pad", later, self.ints(0, 1, 0, 0, 0, 0, 0, 0, 0, 0))
        rest = self.slice(clip, 2, 2 * fold, channels)
        joined = self.add("Concat", sooner, later, rest, axis=2)
        return self.add("Reshape", joined, self.ints(-1, channels, size, size))


def resnet(g, arch, x):
    blocks, bottleneck = BLOCKS[arch], arch not in ("resnet18", "resnet34")
    x = g.relu(g.conv(x, "conv1", "bn1", 2))
    x = g.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels, size = 64, g.size // 4
    every = 2 if blocks[2] >= 23 else 1
    for stage, depth in enumerate(blocks):
        for index in range(depth):
            name = "layer%d.%d." % (stage + 1, index)
            stride = 2 if stage and not index else 1
            out = (64 << stage) * (4 if bottleneck else 1)
            y = g.shift(x, channels, size) if index % every == 0 else x
            if bottleneck:
                y = g.relu(g.conv(y, name + "conv1", name + "bn1"))
                y = g.relu(g.conv(y, name + "conv2", name + "bn2", stride))
                y = g.conv(y, name + "conv3", name + "bn3")
            else:
                y = g.relu(g.conv(y, name + "conv1", name + "bn1", stride))
                y = g.conv(y, name + "conv2", name + "bn2")
            if stride != 1 or channels != out:
                x = g.conv(x, name + "downsample.0", name + "downsample.1", stride)
            x = g.relu(g.add("Add", y, x))
            channels, size = out, size // stride
    return x, channels


def mobilenet(g, x):
    x = g.relu6(g.conv(x, "features.0.0", "features.0.1", 2))
    channels, size, feature = 32, g.size // 2, 1
    for stage, (depth, first) in enumerate(MOBILENET):
        for index in range(depth):
            stride, name = (1 if index else first), "features.%d.conv." % feature
            at = 3 if stage else 0
            out = g.tensors["base_model.%s%d.weight" % (name, at + 3)].shape[0]
            residual, y = stride == 1 and channels == out, x
            if stage:
                y = g.shift(y, channels, size) if residual else y
                y = g.relu6(g.conv(y, name + "0", name + "1"))
            hidden = g.tensors["base_model.%s%d.weight" % (name, at)].shape[0]
            y = g.relu6(g.conv(y, "%s%d" % (name, at), "%s%d" % (name, at + 1), stride, hidden))
            y = g.conv(y, "%s%d" % (name, at + 3), "%s%d" % (name, at + 4))
            x = g.add("Add", y, x) if residual else y
            channels, size, feature = out, size // stride, feature + 1
    x = g.relu6(g.conv(x, "features.18.0", "features.18.1"))
    return x, g.tensors["base_model.features.18.0.weight"].shape[0]


def build(path, batch, size, shifted=True):
    """The model; its input `clips` is (N,T,3,H,W), its output `logits` (N,classes)."""
    tensors, metadata = load(path)
    segments, arch = int(metadata["segments"]), metadata["arch"]
    g = Graph(tensors, batch, segments, size, int(metadata["shift_div"]) if shifted else 0)
    x = g.add("Reshape", "clips", g.ints(batch * segments, 3, size, size))
    x, channels = mobilenet(g, x) if arch == "mobilenetv2" else resnet(g, arch, x)
    x = g.add("GlobalAveragePool", x)
    x = g.add("Reshape", x, g.ints(batch * segments, channels))
    x = g.add("Gemm", x, g.constant(tensors["new_fc.weight"]), g.constant(tensors["new_fc.bias"]),
              transB=1)
    classes = tensors["new_fc.weight"].shape[0]
    x = g.add("Reshape", x, g.ints(batch, segments, classes))
    g.nodes.append(helper.make_node("ReduceMean", [x], ["logits"], axes=[1], keepdims=0))
    graph = helper.make_graph(
        g.nodes, "tsm",
        [helper.make_tensor_value_info("clips", TensorProto.FLOAT, [batch, segments, 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, classes])], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main():
    flags = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    flags.add_argument("model")
    flags.add_argument("out")
    flags.add_argument("--batch", type=int, default=1)
    flags.add_argument("--size", type=int, default=224)
    flags.add_argument("--no-shift", action="store_true")
    options = flags.parse_args()
    onnx.save(build(options.model, options.batch, options.size, not options.no_shift), options.out)


if __name__ == "__main__":
    main()
