#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the CPU, eager or compiled, for compare.py: channels last, batch
norms folded. The network is the definition that the golden files come from."""

import json
import os
import sys

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

import worker

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("demo/train", "tests/golden"):
    sys.path.insert(0, os.path.join(HERE, "..", "..", folder))

MOBILENET = (32, 16, 24, 32, 64, 96, 160, 320, 1280)


def metadata_of(path):
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]


def load(path, shifted):
    import safetensors_io
    from mobilenet_torch import MobileNetTSM
    from tsm_torch import TSM

    about = metadata_of(path)
    classes, segments = int(about["classes"]), int(about["segments"])
    div = int(about["shift_div"]) if shifted else 0
    state, _ = safetensors_io.load_safetensors(path)
    if about["arch"] == "mobilenetv2":
        model = MobileNetTSM(MOBILENET, classes, segments, div)
    else:
        model = TSM(about["arch"], classes, segments, div)
    if not shifted:
        state = {name.replace(".net.", "."): value for name, value in state.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise SystemExit("tensors do not fit: %s" % (missing + unexpected)[:3])
    return model.eval()


def fold_norms(model):
    """Every batch norm goes into the convolution before it."""
    pairs = [("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")]
    pairs += [(str(index), str(index + 1)) for index in range(8)]
    for module in list(model.modules()):
        for conv, norm in pairs:
            bn, before = getattr(module, norm, None), getattr(module, conv, None)
            if not isinstance(bn, torch.nn.BatchNorm2d) or before is None:
                continue
            if hasattr(before, "net"):
                before.net = fuse_conv_bn_eval(before.net, bn)
            else:
                setattr(module, conv, fuse_conv_bn_eval(before, bn))
            setattr(module, norm, torch.nn.Identity())


def main():
    options = worker.parse(__doc__.split("\n")[0])
    torch.set_num_threads(options.threads)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[options.precision]
    model = load(options.model, not options.no_shift)
    with torch.inference_mode():
        fold_norms(model)
        model = model.to(dtype, memory_format=torch.channels_last)
        frames = torch.from_numpy(worker.clips_of(options)).to(dtype)
        shape = frames.shape
        clips = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last).view(shape)
        run = torch.compile(model) if options.compile else model
        worker.answer("PyTorch " + torch.__version__.split("+")[0], lambda: run(clips).float().numpy())


if __name__ == "__main__":
    main()
