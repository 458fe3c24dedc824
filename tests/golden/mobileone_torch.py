# SPDX-License-Identifier: Apache-2.0
"""MobileOne with temporal shifts in PyTorch, for the golden files.

The network is MobileOne (Vasu et al., "MobileOne: An Improved One Millisecond Mobile Backbone", CVPR 2023) in its
variant S4: no residuals, but blocks of parallel linear branches that can be merged into one convolution. As in
mmaction2, whose tensor names these are inside `base_model`, every block shifts what it reads. Channels are free, so
that a golden file stays small.
"""

import torch
from torch import nn
from torch.nn import functional as F

from tsm_torch import TSM, TemporalShift

PAIRS = (2, 8, 10, 1)       # of a depthwise 3x3 and a pointwise block, a stage
SE_PAIRS = (0, 0, 5, 1)     # the last pairs of a stage that squeeze and excite
S4 = (64, 192, 448, 896, 2048)


def squeezed(channels):
    """A sixteenth, as a multiple of eight that is not much less."""
    wanted = channels / 16
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class ConvNorm(nn.Module):
    def __init__(self, cin, cout, kernel, stride, groups):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(cout)

    def forward(self, x):
        return self.norm(self.conv(x))


class Conv1x1(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 1)

    def forward(self, x):
        return self.conv(x)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, squeeze):
        super().__init__()
        self.conv1 = Conv1x1(channels, squeeze)
        self.conv2 = Conv1x1(squeeze, channels)

    def forward(self, x):
        gate = F.relu(self.conv1(x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(self.conv2(gate))


class Block(nn.Module):
    """As it is trained: the sum of a batch norm, a scaling 1x1 and `branches` convolutions, where they can be."""

    def __init__(self, cin, cout, kernel, stride=1, groups=1, branches=1, squeeze=None):
        super().__init__()
        if stride == 1 and cin == cout:
            self.branch_norm = nn.BatchNorm2d(cin)
        if kernel > 1:
            self.branch_scale = ConvNorm(cin, cout, 1, stride, groups)
        self.branch_conv_list = nn.ModuleList(
            ConvNorm(cin, cout, kernel, stride, groups) for _ in range(branches))
        self.se = SqueezeExcite(cout, squeeze) if squeeze else nn.Identity()

    def branches(self):
        own = [getattr(self, name) for name in ("branch_norm", "branch_scale") if hasattr(self, name)]
        return own + list(self.branch_conv_list)

    def forward(self, x):
        return F.relu(self.se(sum(branch(x) for branch in self.branches())))


class MergedBlock(nn.Module):
    """As it is deployed: the branches of a Block as one convolution."""

    def __init__(self, block):
        super().__init__()
        like = block.branch_conv_list[0].conv
        self.branch_reparam = nn.Conv2d(like.in_channels, like.out_channels, like.kernel_size, like.stride,
                                        like.padding, groups=like.groups).to(like.weight.dtype)
        kernels, biases = zip(*(as_convolution(branch, like) for branch in block.branches()))
        with torch.no_grad():
            self.branch_reparam.weight.copy_(sum(kernels))
            self.branch_reparam.bias.copy_(sum(biases))
        self.se = block.se

    def forward(self, x):
        return F.relu(self.se(self.branch_reparam(x)))


def as_convolution(branch, like):
    """Kernel and bias of a branch, in the shape of the convolution `like`."""
    norm = branch if isinstance(branch, nn.BatchNorm2d) else branch.norm
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    kernel = torch.zeros_like(like.weight)
    middle = like.kernel_size[0] // 2
    if norm is branch:
        outputs = torch.arange(like.out_channels)
        kernel[outputs, outputs % kernel.shape[1], middle, middle] = 1
    elif branch.conv.kernel_size == like.kernel_size:
        kernel = branch.conv.weight
    else:
        kernel[:, :, middle, middle] = branch.conv.weight[:, :, 0, 0]
    return kernel * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale


class Backbone(nn.Module):
    """`channels`: of stage0 and the four stages; `squeeze(channels)`: of their SE layers."""

    def __init__(self, channels, branches=1, squeeze=squeezed, in_channels=3):
        super().__init__()
        self.stage0 = Block(in_channels, channels[0], 3, 2, branches=branches)
        width = channels[0]
        for stage, (pairs, with_se, cout) in enumerate(zip(PAIRS, SE_PAIRS, channels[1:]), 1):
            blocks = []
            for pair in range(pairs):
                has_se = pair >= pairs - with_se
                blocks.append(Block(width, width, 3, 1 if pair else 2, width, branches,
                                    squeeze(width) if has_se else None))
                blocks.append(Block(width, cout, 1, branches=branches, squeeze=squeeze(cout) if has_se else None))
                width = cout
            setattr(self, "stage%d" % stage, nn.Sequential(*blocks))

    def stages(self):
        return (self.stage1, self.stage2, self.stage3, self.stage4)

    def forward(self, x):
        x = self.stage0(x)
        for stage in self.stages():
            x = stage(x)
        return x.mean(dim=(2, 3))


class MobileOneTSM(TSM):
    """TSM with another backbone: head, consensus and metadata are inherited."""

    def __init__(self, channels, classes, segments=8, shift_div=8, **backbone):
        nn.Module.__init__(self)
        self.arch = "mobileone"
        self.segments = segments
        self.shift_div = shift_div
        self.shift_place = "block"
        self.base_model = base = Backbone(channels, **backbone)
        self.new_fc = nn.Linear(channels[-1], classes)
        if shift_div:
            base.stage0 = TemporalShift(base.stage0, segments, shift_div)
            for stage in base.stages():
                for index, block in enumerate(stage):
                    stage[index] = TemporalShift(block, segments, shift_div)


def deploy(model):
    """Merges the branches of every block, in place. Returns the network."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Block):
                setattr(parent, name, MergedBlock(child))
    return model
