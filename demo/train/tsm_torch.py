# SPDX-License-Identifier: Apache-2.0
"""TSM and TSN ResNets in PyTorch: the definition that the demo is trained with
and that the golden files come from.

The temporal shift and its placement follow Lin, Gan and Han, "TSM: Temporal
Shift Module for Efficient Video Understanding" (ICCV 2019); the network is
ResNet (He et al., 2016) with the stride on the 3x3 convolution. Tensor names
are those of the MIT release without the leading `module.`, so a checkpoint
written here loads like one of theirs.

Shapes: a clip batch is (N,T,C,H,W); inside the network frames are rows of a
(N*T,C,H,W) tensor.
"""

import torch
from torch import nn
from torch.nn import functional as F

# arch -> (blocks a stage, bottleneck?)
ARCHS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}


def temporal_shift(x, segments, div):
    """First fold from the next frame, second from the previous one, zeros at
    the ends of each clip. x is (N*T,C,H,W); a fold is C // div channels."""
    frames, channels, height, width = x.shape
    fold = channels // div
    clip = x.view(frames // segments, segments, channels, height, width)
    # F.pad counts from the last axis: (W, W, H, H, C, C, T, T).
    sooner = F.pad(clip[:, 1:, :fold], (0, 0, 0, 0, 0, 0, 0, 1))
    later = F.pad(clip[:, :-1, fold:2 * fold], (0, 0, 0, 0, 0, 0, 1, 0))
    shifted = torch.cat((sooner, later, clip[:, :, 2 * fold:]), dim=2)
    return shifted.view(frames, channels, height, width)


class TemporalShift(nn.Module):
    """Shifts, then runs `net`; the name `net` is what marks a shifted layer in
    the checkpoints of the MIT release."""

    def __init__(self, net, segments, div):
        super().__init__()
        self.net = net
        self.segments = segments
        self.div = div

    def forward(self, x):
        return self.net(temporal_shift(x, self.segments, self.div))


def conv3x3(cin, cout, stride=1):
    return nn.Conv2d(cin, cout, 3, stride, 1, bias=False)


def conv1x1(cin, cout, stride=1):
    return nn.Conv2d(cin, cout, 1, stride, 0, bias=False)


def make_downsample(cin, cout, stride):
    if stride == 1 and cin == cout:
        return None
    return nn.Sequential(conv1x1(cin, cout, stride), nn.BatchNorm2d(cout))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, cin, width, stride):
        super().__init__()
        self.conv1 = conv3x3(cin, width, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = make_downsample(cin, width, stride)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + identity)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, cin, width, stride):
        super().__init__()
        cout = width * self.expansion
        self.conv1 = conv1x1(cin, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, cout)
        self.bn3 = nn.BatchNorm2d(cout)
        self.downsample = make_downsample(cin, cout, stride)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + identity)


class Backbone(nn.Module):
    """ResNet up to the pooled features; `width` is the channels of layer1."""

    def __init__(self, arch, width=64, in_channels=3):
        super().__init__()
        depths, bottleneck = ARCHS[arch]
        block = Bottleneck if bottleneck else BasicBlock
        self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for stage, depth in enumerate(depths):
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(block(channels, width << stage, stride))
                channels = (width << stage) * block.expansion
            setattr(self, "layer%d" % (stage + 1), nn.Sequential(*blocks))
        self.features = channels

    def stages(self):
        return (self.layer1, self.layer2, self.layer3, self.layer4)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.max_pool2d(x, 3, 2, 1)
        for stage in self.stages():
            x = stage(x)
        return x.mean(dim=(2, 3))


def place_shifts(backbone, segments, div, place):
    """Wraps what the release wraps: conv1 of a block ('blockres', with the
    identity left unshifted) or the whole block ('block')."""
    if place not in ("blockres", "block"):
        raise ValueError("shift_place is 'blockres' or 'block', not %r" % place)
    # The deep networks shift every second block of a stage only.
    n_round = 2 if place == "blockres" and len(backbone.layer3) >= 23 else 1
    for stage in backbone.stages():
        for index in range(0, len(stage), n_round):
            if place == "block":
                stage[index] = TemporalShift(stage[index], segments, div)
            else:
                conv1 = stage[index].conv1
                stage[index].conv1 = TemporalShift(conv1, segments, div)


class TSM(nn.Module):
    """(N,T,C,H,W) -> (N,classes): the mean over T of each frame's logits.
    shift_div 0 builds TSN, the same network without shifts."""

    def __init__(self, arch, classes, segments=8, shift_div=8,
                 shift_place="blockres", width=64, in_channels=3):
        super().__init__()
        self.arch = arch
        self.segments = segments
        self.shift_div = shift_div
        self.shift_place = shift_place
        self.base_model = Backbone(arch, width, in_channels)
        self.new_fc = nn.Linear(self.base_model.features, classes)
        if shift_div:
            place_shifts(self.base_model, segments, shift_div, shift_place)

    def frame_features(self, clips):
        """(N,T,C,H,W) -> (N,T,features)."""
        count, segments = clips.shape[:2]
        if segments != self.segments:
            raise ValueError("clip of %d frames, network of %d segments"
                             % (segments, self.segments))
        return self.base_model(clips.flatten(0, 1)).view(count, segments, -1)

    def forward(self, clips):
        return self.new_fc(self.frame_features(clips)).mean(dim=1)

    def metadata(self, **more):
        """The `__metadata__` strings of a libtsm file."""
        own = {
            "format": "tsm",
            "arch": self.arch,
            "segments": str(self.segments),
            "classes": str(self.new_fc.out_features),
            "shift_div": str(self.shift_div),
            "shift_place": self.shift_place,
        }
        own.update({key: str(value) for key, value in more.items()})
        return own
