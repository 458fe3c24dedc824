# SPDX-License-Identifier: Apache-2.0
"""PP-TSM of PaddleVideo in PyTorch, for the golden files.

The network is ResNet-50 with the changes C and D of He et al., "Bag of Tricks for Image Classification" (CVPR 2019),
and leaky ReLU; the shift is that of PaddlePaddle's operator, which looks back with the first fold and ahead with the
second, by a ratio instead of a divisor. Tensor names inside `base_model` are those of PaddleVideo, but for the
statistics of batch norm. Channels are free, so that a golden file stays small.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tsm_torch import TSM

DEPTHS = (3, 4, 6, 3)
SLOPE = 0.01


def fold_ends(channels, segments):
    """Where the two folds end. The operator's ratio is a float32, and so is its product with a count."""
    ratio = np.float32(1.0 / segments)
    return int(np.float32(channels) * ratio), int(np.float32(2 * channels) * ratio)


def mirrored_shift(x, segments):
    """First fold from the previous frame, second from the next one, zeros at the ends of each clip."""
    frames, channels, height, width = x.shape
    first, second = fold_ends(channels, segments)
    clip = x.view(frames // segments, segments, channels, height, width)
    later = F.pad(clip[:, :-1, :first], (0, 0, 0, 0, 0, 0, 1, 0))
    sooner = F.pad(clip[:, 1:, first:second], (0, 0, 0, 0, 0, 0, 0, 1))
    return torch.cat((later, sooner, clip[:, :, second:]), dim=2).view(frames, channels, height, width)


class ConvNorm(nn.Module):
    def __init__(self, cin, cout, kernel, stride=1, active=True, pool=False):
        super().__init__()
        self._conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)
        self._batch_norm = nn.BatchNorm2d(cout)
        self.active = active
        self.pool = pool

    def forward(self, x):
        if self.pool:
            x = F.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False)
        y = self._batch_norm(self._conv(x))
        return F.leaky_relu(y, SLOPE) if self.active else y


class Bottleneck(nn.Module):
    def __init__(self, cin, width, stride, first, segments):
        super().__init__()
        cout = 4 * width
        self.conv0 = ConvNorm(cin, width, 1)
        self.conv1 = ConvNorm(width, width, 3, stride)
        self.conv2 = ConvNorm(width, cout, 1, active=False)
        self.short = ConvNorm(cin, cout, 1, active=False, pool=stride > 1) if first else nn.Identity()
        self.segments = segments

    def forward(self, x):
        y = self.conv2(self.conv1(self.conv0(mirrored_shift(x, self.segments))))
        return F.leaky_relu(y + self.short(x), SLOPE)


class Backbone(nn.Module):
    """`width`: channels of the stem, and of the first stage inside its blocks."""

    def __init__(self, width, segments, in_channels=3):
        super().__init__()
        self.conv1_1 = ConvNorm(in_channels, width // 2, 3, 2)
        self.conv1_2 = ConvNorm(width // 2, width // 2, 3)
        self.conv1_3 = ConvNorm(width // 2, width, 3)
        self.blocks = []
        channels = width
        for stage, depth in enumerate(DEPTHS):
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                block = Bottleneck(channels, width << stage, stride, index == 0, segments)
                channels = 4 * (width << stage)
                setattr(self, "bb_%d_%d" % (stage, index), block)
                self.blocks.append("bb_%d_%d" % (stage, index))
        self.features = channels

    def forward(self, x):
        x = self.conv1_3(self.conv1_2(self.conv1_1(x)))
        x = F.max_pool2d(x, 3, 2, 1)
        for name in self.blocks:
            x = getattr(self, name)(x)
        return x.mean(dim=(2, 3))


class PPTSM(TSM):
    """TSM with another backbone and shift: head and consensus are inherited."""

    def __init__(self, width, classes, segments=8):
        nn.Module.__init__(self)
        self.segments = segments
        self.base_model = Backbone(width, segments)
        self.new_fc = nn.Linear(self.base_model.features, classes)

    def metadata(self, **more):
        return {"segments": str(self.segments), **more}
