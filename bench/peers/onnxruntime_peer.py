#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime on the CPU, for compare.py. An INT8 model is one with QDQ nodes."""

import onnxruntime

import worker


def main():
    options = worker.parse(__doc__)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Threads that spin after a run would take the time of the one whose turn is next.
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(options.model, settings,
                                           providers=["CPUExecutionProvider"])
    clips = {"clips": worker.clips_of(options)}
    worker.answer("ONNX Runtime " + onnxruntime.__version__,
                  lambda: session.run(["logits"], clips)[0])


if __name__ == "__main__":
    main()
