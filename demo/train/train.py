#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the demo's TSM and its TSN twin on rendered clips, on a CPU.

    train.py --out demo/models [--clips 14000] [--steps 3000] [--seed 1]
             [--networks tsm,tsn] [--jobs 2]

All networks have the same architecture, data, order of batches, random
numbers and schedule; only the shift differs. They train side by side, a
process with one thread each. The first part of the schedule runs at a lower
resolution, where a step costs half as much.
"""

import argparse
import json
import math
import multiprocessing
import os
import tempfile
import time

import numpy as np
import torch

import dataset
import scene
from safetensors_io import load_safetensors, save_safetensors
from tsm_torch import TSM

ARCH, WIDTH = "resnet18", 16
# name -> (shift_div, shift_place): 1/div of the channels move each way, so that
# the names say how many move in all; those of "tsm" are a quarter.
NETWORKS = {
    "tsm": (8, "blockres"),
    "tsn": (0, "blockres"),
    "tsm-inplace": (8, "block"),
    "tsm-half": (4, "blockres"),
    "tsm-eighth": (16, "blockres"),
    "tsm-sixteenth": (32, "blockres"),
}
LOW_EDGE, LOW_PART = 64, 0.5    # resolution, and part of the steps spent there


def build(shift_div, shift_place):
    torch.manual_seed(0)        # all start from the same weights
    return TSM(ARCH, len(scene.LABELS), dataset.SEGMENTS, shift_div,
               shift_place, WIDTH)


def learning_rate(step, steps, peak):
    warm = 0.08 * steps
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def make_optimiser(model, weight_decay=0.05):
    """Norms and biases are not decayed."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    return torch.optim.AdamW([
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0}])


def train_step(model, optimiser, x, labels):
    with torch.autocast("cpu", torch.bfloat16):
        frames = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        logits = model(frames.view(*x.shape))
    loss = torch.nn.functional.cross_entropy(logits.float(), labels,
                                             label_smoothing=0.05)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return loss.item(), float((logits.argmax(1) == labels).float().mean())


def batches(count, size, rng):
    """Endless index batches, each clip once an epoch."""
    while True:
        order = rng.permutation(count)
        for begin in range(0, count - size + 1, size):
            yield order[begin:begin + size]


def train(name, pool_path, options):
    torch.set_num_threads(options.threads)
    pool = dataset.open_pool(pool_path, dataset.STORED)
    model = build(*NETWORKS[name]).to(memory_format=torch.channels_last).train()
    optimiser = make_optimiser(model)
    rng = np.random.default_rng([options.seed, 99])
    stream = batches(len(pool), options.batch, rng)
    started, recent = time.time(), []
    for step in range(options.steps):
        edge = LOW_EDGE if step < LOW_PART * options.steps else dataset.INPUT
        x, labels = dataset.training_batch(pool, next(stream), rng, edge)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, options.steps, options.peak)
        recent.append(train_step(model, optimiser, x, labels))
        if (step + 1) % 50 == 0:
            loss, accuracy = np.mean(recent, axis=0)
            print("%s step %d of %d: loss %.3f, accuracy %.3f, %.0f s" % (
                name, step + 1, options.steps, loss, accuracy,
                time.time() - started), flush=True)
            recent = []
    save(model, os.path.join(options.out, name + "-demo.safetensors"))


def save(model, path):
    resize = dataset.INPUT * 256 // 224
    metadata = model.metadata(
        labels="\n".join(scene.LABELS), input_size=dataset.INPUT,
        resize=resize, mean=",".join(map(str, dataset.MEAN)),
        std=",".join(map(str, dataset.STD)))
    save_safetensors(path, model.state_dict(), metadata, half=True)


def load(path):
    """The network as it will be run: with the weights rounded to fp16."""
    state, metadata = load_safetensors(path)
    model = build(int(metadata["shift_div"]), metadata["shift_place"])
    model.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    return model.eval()


def evaluate(path, pool_path):
    """Accuracies on a pool of unseen clips. Within pairs: of the clips put
    into the right pair, how many were put on the right side of it."""
    model = load(path)
    pool = dataset.open_pool(pool_path, dataset.INPUT)
    truth = np.arange(len(pool)) % len(scene.LABELS)
    guess = np.empty_like(truth)
    with torch.inference_mode():
        for begin in range(0, len(pool), 50):
            x = dataset.normalise(torch.from_numpy(np.array(pool[begin:begin + 50])))
            guess[begin:begin + 50] = model(x).argmax(1).numpy()
    paired = guess // 2 == truth // 2
    right = guess == truth
    return {
        "clips": len(pool), "accuracy": float(right.mean()),
        "pair_accuracy": float(paired.mean()),
        "within_pair": float(right[paired].mean()),
        "by_class": {label: float(right[truth == index].mean())
                     for index, label in enumerate(scene.LABELS)},
    }


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--clips", type=int, default=14000)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=1e-3, help="learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--eval-clips", type=int, default=1400)
    parser.add_argument("--threads", type=int, default=1, help="per network")
    parser.add_argument("--networks", default="tsm,tsn", help=", ".join(NETWORKS))
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    options = parser.parse_args()
    options.networks = options.networks.split(",")
    unknown = [name for name in options.networks if name not in NETWORKS]
    if unknown:
        parser.error("no network is called %s" % ", ".join(unknown))
    return options


def main():
    options = parse_options()
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tsm-demo-") as folder:
        pool, unseen = (os.path.join(folder, n) for n in ("train", "unseen"))
        dataset.render_pool(pool, options.clips, dataset.TRAIN_STREAM,
                            options.seed, dataset.STORED, os.cpu_count())
        dataset.render_pool(unseen, options.eval_clips, dataset.EVAL_STREAM,
                            options.seed, dataset.INPUT, os.cpu_count())
        context = multiprocessing.get_context("spawn")
        # A process a network: each starts from the same state of the library.
        with context.Pool(options.jobs, maxtasksperchild=1) as processes:
            processes.starmap(train, [(name, pool, options) for name in options.networks],
                              chunksize=1)
        for name in options.networks:
            path = os.path.join(options.out, name + "-demo.safetensors")
            print(name, json.dumps(evaluate(path, unseen), indent=1))


if __name__ == "__main__":
    main()
