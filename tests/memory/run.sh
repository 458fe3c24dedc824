# SPDX-License-Identifier: Apache-2.0
# Whole commands under lack of memory: allocations of the process fail one at a time, spread over its life, and address
# space is limited to less and less. Each time the command ends by itself, with its result or with one line, and leaves
# no file behind. Direct calls of oneDNN and libgomp are spared, see docs/cpu.md.
# Usage: run.sh TSM EMBED FAIL_MALLOC.so DATA CLIP [RUNS]
set -u
LC_ALL=C
export LC_ALL
tsm=$1 embed=$2 shim=$3 data=$4 clip=$5 runs=${6:-40}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
failures=0

fail() {
    failures=$((failures + 1))
    echo "FAIL: $*" >&2
    sed 's/^/    stderr: /' "$work/err" >&2
}

# judge WHAT: the last command's status and stderr, and what lies in its folder. FFmpeg's threads conceal a frame that
# they have no memory for, so that what several of them decoded may be another result.
judge() {
    case $status in
    0) cmp -s "$work/out" "$work/want" || case $1 in threads*) ;; *) fail "$1: another result" ;; esac ;;
    1)
        [ "$(wc -l <"$work/err")" -eq 1 ] || fail "$1: not one line"
        case $1 in embed*) ;; *) grep -q '^tsm: ' "$work/err" || fail "$1: no line of ours" ;; esac
        ;;
    *) fail "$1: exit status $status" ;;
    esac
    left=$(ls -A "$work/dir")
    case $left in
    "" | result) ;;
    *) fail "$1: left $left" ;;
    esac
}

# attempt: runs "$@" in the folder; what it wrote, or printed, is in $work/out. Times differ from run to run.
attempt() {
    rm -rf "$work/dir"
    mkdir "$work/dir"
    (cd "$work/dir" && exec "$@") >"$work/out" 2>"$work/err"
    status=$?
    sed -i 's/; decode .*//' "$work/out"
    [ -f "$work/dir/result" ] && cat "$work/dir/result" >>"$work/out"
}

# tried NAME COMMAND...: spreads the failures over the allocations that the command makes.
tried() {
    name=$1
    shift
    attempt env "TSM_FAIL_COUNT=$work/count" "LD_PRELOAD=$shim" "$@"
    [ "$status" -eq 0 ] || fail "$name: fails by itself"
    cp "$work/out" "$work/want"
    count=$(cat "$work/count") || exit 1
    [ "$count" -gt 200 ] || fail "$name: $count allocations are not all"
    n=1
    while [ "$n" -le "$count" ]; do
        attempt env "TSM_FAIL_AT=$n" "LD_PRELOAD=$shim" "$@"
        judge "$name, allocation $n of $count"
        n=$((n + count / runs + 1))
    done
    kib=800000
    while [ "$kib" -gt 150000 ]; do
        attempt sh -c 'ulimit -v "$1" && shift && exec "$@"' sh "$kib" "$@"
        # Without room for its libraries the command does not even begin.
        [ "$status" -eq 127 ] && break
        judge "$name, $kib KiB"
        kib=$((kib - 6500000 / runs / 8))
    done
    echo "$name: $count allocations"
}

TSM_FAIL_SPARE=libdnnl:libgomp
export TSM_FAIL_SPARE
model=$data/golden/r18.safetensors
"$tsm" preprocess "$clip" --model "$model" --input-size 48 --output "$work/x.npy" >/dev/null || exit 1
tried run "$tsm" run --model "$model" --device cpu --threads 2 --input "$work/x.npy" --output result
tried reference "$tsm" run --model "$model" --device reference --input "$work/x.npy" --output result
tried classify "$tsm" classify --model "$model" --device cpu --threads 1 --input-size 48 "$clip"
tried threads "$tsm" classify --model "$model" --device cpu --threads 2 --input-size 48 "$clip"
# Not with CUDA's libraries, whose constructors do not survive a lack of memory.
tried embed env TSM_CUDA_PATH=/nowhere "$embed" "$model" "$clip"
# Not of a sheet: GLib, which Pango draws its text with, ends the program where it has no memory.
tried info "$tsm" info "$model" --device cpu --threads 2 --json
[ "$failures" -eq 0 ]
