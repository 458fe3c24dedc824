# SPDX-License-Identifier: Apache-2.0
"""Temporal pooling, as the releases of TSM do it: layer2 is wrapped, so that it reads the maximum over three frames
at stride 2, and everything from there on has half the frames."""

from torch import nn
from torch.nn import functional as F

from tsm_torch import TSM, TemporalShift


class TemporalPool(nn.Module):
    """(N*T,C,H,W) to (N*T/2,C,H,W), then `net`."""

    def __init__(self, net, segments):
        super().__init__()
        self.net = net
        self.segments = segments

    def forward(self, x):
        frames, channels, height, width = x.shape
        clip = x.view(frames // self.segments, self.segments, channels, height, width)
        clip = F.max_pool3d(clip.transpose(1, 2), (3, 1, 1), (2, 1, 1), (1, 0, 0)).transpose(1, 2)
        return self.net(clip.flatten(0, 1))


class PooledTSM(TSM):
    """Takes the arguments of TSM. Shifts are placed first; those past the pool have fewer frames."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        base = self.base_model
        for stage in (base.layer2, base.layer3, base.layer4):
            for module in stage.modules():
                if isinstance(module, TemporalShift):
                    module.segments = self.segments // 2
        base.layer2 = TemporalPool(base.layer2, self.segments)

    def frame_features(self, clips):
        return self.base_model(clips.flatten(0, 1)).view(len(clips), self.segments // 2, -1)
