#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions of each hot loop under callgrind, "loop.NAME COUNT" a line: those of our own code, as what libc takes for
# a copy depends on the machine. 77 where there is no valgrind.
# Usage: loops.sh HOT_LOOPS
set -eu
here=$(cd "$(dirname "$0")" && pwd)
loops=$1
command -v valgrind >/dev/null || { echo "skipped: valgrind is not here" >&2; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

dumps=$(sed -n 's/^LOOP(\([a-z0-9_]*\),.*/--dump-after=loop_\1/p' "$here/hot_loops.c")
OMP_NUM_THREADS=1 valgrind --tool=callgrind --compress-strings=no --collect-atstart=no --toggle-collect='loop_*' $dumps \
    --callgrind-out-file="$work/out" "$loops" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
for file in "$work"/out.*; do
    awk '
        /^desc: Trigger: --dump-after=loop_/ { sub(/.*loop_/, ""); loop = $0 }
        /^ob=/ { ours = $0 ~ /hot_loops$/ }
        /^calls=/ { called = 1; next }
        /^[-+*0-9]/ { if (!called && ours) sum += $2; called = 0 }
        END { if (loop != "") printf "loop.%s %d\n", loop, sum }
    ' "$file"
done
