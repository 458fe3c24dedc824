# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 with temporal shifts in PyTorch, for the golden files.

The network is that of Sandler et al., "MobileNetV2: Inverted Residuals and
Linear Bottlenecks" (CVPR 2018), with the tensor names of the MIT release of
TSM; shifted is what that release shifts, the 1x1 expansions of the residual
blocks. Channels are free, so that a golden file stays small.
"""

from torch import nn

from tsm_torch import TSM, TemporalShift

# Blocks and stride of a stage; the first stage does not expand.
STAGES = ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))
EXPANSION = 6


def conv_norm(cin, cout, kernel=1, stride=1, groups=1):
    return [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(cout)]


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        hidden = cin * EXPANSION if expand else cin
        layers = conv_norm(cin, hidden) + [nn.ReLU6()] if expand else []
        layers += conv_norm(hidden, hidden, 3, stride, hidden) + [nn.ReLU6()]
        layers += conv_norm(hidden, cout)
        self.conv = nn.Sequential(*layers)
        self.expand = expand
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class Backbone(nn.Module):
    """`channels`: of the stem, the seven stages, and the last convolution."""

    def __init__(self, channels, in_channels=3):
        super().__init__()
        stem, *stages, last = channels
        layers = [nn.Sequential(*conv_norm(in_channels, stem, 3, 2), nn.ReLU6())]
        width = stem
        for index, ((depth, stride), cout) in enumerate(zip(STAGES, stages)):
            for block in range(depth):
                layers.append(InvertedResidual(
                    width, cout, stride if block == 0 else 1, index > 0))
                width = cout
        layers.append(nn.Sequential(*conv_norm(width, last), nn.ReLU6()))
        self.features = nn.Sequential(*layers)

    def forward(self, x):
        return self.features(x).mean(dim=(2, 3))


class MobileNetTSM(TSM):
    """TSM with another backbone: head, consensus and metadata are inherited."""

    def __init__(self, channels, classes, segments=8, shift_div=8, in_channels=3):
        nn.Module.__init__(self)
        self.arch = "mobilenetv2"
        self.segments = segments
        self.shift_div = shift_div
        self.shift_place = "blockres"
        self.base_model = Backbone(channels, in_channels)
        self.new_fc = nn.Linear(channels[-1], classes)
        for block in self.base_model.features:
            if shift_div and isinstance(block, InvertedResidual) and block.residual and block.expand:
                block.conv[0] = TemporalShift(block.conv[0], segments, shift_div)
