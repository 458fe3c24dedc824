# SPDX-License-Identifier: Apache-2.0
"""The version, which tests hold against that of tsm/tsm.h."""

__version__ = "0.1.0"
