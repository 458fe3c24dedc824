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

# Without anything said: the model that comes with the command.
"$bench" model --iters 3 --warmup 1 --output "$work/rows.csv" >"$work/table" 2>/dev/null
grep -q "^tsm .*[0-9]" "$work/table"
grep -q "^tsn .*[0-9]" "$work/table"
[ "$(wc -l <"$work/rows.csv")" = 3 ] && grep -q '^name,.*latency_ms.p50.*machine.commit' "$work/rows.csv"

# One row reads as one object.
"$bench" model --model "$demo/models/tsm-demo.safetensors" --against tsn --batch 2 --iters 3 --warmup 1 --json \
    >"$work/model.json" 2>"$work/table"
has "$work/model.json" device precision batch clips_per_s frames_per_s latency_ms p50 p90 p95 p99 against ratio commit \
    gemm_gflops fraction_of_limit peak_rss_mb crowded reference_error warnings machine onednn kernel rows samples_ms stages_ms input layers
grep -q '^tsn' "$work/table"
# Of three runs nothing is known of the slowest tenth, and that three are few is said.
grep -q '"p99": null' "$work/model.json"
grep -q 'tsm: 3 runs are too few to judge by' "$work/model.json"

# Every axis: a row a combination and network. TSM_MODEL is heeded.
TSM_MODEL="$demo/models/tsm-demo.safetensors" "$bench" model --batch 1,2 --segments 4..8 --streams 1,2 --threads 1 \
    --shift auto,copy --size 64 --against tsn,dense,inflated,block --iters 1 --warmup 0 --verify none --format jsonl \
    >"$work/rows.jsonl" 2>"$work/table"
[ "$(wc -l <"$work/rows.jsonl")" = 48 ] || { echo "$(wc -l <"$work/rows.jsonl") rows, want 48" >&2; exit 1; }
grep -q '"name":"tsm copy".*"streams":2.*"batch":2.*"segments":8' "$work/rows.jsonl"
if TSM_MODEL="$work/absent" "$bench" model --iters 1 2>/dev/null; then exit 1; fi

# What this device cannot do is left out, and said; the rest is measured.
"$bench" model --precision fp32,fp8 --device cpu --iters 1 --warmup 0 >"$work/table" 2>"$work/warning"
grep -q '^tsm ' "$work/table"
grep -q 'fp8 is left out' "$work/warning"

# A load: what was offered, what was done.
"$bench" model --qps 50 --duration 0.5 --streams 2 --json >"$work/load.json" 2>/dev/null
has "$work/load.json" offered_qps achieved_qps longest_queue busy p50

# A TSN has nothing to be held against.
"$bench" model --model "$demo/models/tsn-demo.safetensors" --iters 1 --warmup 0 >"$work/table" 2>"$work/warning"
grep -q 'has no shift' "$work/warning"
[ "$(grep -c '^ts[mn] ' "$work/table")" = 1 ]

# Full-size networks with random weights, the same every time.
"$bench" make mobilenetv2 "$work/a.safetensors"
"$bench" make mobilenetv2 "$work/b.safetensors"
cmp "$work/a.safetensors" "$work/b.safetensors"
"$bench" model --model "$work/a.safetensors" --size 32 --iters 1 --warmup 0 --against none >/dev/null 2>&1

# Pictures of results: whole, with numbers only, and for dark readers too. Of others there are none, and it is said.
"$bench" model --batch 1,2 --against tsn,copy --iters 12 --output "$work/batch.json" >/dev/null 2>&1
"$bench" layers --runs 2 --output "$work/layers.json" >/dev/null 2>&1
cat >"$work/others.json" <<'END'
{"command": "peers", "machine": {"cpu": "a CPU", "cpus": 2}, "rows": [
  {"peer": "libtsm", "name": "TSM", "model": "resnet50", "precision": "fp32", "batch": 1, "clips_per_s": 4,
   "latency_ms": {"p50": 250}},
  {"peer": "openvino", "name": "TSM", "model": "resnet50", "precision": "fp32", "batch": 1, "clips_per_s": 3,
   "latency_ms": {"p50": 333}}]}
END
mkdir "$work/pictures"
"$bench" plot "$work/batch.json" "$work/layers.json" "$work/others.json" --to "$work/pictures" >"$work/names"
for picture in batch-throughput batch-shift batch-latency layers-roofline others-peers; do
    svg=$work/pictures/$picture.svg
    grep -qx "$svg" "$work/names"
    [ "$(head -c 4 "$svg")" = "<svg" ] && [ "$(tail -n 1 "$svg")" = "</svg>" ] && grep -q prefers-color-scheme "$svg"
    if grep -Ew 'nan|-nan|inf' "$svg"; then echo "$picture: not a number" >&2; exit 1; fi
done
echo '{"command": "shift", "rows": [{}]}' >"$work/none.json"
if "$bench" plot "$work/none.json" 2>"$work/error"; then exit 1; fi
grep -q 'no picture of shift' "$work/error"

# A result has not changed from itself.
"$bench" compare "$work/batch.json" "$work/batch.json" >"$work/same"
[ "$(grep -c ' same$' "$work/same")" = 6 ]
sed 's/"clips_per_s": \([0-9]\)/"clips_per_s": 9\1/' "$work/batch.json" >"$work/faster.json"
"$bench" compare "$work/batch.json" "$work/faster.json" | grep -q ' FASTER$'

# A network that runs when it is told to: 8 frames of 64x64 in float32.
head -c $((8 * 3 * 64 * 64 * 4)) /dev/zero >"$work/clips.f32"
printf 'run\nrun\nlogits %s\n' "$work/logits" | "$bench" turns --size 64 --input "$work/clips.f32" >"$work/answers"
[ "$(sed -n '1p' "$work/answers" | cut -c 1-6)" = "ready " ] && [ "$(sed -n '$p' "$work/answers")" = "done" ]
[ "$(grep -c '^[0-9.]*$' "$work/answers")" = 2 ] && [ "$(wc -c <"$work/logits")" = 56 ]

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

"$bench" media "$demo"/clips/moving-left-01.mp4 --segments 8,16 --iters 2 --json >"$work/media.json" 2>/dev/null
has "$work/media.json" decode_ms preprocess_ms p50 codec

"$bench" e2e "$demo"/clips/moving-*-01.mp4 --iters 1 --warmup 0 --decoders 1,2 --json >"$work/e2e.json" 2>/dev/null
has "$work/e2e.json" stages_ms decode preprocess network of_ideal limited_by

"$bench" online --model "$demo/models/tsm-demo.safetensors" --streams 1,3 --iters 2 --warmup 1 --json >"$work/online.json" 2>/dev/null
has "$work/online.json" ms_per_frame streams_at_30_fps ratio_to_2d cache_bytes latency_ms rows
[ "$(grep -c '"name": "online"' "$work/online.json")" = 2 ]

"$bench" layers --runs 2 --json >"$work/roofline.json" 2>"$work/roofline"
has "$work/roofline.json" ceilings gflops gb_per_s layer how floor_ms of_floor bound share
grep -q "^all layers" "$work/roofline"

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
refuses 2 --iters model --iters 0
refuses 2 --batch model --batch 0
refuses 2 --batch model --batch 4..2
refuses 2 --format model --format xml
refuses 2 --output model --output result.txt
refuses 1 nonsense model --against nonsense
refuses 2 nonsense nonsense
refuses 1 resnet51 make resnet51 "$work/x"
refuses 2 input media
refuses 1 clips.f32 turns --input "$work/clips.f32"
refuses 2 --streams online --streams 0
refuses 1 absent.safetensors online --model "$work/absent.safetensors"
refuses 1 sm_12 layers --predict --model "$demo/models/tsm-demo.safetensors" --device sm_12
for command in model layers shift online media e2e plot compare turns make; do
    "$bench" "$command" --help >"$work/help"
    grep -q "^usage: tsm-bench $command" "$work/help"
    grep -q '^Examples' "$work/help"
done
"$bench" model --help | grep -q -- '--against NAMES .*\[tsn\]'
"$bench" --help | grep -q 'tsm-bench COMMAND'
echo "bench: ok"
