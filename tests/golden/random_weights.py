# SPDX-License-Identifier: Apache-2.0
"""Random weights for networks that nobody trained: such that every mistake in reading or folding them shows, and
that activations stay in the range of a trained network's."""

import torch
from torch import nn

from mobilenet_torch import InvertedResidual
from mobileone_torch import Block
from nonlocal_torch import NonLocal
from pptsm_torch import Bottleneck

CONVS = (nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)


def uniform_(tensor, low, high, generator):
    with torch.no_grad():
        tensor.copy_(low + (high - low) * torch.rand(
            tensor.shape, generator=generator, dtype=tensor.dtype))


def randomise(model, generator):
    """Fan-in scaled weights and BatchNorm statistics that no folding mistake
    survives: every gamma, beta, mean and variance is its own."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, CONVS):
                fan_in = module.weight[0].numel()
                noise = torch.randn(module.weight.shape, generator=generator,
                                    dtype=module.weight.dtype)
                module.weight.copy_(noise * (2.0 / fan_in) ** 0.5)
                if module.bias is not None:
                    uniform_(module.bias, -0.3, 0.3, generator)
            elif isinstance(module, NORMS):
                uniform_(module.weight, 0.7, 1.3, generator)
                uniform_(module.bias, -0.3, 0.3, generator)
                uniform_(module.running_mean, -0.3, 0.3, generator)
                uniform_(module.running_var, 0.5, 2.0, generator)
    calm_branches(model)
    calm_blocks(model)
    calm_products(model)
    calm_gaussian(model)
    wake_clipping(model)


def last_norm(block):
    """Of a residual branch; None where `block` is no residual block."""
    if isinstance(block, InvertedResidual):
        return block.conv[-1]
    if isinstance(block, Bottleneck):
        return block.conv2._batch_norm
    if hasattr(block, "downsample"):
        return block.bn3 if hasattr(block, "bn3") else block.bn2
    return None


def calm_branches(model):
    """Random residual branches double the variance a block; smaller last
    gammas keep fifty blocks within a small range, as training would."""
    norms = [norm for norm in map(last_norm, model.modules()) if norm is not None]
    scale = min(0.5, 2.0 / max(len(norms), 1) ** 0.5)
    with torch.no_grad():
        for norm in norms:
            norm.weight.mul_(scale)


def calm_blocks(model):
    """Forty normalised layers in a row make chaos of rounding errors. Where a block of MobileOne has a branch that is
    batch norm alone, that passes on what it reads, and the others add less to it."""
    with torch.no_grad():
        for block in model.modules():
            if isinstance(block, Block) and hasattr(block, "branch_norm"):
                norm, *others = block.branches()
                norm.bias.mul_(0.3).add_(norm.running_mean * norm.weight)
                norm.weight.mul_((norm.running_var + norm.eps).sqrt())
                for branch in others:
                    branch.norm.weight.mul_(0.4)


def calm_products(model):
    """A softmax over products of many channels would be a mere maximum, and without one what a non-local block adds
    goes with the third power of what it reads: smaller factors keep both in hand."""
    with torch.no_grad():
        for block in model.modules():
            if not isinstance(block, NonLocal):
                continue
            block.W[1].weight.mul_(0.3)
            if block.mode == "dot_product":
                block.g[0].weight.mul_(0.1)
            if block.mode != "gaussian":
                for conv in (block.theta, block.phi[0]):
                    conv.weight.mul_(conv.out_channels ** -0.25)
                    conv.bias.mul_(conv.out_channels ** -0.25)


def calm_gaussian(model):
    """Without convolutions of its own this mode multiplies what the blocks put out, as many terms as there are
    channels: smaller outputs keep the products those of 16 channels."""
    modes = [module.mode for module in model.modules() if isinstance(module, NonLocal)]
    if "gaussian" not in modes:
        return
    backbone = model.base_model
    scale = (16 / backbone.layer3[0].block.conv1.net.in_channels) ** 0.5
    for stage in (backbone.layer2, backbone.layer3):
        for module in stage.modules():
            norms = [last_norm(module)]
            if getattr(module, "downsample", None) is not None:
                norms.append(module.downsample[1])
            if isinstance(module, NonLocal):
                norms.append(module.W[1])
            for norm in filter(None, norms):
                with torch.no_grad():
                    norm.weight.mul_(scale)
                    norm.bias.mul_(scale)


def wake_clipping(model):
    """ReLU6 differs from ReLU above 6 only, which random layers seldom reach."""
    with torch.no_grad():
        for block in model.modules():
            if isinstance(block, nn.Sequential):
                for norm, act in zip(list(block)[1:], list(block)[2:]):
                    if isinstance(act, nn.ReLU6):
                        norm.weight.mul_(1.6)


def settle_norms(model, clips, generator):
    """Statistics as training leaves them, for networks that random ones would make explode: what `clips` give, then
    moved, as no two clips give the same."""
    norms = [m for name, m in model.named_modules()
             if isinstance(m, NORMS) and not name.endswith("branch_norm")]
    with torch.no_grad():
        for norm in norms:
            norm.train()
            norm.momentum = 1.0     # the last batch counts alone
        model(clips)
        model.eval()
        for norm in norms:
            variance, noise = norm.running_var, torch.rand((2, norm.num_features), generator=generator)
            variance.clamp_(min=0.2 * float(variance.mean()))   # of channels that hardly ever are above zero
            norm.running_mean.add_(variance.sqrt() * (0.4 * noise[0] - 0.2))
            variance.mul_(0.75 + 0.6 * noise[1])
