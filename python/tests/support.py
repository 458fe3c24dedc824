# SPDX-License-Identifier: Apache-2.0
"""What several tests need: the project's test data, and the inputs that golden logits belong to."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(os.environ.get("TSM_SOURCE_DIR", Path(__file__).resolve().parents[2]))
DATA = ROOT / "tests" / "data"
DEMO = ROOT / "demo"
TOLERANCE = 2e-4  # of the largest logit, as tests/unit/test_golden.c has it

sys.path.insert(0, str(ROOT / "tests" / "golden"))
from golden_input import golden_input  # noqa: E402


def golden_cases():
    """The networks whose logits PyTorch computed: one of each file."""
    cases = {}
    for case in json.loads((DATA / "golden" / "golden.json").read_text()):
        if not case.get("frames"):
            cases.setdefault(case["file"], case)
    return list(cases.values())


def golden_clips(case):
    return golden_input((case["n"], case["t"], case["c"], case["h"], case["w"]), case["seed"])


def demo_model():
    return DEMO / "models" / "tsm-demo.safetensors"


def demo_clips():
    return sorted((DEMO / "clips").glob("*.mp4"))
