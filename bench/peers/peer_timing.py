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

CLASSES, SEGMENTS, EDGE, WIDTH = 400, 8, 224, 64


def parser(about):
    """The flags that every peer has; a peer adds its own."""
    flags = argparse.ArgumentParser(description=about)
    flags.add_argument("--model", choices=("tsm", "tsn"), nargs="+", default=["tsm", "tsn"])
    flags.add_argument("--arch", default="resnet50")
    flags.add_argument("--batch", type=int, default=1, help="clips")
    flags.add_argument("--threads", type=int, default=os.cpu_count())
    flags.add_argument("--warmup", type=int, default=5, help="runs")
    flags.add_argument("--runs", type=int, default=20)
    flags.add_argument("--json", metavar="FILE",
                       help="append the JSON lines there, and print a line to read")
    small = flags.add_argument_group("for a dry run")
    small.add_argument("--segments", type=int, default=SEGMENTS, help="frames a clip")
    small.add_argument("--edge", type=int, default=EDGE, help="pixels")
    small.add_argument("--width", type=int, default=WIDTH, help="channels of layer1")
    return flags


def shape_of(options):
    """Of the clips: (N,T,C,H,W)."""
    return (options.batch, options.segments, 3, options.edge, options.edge)


def build_torch(options, model):
    """The network with its random initial weights, seeded, ready to run."""
    import torch
    from tsm_torch import TSM
    torch.manual_seed(0)
    div = 8 if model == "tsm" else 0
    return TSM(options.arch, CLASSES, options.segments, div, width=options.width).eval()


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
    facts = {
        **facts, "model": "%s-%s" % (model, options.arch), "batch": options.batch,
        "segments": options.segments, "edge": options.edge, "width": options.width,
        "threads": options.threads, "runs": options.runs,
        "clips_per_s": round(options.batch / median, 3),
        "latency_ms_p50": round(1000 * median, 3),
        "latency_ms_min": round(1000 * min(seconds), 3),
        "latency_ms_max": round(1000 * max(seconds), 3),
    }
    if not options.json:
        print(json.dumps(facts), flush=True)
        return
    with open(options.json, "a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")
    print("%(peer)s %(model)s %(precision)s batch %(batch)d: %(clips_per_s).1f clips/s, "
          "p50 %(latency_ms_p50).3f ms" % facts
          + (", compiled: %s" % facts["compile"] if facts.get("compile") else ""), flush=True)
