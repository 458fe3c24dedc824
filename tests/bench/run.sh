#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tsm-bench runs, verifies, and prints JSON with what its users read. It times nothing that this test judges.
# Usage: run.sh TSM_BENCH SOURCE_DIR
set -eu
bench=$1 demo=$2/demo
work=$(mktemp -d)
busy=
trap 'kill $busy 2>/dev/null || :; rm -rf "$work"' EXIT

has() { # has FILE KEY...: every key is in the object
    file=$1 && shift
    for key; do
        grep -q "\"$key\"" "$file" || { echo "$file lacks \"$key\":" >&2; cat "$file" >&2; exit 1; }
    done
}

"$bench" model --model "$demo/models/tsm-demo.safetensors" --against tsn --batch 2 --iters 3 --warmup 1 --json \
    >"$work/model.json" 2>"$work/table"
has "$work/model.json" device precision batch clips_per_s frames_per_s latency_ms p50 p90 p95 p99 against ratio commit \
    gemm_gflops fraction_of_limit peak_rss_mb crowded
grep -q ratio "$work/table"

# Beside busy neighbours it says so.
for i in 1 2 3 4 5 6 7 8; do
    while :; do :; done &
    busy="$busy $!"
done
"$bench" model --model "$demo/models/tsm-demo.safetensors" --iters 5 --warmup 1 >/dev/null 2>"$work/warning"
kill $busy
busy=
if [ "$(nproc)" -lt 8 ] && ! grep -q '^tsm-bench: other work wanted the CPUs in' "$work/warning"; then
    echo "tsm-bench: no word of neighbours" >&2
    exit 1
fi

"$bench" shift --segments 2 --iters 2 --json >"$work/shift.json" 2>/dev/null
has "$work/shift.json" copy inplace gather

"$bench" media "$demo"/clips/moving-left-01.mp4 --iters 2 --json >"$work/media.json" 2>/dev/null
has "$work/media.json" decode_ms

"$bench" layers --predict --model "$demo/models/tsm-demo.safetensors" --batch 2 --json >"$work/layers.json"
has "$work/layers.json" device launches bytes macs layers floor_us
"$bench" layers --predict --model "$demo/models/tsm-demo.safetensors" --device sm_90 >"$work/layers"
grep -q "^H100.*clips/s at most" "$work/layers"
grep -q "^H200.*clips/s at most" "$work/layers"

refuses() { # refuses STATUS WORD ARGUMENT...: one line on stderr that names WORD
    want=$1 word=$2 && shift 2
    status=0
    "$bench" "$@" >/dev/null 2>"$work/error" || status=$?
    if [ "$status" != "$want" ] || [ "$(wc -l <"$work/error")" != 1 ] || ! grep -q -e "$word" "$work/error"; then
        echo "tsm-bench $*: status $status, want $want and one line with $word:" >&2
        cat "$work/error" >&2
        exit 1
    fi
}
refuses 2 --nonsense model --nonsense
refuses 1 absent.safetensors model --model "$work/absent.safetensors"
refuses 2 predict layers --model "$demo/models/tsm-demo.safetensors"
refuses 1 sm_12 layers --predict --model "$demo/models/tsm-demo.safetensors" --device sm_12
"$bench" model --help | grep -q against
echo "bench: ok"
