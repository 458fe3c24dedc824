# SPDX-License-Identifier: Apache-2.0
"""Small files as torch.save writes them, made without PyTorch: what pickle needs of it is put in its place, names
alone."""

import io
import pickle
import struct
import sys
import types
import zipfile

STORAGES = {"f": "FloatStorage", "e": "HalfStorage", "d": "DoubleStorage", "q": "LongStorage"}


def _module(name, *functions):
    module = types.ModuleType(name)
    for function in functions:
        made = types.FunctionType((lambda *_: None).__code__, {}, function)
        made.__module__, made.__qualname__ = name, function
        setattr(module, function, made)
    sys.modules[name] = module
    return module


_torch = _module("torch", *STORAGES.values())
_utils = _module("torch._utils", "_rebuild_tensor_v2")


class Storage:
    """Numbers of a type of struct, "f" or "e"."""

    def __init__(self, code, values):
        self.code, self.count = code, len(values)
        self.data = struct.pack("<%d%s" % (self.count, code), *values)


class Tensor:
    """All of a storage of its own."""

    def __init__(self, shape, values, code="f"):
        self.shape, self.storage = tuple(shape), Storage(code, values)

    def __reduce__(self):
        strides, step = [], 1
        for dim in reversed(self.shape):
            strides.insert(0, step)
            step *= dim
        return _utils._rebuild_tensor_v2, (self.storage, 0, self.shape, tuple(strides), False, {})


class _Pickler(pickle.Pickler):
    def __init__(self, file, protocol):
        super().__init__(file, protocol)
        self.storages = []

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        if thing not in self.storages:
            self.storages.append(thing)
        kind = getattr(_torch, STORAGES[thing.code])
        return ("storage", kind, str(self.storages.index(thing)), "cpu", thing.count)


def _pickled(thing, protocol):
    file = io.BytesIO()
    pickler = _Pickler(file, protocol)
    pickler.dump(thing)
    return file.getvalue(), pickler.storages


def zip_file(thing, protocol=2):
    pickled, storages = _pickled(thing, protocol)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in [("a/data.pkl", pickled)] + [("a/data/%d" % i, s.data) for i, s in enumerate(storages)]:
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def legacy(thing, protocol=2):
    pickled, storages = _pickled(thing, protocol)
    parts = [pickle.dumps(0x1950a86a20f9469cfc6c, protocol), pickle.dumps(1001, protocol),
             pickle.dumps({"little_endian": True}, protocol), pickled,
             pickle.dumps([str(i) for i in range(len(storages))], protocol)]
    return b"".join(parts) + b"".join(struct.pack("<Q", s.count) + s.data for s in storages)
