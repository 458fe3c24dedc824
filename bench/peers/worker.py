# SPDX-License-Identifier: Apache-2.0
"""What the peers that take turns share: their flags, and the conversation with
compare.py, which is that of `tsm-bench turns`. A peer says "ready VERSION";
"run" is answered by the milliseconds of a run, "logits FILE" by "done" once the
logits of the latest run are in the file."""

import argparse
import sys
import time

import numpy as np


def parse(about):
    flags = argparse.ArgumentParser(description=about)
    flags.add_argument("--model", required=True, help="ONNX, or safetensors for PyTorch")
    flags.add_argument("--input", required=True, help="float32 (N,T,3,H,W)")
    flags.add_argument("--precision", default="fp32")
    flags.add_argument("--batch", type=int, default=1)
    flags.add_argument("--segments", type=int, default=8)
    flags.add_argument("--size", type=int, default=224)
    flags.add_argument("--threads", type=int, default=2)
    flags.add_argument("--no-shift", action="store_true", help="for PyTorch")
    flags.add_argument("--compile", action="store_true", help="for PyTorch")
    return flags.parse_args()


def clips_of(options):
    shape = (options.batch, options.segments, 3, options.size, options.size)
    return np.fromfile(options.input, dtype="<f4").reshape(shape)


def answer(version, run):
    """`run` returns the logits."""
    print("ready", version, flush=True)
    logits = None
    for line in sys.stdin:
        word, _, path = line.strip().partition(" ")
        if word == "run":
            begin = time.perf_counter()
            logits = run()
            print("%.6f" % (1000 * (time.perf_counter() - begin)), flush=True)
        elif word == "logits":
            np.asarray(logits, dtype="<f4").tofile(path)
            print("done", flush=True)
        else:
            raise SystemExit("no command " + line)
