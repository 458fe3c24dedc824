# SPDX-License-Identifier: Apache-2.0
"""Arrays on a GPU. Without one, on the simulated device: TSM_SIM_DEVICE is its library."""

import ctypes
import os
import unittest

import numpy as np
import tsm
from support import demo_model

SIMULATED = os.environ.get("TSM_SIM_DEVICE")
TO_DEVICE, TO_HOST = 1, 2  # cudaMemcpyKind


class DeviceArray:
    """A dense array in the memory of the device, as CuPy's and PyTorch's look from outside."""

    runtime = None

    def __init__(self, array, stream=None):
        self.host = np.ascontiguousarray(array)
        self.address = ctypes.c_void_p()
        self.stream = stream
        self.strides = None
        assert self.runtime.cudaMalloc(ctypes.byref(self.address), ctypes.c_size_t(self.host.nbytes)) == 0
        self.copy(self.address, ctypes.c_void_p(self.host.ctypes.data), TO_DEVICE)

    def copy(self, to, source, kind):
        assert self.runtime.cudaMemcpy(to, source, ctypes.c_size_t(self.host.nbytes), kind) == 0
        assert self.runtime.cudaDeviceSynchronize() == 0  # a copy from pageable memory may return before it is there

    @property
    def __cuda_array_interface__(self):
        described = {
            "shape": self.host.shape,
            "typestr": self.host.dtype.str,
            "data": (self.address.value, False),
            "version": 3,
            "strides": self.strides,
        }
        return {**described, "stream": self.stream} if self.stream else described

    def numpy(self):
        self.copy(ctypes.c_void_p(self.host.ctypes.data), self.address, TO_HOST)
        return self.host

    def __del__(self):
        self.runtime.cudaFree(self.address)


@unittest.skipUnless(SIMULATED, "TSM_SIM_DEVICE is not set")
class Cuda(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        DeviceArray.runtime = ctypes.CDLL(SIMULATED)
        cls.model = tsm.Model.load(demo_model())
        cls.engine = cls.model.engine(device="cuda", cuda_tuning=False)
        cls.clips = np.random.default_rng(4).integers(0, 256, (1, 8, 32, 32, 3), np.uint8)
        cls.expected = cls.model.engine(device="cpu", threads=1)(cls.clips)

    def logits(self):
        return DeviceArray(np.zeros((1, 14), np.float32))

    def test_array_of_the_device_stays_there(self):
        out = self.logits()
        self.assertIs(self.engine(DeviceArray(self.clips), out=out), out)
        self.runtime_waits()
        np.testing.assert_allclose(out.numpy(), self.expected, atol=1e-3)

    def test_work_is_put_on_the_stream_of_the_array(self):
        stream = ctypes.c_void_p()
        self.assertEqual(DeviceArray.runtime.cudaStreamCreateWithFlags(ctypes.byref(stream), 1), 0)
        out = self.logits()
        self.engine(DeviceArray(self.clips, stream.value), out=out)
        self.assertEqual(DeviceArray.runtime.cudaStreamSynchronize(stream), 0)
        self.assertEqual(DeviceArray.runtime.cudaStreamDestroy(stream), 0)
        np.testing.assert_allclose(out.numpy(), self.expected, atol=1e-3)

    def test_host_array_on_the_device(self):
        np.testing.assert_allclose(self.engine(self.clips), self.expected, atol=1e-3)

    def test_arrays_that_cannot_be_taken(self):
        scattered = DeviceArray(self.clips)
        scattered.strides = (8 * 32 * 32 * 3, 32 * 32 * 3, 1, 32 * 3, 3)
        with self.assertRaisesRegex(tsm.ArgumentError, "dense"):
            self.engine(scattered, out=self.logits())
        with self.assertRaisesRegex(tsm.ArgumentError, "out="):
            self.engine(DeviceArray(self.clips))
        with self.assertRaisesRegex(tsm.ArgumentError, "out="):
            self.engine(DeviceArray(self.clips), out=DeviceArray(np.zeros((2, 14), np.float32)))
        with self.assertRaises(tsm.TsmError):  # an engine on the CPU cannot read it
            self.model.engine(device="cpu", threads=1)(DeviceArray(self.clips), out=self.logits())

    def runtime_waits(self):
        self.assertEqual(DeviceArray.runtime.cudaDeviceSynchronize(), 0)


if __name__ == "__main__":
    unittest.main()
