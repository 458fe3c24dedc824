#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds that the fuzz corpora began with: small, valid files of every kind, and files with one fault each.
What the fuzzers found since lies beside them, named by hash.

    tests/fuzz/make_seeds.py        (ffmpeg is needed for the videos)
"""

import collections
import json
import pathlib
import random
import struct
import subprocess

import torch_pickles as torch

CORPUS = pathlib.Path(__file__).parent / "corpus"


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def batchnorm(name, channels):
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield "%s.%s" % (name, part), [channels]


def resnet18(mark):
    """Names and shapes of a ResNet-18 of width 1 with 2 classes."""
    yield "base_model.conv1.weight", [1, 3, 7, 7]
    yield from batchnorm("base_model.bn1", 1)
    channels = 1
    for stage in range(4):
        width = 1 << stage
        for block in range(2):
            name = "base_model.layer%d.%d." % (stage + 1, block) + ("net." if mark == "block" else "")
            yield name + ("conv1.net.weight" if mark == "blockres" else "conv1.weight"), [width, channels, 3, 3]
            yield from batchnorm(name + "bn1", width)
            yield name + "conv2.weight", [width, width, 3, 3]
            yield from batchnorm(name + "bn2", width)
            if channels != width:
                yield name + "downsample.0.weight", [width, channels, 1, 1]
                yield from batchnorm(name + "downsample.1", width)
            channels = width
    yield "new_fc.weight", [2, channels]
    yield "new_fc.bias", [2]


def nonlocal_resnet18(stage):
    """As above, with a non-local block after the second block of a stage."""
    block, channels = "base_model.layer%d.1." % stage, 1 << stage - 1
    for name, shape in resnet18("blockres"):
        yield name.replace(block, block + "block."), shape
    for name in ("theta", "phi.0", "g.0"):
        yield block + "nl.%s.weight" % name, [channels // 2, channels, 1, 1, 1]
        yield block + "nl.%s.bias" % name, [channels // 2]
    yield block + "nl.W.0.weight", [channels, channels // 2, 1, 1, 1]
    yield from batchnorm(block + "nl.W.1", channels)


def online_mobilenet():
    """Every channel count is 1, so that every block of stride 1 is residual."""
    yield "features.0.0.weight", [1, 3, 3, 3]
    yield from batchnorm("features.0.1", 1)
    for block in range(1, 18):
        for number in range(0, 9 if block > 1 else 6, 3):
            depthwise = number == (3 if block > 1 else 0)
            yield "features.%d.conv.%d.weight" % (block, number), [1, 1, 3, 3] if depthwise else [1, 1, 1, 1]
            yield from batchnorm("features.%d.conv.%d" % (block, number + 1), 1)
    yield "features.18.0.weight", [1, 1, 1, 1]
    yield from batchnorm("features.18.1", 1)
    yield "classifier.weight", [2, 1]
    yield "classifier.bias", [2]


def mobileone(merged):
    """Blocks of one channel; where they are not merged, all but the first three are all the same."""
    names = ["stage0"] + ["stage%d.%d" % (stage, block) for stage, blocks in ((1, 4), (2, 16), (3, 20), (4, 2))
                          for block in range(blocks)]
    for index, name in enumerate(names):
        name = "backbone." + name + ".net."
        kernel = 3 if index == 0 or index % 2 else 1
        shape = [1, 3 if index == 0 else 1, kernel, kernel]
        if merged or index > 2:
            yield name + "branch_reparam.weight", shape
            yield name + "branch_reparam.bias", [1]
        else:
            yield name + "branch_conv_list.0.conv.weight", shape
            yield from batchnorm(name + "branch_conv_list.0.norm", 1)
            if kernel == 3:
                yield name + "branch_scale.conv.weight", shape[:2] + [1, 1]
                yield from batchnorm(name + "branch_scale.norm", 1)
            if index == 2:  # the first of stride 1
                yield from batchnorm(name + "branch_norm", 1)
        if name.startswith("backbone.stage4"):
            for conv in (1, 2):
                yield name + "se.conv%d.conv.weight" % conv, [1, 1, 1, 1]
                yield name + "se.conv%d.conv.bias" % conv, [1]
    yield "cls_head.fc_cls.weight", [2, 1]
    yield "cls_head.fc_cls.bias", [2]


def paddle_conv(name, shape):
    yield name + "._conv.weight", shape
    for part in ("weight", "bias", "_mean", "_variance"):
        yield name + "._batch_norm." + part, shape[:1]


def pptsm():
    for number, channels in ((1, 3), (2, 1), (3, 1)):
        yield from paddle_conv("backbone.conv1_%d" % number, [1, channels, 3, 3])
    channels = 1
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 1 << stage
        for block in range(blocks):
            name = "backbone.bb_%d_%d." % (stage, block)
            yield from paddle_conv(name + "conv0", [width, channels, 1, 1])
            yield from paddle_conv(name + "conv1", [width, width, 3, 3])
            yield from paddle_conv(name + "conv2", [4 * width, width, 1, 1])
            if block == 0:
                yield from paddle_conv(name + "short", [4 * width, channels, 1, 1])
            channels = 4 * width
    yield "head.fc.weight", [channels, 2]
    yield "head.fc.bias", [2]


def values_of(name, shape, numbers):
    """Random weights; the variances, and what multiplies, above zero."""
    count = 1
    for dim in shape:
        count *= dim
    positive = name.endswith(("var", "variance")) or "bn" in name and name.endswith("weight")
    return [round(numbers.uniform(*((0.5, 1.5) if positive else (-0.5, 0.5))), 3) for _ in range(count)]


def drawn(tensors, **metadata):
    """A network with weights, as a safetensors file of half floats."""
    numbers, header, data = random.Random(1), {"__metadata__": metadata} if metadata else {}, b""
    for name, shape in tensors:
        values = values_of(name, shape, numbers)
        begin = len(data)
        data += struct.pack("<%de" % len(values), *values)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [begin, len(data)]}
    return safetensors(header, data)


def state(tensors, prefix=""):
    """The same as a state dictionary of PyTorch."""
    numbers = random.Random(1)
    return collections.OrderedDict((prefix + name, torch.Tensor(shape, values_of(name, shape, numbers), "e"))
                                   for name, shape in tensors)


def torchvision(tensors):
    for name, shape in tensors:
        yield name.replace("base_model.", "").replace("new_fc", "fc"), shape


def resnext50():
    """Names and shapes of a ResNet-50 of width 1, whose 3x3 convolutions have two channels in two groups."""
    yield "base_model.conv1.weight", [1, 3, 7, 7]
    yield from batchnorm("base_model.bn1", 1)
    channels = 1
    for stage, blocks in enumerate((3, 4, 6, 3)):
        inner, out = 2 << stage, 4 << stage
        for block in range(blocks):
            name = "base_model.layer%d.%d." % (stage + 1, block)
            for number, shape in enumerate(([inner, channels, 1, 1], [inner, inner // 2, 3, 3], [out, inner, 1, 1])):
                yield name + "conv%d%s.weight" % (number + 1, "" if number else ".net"), shape
                yield from batchnorm(name + "bn%d" % (number + 1), shape[0])
            if block == 0:
                yield name + "downsample.0.weight", [out, channels, 1, 1]
                yield from batchnorm(name + "downsample.1", out)
            channels = out
    yield "new_fc.weight", [2, channels]
    yield "new_fc.bias", [2]


def network(tensors, dtype, size, **metadata):
    header = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name, shape in tensors:
        count = 1
        for dim in shape:
            count *= dim
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + count * size]}
        offset += count * size
    return safetensors(header, bytes(offset))


def make_safetensors():
    def one(**change):
        return {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **change}}

    write("safetensors", "network_blockres", network(resnet18("blockres"), "F16", 2, segments="8", labels="left\nright",
                                                     mean="0.5,0.5,0.5", std="1,1,1", shift_place="blockres"))
    write("safetensors", "network_block", network(resnet18("block"), "BF16", 2, arch="resnet18", classes="2", shift_div="2"))
    write("safetensors", "network_plain", network(resnet18(""), "F16", 2, input_size="64"))
    write("safetensors", "nonlocal", network(nonlocal_resnet18(4), "F16", 2, **{"segments": "2", "nonlocal": "dot_product"}))
    write("safetensors", "online", network(online_mobilenet(), "F16", 2, shift_div="1"))
    write("safetensors", "mobileone", network(mobileone(False), "F16", 2))
    write("safetensors", "mobileone_merged", network(mobileone(True), "F16", 2, shift_direction="unidirectional"))
    write("safetensors", "pptsm", network(pptsm(), "F16", 2, segments="2"))
    write("safetensors", "empty_object", safetensors({}))
    write("safetensors", "one_tensor", safetensors(one(), bytes(8)))
    write("safetensors", "scalar", safetensors(one(shape=[], dtype="I64"), bytes(8)))
    write("safetensors", "hole", safetensors(one(data_offsets=[4, 12]), bytes(12)))
    write("safetensors", "overflow", safetensors(one(shape=[1 << 40, 1 << 40])))
    write("safetensors", "duplicate", safetensors(b'{"w":{},"w":{}}'))
    write("safetensors", "metadata", safetensors({"__metadata__": {"a": "b\n\u00fc"}}))
    write("safetensors", "truncated", safetensors(one(), bytes(4)))
    write("safetensors", "page", b"<!DOCTYPE html><html>")
    write("safetensors", "pytorch_zip", b"PK\3\4" + bytes(26) + b"archive/data.pkl")
    write("safetensors", "empty", b"")


def make_networks():
    """Networks that run, in each container and wrapped as people have them."""
    write("network", "resnet18", drawn(resnet18("blockres"), segments="2", shift_div="2"))
    write("network", "resnet18_block", drawn(resnet18("block"), segments="3", shift_div="3", labels="left\nright"))
    write("network", "torchvision", drawn(torchvision(resnet18("plain")), segments="1"))
    write("network", "resnext50", drawn(resnext50(), segments="2", shift_div="4"))
    write("network", "nonlocal", drawn(nonlocal_resnet18(2), segments="2", shift_div="8"))
    write("network", "online", drawn(online_mobilenet(), segments="2"))
    write("network", "mobileone", drawn(mobileone(False), segments="2"))
    write("network", "mobileone_merged", drawn(mobileone(True), segments="2"))
    write("network", "pptsm", drawn(pptsm(), segments="2"))
    write("network", "pytorch_zip", torch.zip_file({"state_dict": state(resnet18("blockres"), "module.")}))
    write("network", "pytorch_legacy", torch.legacy(state(torchvision(resnet18("plain"))), 4))


def wrapped():
    """What stands around weights: dictionaries in dictionaries, averages, an optimizer, what thop and mmcv count."""
    weights = {"conv1.weight": torch.Tensor([1, 3, 1, 1], [.5, .25, 1]), "fc.bias": torch.Tensor([2], [1, 2])}
    counts = {name: torch.Tensor([1], [9], "d") for name in ("total_ops", "total_params", "conv1.total_ops")}
    tracked = {"bn1.num_batches_tracked": torch.Tensor([], [7], "q")}
    average = {"ema_" + name.replace(".", "_"): tensor for name, tensor in weights.items()}
    optimizer = {"state": {0: {"momentum_buffer": torch.Tensor([2], [0, 0])}}, "param_groups": [{"lr": 0.1}]}
    yield "nested", {"model": {"net": {"state_dict": weights}}, "epoch": 3}
    yield "deep", {"a": {"b": {"c": {"d": {"e": weights}}}}}
    yield "ema", {"state_dict": weights, "ema": {"module": dict(weights)}, "optimizer": optimizer}
    yield "mmcv_ema", {"meta": {"epoch": 1}, "state_dict": {**weights, **average}}
    yield "thop", {**weights, **counts, **tracked}
    yield "prefixes", {"state_dict": {"module._orig_mod.model." + name: t for name, t in weights.items()}}
    yield "lightning", {"state_dict": {**{"net." + name: t for name, t in weights.items()},
                                       "criterion.weight": torch.Tensor([2], [1, 1])}, "callbacks": {}}


def make_wrapped():
    for name, thing in wrapped():
        write("pytorch", name + ".zip", torch.zip_file(thing))
        write("pytorch", name + ".legacy", torch.legacy(thing))
    write("pytorch", "protocol5.zip", torch.zip_file(dict(wrapped())["nested"], 5))
    write("pytorch", "protocol5.legacy", torch.legacy(dict(wrapped())["nested"], 5))
    tensors = [("a.weight", [2]), ("ema_a_weight", [2]), ("total_ops", [1]), ("a.total_params", [1]), ("n_averaged", [])]
    write("safetensors", "bookkeeping", drawn(tensors))
    write("safetensors", "prefixes", drawn(("module.model." + name, shape) for name, shape in tensors))


def make_shapes():
    """Choices, a byte each: see fuzz_shapes.c."""
    numbers = random.Random(2)
    for i in range(24):
        write("shapes", "random%d" % i, bytes([1 + i % 7]) + numbers.randbytes(6 + 5 * i))
    sizes = [(1, 1, 1, 1), (1, 8, 224, 224), (1, 1, 1, 16384), (1, 1, 16384, 16384), (1048576, 1, 1, 1),
             (1, 65536, 1, 1), (2147483647, 2147483647, 2147483647, 2147483647), (0, 0, 0, 0), (-1, 1, 1, 1)]
    for i, size in enumerate(sizes):
        write("shapes", "size%d" % i, bytes([0, 0, 0, 0, 0, 0, 13]) + struct.pack(">4i", *size) + numbers.randbytes(60))
    write("shapes", "empty", b"")


def make_names():
    names = ["TSM_kinetics_RGB_resnet50_shift8_blockres_avg_segment16_e50.pth",
             "TSM_somethingv2_RGB_resnet101_shift8_blockres_avg_segment8_e45_nl.pth.tar",
             "TSM_x_RGB_mobilenetv2_shift8_block_tpool_avg_segment8_e100_dense.pth",
             "tsm_nl_embedded_gaussian_r50_1x1x8_50e_kinetics400_rgb_20200724-8ba1d9e0.pth",
             "tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb_20230414-401127fd.pth",
             "tsm_imagenet-pretrained-r50-nl-dot-product_8xb16-1x1x8-50e_kinetics400-rgb.pth"]
    for i, name in enumerate(names):
        write("names", "release%d" % i, ("models/" + name).encode())
    write("names", "frames", b"img_00001.jpg\nimg_00002.jpg\nimg_00010.jpg\nthumb.png\n.hidden.jpg")
    write("names", "unpadded", b"frame-9.png\nframe-10.png\nframe-010.png\nframe-1.PNG\n9.jpeg\n10.jpeg")
    write("names", "patterns", b"img_#.jpg\nimg_%05d.jpg\nimg_*.j?g\nimg_12.jpg\nimg_99999999999999999999999.jpg")
    write("names", "wild", b"a1b2.jpg\na1b10.jpg\na01b2.jpg\na\xffb1.jpg\n0.jpg\n00.jpg\n000.jpg")


def make_options():
    lines = {"all": ["--model=m", "--segments", "8", "--device", "cpu", "--json", "a.mp4", "--", "--b"],
             "numbers": ["--threads=0", "x"], "large": ["--timeout", "99999999999999999999"],
             "negative": ["--segments=-1"], "choice": ["--mode", "mmaction2", "--views=10", "--precision", "fp99"],
             "unknown": ["--unknown\x1b[31m"], "flag": ["--json=1"], "help": ["-h"], "short": ["-x"], "dash": ["-"],
             "missing": ["--model"], "limits": ["--max-pixels", "1", "--max-memory=1073741824", "--max-megabytes", "7"],
             "repeated": ["--segments", "8", "--segments", "16", "--no-shift", "--no-shift"], "empty": [""]}
    for name, arguments in lines.items():
        write("options", name, "\n".join(arguments).encode())


def npy(version, header, data=b""):
    text = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + data


def make_npy():
    good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
    write("npy", "float32", npy(1, good.ljust(117) + "\n", bytes(24)))
    write("npy", "version2", npy(2, good + "\n", bytes(24)))
    write("npy", "uint8", npy(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 1, 1, 3), }\n", bytes(6)))
    write("npy", "vector", npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", bytes(12)))
    write("npy", "scalar", npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", bytes(4)))
    write("npy", "fortran", npy(1, good.replace("False", "True") + "\n", bytes(24)))
    write("npy", "float64", npy(1, good.replace("f4", "f8") + "\n", bytes(48)))
    write("npy", "overflow", npy(1, good.replace("2, 3", "4294967296, 4294967296, 4294967296") + "\n"))
    write("npy", "truncated", npy(1, good + "\n", bytes(8)))
    write("npy", "header_cut", npy(1, good + "\n")[:40])
    write("npy", "magic", b"\x93NUMPY")
    write("npy", "empty", b"")


def make_labels():
    write("labels", "plain", b"moving left\nmoving right\n")
    write("labels", "crlf", b"a\r\nb\r\n\r\n")
    write("labels", "utf8", "gr\u00fc\u00df\n\u624b\n".encode())
    write("labels", "not_utf8", b"a\xff\xfe\n\xc0\x80\n")
    write("labels", "nul", b"a\0b\n")
    write("labels", "bom", b"\xef\xbb\xbfa\nb")
    write("labels", "blank_inside", b"a\n\nb\n")
    write("labels", "spaces", b"a \n  \n\tb")
    write("labels", "index_name", b"0 left\n1 right\n2 up\n")
    write("labels", "name_index", b"left 1\nright 2\n")
    write("labels", "index_hole", b"1 left\n3 right\n")
    write("labels", "json", b'{"Turning something": "0", "Holding [a thing]": "1"}')
    write("labels", "json_twice", b'{"a": 0, "b": 0}')
    write("labels", "kinetics_csv", b'label,youtube_id,time_start\nabseiling,x,1\n"air, drumming",y,2\nabseiling,z,3\n')
    write("labels", "id_csv", b"id,name\n0,left\n1,right\n")
    write("labels", "comma", b"1,right\n0,left\n2,\"up; down\"\n")
    write("labels", "colon", b"0: left\n1 : right:er\n")
    write("labels", "semicolon_header", b"class_id;class_name\n0;left\n1;right\n")
    write("labels", "tab_table", b"Name\tx\tIndex\nleft\t9\t1\nright\t9\t2\n")
    write("labels", "json_list", b'["left", "right"]')
    write("labels", "json_pairs", b'[["left", 1], [0, "7"]]')
    write("labels", "json_objects", b'[{"id": 1, "name": "left"}, {"label": "right", "idx": "0"}]')
    write("labels", "brackets", b"[left]\n[right]\n")
    write("labels", "empty", b"")


def make_pytorch():
    """The small ones of what real PyTorch wrote for the tests, and a few bare pickles."""
    for path in sorted((CORPUS.parents[1] / "data" / "pytorch").glob("*.pth")):
        if path.stat().st_size < 8000:
            write("pytorch", path.name, path.read_bytes())
    write("pytorch", "dict", b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00bM\x00\x01u.")
    write("pytorch", "list", b"\x80\x02]q\x00(h\x00J\xff\xff\xff\xff\x8a\x02\x00\x80G" + bytes(8) + b"e.")
    write("pytorch", "call", b"ccollections\nOrderedDict\n)RX\x01\x00\x00\x00kNsNb.")
    text = {2: lambda data: b"c_codecs\nencode\n(X" + struct.pack("<I", len(data)) + data + b"X\6\0\0\0latin1tR",
            4: lambda data: b"C" + bytes((len(data),)) + data}
    for protocol, encode in text.items():
        write("pytorch", f"numpy{protocol}", b"\x80" + bytes((protocol,)) + b"}(X\1\0\0\0acnumpy.core.multiarray\n"
              b"_reconstruct\n(cnumpy\nndarray\nK\0\x85" + encode(b"b") + b"tR(K\1K\2\x85cnumpy\ndtype\n(X\2\0\0\0f4\x89\x88tR"
              b"(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89" + encode(b"12345678") + b"tbu.")
    array = (b"cnumpy.core.multiarray\n_reconstruct\n)R(K\1K\2\x85cnumpy\ndtype\nX\2\0\0\0f4\x85R\x89C\x0812345678tb")
    write("pytorch", "paddle_variable", b"\x80\3}X\1\0\0\0acbuiltins\ntuple\nX\1\0\0\0n" + array + b"\x86\x85Rs.")
    write("pytorch", "paddle_pair", b"\x80\3}X\1\0\0\0m}X\1\0\0\0aX\1\0\0\0n" + array + b"\x86ss.")
    write("pytorch", "tensor", b"ctorch._utils\n_rebuild_tensor\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
                               b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00K\x02K\x02\x86K\x02K\x01\x86tR.")


def make_image():
    """The small ones that Pillow wrote for the tests, and one of them cut off."""
    for path in sorted((CORPUS.parents[1] / "data" / "pil").iterdir()):
        if path.suffix in (".jpg", ".png") and path.stat().st_size < 3000:
            write("image", path.name, path.read_bytes())
    write("image", "truncated.jpg", (CORPUS / "image" / "progressive.jpg").read_bytes()[:900])
    write("image", "text", b"this is not an image\n")


def plan_tensor(name, kind, dims, virtual="false"):
    n, c, h, w = dims
    strides = h * w * 64, 1, w * 64, 64
    return ('{"name":"%d","dataType":"CUDNN_DATA_%s","dim":[%d,%d,%d,%d],"stride":[%d,%d,%d,%d],"isVirtual":%s,'
            '"isByValue":false,"vectCount":1,"vectDim":-1,"ptrAlignment":16,"reorderType":"NONE"}'
            % ((name, kind) + dims + strides + (virtual,)))


def make_plan():
    """A plan as cuDNN writes it of the convolution in fuzz_plan.c, and some that it must not be given."""
    values = 8, 64, 56, 56
    tensors = [plan_tensor(1, "HALF", values), plan_tensor(2, "HALF", (64, 64, 1, 1)), plan_tensor(5, "HALF", values),
               plan_tensor(6, "FLOAT", values, "true")]
    whole = ('{"version":"1.0","operations":[{"type":"CONV","X":"1","W":"2","Y":"6"},{"type":"POINTWISE","X":"6",'
             '"Y":"5"}],"tensors":[%s],"engine":{"index":0,"knobs":[]}}' % ",".join(tensors))
    for name, text in (("whole", whole), ("number", whole.replace('"X":"1"', '"X":1')),
                       ("empty_operand", whole.replace('"W":"2"', '"W":""')),
                       ("long_operand", whole.replace('"W":"2"', '"W":"1234567890"')),
                       ("escape", whole.replace('"Y"', '"\\u0059"')),
                       ("fewer", whole.replace("," + tensors[2], "")),
                       ("twice", whole.replace('"engine"', '"x":{"name":"9"},"engine"'))):
        write("plan", name, text.encode())


def make_tune():
    write("tune", "lines", b'conv,1x64x56x56 gemm:1\nconv,2 dnn:3 {"plan":1}\n')
    write("tune", "odd", b"one\n\ntwo three\n a b\nname value plan with spaces\nname again\n")
    write("tune", "long", b"a" * 191 + b" b\n" + b"a" * 192 + b" b\nc " + b"d" * 31 + b"\ne " + b"f" * 32 + b"\n")
    write("tune", "written", b'conv,1 gemm:1\nconv,2 dnn:3 {"plan":1}\n'.ljust(63, b"x") + b"\n")  # by length
    write("tune", "other", b"tsm-tune 3\nother\nversions\nend 0000000000000000\n")


def make_video():
    encoders = {
        "h264.mp4": "-c:v libx264 -preset ultrafast", "h264_b.mkv": "-c:v libx264 -bf 2",
        "mpeg4.avi": "-c:v mpeg4", "mjpeg.avi": "-c:v mjpeg", "vp9.webm": "-c:v libvpx-vp9",
        "mpeg2.ts": "-c:v mpeg2video", "h264.h264": "-c:v libx264", "picture.gif": "", "raw.y4m": "",
        "png.mov": "-c:v png",
    }
    folder = CORPUS / "video"
    folder.mkdir(parents=True, exist_ok=True)
    for name, options in encoders.items():
        command = "ffmpeg -v error -y -bitexact -f lavfi -i testsrc=size=16x16:rate=5:duration=0.8 -pix_fmt %s %s" % (
            "rgb24" if "png" in name else "bgr8" if "gif" in name else "yuvj420p" if "mjpeg" in name else "yuv420p",
            options)
        subprocess.run(command.split() + ["-flags", "+bitexact", str(folder / name)], check=True)
    whole = (folder / "h264.mp4").read_bytes()
    write("video", "truncated.mp4", whole[:len(whole) * 2 // 3])
    write("video", "text", b"this is not a video\n")
    write("video", "empty", b"")


def make_online():
    """Saved streams, as fuzz_online.c completes them: numbers of caches that are zero, small, vast and no numbers."""
    words = struct.pack("<2Q", 0x31746F6C736D7374, 1)
    write("online", "text", b"\0this is no stream\n")
    write("online", "header", b"\0" + words + bytes(40))
    write("online", "zeros", b"\2")
    for name, value in (("ones", 1.0), ("vast", 3e38), ("nan", float("nan")), ("tiny", 1e-45)):
        write("online", name, b"\2" + bytes(48) + struct.pack("<Q", 5) + struct.pack("<f", value) * 64)
    write("online", "many_frames", b"\2" + bytes(48) + b"\xff" * 8)
    write("online", "sealed", b"\1" + words + bytes(40))


if __name__ == "__main__":
    make_safetensors()
    make_online()
    make_networks()
    make_wrapped()
    make_shapes()
    make_names()
    make_options()
    make_npy()
    make_labels()
    make_pytorch()
    make_image()
    make_plan()
    make_tune()
    make_video()
