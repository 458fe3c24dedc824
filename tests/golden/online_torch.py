# SPDX-License-Identifier: Apache-2.0
"""The uni-directional shift, which looks into the past only, so that a network can run on a live stream: the first
fold comes from the previous frame, all other channels stay. A frame's logits are then known when it arrives."""

import torch
from torch.nn import functional as F

from tsm_torch import TemporalShift


def past_shift(x, segments, div):
    """First fold from the previous frame, zeros at the start of each clip. x is (N*T,C,H,W)."""
    frames, channels, height, width = x.shape
    fold = channels // div
    clip = x.view(frames // segments, segments, channels, height, width)
    later = F.pad(clip[:, :-1, :fold], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat((later, clip[:, :, fold:]), dim=2).view(frames, channels, height, width)


class PastShift(TemporalShift):
    def forward(self, x):
        return self.net(past_shift(x, self.segments, self.div))


def look_back_only(model):
    """Makes every shift of a network uni-directional; weights and names stay. Returns the network."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is TemporalShift:
                setattr(parent, name, PastShift(child.net, child.segments, child.div))
    return model


def frame_logits(model, clips):
    """(N,T,C,H,W) -> (N,T,classes), whose mean over T are the clips' logits."""
    return model.new_fc(model.frame_features(clips))
