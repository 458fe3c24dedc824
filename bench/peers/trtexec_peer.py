#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TensorRT through trtexec, where that is installed: the ONNX model of
export_onnx.py, whose latency trtexec measures itself, and a row as compare.py's.

    trtexec_peer.py MODEL.onnx [--precision fp16] [--seconds 5]
"""

import argparse
import json
import re
import shutil
import subprocess


def main():
    flags = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    flags.add_argument("model")
    flags.add_argument("--precision", choices=("fp32", "tf32", "fp16", "bf16", "int8"), default="fp16")
    flags.add_argument("--batch", type=int, default=1, help="clips in the model's input")
    flags.add_argument("--seconds", type=int, default=5)
    options = flags.parse_args()
    if not shutil.which("trtexec"):
        raise SystemExit("trtexec is not installed here")
    command = ["trtexec", "--onnx=" + options.model, "--useCudaGraph", "--warmUp=500",
               "--duration=%d" % options.seconds]
    if options.precision == "fp32":
        command.append("--noTF32")
    elif options.precision != "tf32":
        command.append("--" + options.precision)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"GPU Compute Time: min = ([\d.]+) ms, max = ([\d.]+) ms, mean = [\d.]+ ms, "
                      r"median = ([\d.]+) ms", done.stdout)
    if done.returncode or not found:
        raise SystemExit("trtexec failed: " + (done.stderr or done.stdout)[-500:])
    least, most, median = (float(text) for text in found.groups())
    print(json.dumps({"peer": "trtexec", "model": options.model, "precision": options.precision,
                      "batch": options.batch, "clips_per_s": options.batch * 1000 / median,
                      "latency_ms": {"p50": median, "min": least, "max": most}}))


if __name__ == "__main__":
    main()
