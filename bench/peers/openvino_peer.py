#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO on the CPU, for compare.py. An INT8 model is one with QDQ nodes."""

import openvino

import worker


def main():
    options = worker.parse(__doc__)
    core = openvino.Core()
    compiled = core.compile_model(options.model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": options.threads,
        "INFERENCE_PRECISION_HINT": "bf16" if options.precision == "bf16" else "f32",
    })
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(worker.clips_of(options)))

    def run():
        request.infer()
        return request.get_output_tensor().data

    worker.answer("OpenVINO " + openvino.__version__.split("-")[0], run)


if __name__ == "__main__":
    main()
