#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libtsm beside ONNX Runtime, OpenVINO and PyTorch on a CPU: the same weights, the
same input, logits compared before anything is timed, and then in turns, one run
each, so that a busy machine slows all of them. Idle ones wait for their turn
without taking time from the others.

    compare.py TSM_BENCH [--model resnet50 resnet18] [--batch 1 4] [--network TSM TSN]
               [--peers libtsm:fp32 onnxruntime:int8 ...] [--seconds 20] [--output FILE.json]

Prints a table; FILE.json is a result for `tsm-bench plot` and `tsm-bench compare`.
Needs the packages of requirements.txt: script/peers sets them up and calls this.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = {"onnxruntime": "onnxruntime_peer.py", "openvino": "openvino_peer.py",
           "pytorch": "pytorch_peer.py", "torch.compile": "pytorch_peer.py"}
ALL = ("libtsm:fp32", "libtsm:bf16", "libtsm:int8", "onnxruntime:fp32", "onnxruntime:int8",
       "openvino:fp32", "openvino:bf16", "openvino:int8", "pytorch:fp32", "pytorch:bf16",
       "torch.compile:fp32")
# Largest difference of a logit from libtsm's in fp32, as a part of the largest. Eight
# bits of random weights keep what they keep: theirs is shown, and only nonsense refused.
TOLERANCES = {"fp32": 1e-3, "bf16": 0.2, "int8": 1.0}
PAUSE_S = 0.03


class Peer:
    """A process that runs when it is told to."""

    def __init__(self, name, precision, command, env=None):
        self.name, self.precision, self.ms = name, precision, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            lines = self.process.stderr.read().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "it ended")
        self.version = line[6:].strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            lines = self.process.stderr.read().strip().splitlines()
            raise RuntimeError(lines[-1] if lines else "it ended")
        return answer.strip()

    def run(self):
        return float(self.ask("run"))

    def logits(self, folder):
        path = os.path.join(folder, "logits.f32")
        self.ask("logits " + path)
        return np.fromfile(path, dtype="<f4")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Files:
    """Models and inputs, made once and kept in a folder."""

    def __init__(self, tsm_bench, folder):
        self.tsm_bench, self.folder = tsm_bench, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def weights(self, arch):
        path = self.path(arch + ".safetensors")
        if not os.path.exists(path):
            subprocess.run([self.tsm_bench, "make", arch, path], check=True)
        return path

    def clips(self, batch, size):
        path = self.path("clips-%d-%d.f32" % (batch, size))
        if not os.path.exists(path):
            rng = np.random.default_rng(1)
            rng.standard_normal((batch, 8, 3, size, size), dtype=np.float32).tofile(path)
        return path

    def onnx(self, arch, network, batch, size):
        import onnx
        import export_onnx
        path = self.path("%s-%s-%d-%d.onnx" % (arch, network, batch, size))
        if not os.path.exists(path):
            onnx.save(export_onnx.build(self.weights(arch), batch, size, network == "TSM"), path)
        return path

    def onnx_int8(self, arch, network, batch, size):
        """QDQ, symmetric weights a channel, ranges from the input that is timed."""
        from onnxruntime import quantization as q
        path = self.path("%s-%s-%d-%d-int8.onnx" % (arch, network, batch, size))
        clips = np.fromfile(self.clips(batch, size), dtype="<f4").reshape(batch, 8, 3, size, size)

        class Reader(q.CalibrationDataReader):
            left = [{"clips": clips}]

            def get_next(self):
                return self.left.pop() if self.left else None

        if not os.path.exists(path):
            Reader.left = [{"clips": clips}]
            q.quantize_static(self.onnx(arch, network, batch, size), path, Reader(),
                              quant_format=q.QuantFormat.QDQ, per_channel=True,
                              activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8,
                              op_types_to_quantize=["Conv", "Gemm", "Add", "MaxPool"])
        return path


def command_of(peer, precision, files, point, threads):
    arch, network, batch, size = point
    common = ["--input", files.clips(batch, size), "--precision", precision, "--batch", str(batch),
              "--size", str(size), "--threads", str(threads)]
    if peer == "libtsm":
        more = [] if network == "TSM" else ["--no-shift"]
        return [files.tsm_bench, "turns", "--device", "cpu", "--model", files.weights(arch)] + common + more
    script = [sys.executable, os.path.join(HERE, SCRIPTS[peer])]
    if peer in ("pytorch", "torch.compile"):
        more = [] if network == "TSM" else ["--no-shift"]
        more += ["--compile"] if peer == "torch.compile" else []
        return script + ["--model", files.weights(arch)] + common + more
    make = files.onnx_int8 if precision == "int8" else files.onnx
    return script + ["--model", make(arch, network, batch, size)] + common


def open_peers(options, files, point):
    peers = []
    for word in options.peers:
        name, _, precision = word.partition(":")
        try:
            command = command_of(name, precision or "fp32", files, point, options.threads)
            peers.append(Peer(name, precision or "fp32", command))
        except (RuntimeError, OSError, subprocess.CalledProcessError, ImportError) as why:
            print("%s is left out: %s" % (word, why), file=sys.stderr)
    return peers


def compare_logits(peers, folder):
    """Runs everybody once, against the first; those who compute something else are out."""
    reference, kept = None, []
    for peer in peers:
        try:
            peer.run()
            logits = peer.logits(folder)
        except RuntimeError as why:
            print("%s %s is left out: %s" % (peer.name, peer.precision, why), file=sys.stderr)
            continue
        reference = logits if reference is None else reference
        peer.error = float(np.abs(logits - reference).max() / np.abs(reference).max())
        if peer.error <= TOLERANCES[peer.precision]:
            kept.append(peer)
        else:
            print("%s %s is left out: its logits are off by %.2g" % (peer.name, peer.precision, peer.error),
                  file=sys.stderr)
            peer.close()
    return kept


def take_turns(peers, seconds, least):
    for _ in range(2):
        for peer in peers:
            peer.run()
    begin, rounds = time.monotonic(), 0
    while rounds < least or time.monotonic() - begin < seconds:
        for index in range(len(peers)):
            peer = peers[(index + rounds) % len(peers)]
            time.sleep(PAUSE_S)
            peer.ms.append(peer.run())
        rounds += 1


def row_of(peer, first, point, options):
    arch, network, batch, size = point
    ms = sorted(peer.ms)
    median = statistics.median(ms)
    quartiles = statistics.quantiles(ms, n=4) if len(ms) > 3 else (median, median, median)
    return {
        "peer": peer.name, "name": network, "model": arch, "precision": peer.precision,
        "version": peer.version, "batch": batch, "size": size, "threads": options.threads, "runs": len(ms),
        "clips_per_s": 1000 * batch / median, "spread": (quartiles[2] - quartiles[0]) / median,
        "latency_ms": {"p50": median, "min": ms[0], "max": ms[-1]}, "logit_error": peer.error,
        "against": {"name": first.name + " " + first.precision,
                    "ratio": statistics.median(a / b for a, b in zip(first.ms, peer.ms))},
    }


def print_rows(rows):
    row = rows[0]
    print("\n%s %s, batch %d, %d threads" % (row["model"], row["name"], row["batch"], row["threads"]))
    print("%-14s %-5s %10s %10s %9s %9s %10s  %s"
          % ("", "", "ms", "clips/s", "spread", "of libtsm", "logits off", "version"))
    for row in rows:
        print("%-14s %-5s %10.1f %10.2f %8.1f%% %9.2f %10.1e  %s"
              % (row["peer"], row["precision"], row["latency_ms"]["p50"], row["clips_per_s"],
                 100 * row["spread"], row["against"]["ratio"], row["logit_error"], row["version"]), flush=True)


def machine_of(tsm_bench):
    done = subprocess.run([tsm_bench, "model", "--iters", "1", "--warmup", "0", "--verify", "none", "--json"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["machine"]


def measure(options, files, point):
    peers = open_peers(options, files, point)
    peers = compare_logits(peers, files.folder)
    if not peers:
        return []
    take_turns(peers, options.seconds, options.rounds)
    rows = [row_of(peer, peers[0], point, options) for peer in peers]
    for peer in peers:
        peer.close()
    print_rows(rows)
    return rows


def parse():
    flags = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    flags.add_argument("tsm_bench")
    flags.add_argument("--model", nargs="+", default=["resnet50", "resnet18", "mobilenetv2"])
    flags.add_argument("--network", nargs="+", choices=("TSM", "TSN"), default=["TSM"])
    flags.add_argument("--batch", nargs="+", type=int, default=[1])
    flags.add_argument("--size", type=int, default=224)
    flags.add_argument("--peers", nargs="+", default=list(ALL))
    flags.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    flags.add_argument("--seconds", type=float, default=20, help="a point")
    flags.add_argument("--rounds", type=int, default=5, help="at least, a point")
    flags.add_argument("--work", help="folder for models, kept; else a temporary one")
    flags.add_argument("--prepare", action="store_true", help="only make the models")
    flags.add_argument("--output", metavar="FILE.json")
    return flags.parse_args()


def run(options, folder):
    files = Files(os.path.abspath(options.tsm_bench), folder)
    points = [(arch, network, batch, options.size) for arch in options.model
              for batch in options.batch for network in options.network]
    rows = []
    for point in points:
        if options.prepare:
            for word in options.peers:
                name, _, precision = word.partition(":")
                command_of(name, precision, files, point, options.threads)
        else:
            rows += measure(options, files, point)
    if options.output and rows:
        document = {"command": "peers", "machine": machine_of(files.tsm_bench), "rows": rows}
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")


def main():
    options = parse()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        return run(options, options.work)
    with tempfile.TemporaryDirectory(prefix="tsm-peers-") as folder:
        return run(options, folder)


if __name__ == "__main__":
    main()
