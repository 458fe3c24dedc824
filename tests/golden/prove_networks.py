# SPDX-License-Identifier: Apache-2.0
"""Every network and naming that is read, at full width, as prove.py runs them: how it is built, and what its release
would call the file and put into it."""

import collections
import zlib
from dataclasses import dataclass
from typing import Callable

import torch

from key_namings import to_naming
from mobilenet_torch import MobileNetTSM
from mobileone_torch import S4, MobileOneTSM, deploy
from nonlocal_torch import NonLocalTSM
from online_torch import look_back_only
from pptsm_torch import PPTSM
from prove_clips import random_clip
from random_weights import randomise, settle_norms
from safetensors_io import save_safetensors
from temporal_pool_torch import PooledTSM
from tsm_torch import TSM

MOBILENET = (32, 16, 24, 32, 64, 96, 160, 320, 1280)
MODE_NAMES = {"embedded_gaussian": "embedded Gaussian", "dot_product": "dot product", "gaussian": "Gaussian"}


@dataclass
class Case:
    network: str
    build: Callable             # segments -> network
    file: str                   # its name, {T} for the segments
    naming: str = "mit"
    arch: str = "resnet"        # as key_namings.py tells them apart
    container: str = "zip"      # or "legacy", "safetensors"
    channels: int = 3
    size: tuple = (160, 192)    # beside 224x224
    streams: bool = False       # is run on live streams, too: looks back only, and has logits of every frame
    says_segments: bool = True  # the file does, by name or metadata
    merged: bool = False        # MobileOne: the branches of a block are one convolution


def resnet(depth, place, file, container="zip", size=(160, 192), **more):
    arch = "resnet%d" % depth
    return Case("ResNet-%d, %s" % (depth, place), lambda t: TSM(arch, 174, t, 8, place),
                file % (arch, place), container=container, size=size, **more)


def mit_resnets():
    file = "TSM_somethingv2_RGB_%s_shift8_%s_avg_segment{T}_e45.pth"
    return [
        resnet(18, "blockres", file, size=(256, 256)),
        resnet(18, "block", file, "legacy", (193, 161), streams=True),
        resnet(34, "blockres", file, "legacy"),
        resnet(34, "block", file, size=(130, 174)),
        resnet(50, "blockres", file, "legacy", streams=True),
        resnet(50, "block", file),
        resnet(101, "blockres", file, "legacy", (112, 144)),
        resnet(101, "block", file, size=(97, 129)),
        resnet(152, "blockres", file, size=(112, 96)),
        resnet(152, "block", file, "legacy", (96, 128)),
        Case("ResNet-50, temporal pool", lambda t: PooledTSM("resnet50", 174, t, 8, "blockres"),
             "TSM_something_RGB_resnet50_shift8_blockres_tpool_avg_segment{T}_e45.pth"),
        Case("ResNet-50, 10 channels of flow", lambda t: TSM("resnet50", 101, t, 8, "blockres", 64, 10),
             "TSM_ucf101_Flow_resnet50_shift8_blockres_avg_segment{T}_e45.pth", channels=10, container="legacy"),
        Case("ResNet-50, TSN", lambda t: TSM("resnet50", 400, t, 0),
             "TSM_kinetics_RGB_resnet50_avg_segment{T}_e50.pth", container="legacy"),
        Case("ResNet-50, non-local, embedded Gaussian",
             lambda t: NonLocalTSM("embedded_gaussian", "resnet50", 400, t, 8),
             "TSM_kinetics_RGB_resnet50_shift8_blockres_avg_segment{T}_e100_dense_nl.pth", container="legacy"),
    ]


def mmaction2_nonlocal(mode, file, container):
    return Case("ResNet-50, non-local, " + MODE_NAMES[mode],
                lambda t: NonLocalTSM(mode, "resnet50", 400, t, 8, last_bias=False),
                file, "mmaction2", container=container, size=(176, 144))


def mmaction2_resnets():
    one = "tsm_imagenet-pretrained-%s_8xb16-1x1x{T}-50e_kinetics400-rgb_20220831-%s.pth"
    old = "tsm_nl_%s_r50_1x1x{T}_50e_kinetics400_rgb_%s.pth"
    return [
        Case("ResNet-50", lambda t: TSM("resnet50", 400, t), one % ("r50", "64d69186"), "mmaction2"),
        Case("ResNet-101", lambda t: TSM("resnet101", 174, t),
             "tsm_imagenet-pretrained-r101_8xb16-1x1x{T}-50e_sthv2-rgb_20221122-cb2cc64e.pth", "mmaction2",
             size=(96, 112)),
        Case("ResNet-50, temporal pool", lambda t: PooledTSM("resnet50", 400, t),
             "tsm_temporal_pool_r50_1x1x{T}_50e_kinetics400_rgb.pth", "mmaction2", container="legacy",
             size=(129, 97)),
        mmaction2_nonlocal("embedded_gaussian", old % ("embedded_gaussian", "20200724-f00f1336"), "legacy"),
        mmaction2_nonlocal("dot_product", old % ("dot_product", "20200724-d8ad84d2"), "legacy"),
        mmaction2_nonlocal("gaussian", one % ("r50-nl-gaussian", "7e54dacf"), "zip"),
    ]


def mobile():
    one = "tsm_imagenet-pretrained-mobileone-s4_%s8xb16-1x1x{T}-50e_kinetics400-rgb_20230825-a7f8876b.pth"
    return [
        Case("MobileNetV2", lambda t: MobileNetTSM(MOBILENET, 400, t),
             "TSM_kinetics_RGB_mobilenetv2_shift8_blockres_avg_segment{T}_e100_dense.pth", arch="mobilenetv2",
             container="legacy", size=(161, 127), streams=True),
        Case("MobileNetV2", lambda t: MobileNetTSM(MOBILENET, 400, t),
             "tsm_mobilenetv2_dense_320p_1x1x{T}_100e_kinetics400_rgb_20210202-61135809.pth", "mmaction2",
             "mobilenetv2", size=(256, 320)),
        Case("MobileNetV2, online", lambda t: look_back_only(MobileNetTSM(MOBILENET, 27, t)),
             "mobilenetv2_jester_online.pth.tar", "mit-online", "mobilenetv2", "legacy", streams=True,
             says_segments=False),
        Case("MobileOne-S4", lambda t: MobileOneTSM(S4, 400, t), one % "", "mmaction2", "mobileone", size=(127, 161)),
        Case("MobileOne-S4, merged", lambda t: MobileOneTSM(S4, 400, t), one % "deploy_", "mmaction2", "mobileone",
             size=(96, 128), merged=True),
    ]


def others():
    return [
        Case("ResNet-50 of ImageNet, TSN", lambda t: TSM("resnet50", 1000, t, 0), "resnet50-0676ba61.pth",
             "torchvision", says_segments=False),
        Case("PP-TSM", lambda t: PPTSM(64, 400, t), "pptsm_{T}.safetensors", "paddlevideo",
             container="safetensors", size=(161, 193)),
    ]


CASES = mit_resnets() + mmaction2_resnets() + mobile() + others()


def draw_head(model, clips, generator):
    """A classifier that answers to what tells clips apart, not to what they share."""
    with torch.no_grad():
        features = model.frame_features(clips).flatten(0, 1)
        centre = features.mean(0)
        spread = (features - centre).norm(dim=1).mean()
        model.new_fc.weight.copy_(torch.randn(model.new_fc.weight.shape, generator=generator) / spread)
        model.new_fc.bias.copy_(0.1 * torch.randn(len(model.new_fc.bias), generator=generator)
                                - model.new_fc.weight @ centre)


def make_network(case, segments):
    """Float32, with the same weights at every call."""
    seed = zlib.crc32((case.network + case.naming).encode())
    generator = torch.Generator().manual_seed(seed)
    model = case.build(segments).eval()
    clips = torch.from_numpy(random_clip((4, segments, case.channels, 96, 96), seed))
    randomise(model, generator)
    settle_norms(model, clips, generator)
    draw_head(model, clips, generator)
    return deploy(model) if case.merged else model


def as_released(case, state):
    """What the release pickles around a state dict."""
    if case.naming == "mit":
        state = collections.OrderedDict(("module." + key, value) for key, value in state.items())
        return {"epoch": 50, "arch": "resnet50", "state_dict": state, "best_prec1": torch.tensor(74.1)}
    if case.naming == "mmaction2":
        return {"meta": {"epoch": 50, "iter": 93750, "CLASSES": None, "config": "model = dict(...)\n"},
                "state_dict": collections.OrderedDict(state)}
    return collections.OrderedDict(state)


def save_network(case, model, path):
    state = to_naming(case.naming, case.arch, model.state_dict())
    if case.container == "safetensors":
        save_safetensors(path, state, {"segments": str(model.segments)})
    else:
        torch.save(as_released(case, state), path, _use_new_zipfile_serialization=case.container == "zip")
