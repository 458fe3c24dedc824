#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/pil: what Pillow, OpenCV and the Python formulas of the reference pipelines compute.

    pip install 'pillow==9.4.0' 'opencv-python-headless==4.10.0.84' 'numpy<2'
    python3 make_pil.py ../data/pil

  sampling.txt  sampling frames segments span : frame numbers
  views.txt     mode views width height crop : x y mirror of every view; and scaled sizes
  resize.txt    mode width height out_width out_height : CRC-32 of the scaled bytes
  *.jpg *.png   small images, each with the bytes of convert("RGB") in NAME.rgb

Pillow from about 12 on scales rows before columns where that is cheaper, which changes a few bytes by one; the
reference pipelines were run with older ones.
"""
import pathlib
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "../data/pil")


# ---- Frame numbers -------------------------------------------------------------------------------------------------

def uniform(frames, segments, span):
    tick = (frames - span + 1) / float(segments)
    return [int(tick / 2.0 + tick * i) + 1 for i in range(segments)]


def twice(frames, segments, span):
    tick = (frames - span + 1) / float(segments)
    return uniform(frames, segments, span) + [int(tick * i) + 1 for i in range(segments)]


def dense(frames, segments, span):
    positions = max(1, 1 + frames - 64)
    stride = 64 // segments
    starts = np.linspace(0, positions - 1, num=10, dtype=int)
    return [int((start + i * stride) % frames) + 1 for start in starts for i in range(segments)]


def sampling():
    lines = []
    for name, function in ("uniform", uniform), ("twice", twice), ("dense", dense):
        for frames in (1, 2, 5, 7, 8, 9, 30, 63, 64, 65, 66, 73, 100, 101, 250, 299, 300, 12345):
            for segments in (1, 3, 8, 16, 25) if name != "dense" else (3, 8, 100):
                for span in (1, 5):
                    if frames < span or (name == "dense" and (span > 1 or segments > 8 and frames > 66)):
                        continue
                    numbers = " ".join(map(str, function(frames, segments, span)))
                    lines.append(f"{name} {frames} {segments} {span} : {numbers}")
    (OUT / "sampling.txt").write_text("\n".join(lines) + "\n")


# ---- Views ---------------------------------------------------------------------------------------------------------

def mit_size(w, h, size):
    if w <= h:
        return size, int(size * h / w)
    return int(size * w / h), size


def mmaction_size(w, h, size):
    factor = size / min(w, h)
    return int(w * float(factor) + 0.5), int(h * float(factor) + 0.5)


def mit_views(views, w, h, crop):
    ws, hs = (w - crop) // 4, (h - crop) // 4
    if views == 1:
        return [(int(round((w - crop) / 2.)), int(round((h - crop) / 2.)), 0)]
    if views == 3:
        return [(0, 2 * hs, 0), (4 * ws, 2 * hs, 0), (2 * ws, 2 * hs, 0)]
    five = [(0, 0), (4 * ws, 0), (0, 4 * hs), (4 * ws, 4 * hs), (2 * ws, 2 * hs)]
    return [(x, y, mirror) for x, y in five for mirror in ((0,) if views == 5 else (0, 1))]


def mmaction_views(views, w, h, crop):
    if views == 1:
        return [((w - crop) // 2, (h - crop) // 2, 0)]
    if views == 3:
        if h == crop:
            step = (w - crop) // 2
            return [(0, 0, 0), (2 * step, 0, 0), (step, 0, 0)]
        assert w == crop
        step = (h - crop) // 2
        return [(0, 0, 0), (0, 2 * step, 0), (0, step, 0)]
    return mit_views(views, w, h, crop)


def views():
    lines = []
    for mode, size, cut in ("mit", mit_size, mit_views), ("mmaction2", mmaction_size, mmaction_views):
        for w, h in (340, 256), (320, 240), (1920, 1080), (1080, 1920), (854, 480), (257, 256), (100, 100), (641, 359), \
                (176, 144), (3, 1000), (1279, 719), (96, 64):
            width, height = size(w, h, 256)
            lines.append(f"size {mode} {w} {h} 256 : {width} {height}")
            for crop in 224, 256:
                for count in 1, 3, 5, 10:
                    if mode == "mmaction2" and count == 3 and crop == 224:
                        continue
                    places = " ".join("%d %d %d" % place for place in cut(count, width, height, crop))
                    lines.append(f"views {mode} {count} {width} {height} {crop} : {places}")
    (OUT / "views.txt").write_text("\n".join(lines) + "\n")


# ---- Scaling -------------------------------------------------------------------------------------------------------

def test_image(width, height, seed):
    """The hash of tests/unit/support.h, its upper byte per sample."""
    x = np.arange(width * height * 3, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed * 40503 & 0xffffffff)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85ebca6b)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xc2b2ae35)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(24)).astype(np.uint8).reshape(height, width, 3)


def resize():
    shapes = [(340, 256, 455, 256), (320, 240, 341, 256), (1920, 1080, 455, 256), (1280, 720, 455, 256), (256, 340, 256, 341),
              (176, 144, 312, 256), (768, 576, 341, 256), (360, 640, 256, 455), (3, 5, 256, 426), (1, 1, 7, 9), (2, 2, 1, 1),
              (16, 16, 8, 8), (640, 480, 640, 256), (640, 480, 341, 480), (50, 50, 50, 50), (1, 300, 5, 2), (300, 1, 2, 5),
              (1023, 767, 341, 256), (97, 106, 103, 8), (255, 257, 254, 258), (33, 17, 11, 34)]
    lines = []
    for w, h, ow, oh in shapes:
        image = test_image(w, h, w + h)
        pil = np.asarray(Image.fromarray(image).resize((ow, oh), Image.BILINEAR))
        lines.append(f"mit {w} {h} {ow} {oh} : {zlib.crc32(pil.tobytes()):08x}")
        cv = cv2.resize(image, (ow, oh), interpolation=cv2.INTER_LINEAR)
        lines.append(f"mmaction2 {w} {h} {ow} {oh} : {zlib.crc32(cv.tobytes()):08x}")
    (OUT / "resize.txt").write_text("\n".join(lines) + "\n")


# ---- Images --------------------------------------------------------------------------------------------------------

def picture(width=37, height=29):
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 255 / width, y * 255 / height, (x * y) % 256], axis=2).astype(np.uint8)
    return Image.fromarray(np.where((x // 6 + y // 5)[..., None] % 3 == 0, test_image(width, height, 7), smooth))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(name, array, depth, colour, interlace=False, extra=b""):
    """For kinds that Pillow cannot write: `array` is (height, width, channels), of bytes or of 16-bit numbers."""
    height, width = array.shape[:2]
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b""
    for x0, y0, dx, dy in steps if interlace else [(0, 0, 1, 1)]:
        part = array[y0::dy, x0::dx]
        if part.shape[1]:
            rows += b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlace))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (OUT / name).write_bytes(data)


def images():
    rgb = picture()
    alpha = Image.fromarray(test_image(37, 29, 9)[..., 0])
    rgb.save(OUT / "subsampled.jpg", quality=80, subsampling="4:2:0")
    rgb.save(OUT / "wide.jpg", quality=90, subsampling="4:2:2")
    rgb.save(OUT / "full.jpg", quality=95, subsampling="4:4:4")
    rgb.save(OUT / "progressive.jpg", quality=70, progressive=True)
    rgb.convert("L").save(OUT / "gray.jpg", quality=80)
    rgb.convert("CMYK").save(OUT / "cmyk.jpg", quality=90)
    rgb.save(OUT / "rgb.png")
    rgb.convert("L").save(OUT / "gray.png")
    rgb.convert("1").save(OUT / "gray1.png")
    rgb.quantize(4).save(OUT / "palette2.png", bits=2)
    rgb.quantize(200).save(OUT / "palette.png", transparency=3)
    Image.merge("RGBA", (*rgb.split(), alpha)).save(OUT / "rgba.png")
    Image.merge("LA", (rgb.convert("L"), alpha)).save(OUT / "gray_alpha.png")
    write_png("interlaced.png", np.asarray(rgb), 8, 2, interlace=True, extra=chunk(b"gAMA", struct.pack(">I", 20000)))
    wide = np.asarray(rgb).astype(np.uint16) * 256 + test_image(37, 29, 11)
    write_png("rgb16.png", wide, 16, 2)
    for path in sorted([*OUT.glob("*.jpg"), *OUT.glob("*.png")]):
        path.with_suffix(path.suffix + ".rgb").write_bytes(Image.open(path).convert("RGB").tobytes())


OUT.mkdir(parents=True, exist_ok=True)
sampling()
views()
resize()
images()
