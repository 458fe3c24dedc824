#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/golden: tiny networks with random weights, and the logits
that a float64 PyTorch run of exactly the stored weights gives.

    make_golden.py [OUT_DIR]

golden.json is a list of {name, file, n, t, c, h, w, seed, logits}; inputs
follow from (shape, seed) as golden_input.py says. Where "frames" is true,
logits are those of every frame, (n, t, classes), else those of clips, (n,
classes). "direction": "unidirectional" asks for the file's network with a
shift that looks into the past only. Everything is seeded: the same versions of
torch write the same files again.
"""

import json
import os
import sys
from dataclasses import dataclass, field

import torch

from golden_input import golden_input

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "demo", "train"))

from safetensors_io import load_safetensors, save_safetensors  # noqa: E402
from tsm_torch import TSM  # noqa: E402
from key_namings import from_naming, to_naming  # noqa: E402
from mobilenet_torch import MobileNetTSM  # noqa: E402
from mobileone_torch import MobileOneTSM, deploy  # noqa: E402
from nonlocal_torch import NonLocalTSM  # noqa: E402
from online_torch import look_back_only  # noqa: E402
from pptsm_torch import PPTSM  # noqa: E402
from random_weights import randomise, settle_norms  # noqa: E402
from resnext_torch import GroupedTSM  # noqa: E402
from temporal_pool_torch import PooledTSM  # noqa: E402


@dataclass
class Net:
    """One network and the inputs it is run on: (n, h, w, seed) each. A file
    in another naming says in its metadata only what its names do not."""
    name: str
    arch: str
    inputs: list
    width: object = 8           # MobileNetV2: of the stem, seven stages, and the last; MobileOne: of five stages
    classes: int = 7
    segments: int = 8
    div: int = 8
    place: str = "blockres"
    in_channels: int = 3
    half: bool = False
    naming: str = "mit"
    tpool: bool = False
    nonlocal_mode: str = ""     # of non-local blocks; none where empty
    inner: int = 0              # of bottlenecks: channels of the 3x3 in layer1, where they are not `width`
    groups: int = 1             # of these convolutions
    branches: int = 1           # of MobileOne's blocks
    merged: str = ""            # the MobileOne of this name, its branches merged
    stored: str = ""            # the file of the network of this name
    direction: str = ""
    frames: bool = False        # logits of every frame, too
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
        naming="mit-classifier"),
    Net("mbv2_mmaction2", "mobilenetv2", [(1, 64, 64, 37), (2, 43, 57, 38)],
        width=(6, 3, 4, 5, 6, 8, 9, 10, 12), div=3, half=True, naming="mmaction2"),
    Net("r50_mmaction2", "resnet50", [(1, 64, 64, 39), (2, 57, 43, 40)],
        width=2, div=4, half=True, naming="mmaction2"),
    Net("r18_mmaction2_block", "resnet18", [(1, 64, 64, 41), (2, 33, 47, 42)],
        width=2, div=2, place="block", half=True, naming="mmaction2"),
    Net("r18_torchvision", "resnet18", [(1, 64, 64, 43), (2, 57, 43, 44)],
        width=3, div=0, half=True, naming="torchvision"),
    Net("r18_tpool", "resnet18", [(1, 64, 64, 45), (2, 33, 47, 46)],
        width=2, div=2, half=True, tpool=True),
    Net("r18_tpool_block_mmaction2", "resnet18", [(2, 64, 64, 47), (1, 43, 57, 48)],
        width=2, div=2, place="block", segments=6, half=True, naming="mmaction2", tpool=True),
    Net("r50_nl", "resnet50", [(1, 64, 64, 49), (2, 57, 43, 50)],
        width=2, div=4, half=True, nonlocal_mode="embedded_gaussian"),
    Net("r50_nl_t16", "resnet50", [(1, 48, 64, 51), (2, 33, 47, 52)],
        width=2, segments=16, div=4, half=True, nonlocal_mode="embedded_gaussian",
        more={"nonlocal": "embedded_gaussian"}),
    Net("r50_nl_mmaction2", "resnet50", [(2, 64, 64, 53), (1, 43, 57, 54)],
        width=3, div=3, half=True, naming="mmaction2", nonlocal_mode="embedded_gaussian",
        more={"nonlocal": "embedded_gaussian"}),
    Net("r50_nl_dot_product_mmaction2", "resnet50", [(1, 64, 64, 55), (2, 57, 43, 56)],
        width=2, div=4, half=True, naming="mmaction2", nonlocal_mode="dot_product",
        more={"nonlocal": "dot_product"}),
    Net("r50_nl_gaussian_mmaction2", "resnet50", [(1, 64, 48, 57), (2, 47, 33, 58)],
        width=2, segments=16, div=4, half=True, naming="mmaction2", nonlocal_mode="gaussian",
        more={"nonlocal": "gaussian"}),
    Net("mbv2_online", "mobilenetv2", [(1, 64, 64, 59), (2, 57, 43, 60)],
        width=(6, 3, 4, 5, 6, 8, 9, 10, 12), div=3, half=True, naming="mit-online", frames=True),
    Net("mbv2_online_t16", "mobilenetv2", [(2, 64, 64, 75), (1, 43, 57, 76)],
        width=(6, 4, 5, 6, 8, 9, 10, 12, 16), classes=5, segments=16, div=4, half=True,
        naming="mit-online", frames=True),
    Net("r18_past", "resnet18", [(1, 64, 64, 89), (2, 57, 43, 108)],
        stored="r18", direction="unidirectional", frames=True),
    Net("r18_t16_past", "resnet18", [(1, 64, 64, 79), (2, 43, 57, 90)], width=4, segments=16, div=4,
        stored="r18_t16", direction="unidirectional", frames=True),
    Net("mobileone", "mobileone", [(1, 64, 64, 67), (2, 57, 43, 68)],
        width=(6, 8, 10, 12, 16), div=4, half=True, naming="mmaction2"),
    Net("mobileone_merged", "mobileone", [(1, 64, 64, 67), (2, 57, 43, 68)],
        width=(6, 8, 10, 12, 16), div=4, naming="mmaction2", merged="mobileone"),
    # In stages 1 and 2 the first pointwise block keeps its channels, and so has a batch norm for a branch.
    Net("mobileone_t16", "mobileone", [(2, 64, 64, 69), (1, 43, 57, 70)],
        width=(5, 5, 5, 9, 11), segments=16, div=3, half=True, naming="mmaction2", branches=2),
    Net("mobileone_t16_merged", "mobileone", [(2, 64, 64, 69), (1, 43, 57, 70)],
        width=(5, 5, 5, 9, 11), segments=16, div=3, half=True, naming="mmaction2", merged="mobileone_t16"),
    Net("mobileone_tsn", "mobileone", [(1, 64, 64, 71), (2, 33, 47, 72)],
        width=(6, 8, 10, 12, 14), div=0, half=True, naming="mmaction2"),
    Net("pptsm", "pptsm", [(1, 64, 64, 81), (2, 57, 43, 82)],
        width=4, half=True, naming="paddlevideo"),
    Net("pptsm_t16", "pptsm", [(1, 64, 64, 83), (2, 33, 47, 84)],
        width=2, classes=5, segments=16, half=True, naming="paddlevideo"),
    # A third of 32, 64 and 128 channels: the second fold has a channel more than the first.
    Net("pptsm_t3", "pptsm", [(2, 64, 64, 85), (1, 43, 57, 86)],
        width=2, segments=3, half=True, naming="paddlevideo"),
    # Bottlenecks twice as wide inside as those of a ResNet, in groups of two channels, of three, and in one.
    Net("r50_groups4", "resnet50", [(1, 64, 64, 91), (2, 57, 43, 92)],
        width=4, div=4, half=True, inner=8, groups=4),
    Net("r50_groups2_block_t16", "resnet50", [(1, 64, 64, 93), (1, 43, 57, 94)],
        width=3, segments=16, div=3, place="block", half=True, inner=6, groups=2),
    Net("r50_wide", "resnet50", [(1, 64, 64, 95), (2, 33, 47, 96)],
        width=3, div=3, half=True, inner=6),
]
MARGIN = 0.12       # least lead of the best class, relative to the largest logit
FRAME_MARGIN = 0.005
FRAGILE = ("mobileone", "pptsm")     # rounding their weights moves features by more than a head can stand
# What a file in another naming says in its metadata, where it is so.
STATED = ("segments", "shift_div", "nonlocal")


def case_input(net, case):
    n, h, w, seed = case
    shape = (n, net.segments, net.in_channels, h, w)
    return torch.from_numpy(golden_input(shape, seed)).double()


def lead(logits):
    """By how much the best class leads, relative to the largest logit."""
    top = logits.topk(2, dim=-1).values
    return float((top[..., 0] - top[..., 1]).min() / logits.abs().max())


def is_clear(net, frames):
    """No case is a close call, so that a low-precision run can be asked for the same best class."""
    logits = frames.mean(dim=1)
    return (lead(logits) > MARGIN and len(set(logits.argmax(1).tolist())) > 1 and
            (not net.frames or lead(frames) > FRAME_MARGIN))


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
    """Draws heads until every case is clear."""
    with torch.no_grad():
        features = torch.cat([model.frame_features(case_input(net, case)) for case in net.inputs])
        for _ in range(2000):
            draw_head(model, features.mean(1), net, generator)
            if is_clear(net, model.new_fc(features)):
                break


def build(net):
    if net.arch == "mobilenetv2":
        model = MobileNetTSM(net.width, net.classes, net.segments, net.div, net.in_channels)
    elif net.arch == "mobileone":
        model = MobileOneTSM(net.width, net.classes, net.segments, net.div, branches=net.branches,
                             squeeze=lambda channels: channels // 4 + 1)
    elif net.arch == "pptsm":
        model = PPTSM(net.width, net.classes, net.segments)
    else:
        arguments = (net.arch, net.classes, net.segments, net.div, net.place, net.width, net.in_channels)
        if net.inner:
            model = GroupedTSM(net.inner, net.groups, *arguments)
        elif net.nonlocal_mode:
            model = NonLocalTSM(net.nonlocal_mode, *arguments, last_bias=net.naming == "mit")
        else:
            model = (PooledTSM if net.tpool else TSM)(*arguments)
    if net.direction or net.naming == "mit-online":
        look_back_only(model)
    return model.double().eval()


def make_net(net, out):
    if net.merged:
        return deploy(read_net(next(other for other in NETS if other.name == net.merged), out))
    generator = torch.Generator().manual_seed(1000 + NETS.index(net))
    model = build(net)
    randomise(model, generator)
    if net.arch == "mobileone":
        settle_norms(model, case_input(net, net.inputs[0]), generator)
    if net.arch in FRAGILE:
        model.half().double()
    calibrate_head(model, net, generator)
    return model


def file_of(net):
    return (net.stored or net.name) + ".safetensors"


def save_net(net, model, out):
    metadata = model.metadata(**net.more)
    if net.naming != "mit":
        metadata = {key: metadata[key] for key in STATED if key in metadata and net.div}
    state = to_naming(net.naming, net.arch, model.state_dict())
    save_safetensors(os.path.join(out, file_of(net)), state, metadata, net.half)


def read_net(net, out):
    model = build(net)
    if net.merged:
        deploy(model)
    stored, _ = load_safetensors(os.path.join(out, file_of(net)))
    state = from_naming(net.naming, net.arch, stored, model.state_dict())
    lost = model.load_state_dict({k: v.double() for k, v in state.items()}, strict=False).missing_keys
    if len(state) != len(stored) or not all(key.endswith("num_batches_tracked") for key in lost):
        raise SystemExit("%s: not the tensors of the network" % file_of(net))
    return model


def write_net(net, out):
    """Stores the network, reads it back, and runs what was read."""
    if not net.stored:
        save_net(net, make_net(net, out), out)
    model = read_net(net, out)
    with torch.no_grad():
        features = [model.frame_features(case_input(net, case)) for case in net.inputs]
        frames = [model.new_fc(f) for f in features]
    report(net, os.path.getsize(os.path.join(out, file_of(net))), torch.cat(features).mean(1), torch.cat(frames))
    entries = []
    for case, logits in zip(net.inputs, frames):
        entries.append(entry(net, case, logits.mean(1)))
        if net.frames:
            entries.append(entry(net, case, logits, "_frames"))
    return entries


def report(net, size, features, frames):
    logits = frames.mean(1)
    centre = features.mean(0)
    contrast = (features - centre).norm(dim=1).mean() / centre.norm()
    print("%-12s %7d bytes, contrast %.3f, largest logit %.2f, lead %.2f, argmax %s" % (
        net.name, size, contrast, logits.abs().max(), lead(logits), logits.argmax(1).tolist()))
    if not is_clear(net, frames):
        raise SystemExit("%s: a close call, or every input has the same argmax" % net.name)


def entry(net, case, logits, suffix=""):
    n, h, w, seed = case
    described = {
        "name": "%s_%dx%dx%d%s" % (net.name, n, h, w, suffix), "file": file_of(net),
        "n": n, "t": net.segments, "c": net.in_channels, "h": h, "w": w,
        "seed": seed,
    }
    if net.direction:
        described["direction"] = net.direction
    if suffix:
        described["frames"] = True
    described["logits"] = logits.tolist()
    return described


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
