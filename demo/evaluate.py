#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classifies unseen clips with the demo's TSM and TSN and prints a table.

    evaluate.py TSM_BINARY [--count 700] [--seed 11] [--python PYTHON]
                [--clips DIR --list FILE] [-- MORE FLAGS FOR tsm]

Standard library only; PYTHON (this interpreter by default) renders the clips
and needs numpy. --clips and --list take clips that make_clips.py wrote before.

A pair of classes differs in the order of time alone. `pair` is how often the
answer was of the right pair, `within` how often such an answer was the right
one of the two: 50% is what a network that does not see the order gets.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 50      # clips a command line


def make_clips(options, folder):
    list_path = os.path.join(folder, "list.txt")
    subprocess.run([options.python, os.path.join(HERE, "train", "make_clips.py"),
                    "--out", folder, "--count", str(options.count),
                    "--seed", str(options.seed), "--list", list_path], check=True)
    return list_path


def read_list(folder, list_path):
    """[(path, class)]"""
    with open(list_path, encoding="utf-8") as file:
        rows = [line.rsplit(None, 1) for line in file if line.strip()]
    return [(os.path.join(folder, name), int(label)) for name, label in rows]


def classify(options, model, paths):
    """{path: (index, label)} of the best class, from one JSON object a line."""
    best = {}
    for begin in range(0, len(paths), CHUNK):
        command = [options.tsm, "classify", "--model", model, "--json"]
        command += options.flags + paths[begin:begin + CHUNK]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        for line in done.stdout.decode("utf-8").splitlines():
            if line.strip():
                answer = json.loads(line)
                top = answer["top"][0]
                best[answer["input"]] = (top["index"], top["label"])
    return best


class Score:
    """Counts of one row of the table."""

    def __init__(self):
        self.clips = self.paired = self.right = 0

    def add(self, truth, guess):
        self.clips += 1
        self.paired += truth // 2 == guess // 2
        self.right += truth == guess

    def percents(self):
        within = self.right / self.paired if self.paired else 0.0
        return [100.0 * self.right / self.clips,
                100.0 * self.paired / self.clips, 100.0 * within]


def score(truths, best):
    """{None: overall, pair: its score}"""
    scores = {None: Score()}
    for path, truth in truths:
        guess = best[path][0]
        scores[None].add(truth, guess)
        scores.setdefault(truth // 2, Score()).add(truth, guess)
    return scores


def pair_names(model):
    """Labels from the header of the model file, joined by pairs."""
    with open(model, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length).decode("utf-8"))
    labels = header["__metadata__"]["labels"].split("\n")
    return {i // 2: labels[i] + " / " + labels[i + 1] for i in range(0, len(labels), 2)}


def print_table(names, tsm, tsn):
    head = "%-46s %5s  %6s %6s %6s  %6s %6s %6s"
    row = "%-46s %5d" + 2 * "  %5.1f%% %5.1f%% %5.1f%%"
    print(head % ("", "", "TSM", "", "", "TSN", "", ""))
    print(head % ("classes", "clips", *2 * ("right", "pair", "within")))
    for key in sorted(k for k in tsm if k is not None):
        print(row % (names[key], tsm[key].clips, *tsm[key].percents(),
                     *tsn[key].percents()))
    print(row % ("all", tsm[None].clips, *tsm[None].percents(),
                 *tsn[None].percents()))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tsm", help="path of the tsm command")
    parser.add_argument("--count", type=int, default=700)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--clips", help="folder of clips made before")
    parser.add_argument("--list", help="their list")
    parser.add_argument("--models", default=os.path.join(HERE, "models"))
    parser.add_argument("flags", nargs="*", help="passed on to tsm, after --")
    return parser.parse_args()


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(prefix="tsm-demo-") as folder:
        if options.clips:
            truths = read_list(options.clips, options.list)
        else:
            truths = read_list(folder, make_clips(options, folder))
        paths = [path for path, _ in truths]
        results = []
        for name in ("tsm", "tsn"):
            model = os.path.join(options.models, name + "-demo.safetensors")
            results.append(score(truths, classify(options, model, paths)))
    print_table(pair_names(model), *results)


if __name__ == "__main__":
    main()
