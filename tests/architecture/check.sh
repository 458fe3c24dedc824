#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds the #include lines and the calls of src/host and src/kernels against the table of docs/architecture.md: which
# folder may use which, by which header, and which files may form a circle. A line a fault, FILE:LINE: what is wrong.
# Usage: check.sh SOURCE_DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -f "$here/table.awk" docs/architecture.md >"$work/table"
find src/host src/kernels -name '*.[ch]' -o -name '*.cu' | LC_ALL=C sort >"$work/files"
grep -q '^folder' "$work/table" || { echo "docs/architecture.md: the table of folders was not found" >&2; exit 1; }
[ -s "$work/files" ] || { echo "$1: no sources under src/host and src/kernels" >&2; exit 1; }

status=0
# The names have no blanks: they are words of the command.
awk -f "$here/includes.awk" "$work/table" $(cat "$work/files") || status=1
awk -f "$here/circles.awk" "$work/table" $(cat "$work/files") $(cat "$work/files") || status=1
[ "$status" -ne 0 ] || echo "architecture: $(wc -l <"$work/files") files keep to the table"
exit "$status"
