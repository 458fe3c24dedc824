# SPDX-License-Identifier: Apache-2.0
"""Runs one checkpoint of a TSM-ResNet-50 here and in PyTorch, and compares logits and times.

    pip install torch torchvision libtsm
    python compare_with_pytorch.py [TSM_..._resnet50_....pth] [clip.mp4]

Without a checkpoint the weights are random, without a video the pixels are.
"""

import io
import sys
import time

import numpy as np
import torch
import torchvision
import tsm


class TemporalShift(torch.nn.Module):
    """A convolution whose input has 1/n_div of its channels from the next frame, and as many from the one before."""

    def __init__(self, conv, segments, n_div=8):
        super().__init__()
        self.net, self.segments, self.n_div = conv, segments, n_div

    def forward(self, x):
        frames, channels, height, width = x.shape
        clips = x.view(-1, self.segments, channels, height, width)
        fold = channels // self.n_div
        shifted = clips.clone()
        shifted[:, :-1, :fold], shifted[:, -1, :fold] = clips[:, 1:, :fold], 0
        shifted[:, 1:, fold : 2 * fold], shifted[:, 0, fold : 2 * fold] = clips[:, :-1, fold : 2 * fold], 0
        return self.net(shifted.view(frames, channels, height, width))


class Network(torch.nn.Module):
    """TSM-ResNet-50 (blockres) under the tensor names of the MIT release."""

    def __init__(self, classes, segments):
        super().__init__()
        self.base_model = torchvision.models.resnet50(weights=None)
        for layer in range(1, 5):
            for block in getattr(self.base_model, f"layer{layer}"):
                block.conv1 = TemporalShift(block.conv1, segments)
        features, self.base_model.fc = self.base_model.fc.in_features, torch.nn.Identity()
        self.new_fc, self.segments = torch.nn.Linear(features, classes), segments

    def forward(self, clips):
        logits = self.new_fc(self.base_model(clips.flatten(0, 1)))
        return logits.view(-1, self.segments, logits.shape[-1]).mean(dim=1)


def seconds(run, rounds=5):
    run()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return sorted(times)[rounds // 2]


def random_checkpoint():
    file = io.BytesIO()
    torch.save({"state_dict": Network(174, 8).state_dict()}, file)
    return file.getvalue()


def main():
    checkpoint = open(sys.argv[1], "rb").read() if len(sys.argv) > 1 else random_checkpoint()
    model = tsm.Model.load(checkpoint, segments=8, shift_div=8, shift_place="blockres")
    info = model.info
    if len(sys.argv) > 2:
        pixels = model.load_video(sys.argv[2]).array
    else:
        pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 224, 224, 3), np.uint8)

    network = Network(info.classes, info.segments).eval()
    state = torch.load(io.BytesIO(checkpoint), map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    network.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()})
    mean, std = torch.tensor(info.mean), torch.tensor(info.std)
    planes = ((torch.from_numpy(pixels) / 255 - mean) / std).permute(0, 1, 4, 2, 3).contiguous()

    engine = model.engine(device="cpu")
    with torch.inference_mode():
        theirs = network(planes).numpy()
        theirs_s = seconds(lambda: network(planes))
    ours, ours_s = engine(pixels), seconds(lambda: engine(pixels))
    difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
    print(f"largest difference of the logits: {difference:.1e} of the largest logit")
    print(f"libtsm {1000 * ours_s:.0f} ms, PyTorch {torch.__version__} {1000 * theirs_s:.0f} ms a clip")
    return 0 if difference < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
