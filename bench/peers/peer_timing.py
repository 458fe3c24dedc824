# SPDX-License-Identifier: Apache-2.0
"""What the peer benches share: flags, warm-up, the median of runs, and the
JSON line they print. A run is one batch of clips, from input tensor to logits."""

import argparse
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "demo", "train"))

CLASSES, SEGMENTS, EDGE = 400, 8, 224


def parser(about):
    """The flags that every peer has; a peer adds its own."""
    flags = argparse.ArgumentParser(description=about)
    flags.add_argument("--model", choices=("tsm", "tsn"), nargs="+", default=["tsm", "tsn"])
    flags.add_argument("--arch", default="resnet50")
    flags.add_argument("--batch", type=int, default=1, help="clips")
    flags.add_argument("--threads", type=int, default=os.cpu_count())
    flags.add_argument("--warmup", type=int, default=5, help="runs")
    flags.add_argument("--runs", type=int, default=20)
    return flags


def build_torch(options, model):
    """The network with its random initial weights, seeded, ready to run."""
    import torch
    from tsm_torch import TSM
    torch.manual_seed(0)
    div = 8 if model == "tsm" else 0
    return TSM(options.arch, CLASSES, SEGMENTS, div).eval()


def measure(run, options):
    """Seconds of each run; `run` returns when its result is there."""
    for _ in range(options.warmup):
        run()
    seconds = []
    for _ in range(options.runs):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return seconds


def report(seconds, options, model, **facts):
    """Prints one JSON object: rates come from the median, not the mean."""
    median = statistics.median(seconds)
    print(json.dumps({
        **facts, "model": "%s-%s" % (model, options.arch), "batch": options.batch,
        "segments": SEGMENTS, "edge": EDGE, "threads": options.threads,
        "runs": options.runs, "clips_per_s": round(options.batch / median, 3),
        "latency_ms_p50": round(1000 * median, 3),
        "latency_ms_min": round(1000 * min(seconds), 3),
        "latency_ms_max": round(1000 * max(seconds), 3),
    }), flush=True)
