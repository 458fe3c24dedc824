# SPDX-License-Identifier: Apache-2.0
"""ResNeXt and wide ResNets as TSM: bottlenecks whose 3x3 convolution has more channels than a ResNet's, in groups or in
one. The convolutions around it follow; what enters and leaves a block stays (Xie et al., 2017; Zagoruyko and Komodakis,
2016; as torchvision builds them)."""

from torch import nn

from tsm_torch import TSM, conv1x1, place_shifts


def widen(block, inner, groups):
    """Gives a bottleneck `inner` channels inside."""
    around = block.conv3.out_channels
    block.conv1 = conv1x1(block.conv1.in_channels, inner)
    block.conv2 = nn.Conv2d(inner, inner, 3, block.conv2.stride, 1, groups=groups, bias=False)
    block.conv3 = conv1x1(inner, around)
    block.bn1, block.bn2 = nn.BatchNorm2d(inner), nn.BatchNorm2d(inner)


class GroupedTSM(TSM):
    """Takes the channels of the 3x3 convolutions in layer1, and their groups, and then the arguments of TSM."""

    def __init__(self, inner, groups, arch, classes, segments=8, shift_div=8, shift_place="blockres", *more):
        super().__init__(arch, classes, segments, 0, shift_place, *more)
        for index, stage in enumerate(self.base_model.stages()):
            for block in stage:
                widen(block, inner << index, groups)
        self.shift_div = shift_div
        if shift_div:
            place_shifts(self.base_model, segments, shift_div, shift_place)
