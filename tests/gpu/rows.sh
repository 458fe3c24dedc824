#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/verification.md and script/gpu-check agree: each row names steps that there are, each step has a row, a row with a
# result says of which GPU, when and at which commit; the limits fit into nine minutes; the floors are those of
# bench/floor.py; and the sanitizers' filter is the namespace of every kernel.
# Usage: rows.sh SOURCE_DIR
set -eu
cd "$1"
doc=docs/verification.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

sh script/gpu-check --steps >"$work/steps"
awk '{ sum[$1] += $3 + 2 } END { for (half in sum) if (sum[half] > 535) { print "half " half " may take " sum[half] " s"; bad = 1 } exit bad }' \
    "$work/steps" >&2

# The rows of the first table: claim | steps, as `A name` | GPU, driver | date | commit | result.
sed -n '/^| Claim | Steps/,/^$/p' "$doc" | sed 1,2d | grep '^|' >"$work/rows" || fail "$doc has no table of claims"
while IFS='|' read -r _ claim steps gpu date commit result _; do
    echo "$steps" | grep -o '`[^`]*`' | tr -d '`' >"$work/named" || fail "no step:$claim"
    while read -r half step; do
        grep -q "^$half $step " "$work/steps" || fail "no step \"$half $step\":$claim"
        echo "$half $step" >>"$work/used"
    done <"$work/named"
    evidence=$(echo "$gpu$date$commit" | tr -d ' ')
    case $result in
    *"not yet run"*) [ -z "$evidence" ] || fail "evidence, but no result:$claim" ;;
    *)
        case $gpu in *H100* | *H200*) ;; *) fail "no GPU:$claim" ;; esac
        for cell in "$date" "$commit" "$result"; do
            [ -n "$(echo "$cell" | tr -d ' ')" ] || fail "a result without evidence:$claim"
        done
        ;;
    esac
done <"$work/rows"
while read -r half step _; do
    grep -qx "$half $step" "$work/used" || fail "no row for the step $half $step"
done <"$work/steps"

if command -v python3 >/dev/null; then
    python3 bench/floor.py --markdown >"$work/floors"
    while IFS= read -r line; do
        grep -qxF "$line" "$doc" || fail "bench/floor.py says otherwise: $line"
    done <"$work/floors"
fi

for source in src/kernels/*.cu src/kernels/*/*.cu; do
    [ -f "$source" ] && grep -q __global__ "$source" || continue
    grep -q '^namespace tsm' "$source" || fail "$source: kernels outside of namespace tsm, which sanitizers look for"
done
echo "rows: ok"
