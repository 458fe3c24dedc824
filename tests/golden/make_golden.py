#!/usr/bin/env python3
"""Writes tests/data/golden: tiny networks with random weights, and the logits
that a float64 PyTorch run of exactly the stored weights gives.

    make_golden.py [OUT_DIR]

golden.json is a list of {name, file, n, t, c, h, w, seed, logits}; inputs
follow from (shape, seed) as golden_input.py says. Everything is seeded: the
same versions of torch write the same files again.
"""

import json
import os
import sys
from dataclasses import dataclass, field

import torch
from torch import nn

from golden_input import golden_input

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "demo", "train"))

from safetensors_io import load_safetensors, save_safetensors  # noqa: E402
from tsm_torch import TSM  # noqa: E402
from key_layouts import rename_all  # noqa: E402
from mobilenet_torch import InvertedResidual, MobileNetTSM  # noqa: E402
from temporal_pool_torch import PooledTSM  # noqa: E402


@dataclass
class Net:
    """One network and the inputs it is run on: (n, h, w, seed) each. A file
    in another layout says in its metadata only what its names do not."""
    name: str
    arch: str
    inputs: list
    width: object = 8           # MobileNetV2: of the stem, seven stages, and the last
    classes: int = 7
    segments: int = 8
    div: int = 8
    place: str = "blockres"
    in_channels: int = 3
    half: bool = False
    layout: str = "mit"
    tpool: bool = False
    more: dict = field(default_factory=dict)


NETS = [
    Net("r18", "resnet18", [(1, 64, 64, 1), (2, 64, 64, 2), (2, 57, 43, 3)]),
    Net("r34", "resnet34", [(1, 64, 64, 4), (2, 32, 32, 5)],
        width=5, classes=5, div=5, half=True),
    Net("r50", "resnet50", [(1, 64, 64, 6), (2, 57, 43, 7), (1, 32, 32, 8)],
        width=4, classes=11, div=4),
    # Four channels make a fold of 4 // 8 = 0: the first shift moves nothing.
    Net("r50_fold0", "resnet50", [(1, 64, 64, 9), (1, 33, 47, 32)], width=4, half=True),
    Net("r101", "resnet101", [(1, 64, 64, 10), (2, 32, 32, 11)],
        width=4, classes=6, div=4, half=True),
    Net("r152", "resnet152", [(1, 64, 64, 12), (1, 33, 47, 13)],
        width=4, classes=8, div=4, half=True),
    Net("r18_block", "resnet18", [(2, 64, 64, 14), (1, 43, 57, 15)],
        width=4, div=4, place="block"),
    Net("r50_block", "resnet50", [(2, 64, 64, 16), (1, 57, 43, 17)],
        width=4, div=4, place="block", half=True),
    Net("r18_tsn", "resnet18", [(1, 64, 64, 18), (2, 57, 43, 19)],
        width=4, div=0),
    Net("r50_tsn", "resnet50", [(2, 64, 64, 20), (1, 32, 32, 21)],
        width=4, classes=9, div=0, half=True),
    Net("r18_t16", "resnet18", [(1, 64, 64, 22), (2, 32, 32, 23)],
        width=4, segments=16, div=4, half=True),
    # Three frames: both neighbours of the middle one are at an end. A fold of
    # a third of the channels is a multiple of nothing.
    Net("r18_t3_div3", "resnet18", [(2, 64, 64, 24), (1, 57, 43, 25)],
        width=5, segments=3, div=3),
    # One frame: the shift brings nothing but zeros.
    Net("r18_t1", "resnet18", [(1, 64, 64, 26), (2, 32, 32, 27)],
        width=4, segments=1, div=4, half=True),
    Net("r18_flow", "resnet18", [(1, 64, 64, 28), (2, 43, 57, 29)],
        width=4, div=4, in_channels=10, half=True),
    Net("mbv2", "mobilenetv2", [(1, 64, 64, 33), (2, 57, 43, 34)],
        width=(6, 4, 5, 6, 8, 9, 10, 12, 16), div=4, half=True),
    # Equal channels make the first block residual, which does not shift, and
    # the first of the fifth stage, which then does.
    Net("mbv2_t16", "mobilenetv2", [(1, 64, 64, 35), (1, 96, 33, 36)],
        width=(4, 4, 6, 8, 10, 10, 12, 14, 16), segments=16, div=4, half=True,
        layout="mit-classifier"),
    Net("mbv2_mmaction2", "mobilenetv2", [(1, 64, 64, 37), (2, 43, 57, 38)],
        width=(6, 3, 4, 5, 6, 8, 9, 10, 12), div=3, half=True, layout="mmaction2"),
    Net("r50_mmaction2", "resnet50", [(1, 64, 64, 39), (2, 57, 43, 40)],
        width=2, div=4, half=True, layout="mmaction2"),
    Net("r18_mmaction2_block", "resnet18", [(1, 64, 64, 41), (2, 33, 47, 42)],
        width=2, div=2, place="block", half=True, layout="mmaction2"),
    Net("r18_torchvision", "resnet18", [(1, 64, 64, 43), (2, 57, 43, 44)],
        width=3, div=0, half=True, layout="torchvision"),
    Net("r18_tpool", "resnet18", [(1, 64, 64, 45), (2, 33, 47, 46)],
        width=2, div=2, half=True, tpool=True),
    Net("r18_tpool_block_mmaction2", "resnet18", [(2, 64, 64, 47), (1, 43, 57, 48)],
        width=2, div=2, place="block", segments=6, half=True, layout="mmaction2", tpool=True),
]
MARGIN = 0.12       # least lead of the best class, relative to the largest logit


def uniform_(tensor, low, high, generator):
    with torch.no_grad():
        tensor.copy_(low + (high - low) * torch.rand(
            tensor.shape, generator=generator, dtype=tensor.dtype))


def randomise(model, generator):
    """Fan-in scaled weights and BatchNorm statistics that no folding mistake
    survives: every gamma, beta, mean and variance is its own."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                noise = torch.randn(module.weight.shape, generator=generator,
                                    dtype=module.weight.dtype)
                module.weight.copy_(noise * (2.0 / fan_in) ** 0.5)
            elif isinstance(module, nn.BatchNorm2d):
                uniform_(module.weight, 0.7, 1.3, generator)
                uniform_(module.bias, -0.3, 0.3, generator)
                uniform_(module.running_mean, -0.3, 0.3, generator)
                uniform_(module.running_var, 0.5, 2.0, generator)
    calm_branches(model)
    wake_clipping(model)


def calm_branches(model):
    """Random residual branches double the variance a block; smaller last
    gammas keep fifty blocks within a small range, as training would."""
    blocks = [m for m in model.modules() if hasattr(m, "downsample")]
    blocks += [m for m in model.modules() if isinstance(m, InvertedResidual)]
    scale = min(0.5, 2.0 / len(blocks) ** 0.5)
    with torch.no_grad():
        for block in blocks:
            if isinstance(block, InvertedResidual):
                last = block.conv[-1]
            else:
                last = block.bn3 if hasattr(block, "bn3") else block.bn2
            last.weight.mul_(scale)


def wake_clipping(model):
    """ReLU6 differs from ReLU above 6 only, which random layers seldom reach."""
    with torch.no_grad():
        for block in model.modules():
            if isinstance(block, nn.Sequential):
                for norm, act in zip(list(block)[1:], list(block)[2:]):
                    if isinstance(act, nn.ReLU6):
                        norm.weight.mul_(1.6)


def case_input(net, case):
    n, h, w, seed = case
    shape = (n, net.segments, net.in_channels, h, w)
    return torch.from_numpy(golden_input(shape, seed)).double()


def lead(logits):
    """By how much the best class leads, relative to the largest logit."""
    top = logits.topk(2, dim=1).values
    return float((top[:, 0] - top[:, 1]).min() / logits.abs().max())


def draw_head(model, features, net, generator):
    """Scales the head so that logits are O(1) and differ between inputs: the
    features of the cases are centred, then projected at random."""
    centre = features.mean(0)
    spread = (features - centre).norm(dim=1).mean()
    weight = torch.randn(model.new_fc.weight.shape, generator=generator,
                         dtype=torch.float64) / spread
    bias = 0.1 * torch.randn(net.classes, generator=generator, dtype=torch.float64)
    model.new_fc.weight.copy_(weight)
    model.new_fc.bias.copy_(bias - weight @ centre)


def calibrate_head(model, net, generator):
    """Draws heads until no case is a close call, so that a low-precision run
    can be asked for the same best class; returns how far features differ."""
    with torch.no_grad():
        features = torch.cat([model.frame_features(case_input(net, case)).mean(1)
                              for case in net.inputs])
        for _ in range(2000):
            draw_head(model, features, net, generator)
            logits = model.new_fc(features)
            if lead(logits) > MARGIN and len(set(logits.argmax(1).tolist())) > 1:
                break
        centre = features.mean(0)
        return float((features - centre).norm(dim=1).mean() / centre.norm())


def build(net):
    if net.arch == "mobilenetv2":
        model = MobileNetTSM(net.width, net.classes, net.segments, net.div, net.in_channels)
        return model.double().eval()
    tsm = PooledTSM if net.tpool else TSM
    model = tsm(net.arch, net.classes, net.segments, net.div, net.place,
                net.width, net.in_channels)
    return model.double().eval()


def save_net(net, model, path):
    """Returns {name in the MIT release: name in the file}."""
    state = model.state_dict()
    names = rename_all(net.layout, net.arch, list(state))
    metadata = model.metadata(**net.more)
    if net.layout != "mit":
        metadata = {key: metadata[key] for key in ("segments", "shift_div") if net.div}
    save_safetensors(path, {names[key]: value for key, value in state.items()}, metadata, net.half)
    return names


def write_net(net, out):
    """Stores the network, reads it back, and runs what was read."""
    generator = torch.Generator().manual_seed(1000 + NETS.index(net))
    model = build(net)
    randomise(model, generator)
    contrast = calibrate_head(model, net, generator)
    file = net.name + ".safetensors"
    path = os.path.join(out, file)
    names = save_net(net, model, path)
    state, _ = load_safetensors(path)
    state = {mit: state[name] for mit, name in names.items() if name in state}
    stored = build(net)
    stored.load_state_dict({k: v.double() for k, v in state.items()}, strict=False)
    with torch.no_grad():
        results = [stored(case_input(net, case)) for case in net.inputs]
    logits = torch.cat(results)
    best = logits.argmax(1).tolist()
    print("%-12s %7d bytes, contrast %.3f, largest logit %.2f, lead %.2f, argmax %s" % (
        net.name, os.path.getsize(path), contrast, logits.abs().max(), lead(logits), best))
    if len(set(best)) < 2:
        raise SystemExit(net.name + ": every input has the same argmax")
    return [entry(net, file, case, result)
            for case, result in zip(net.inputs, results)]


def entry(net, file, case, logits):
    n, h, w, seed = case
    return {
        "name": "%s_%dx%dx%d" % (net.name, n, h, w), "file": file,
        "n": n, "t": net.segments, "c": net.in_channels, "h": h, "w": w,
        "seed": seed,
        "logits": [[float("%.17g" % v) for v in row] for row in logits.tolist()],
    }


def main():
    default = os.path.join(HERE, "..", "data", "golden")
    out = sys.argv[1] if len(sys.argv) > 1 else default
    os.makedirs(out, exist_ok=True)
    torch.set_num_threads(1)
    entries = [e for net in NETS for e in write_net(net, out)]
    with open(os.path.join(out, "golden.json"), "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n")


if __name__ == "__main__":
    main()
