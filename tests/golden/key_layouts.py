"""Tensor names of other releases for networks whose names are the MIT release's."""

import re

from mobilenet_torch import STAGES


def mmaction2_resnet(name):
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


def rename_all(layout, arch, names):
    """{name in the MIT release: name in the layout}."""
    if layout == "mmaction2" and arch == "mobilenetv2":
        return mmaction2_mobilenet(names)
    rules = {
        "mit": lambda name: name,
        "mit-classifier": lambda name: name.replace("new_fc", "base_model.classifier"),
        "mmaction2": mmaction2_resnet,
        "torchvision": lambda name: name.replace("base_model.", "").replace("new_fc", "fc"),
    }
    return {name: rules[layout](name) for name in names}
