#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clips a second of TSM and TSN in PyTorch, on the CPU or on a CUDA device.

    pytorch.py [--device cuda] [--precision bf16] [--channels-last] [--fold]
               [--compile [max-autotune]] [--batch 8] [--threads 16]

--fold merges each BatchNorm into its convolution first, as an engine would.
--compile goes through torch.compile; where that fails in the mode asked for
it is tried in mode "default", then done without, and the output says so:
"compile" is the mode that ran, "compile_failed" why another did not.
"""

import sys
import time

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

import peer_timing as timing

DTYPES = {"fp32": torch.float32, "tf32": torch.float32,
          "fp16": torch.float16, "bf16": torch.bfloat16}


def fold_norms(model):
    """Every pair (convN, bnN), (downsample.0, downsample.1) becomes one layer."""
    for module in list(model.modules()):
        for conv, norm in (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"),
                           ("0", "1")):
            bn = getattr(module, norm, None)
            if not isinstance(bn, torch.nn.BatchNorm2d):
                continue
            holder, name = module, conv
            if hasattr(getattr(module, conv), "net"):
                holder, name = getattr(module, conv), "net"
            setattr(holder, name, fuse_conv_bn_eval(getattr(holder, name), bn))
            setattr(module, norm, torch.nn.Identity())


def prepare(options, name):
    model = timing.build_torch(options, name)
    if options.fold:
        fold_norms(model)
    model = model.to(options.device, DTYPES[options.precision])
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
    return model


def compile_model(model, clips, mode):
    """The model to run, and facts for the report. Compilation is lazy: the first
    run is what fails, for lack of a C compiler or of Triton, say."""
    facts = {"compile": None}
    for attempt in dict.fromkeys((mode, "default")):
        begin = time.perf_counter()
        try:
            compiled = torch.compile(model, mode=attempt)
            compiled(clips)
        except Exception as error:  # whatever the compilers below raise
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            print("torch.compile, %s: %s" % (attempt, why), file=sys.stderr)
            facts.setdefault("compile_failed", "%s: %s" % (attempt, why))
            torch._dynamo.reset()
            continue
        facts.update(compile=attempt, compile_s=round(time.perf_counter() - begin, 1))
        return compiled, facts
    return model, facts


def make_input(options):
    shape = timing.shape_of(options)
    clips = torch.randn(shape).to(options.device, DTYPES[options.precision])
    if not options.channels_last:
        return clips
    frames = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return frames.view(shape)


def bench(options, name):
    model, clips = prepare(options, name), make_input(options)

    def run():
        model(clips)
        if options.device == "cuda":
            torch.cuda.synchronize()

    facts = {"compile": None}
    with torch.inference_mode():
        if options.compile:
            model, facts = compile_model(model, clips, options.compile)
        seconds = timing.measure(run, options)
    device = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    timing.report(
        seconds, options, name, peer="pytorch", version=torch.__version__,
        device=device, precision=options.precision,
        channels_last=options.channels_last, fold=options.fold, **facts)


def main():
    flags = timing.parser(__doc__.split("\n")[0])
    default = "cuda" if torch.cuda.is_available() else "cpu"
    flags.add_argument("--device", choices=("cpu", "cuda"), default=default)
    flags.add_argument("--precision", choices=sorted(DTYPES), default="fp32")
    flags.add_argument("--channels-last", action="store_true")
    flags.add_argument("--compile", nargs="?", const="max-autotune", metavar="MODE",
                       choices=("default", "reduce-overhead", "max-autotune",
                                "max-autotune-no-cudagraphs"))
    flags.add_argument("--fold", action="store_true")
    options = flags.parse_args()
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision(
        "high" if options.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = options.precision == "tf32"
    for name in options.model:
        bench(options, name)


if __name__ == "__main__":
    main()
