#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that the command `tsm` computes what PyTorch does: every network and naming at full width, with random
weights, in files as PyTorch and the releases write them, at 8 and 16 segments, 224x224 and another size. Needs
PyTorch.

    prove.py TSM_BINARY [--networks PATTERN] [--device cpu] [--json OUT] [--work DIR]

For every file and clip: logits of `tsm run` within TOLERANCE of a float64 run, relative to the largest, and the same
best class; the file that `tsm convert` makes of it gives the same logits to the bit, and converts to itself. Prints a
row a clip, as Markdown; exits 1 where anything fails. Files are deleted as soon as they have been run.
"""

import argparse
import copy
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "demo", "train"))

from online_torch import frame_logits, look_back_only  # noqa: E402
from prove_clips import random_clip  # noqa: E402
from prove_networks import CASES, make_network, save_network  # noqa: E402

TOLERANCE = 2e-4
SEGMENTS = (8, 16)
RELEASES = {"mit": "MIT", "mit-online": "MIT, bare", "mmaction2": "mmaction2", "torchvision": "torchvision",
            "paddlevideo": "PaddleVideo"}


class Failure(Exception):
    pass


class Tsm:
    """The command, and the folder that it works in."""

    def __init__(self, binary, device, folder):
        self.binary = os.path.abspath(binary)
        self.device = device
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure("tsm %s: status %d: %s" % (arguments[0], done.returncode, done.stderr.strip()))
        return done.stdout

    def run(self, file, clip, *flags):
        self.call("run", "--model", self.path(file), "--input", self.path(clip), "--output", self.path("logits.npy"),
                  "--device", self.device, *flags)
        return np.load(self.path("logits.npy"))

    def info(self, file):
        return json.loads(self.call("info", "--json", self.path(file)))


def references(case, model, clip):
    """(kind of run, its flags, float64 logits) of every way to run a network on a clip."""
    with torch.no_grad():
        clip = torch.from_numpy(clip).double()
        yield "", (), model.double()(clip).numpy()
        if case.streams:
            yield "live", ("--online",), frame_logits(look_back_only(copy.deepcopy(model)), clip).numpy()


def difference(got, want):
    """The worst, relative to the largest logit; fails where it is too much or another class is best."""
    if got.dtype != np.float32 or got.shape != want.shape:
        raise Failure("logits are %s %s, want float32 %s" % (got.dtype, got.shape, want.shape))
    worst = float(np.abs(got - want).max() / np.abs(want).max())
    if not worst <= TOLERANCE:
        raise Failure("differs by %.2e of the largest logit" % worst)
    if (got.argmax(-1) != want.argmax(-1)).any():
        raise Failure("another class is best")
    return worst


def same_bits(what, got, want):
    if got != want:
        raise Failure(what)


def prove_clip(tsm, case, model, clip):
    """Yields (kind of run, difference)."""
    file = case.file.format(T=model.segments)
    np.save(tsm.path("clip.npy"), clip)
    for kind, flags, want in references(case, model, clip):
        got = tsm.run(file, "clip.npy", *flags)
        worst = difference(got, want)
        again = tsm.run("converted.safetensors", "clip.npy", *flags)
        same_bits("the converted file gives other logits", again.tobytes(), got.tobytes())
        yield kind, worst


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def convert(tsm, file):
    first, second = "converted.safetensors", "again.safetensors"
    tsm.call("convert", tsm.path(file), tsm.path(first))
    tsm.call("convert", tsm.path(first), tsm.path(second))
    same_bits("the converted file does not convert to itself", read_bytes(tsm.path(second)),
              read_bytes(tsm.path(first)))
    os.remove(tsm.path(second))


def prove_file(tsm, case, segments):
    """Yields (clip's shape, kind of run, difference) of one checkpoint."""
    file = case.file.format(T=segments)
    model = make_network(case, segments)
    save_network(case, model, tsm.path(file))
    if case.says_segments and tsm.info(file)["segments"] != segments:
        raise Failure("info says %d segments" % tsm.info(file)["segments"])
    convert(tsm, file)
    for size, clips in (((224, 224), 1), (case.size, 2 if segments == 8 else 1)):
        shape = (clips, segments, case.channels, *size)
        clip = random_clip(shape, seed=segments + size[0])
        for kind, worst in prove_clip(tsm, case, model, clip):
            yield shape, kind, worst


def prove_case(tsm, case, segments):
    """Prints and returns the rows of a checkpoint; the last says what failed."""
    start = time.monotonic()
    head = {"network": case.network, "names": RELEASES[case.naming], "file": case.file.format(T=segments),
            "container": case.container, "segments": segments}
    rows = []
    try:
        for shape, kind, worst in prove_file(tsm, case, segments):
            rows.append({**head, "clip": shape, "run": kind, "difference": worst})
    except Failure as failure:
        rows.append({**head, "failure": str(failure)})
    for name in os.listdir(tsm.folder):
        os.remove(tsm.path(name))
    for row in rows:
        print_row(row)
    print("%s, %d segments: %.0f s" % (case.network, segments, time.monotonic() - start), file=sys.stderr)
    return rows


def print_row(row):
    if "failure" in row:
        clip, result = "%d frames" % row["segments"], "**%s**" % row["failure"]
    else:
        n, t, _, height, width = row["clip"]
        clip = "%s%d x %dx%d" % ("%d x " % n if n > 1 else "", t, height, width)
        result = "%.1e" % row["difference"]
    network = row["network"] + (", " + row["run"] if row.get("run") else "")
    print("| %s | %s, %s | %s | %s |" % (network, row["names"], row["container"], clip, result), flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description="Proves `tsm` against PyTorch in float64.")
    parser.add_argument("binary", metavar="TSM_BINARY")
    parser.add_argument("--networks", metavar="PATTERN", default="*",
                        help="only those whose network or file fits, such as '*ResNet-50*'")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", metavar="OUT", help="write all rows there")
    parser.add_argument("--work", metavar="DIR", help="folder for a network's files, up to 1 GB at a time")
    return parser.parse_args()


def main():
    options = parse_arguments()
    cases = [case for case in CASES if fnmatch.fnmatch(case.network, options.networks)
             or fnmatch.fnmatch(case.file, options.networks)]
    if not cases:
        raise SystemExit("no network fits %s" % options.networks)
    if not os.access(options.binary, os.X_OK):
        raise SystemExit("%s: no program" % options.binary)
    print("| Network | File | Clip | Difference |\n|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        tsm = Tsm(options.binary, options.device, folder)
        for case in cases:
            for segments in SEGMENTS:
                rows += prove_case(tsm, case, segments)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "device": options.device, "tolerance": TOLERANCE, "rows": rows},
                      file, indent=1)
    failures = sum("failure" in row for row in rows)
    print("\n%d runs, %d failures" % (len(rows), failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
