# SPDX-License-Identifier: Apache-2.0
"""Runs: logits against PyTorch's, what arrays are taken, threads, and the order in which objects go."""

import gc
import threading
import unittest

import numpy as np
import tsm
from support import DATA, TOLERANCE, demo_model, golden_cases, golden_clips


class OnlyDlpack:
    """An array that nothing but DLPack knows."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


class Golden(unittest.TestCase):
    def test_logits_are_those_of_pytorch(self):
        for case in golden_cases():
            with self.subTest(case["name"]):
                engine = tsm.Model.load(DATA / "golden" / case["file"], segments=case["t"]).engine(device="cpu", threads=1)
                expected = np.array(case["logits"], np.float32)
                bound = TOLERANCE * np.abs(expected).max()
                np.testing.assert_allclose(engine(golden_clips(case)), expected, rtol=0, atol=bound)


class Arrays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = tsm.Model.load(demo_model())
        cls.engine = cls.model.engine(device="cpu", threads=1)
        cls.clips = np.random.default_rng(1).integers(0, 256, (3, 8, 96, 96, 3), np.uint8)
        cls.logits = cls.engine(cls.clips)

    def test_batch_and_clip_alone(self):
        self.assertEqual(self.logits.shape, (3, 14))
        self.assertEqual(self.logits.dtype, np.float32)
        alone = self.engine(self.clips[1])
        self.assertEqual(alone.shape, (14,))
        np.testing.assert_allclose(alone, self.logits[1], atol=1e-4)

    def test_normalised_floats_give_the_same(self):
        mean, std = np.float32(self.model.info.mean), np.float32(self.model.info.std)
        planes = ((self.clips / np.float32(255) - mean) / std).transpose(0, 1, 4, 2, 3)  # not dense: copied
        np.testing.assert_allclose(self.engine(planes.astype(np.float32)), self.logits, atol=1e-3)

    def test_array_that_is_a_view(self):
        wide = np.zeros((3, 8, 96, 100, 3), np.uint8)
        wide[:, :, :, 2:98] = self.clips
        np.testing.assert_array_equal(self.engine(wide[:, :, :, 2:98]), self.logits)

    def test_dlpack(self):
        np.testing.assert_array_equal(self.engine(OnlyDlpack(self.clips)), self.logits)

    def test_torch(self):
        try:
            import torch
        except ImportError:
            self.skipTest("no PyTorch here")
        np.testing.assert_array_equal(self.engine(torch.from_numpy(self.clips)), self.logits)

    def test_out_is_written(self):
        out = np.empty((3, 14), np.float32)
        self.assertIs(self.engine(self.clips, out=out), out)
        np.testing.assert_array_equal(out, self.logits)

    def test_out_that_does_not_fit(self):
        for out in (np.empty((3, 14)), np.empty((2, 14), np.float32), np.empty((3, 28), np.float32)[:, ::2], [1.0]):
            with self.assertRaisesRegex(tsm.ArgumentError, "out="):
                self.engine(self.clips, out=out)

    def test_arrays_that_are_no_clips(self):
        wrong = {
            "float64": self.clips.astype(np.float64),
            "dimensions": self.clips[0, 0],
            "channels last": self.clips.transpose(0, 1, 4, 2, 3),
            "int8": self.clips.astype(np.int8),
            ">f4": self.clips.astype(">f4"),
            "<U": np.array(["clip"]),
        }
        for name, array in wrong.items():
            with self.subTest(name), self.assertRaises(tsm.ArgumentError):
                self.engine(array)

    def test_value_that_is_not_finite(self):
        planes = np.zeros((2, 8, 3, 96, 96), np.float32)
        planes[1, 3, 0, 0, 0] = np.nan
        with self.assertRaisesRegex(tsm.ArgumentError, "clip 2|clip 1"):
            self.engine(planes)

    def test_shapes_follow_one_another(self):
        for size in (96, 64, 96, 80):
            self.assertEqual(self.engine(np.zeros((8, size, size, 3), np.uint8)).shape, (14,))
        self.engine.trim()
        np.testing.assert_array_equal(self.engine(self.clips), self.logits)

    def test_features(self):
        features = self.model.engine(device="cpu", threads=1, features=True)(self.clips)
        self.assertEqual(features.shape, (3, 8 * self.model.info.width))  # of a ResNet-18
        self.assertTrue((features >= 0).all() and features.any())

    def test_logits_of_every_frame(self):
        frames = self.model.engine(device="cpu", threads=1, per_frame=True)(self.clips)
        self.assertEqual(frames.shape, (3, 8, 14))
        np.testing.assert_allclose(frames.mean(axis=1), self.logits, atol=1e-4)


class Life(unittest.TestCase):
    def test_objects_go_in_any_order(self):
        clips = np.zeros((8, 96, 96, 3), np.uint8)
        model = tsm.Model.load(demo_model())
        engine = model.engine(device="cpu", threads=1)
        expected = engine(clips)
        del model
        gc.collect()
        np.testing.assert_array_equal(engine(clips), expected)
        with engine._context((1, 8, 96, 96)) as context:
            del engine
            gc.collect()
            self.assertTrue(context.pointer)
        del context
        gc.collect()

    def test_threads_share_an_engine(self):
        engine = tsm.Model.load(demo_model()).engine(device="cpu", threads=1)
        source = np.random.default_rng(2)
        batches = [source.integers(0, 256, (1 + i % 3, 8, 96, 96, 3), np.uint8) for i in range(6)]
        expected = [engine(batch) for batch in batches]
        wrong = []

        def work():
            for batch, logits in zip(batches * 3, expected * 3):
                if not np.array_equal(engine(batch), logits):
                    wrong.append(batch.shape)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(wrong, [])
        self.assertLessEqual(len(engine._idle), 4)

    def test_call_that_is_cancelled(self):
        stop = []
        engine = tsm.Model.load(demo_model()).engine(device="cpu", threads=1, cancel=lambda: bool(stop))
        engine(np.zeros((8, 96, 96, 3), np.uint8))
        stop.append(True)
        with self.assertRaises(tsm.CancelledError):
            engine(np.zeros((8, 96, 96, 3), np.uint8))

    def test_options_that_are_none(self):
        model = tsm.Model.load(demo_model())
        with self.assertRaisesRegex(tsm.ArgumentError, "precision: 'fp12' is none of fp32"):
            model.engine(precision="fp12")
        with self.assertRaises(tsm.UnsupportedError):
            model.engine(device="cpu", precision="fp8")
        with self.assertRaisesRegex(tsm.TsmError, "abacus"):
            model.engine(device="abacus")
        with self.assertRaises(tsm.OutOfMemoryError):
            model.engine(device="cpu", max_bytes=1)(np.zeros((8, 96, 96, 3), np.uint8))

    def test_profile_names_the_layers(self):
        rows = tsm.Model.load(demo_model()).engine(device="cpu", threads=1).profile(runs=2)
        self.assertIn("base_model.conv1", [row.layer for row in rows])
        self.assertTrue(all(row.ms >= 0 for row in rows))


if __name__ == "__main__":
    unittest.main()
