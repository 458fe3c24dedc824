# SPDX-License-Identifier: Apache-2.0
"""TSM-ResNet-50 with non-local blocks in PyTorch, for the golden files.

A non-local block (Wang et al., "Non-local Neural Networks", CVPR 2018) adds to every position of a clip a mean over
all positions of all frames, weighted by how alike two positions are. Both releases of TSM put five of them behind
blocks of layer2 and layer3, and keep only every second row and column of what the mean is taken over. Tensor names
are those of the MIT release, which has the first mode only.
"""

import torch
from torch import nn

from tsm_torch import TSM

MODES = ("embedded_gaussian", "dot_product", "gaussian")
BEHIND = (("layer2", (0, 2)), ("layer3", (0, 2, 4)))


def pooled(*layers):
    return nn.Sequential(*layers, nn.MaxPool3d((1, 2, 2)))


class NonLocal(nn.Module):
    """(N,C,T,H,W) to the same shape. The release of the mode decides whether the last convolution has a bias."""

    def __init__(self, channels, mode, last_bias):
        super().__init__()
        inter = max(channels // 2, 1)
        self.mode = mode
        self.g = pooled(nn.Conv3d(channels, inter, 1))
        if mode == "gaussian":
            self.theta, self.phi = nn.Identity(), pooled()
        else:
            self.theta = nn.Conv3d(channels, inter, 1)
            self.phi = pooled(nn.Conv3d(channels, inter, 1))
        self.W = nn.Sequential(nn.Conv3d(inter, channels, 1, bias=last_bias), nn.BatchNorm3d(channels))

    def alike(self, x):
        """(N, positions, positions that are left after pooling)."""
        products = self.theta(x).flatten(2).transpose(1, 2) @ self.phi(x).flatten(2)
        if self.mode == "dot_product":
            return products / products.shape[-1]
        return products.softmax(dim=-1)

    def forward(self, x):
        mean = self.alike(x) @ self.g(x).flatten(2).transpose(1, 2)
        mean = mean.transpose(1, 2).reshape(len(x), -1, *x.shape[2:])
        return x + self.W(mean)


class NonLocalBehind(nn.Module):
    """A block of a ResNet, then a non-local block over the frames of a clip."""

    def __init__(self, block, nonlocal_block, segments):
        super().__init__()
        self.block = block
        self.nl = nonlocal_block
        self.segments = segments

    def forward(self, x):
        x = self.block(x)
        clips = x.view(-1, self.segments, *x.shape[1:]).transpose(1, 2)
        return self.nl(clips).transpose(1, 2).reshape(x.shape)


class NonLocalTSM(TSM):
    """Takes the arguments of TSM after the mode; shifts are placed first."""

    def __init__(self, mode, *arguments, last_bias=True):
        super().__init__(*arguments)
        if mode not in MODES:
            raise ValueError("mode is %r, not one of %s" % (mode, ", ".join(MODES)))
        for name, indices in BEHIND:
            stage = getattr(self.base_model, name)
            channels = stage[0].conv3.out_channels
            for index in indices:
                stage[index] = NonLocalBehind(stage[index], NonLocal(channels, mode, last_bias), self.segments)
