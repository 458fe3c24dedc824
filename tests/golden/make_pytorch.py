#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the PyTorch files that test_torch_file.c reads, with real PyTorch, in both containers.

    python3 tests/golden/make_pytorch.py        (needs torch; output in tests/data/pytorch)

network.{safetensors,legacy.pth,zip.pth} hold one tiny TSM-ResNet-18, the .pth files as the MIT release saves it, with
an optimizer beside it. types.* hold one tensor of every type, and views of all sorts: element i of a tensor of n
elements is i / 8, in the order of its own dimensions. The others are what a user may take for a checkpoint.
"""

import collections
import pathlib
import struct
import sys
import zipfile

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "data" / "pytorch"
sys.path.insert(0, str(ROOT / "demo" / "train"))

from safetensors_io import save_safetensors  # noqa: E402
from tsm_torch import TSM  # noqa: E402


def save(thing, name):
    torch.save(thing, OUT / (name + ".zip.pth"))
    torch.save(thing, OUT / (name + ".legacy.pth"), _use_new_zipfile_serialization=False)


def count(*shape, dtype=torch.float32):
    size = 1
    for dim in shape:
        size *= dim
    return (torch.arange(size, dtype=torch.float64) / 8).reshape(shape).to(dtype)


def make_network():
    torch.manual_seed(7)
    model = TSM("resnet18", classes=3, width=1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
    # A rate of 0 leaves the weights, but gives the optimizer a state, whose storages lie among the model's.
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    model.eval()(torch.randn(1, 8, 3, 32, 32)).sum().backward()
    optimizer.step()
    state = collections.OrderedDict(("module." + key, value) for key, value in model.state_dict().items())
    save_safetensors(OUT / "network.safetensors", model.state_dict(), {"shift_div": "8"})
    save({"epoch": 50, "arch": "resnet18", "state_dict": state, "optimizer": optimizer.state_dict(),
          "best_prec1": 12.5}, "network")
    save(optimizer.state_dict(), "optimizer")
    half = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    torch.save(half, OUT / "bare_half.zip.pth")


def make_types():
    shared = count(4, 6)
    tensors = {
        "f32": count(2, 3), "f16": count(2, 3, dtype=torch.float16), "bf16": count(2, 3, dtype=torch.bfloat16),
        "f64": count(2, 3, dtype=torch.float64), "i64": torch.arange(5), "i32": torch.arange(5, dtype=torch.int32),
        "u8": torch.arange(3, dtype=torch.uint8), "bool": torch.tensor([False, True]),
        "scalar": torch.tensor(0.0), "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(count(7)),
        "transposed": count(3, 2).t().contiguous().t(),
        "permuted": count(2, 3, 4, 5).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
        "shared": shared, "rows": shared[1:3], "column": shared[:, 2], "stepped": shared[::2, 1::3],
        "flat": shared.view(-1)[6:12], "expanded": torch.tensor([0.25]).expand(3),
        "one_of_strange_stride": count(6).as_strided((1, 6), (1 << 60, 1)),
    }
    checkpoint = {"state_dict": tensors, "lr": 0.1, "step": 1 << 80, "names": ["a", ("b", None)], 3: "three"}
    save(checkpoint, "types")
    torch.save(checkpoint, OUT / "types.protocol4.pth", pickle_protocol=4)
    for protocol in (4, 5):
        torch.save(checkpoint, OUT / ("types.protocol%d.legacy.pth" % protocol), pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
    torch.save(checkpoint, OUT / "types.protocol5.pth", pickle_protocol=5)
    rewrite_as_zip64(OUT / "types.zip.pth", OUT / "types.zip64.pth")


def rewrite_as_zip64(source, target):
    """The same entries as they would stand in an archive past 4 GB: every size and offset in a zip64 field."""
    body, directory, entries = b"", b"", 0
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            data, name = archive.read(info), info.filename.encode()
            extra = struct.pack("<HHH", 0x4246, 2, 0) + struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(body))
            directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, info.CRC, 0xffffffff, 0xffffffff,
                                     len(name), len(extra), 0, 0, 0, 0, 0xffffffff) + name + extra
            body += struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0, info.CRC, len(data), len(data), len(name),
                                0) + name + data
            entries += 1
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, len(directory), len(body))
    end += struct.pack("<4sLQL", b"PK\6\7", 0, len(body) + len(directory), 1)
    end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 7) + b"comment"
    target.write_bytes(body + directory + end)


class Attack:
    """Unpickled by Python, this would make a file."""

    def __reduce__(self):
        return open, ("tsm_was_attacked", "w")


def make_others():
    save({"state_dict": {"w": count(2), "attack": Attack()}}, "attack")
    save(torch.nn.Linear(1, 2), "whole_model")
    save([count(2)], "list")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(OUT / "script.zip.pth"))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    make_network()
    make_types()
    make_others()
