# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is told about them, errors as exceptions, writing."""

import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tsm
from support import DATA, demo_model


class Loading(unittest.TestCase):
    def test_info(self):
        info = tsm.Model.load(demo_model()).info
        self.assertEqual((info.arch, info.segments, info.classes, info.shift_place), ("resnet18", 8, 14, "blockres"))
        self.assertEqual(info.shift_direction, "bidirectional")
        self.assertEqual(info.doubts, ())

    def test_from_bytes(self):
        data = demo_model().read_bytes()
        for kind in (bytes, bytearray, memoryview):
            self.assertEqual(tsm.Model.load(kind(data)).info, tsm.Model.load(demo_model()).info)

    def test_options_come_before_the_file(self):
        model = tsm.Model.load(demo_model(), no_shift=True)
        self.assertEqual(model.info.shift_div, 0)
        self.assertEqual(tsm.Model.load(demo_model(), shift_direction="mirrored").info.shift_direction, "mirrored")

    def test_labels(self):
        names = [f"class {i}" for i in range(14)]
        self.assertEqual(tsm.Model.load(demo_model()).labels[0], "moving left")
        self.assertEqual(tsm.Model.load(demo_model(), labels=names).labels, names)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "labels.txt")
            path.write_text("\n".join(names))
            self.assertEqual(tsm.Model.load(demo_model(), labels=path).labels, names)
        without = tsm.Model.load(DATA / "golden" / "r18.safetensors")
        self.assertIsNone(without.labels)
        self.assertEqual(without.label(3), "3")

    def test_files_that_are_none(self):
        with self.assertRaisesRegex(tsm.FileError, "nowhere"):
            tsm.Model.load("nowhere.safetensors")
        with self.assertRaises(OSError):
            tsm.Model.load("nowhere.safetensors")
        with self.assertRaisesRegex(tsm.FormatError, "the buffer"):
            tsm.Model.load(b"not a checkpoint")
        with self.assertRaises(tsm.ModelError):
            tsm.Model.load(DATA / "pytorch" / "types.zip.pth")
        with self.assertRaises(tsm.CancelledError):
            tsm.Model.load(demo_model(), cancel=lambda: True)
        with self.assertRaisesRegex(tsm.ArgumentError, "shift_place: 'everywhere'"):
            tsm.Model.load(demo_model(), shift_place="everywhere")

    def test_graph(self):
        text = tsm.Model.load(demo_model()).graph()
        self.assertIn("base_model.conv1", text)


class Saving(unittest.TestCase):
    def test_saved_model_is_the_same(self):
        clips = np.random.default_rng(3).random((1, 8, 3, 64, 64), np.float32)
        model = tsm.Model.load(DATA / "golden" / "r18.safetensors", segments=8)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "saved.safetensors")
            model.save(path)
            again = tsm.Model.load(path)
            self.assertEqual(os.listdir(folder), ["saved.safetensors"])
        logits = [each.engine(device="cpu", threads=1)(clips) for each in (model, again)]
        np.testing.assert_array_equal(*logits)

    def test_link_stays_and_mode_is_that_of_new_files(self):
        with tempfile.TemporaryDirectory() as folder:
            target, link = Path(folder, "target"), Path(folder, "link")
            link.symlink_to(target)
            tsm.Model.load(demo_model()).save(link, half=True)
            self.assertTrue(link.is_symlink())
            plain = Path(folder, "plain")
            plain.touch()
            self.assertEqual(target.stat().st_mode, plain.stat().st_mode)

    def test_nothing_is_left_where_it_cannot_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(OSError):
                tsm.Model.load(demo_model()).save(folder)
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
