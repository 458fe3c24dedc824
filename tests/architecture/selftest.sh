#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The test of the test: a small tree that keeps to its table passes, and every kind of fault planted in a copy of it is
# named with file and line.
# Usage: selftest.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/good/docs" "$work/good/src/host/low/inner" "$work/good/src/host/high" "$work/good/src/kernels"
cd "$work/good"
cat >docs/architecture.md <<'END'
## Which folder may use which
| Folder | Face | May use | Holds |
|---|---|---|---|
| `low` | `low.h` | `low/inner` | |
| `low/inner` | `inner.h` | - | |
| `high` | - | `low` `kernels` | |
| `kernels` | `kernels.h` | - | |

- Circle: `high/left` `high/right`. They are allowed to.

## Where is it?
| In | `src/host/low/low.c` |
END
printf '#include "hidden.h"\nint low(void);\n' >src/host/low/low.h
printf 'int hidden(void);\n' >src/host/low/hidden.h
printf '#include "low.h"\n#include "low/inner/inner.h"\n/* calls high() */\nint low(void)\n{\n    return inner() + hidden();\n}\n' >src/host/low/low.c
printf '#include "low.h"\nint hidden(void)\n{\n    return "high()"[0];\n}\n' >src/host/low/hidden.c
printf 'int inner(void);\n' >src/host/low/inner/inner.h
printf '#include "inner.h"\nint inner(void)\n{\n    return 1;\n}\n' >src/host/low/inner/inner.c
printf '#include "low/low.h"\n#include "kernels/kernels.h"\nint high(void)\n{\n    return low();\n}\n' >src/host/high/high.c
printf 'int left(void)\n{\n    return right();\n}\n' >src/host/high/left.c
printf 'int right(void)\n{\n    return left();\n}\n' >src/host/high/right.c
printf 'int kernel(void);\n' >src/kernels/kernels.h
sh "$here/check.sh" . >"$work/out" || { echo "the good tree does not pass:" >&2; cat "$work/out" >&2; exit 1; }

# finds WANTED FILE TEXT: with TEXT as the last lines of FILE, the check says WANTED and nothing else.
finds() {
    rm -rf "$work/bad"
    cp -R "$work/good" "$work/bad"
    mkdir -p "$work/bad/$(dirname "$2")"
    printf "$3" >>"$work/bad/$2"
    if sh "$here/check.sh" "$work/bad" >"$work/out"; then
        echo "not found: $1" >&2
        exit 1
    fi
    if ! grep -qxF "$1" "$work/out" || [ "$(wc -l <"$work/out")" -ne "${4:-1}" ]; then
        echo "wanted: $1" >&2
        cat "$work/out" >&2
        exit 1
    fi
}

finds 'src/host/low/low.c:8: low may not use high ("high/high.h")' src/host/low/low.c '#include "high/high.h"\n'
finds 'src/kernels/kernels.h:2: kernels may not use low ("low/low.h")' src/kernels/kernels.h '  # include "low/low.h"\n'
finds 'src/host/high/high.c:7: "low/hidden.h" reaches past the face of low (low.h)' src/host/high/high.c \
    '#include "low/hidden.h"\n'
finds 'src/host/high/high.c:7: high may not use low/inner ("low/inner/inner.h")' src/host/high/high.c \
    '#include "low/inner/inner.h"\n'
finds 'src/host/high/high.c:7: high may not use low/inner ("../low/inner/inner.h")' src/host/high/high.c \
    '#include "../low/inner/inner.h"\n'
finds 'src/host/low/inner/inner.c:6: low/inner may not use low ("../low.h")' src/host/low/inner/inner.c \
    '#include "../low.h"\n'
finds 'src/host/high/high.c:7: "low.h" is no header of high' src/host/high/high.c '#include "low.h"\n'
finds 'src/host/new/new.c:1: folder new is not in the table' src/host/new/new.c 'int fresh;\n'
finds 'src/host/low/hidden.c:8: low/hidden calls low of low/low, which comes back to it: a circle' src/host/low/hidden.c \
    'int more(void)\n{\n    return low();\n}\n' 2
finds 'docs/architecture.md: src/host/low/gone.h is not there' docs/architecture.md \
    '## Which folder may use which\n| `low` | `gone.h` | - | |\n'
finds 'docs/architecture.md: kernels does not use high' docs/architecture.md \
    '## Which folder may use which\n| `kernels` | `kernels.h` | `high` | |\n'
finds 'docs/architecture.md: src/host/gone.c is not there' docs/architecture.md '| Where? | `src/host/gone.c` |\n'
echo "architecture: the check finds what it must"
