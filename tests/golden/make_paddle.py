#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes .pdparams files as PaddlePaddle saves a network's state dictionary, with real NumPy.

    python3 tests/golden/make_paddle.py        (needs numpy; output in tests/data/paddle)

paddle.save pickles a dictionary of NumPy arrays, with an entry beside them that says which parameter has which name.
Protocol 4 is its default today, 2 that of PaddlePaddle 2.0. Both files hold the network of pptsm_t16.safetensors.
"""

import json
import pathlib
import pickle
import struct

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tests" / "data" / "golden" / "pptsm_t16.safetensors"
OUT = ROOT / "tests" / "data" / "paddle"


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    types = {"F16": "<f2", "F32": "<f4"}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            yield name, numpy.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])


def main():
    OUT.mkdir(exist_ok=True)
    tensors = dict(read_safetensors(SOURCE))
    names = {name: f"param_{i}.w_0" for i, name in enumerate(tensors)}
    for protocol, dtype in ((2, "f2"), (4, "f4")):
        state = {name: array.astype(dtype) for name, array in tensors.items()}
        state["StructuredToParameterName@@"] = names
        with open(OUT / f"pptsm_t16.protocol{protocol}.pdparams", "wb") as file:
            pickle.dump(state, file, protocol)


if __name__ == "__main__":
    main()
