# SPDX-License-Identifier: Apache-2.0
"""Videos: frames, views and labels, against the command."""

import gc
import json
import os
import subprocess
import unittest

import numpy as np
import tsm
from support import DATA, demo_clips, demo_model


class Video(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            tsm.load_video(demo_clips()[0])
        except tsm.UnsupportedError as reason:
            raise unittest.SkipTest(str(reason))
        cls.model = tsm.Model.load(demo_model())

    def test_clips(self):
        clips = self.model.load_video(demo_clips()[0], views=3, sampling="twice")
        self.assertEqual(clips.array.shape, (6, 8, 96, 96, 3))
        self.assertEqual(clips.numbers.shape, (2, 8))
        self.assertEqual((clips.codec, clips.width, clips.height, len(clips)), ("h264", 320, 240, 6))
        self.assertTrue((np.diff(clips.numbers) >= 0).all())
        np.testing.assert_array_equal(np.asarray(clips), clips.array)

    def test_array_outlives_its_clips(self):
        array = self.model.load_video(demo_clips()[0]).array
        copy = array.copy()
        gc.collect()
        for _ in range(20):  # whatever would take memory that was given back
            self.model.load_video(demo_clips()[1])
        np.testing.assert_array_equal(array, copy)

    def test_labels_are_those_of_the_command(self):
        command = os.environ.get("TSM_COMMAND") or self.skipTest("TSM_COMMAND is not set")
        engine = self.model.engine(device="cpu", threads=1)
        for clip in demo_clips()[:4]:
            run = [command, "classify", "--json", "--device", "cpu", "--model", str(demo_model()), str(clip)]
            printed = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
            best = engine.classify(clip, top=3)
            for mine, theirs in zip(best, printed["top"]):
                self.assertEqual(mine.label, theirs["label"])
                self.assertAlmostEqual(mine.score, theirs["score"], places=5)

    def test_sources_that_are_none(self):
        with self.assertRaises(tsm.FileError):
            tsm.load_video("nowhere.mp4")
        with self.assertRaises(tsm.FormatError):
            tsm.load_video(DATA / "video" / "text.mp4")
        with self.assertRaises(tsm.UnsupportedError):
            tsm.load_video(demo_clips()[0], max_frames=3)
        with self.assertRaisesRegex(tsm.ArgumentError, "sampling"):
            tsm.load_video(demo_clips()[0], sampling="all")
        with self.assertRaises(tsm.CancelledError):
            tsm.load_video(demo_clips()[0], cancel=lambda: True)


if __name__ == "__main__":
    unittest.main()
