#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds that the fuzz corpora began with: small, valid files of every kind, and files with one fault each.
What the fuzzers found since lies beside them, named by hash.

    tests/fuzz/make_seeds.py        (ffmpeg is needed for the videos)
"""

import json
import pathlib
import struct
import subprocess

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


def nonlocal_resnet18():
    """As above, with a non-local block after layer4.1."""
    for name, shape in resnet18("blockres"):
        yield name.replace("layer4.1.", "layer4.1.block."), shape
    for name in ("theta", "phi.0", "g.0"):
        yield "base_model.layer4.1.nl.%s.weight" % name, [4, 8, 1, 1, 1]
        yield "base_model.layer4.1.nl.%s.bias" % name, [4]
    yield "base_model.layer4.1.nl.W.0.weight", [8, 4, 1, 1, 1]
    yield from batchnorm("base_model.layer4.1.nl.W.1", 8)


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
    write("safetensors", "nonlocal", network(nonlocal_resnet18(), "F16", 2, **{"segments": "2", "nonlocal": "dot_product"}))
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
    write("pytorch", "tensor", b"ctorch._utils\n_rebuild_tensor\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
                               b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQK\x00K\x02K\x02\x86K\x02K\x01\x86tR.")


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


if __name__ == "__main__":
    make_safetensors()
    make_npy()
    make_labels()
    make_pytorch()
    make_video()
