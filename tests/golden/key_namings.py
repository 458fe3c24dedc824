# SPDX-License-Identifier: Apache-2.0
"""Tensor names of other releases for networks whose names are the MIT release's,
or, where that release does not have the network, its network in `base_model` and its classifier in `new_fc`."""

import re

from mobilenet_torch import STAGES

# Stored with inputs before outputs.
TRANSPOSED = {"paddlevideo": ("new_fc.weight",)}


def mmaction2_resnet(name):
    name = re.sub(r"^base_model\.(.*)\.nl\.(g\.0|phi\.0|theta)\.", r"backbone.\1.non_local_block.\2.conv.", name)
    name = re.sub(r"^base_model\.(.*)\.nl\.W\.0\.", r"backbone.\1.non_local_block.conv_out.conv.", name)
    name = re.sub(r"^base_model\.(.*)\.nl\.W\.1\.", r"backbone.\1.non_local_block.conv_out.bn.", name)
    name = re.sub(r"^base_model\.(.*)(conv\d)((\.net)?\.\w+)$", r"backbone.\1\2.conv\3", name)
    name = re.sub(r"^base_model\.(.*)bn(\d)\.(\w+)$", r"backbone.\1conv\2.bn.\3", name)
    name = re.sub(r"^base_model\.(.*downsample\.)0\.", r"backbone.\1conv.", name)
    name = re.sub(r"^base_model\.(.*downsample\.)1\.", r"backbone.\1bn.", name)
    return name.replace("new_fc", "cls_head.fc_cls")


def mmaction2_block(feature):
    """features.N as layerS.B, or as the first or the last convolution."""
    if feature == 0:
        return "conv1"
    block = feature - 1
    for stage, (depth, _) in enumerate(STAGES):
        if block < depth:
            return "layer%d.%d" % (stage + 1, block)
        block -= depth
    return "conv2"


def mmaction2_mobilenet(names):
    """A shifted convolution takes its batch norm into `net` with it, so all names are needed."""
    renamed = {}
    for name in names:
        match = re.match(r"base_model\.features\.(\d+)(\.conv)?\.(\d)(\.net)?\.(\w+)$", name)
        if not match:
            renamed[name] = name.replace("new_fc", "cls_head.fc_cls")
            continue
        feature, conv, number, _, suffix = match.groups()
        part = "bn" if int(number) % 3 else "conv"
        where = mmaction2_block(int(feature))
        if conv:
            shifted = "base_model.features.%s.conv.0.net.weight" % feature in names
            where += ".conv.%d" % (int(number) // 3) + (".net" if shifted and number in "01" else "")
        renamed[name] = "backbone.%s.%s.%s" % (where, part, suffix)
    return renamed


def mmaction2_mobileone(name):
    return name.replace("base_model.", "backbone.").replace("new_fc", "cls_head.fc_cls")


def mit_online(name):
    """The online network of the release's demo marks nothing as shifted."""
    return name.replace("base_model.", "").replace(".net.", ".").replace("new_fc", "classifier")


def paddlevideo(name):
    name = name.replace("_batch_norm.running_mean", "_batch_norm._mean")
    name = name.replace("_batch_norm.running_var", "_batch_norm._variance")
    return name.replace("base_model.", "backbone.").replace("new_fc", "head.fc")


def rename_all(naming, arch, names):
    """{name in the MIT release: name in the naming}."""
    if naming == "mmaction2" and arch == "mobilenetv2":
        return mmaction2_mobilenet(names)
    rules = {
        "mit": lambda name: name,
        "mit-classifier": lambda name: name.replace("new_fc", "base_model.classifier"),
        "mit-online": mit_online,
        "mmaction2": mmaction2_mobileone if arch == "mobileone" else mmaction2_resnet,
        "torchvision": lambda name: name.replace("base_model.", "").replace("new_fc", "fc"),
        "paddlevideo": paddlevideo,
    }
    return {name: rules[naming](name) for name in names}


def to_naming(naming, arch, state):
    """A state dict in the names, and the orders of dimensions, of a naming."""
    names = rename_all(naming, arch, list(state))
    turned = TRANSPOSED.get(naming, ())
    return {names[key]: value.t() if key in turned else value for key, value in state.items()}


def from_naming(naming, arch, stored, like):
    """The reverse: what a file holds, for the network whose state dict is `like`."""
    names = rename_all(naming, arch, list(like))
    turned = TRANSPOSED.get(naming, ())
    return {key: stored[name].t() if key in turned else stored[name]
            for key, name in names.items() if name in stored}
