# SPDX-License-Identifier: Apache-2.0
"""Writes and reads safetensors files with nothing but the standard library and
torch: a u64 header length, a JSON header, then the tensors without a hole."""

import json
import struct

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def _to_bytes(tensor):
    return tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def _header_bytes(header):
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    raw = text.encode("utf-8")
    # Spaces are allowed after the JSON: with them the data starts at a
    # multiple of eight, which lets a reader map the file and use it in place.
    return raw + b" " * (-len(raw) % 8)


def save_safetensors(path, state_dict, metadata, half=False):
    """Floats become fp16 when `half`, else fp32. BatchNorm's batch counters
    are left out: inference has no use for them."""
    header = {"__metadata__": dict(metadata)}
    blobs = []
    offset = 0
    for name, tensor in state_dict.items():
        if name.endswith("num_batches_tracked"):
            continue
        tensor = tensor.detach().to("cpu", torch.float16 if half else torch.float32)
        blob = _to_bytes(tensor)
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    raw = _header_bytes(header)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(raw)))
        file.write(raw)
        for blob in blobs:
            file.write(blob)


def load_safetensors(path):
    """Returns (state_dict, metadata)."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length).decode("utf-8"))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    state = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=DTYPES[entry["dtype"]])
        state[name] = flat.reshape(entry["shape"])
    return state, metadata
