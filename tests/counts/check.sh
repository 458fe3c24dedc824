#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds counts against the recorded ones: no timer, so they are the same on a busy machine. More than was recorded fails,
# by PERCENT or more; less is told, to be recorded. script/counts records.
# Usage: check.sh RECORDED MEASURED PERCENT
set -eu
awk -v slack="$3" '
    /^#/ { next }
    NR == FNR { want[$1] = $2; next }
    { got[$1] = $2 }
    !($1 in want) { printf "%s is new: %s; script/counts records it\n", $1, $2; next }
    $2 > want[$1] * (1 + slack / 100) { printf "%s was %s and is %s: %+.1f%%\n", $1, want[$1], $2, 100 * ($2 / want[$1] - 1); worse++ }
    $2 < want[$1] * (1 - slack / 100) { printf "%s was %s and is %s: better; script/counts records it\n", $1, want[$1], $2 }
    END {
        for (name in want) if (!(name in got)) { printf "%s is gone; script/counts records that\n", name; gone++ }
        printf "%d counts, %d worse\n", length(got), worse
        exit worse > 0 || length(got) == 0
    }
' "$1" "$2"
