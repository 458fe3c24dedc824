# SPDX-License-Identifier: Apache-2.0
"""The structs in tsm/_abi.py against the headers, by a compiler."""

import ctypes
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT
from tsm import _abi


def program():
    """A C program that prints "struct size" and "struct.field offset" for everything that _abi.py names."""
    lines = ["#include <stddef.h>", "#include <stdio.h>", "#include <tsm/video.h>", "int main(void) {"]
    for name, struct in _abi.STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field, *_ in struct._fields_:
            field = _abi.C_NAMES.get(field, field)
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
    return "\n".join(lines + ["return 0; }"])


def expected():
    for name, struct in _abi.STRUCTS.items():
        yield name, ctypes.sizeof(struct)
        for field, *_ in struct._fields_:
            yield f"{name}.{_abi.C_NAMES.get(field, field)}", getattr(struct, field).offset


class Abi(unittest.TestCase):
    def test_structs_are_those_of_the_headers(self):
        compiler = os.environ.get("CC") or shutil.which("cc") or self.skipTest("no C compiler")
        with tempfile.TemporaryDirectory() as folder:
            source, binary = Path(folder, "abi.c"), Path(folder, "abi")
            source.write_text(program())
            subprocess.run([compiler, "-I", str(ROOT / "include"), str(source), "-o", str(binary)], check=True)
            printed = subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout
        in_c = {name: int(value) for name, value in (line.split() for line in printed.splitlines())}
        self.assertEqual(in_c, dict(expected()))

    def test_version_is_that_of_the_header(self):
        import tsm

        header = (ROOT / "include" / "tsm" / "tsm.h").read_text().split()
        numbers = [header[header.index(f"TSM_VERSION_{part}") + 1] for part in ("MAJOR", "MINOR", "PATCH")]
        self.assertEqual(tsm.__version__, ".".join(numbers))
        self.assertEqual(tsm.library_version(), tsm.__version__)


if __name__ == "__main__":
    unittest.main()
