#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clips a second of TSM and TSN in ONNX Runtime, on the CPU or on CUDA.

    onnxruntime_tsm.py [--device cuda] [--precision fp16] [--batch 8]

The networks are exported from the PyTorch definition with a fixed batch, so
the runtime sees constant shapes and folds what it can. Needs torch, onnx and
onnxruntime (or onnxruntime-gpu).
"""

import os
import tempfile

import numpy as np
import onnxruntime
import torch

import peer_timing as timing

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
DTYPES = {"fp32": (torch.float32, np.float32), "fp16": (torch.float16, np.float16)}


def export(options, name, path):
    dtype, _ = DTYPES[options.precision]
    model = timing.build_torch(options, name).to(dtype)
    clips = torch.zeros(timing.shape_of(options), dtype=dtype)
    # The tracing exporter needs nothing but onnx, and keeps shapes constant.
    torch.onnx.export(model, (clips,), path, input_names=["clips"],
                      output_names=["logits"], opset_version=17, dynamo=False)


def open_session(options, path):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(
        path, settings, providers=[PROVIDERS[options.device]])
    used = session.get_providers()[0]
    if used != PROVIDERS[options.device]:
        raise SystemExit("onnxruntime fell back to " + used)
    return session


def bind(options, session):
    """Input and output stay on the device: transfers are not measured."""
    _, dtype = DTYPES[options.precision]
    rng = np.random.default_rng(0)
    clips = rng.standard_normal(timing.shape_of(options), dtype=np.float32).astype(dtype)
    binding = session.io_binding()
    binding.bind_ortvalue_input("clips", onnxruntime.OrtValue.ortvalue_from_numpy(
        clips, options.device, 0))
    binding.bind_output("logits", options.device)
    return binding


def bench(options, name, folder):
    path = os.path.join(folder, name + ".onnx")
    export(options, name, path)
    session = open_session(options, path)
    binding = bind(options, session)

    def run():
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    seconds = timing.measure(run, options)
    device = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    timing.report(seconds, options, name, peer="onnxruntime",
                  version=onnxruntime.__version__, device=device,
                  precision=options.precision)


def main():
    flags = timing.parser(__doc__.split("\n")[0])
    flags.add_argument("--device", choices=sorted(PROVIDERS), default="cpu")
    flags.add_argument("--precision", choices=sorted(DTYPES), default="fp32")
    options = flags.parse_args()
    with tempfile.TemporaryDirectory(prefix="tsm-ort-") as folder:
        for name in options.model:
            bench(options, name, folder)


if __name__ == "__main__":
    main()
