# SPDX-License-Identifier: Apache-2.0
"""The enumerations of the C interface by the names that Python uses."""

from .errors import ArgumentError

PRECISIONS = {"fp32": 0, "tf32": 1, "fp16": 2, "bf16": 3, "int8": 4, "fp8": 5}
SHIFTS = {"auto": 0, "copy": 1, "overlap": 2, "inplace": 3, "gather": 4}
PLACES = {None: 0, "blockres": 1, "block": 2}
DIRECTIONS = {None: 0, "bidirectional": 1, "unidirectional": 2, "mirrored": 3}
NONLOCALS = {None: 0, "embedded_gaussian": 1, "dot_product": 2, "gaussian": 3}
SAMPLINGS = {"uniform": 0, "twice": 1, "dense": 2}
MODES = {"mit": 0, "mmaction2": 1}
TOGGLES = {None: 0, True: 1, False: 2}


def chosen(option, names, value):
    """The number of a name. Errors: ArgumentError, which lists the names."""
    try:
        return names[value]
    except (KeyError, TypeError):
        known = ", ".join(str(name) for name in names if name is not None)
        raise ArgumentError(f"{option}: {value!r} is none of {known}") from None


def named(names, number):
    """The name of a number, the first that has it."""
    for name, value in names.items():
        if value == number:
            return name
    return str(number)
