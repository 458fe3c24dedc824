#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# script/gpu-check: all parts on the simulated device, and what it promises of steps that fail, hang or say too much.
# Usage: simulated.sh SOURCE_DIR FOLDER_WITH_SIMULATED_PROGRAMS
set -eu
# The limits of the steps are a GPU's; a simulated one on a busy machine takes longer.
TSM_GPU_CHECK_LIMIT=120
export TSM_GPU_CHECK_LIMIT
script=$1/script/gpu-check programs=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# check HALF FOLDER STATUS: runs a half with the programs of a folder; what it prints must be short.
check() {
    half=$1 folder=$2 want=$3 status=0
    rm -rf "$work/out"
    TSM_GPU_CHECK_SIMULATED=$folder sh "$script" "$half" "$work/out" >"$work/printed" 2>&1 || status=$?
    [ "$status" = "$want" ] || { cat "$work/printed" >&2; fail "half $half: status $status, want $want"; }
    [ "$(wc -c <"$work/printed")" -le 12000 ] || fail "half $half printed $(wc -c <"$work/printed") bytes"
}

# The archive, and nothing else; every step has its line in the report, and its log.
unpack() {
    [ "$(ls -A "$work/out")" = "gpu-check-$half.tar.gz" ] || fail "besides the archive there is $(ls -A "$work/out")"
    rm -rf "$work/archive"
    mkdir "$work/archive"
    tar -C "$work/archive" -xzf "$work/out/gpu-check-$half.tar.gz"
    sh "$script" --steps | while read -r of step _; do
        [ "$of" = "$half" ] || continue
        grep -q "^$half $step " "$work/archive/report.txt" || fail "the report has no line of $step"
        [ -f "$work/archive/$step.log" ] || fail "$step has no log"
    done
}

for half in A B C; do
    check "$half" "$programs" 0
    unpack
    # Only what needs a GPU or torch may be skipped.
    if grep skipped "$work/archive/report.txt" | grep -v -e '^A peer-' -e '^B sanitizer-' -e '^C wgmma-memcheck'; then fail "was skipped"; fi
    grep -q '^{.*"clips_per_s"' "$work/archive/figures.jsonl" || fail "half $half left no figures"
    cat "$work/printed"
done

# A device step that finds no GPU.
mkdir "$work/fake"
printf '#!/bin/sh\nexit 77\n' >"$work/fake/tsm-gpu-check"
printf '#!/bin/sh\nexit 1\n' >"$work/fake/tsm-gpu-kernels"
chmod +x "$work/fake"/*
check A "$work/fake" 77

# Programs that print a megabyte and fail: all steps are done, what is printed stays short, and the end of each is said.
cat >"$work/fake/tsm-gpu-check" <<'FAKE'
#!/bin/sh
yes "a line that is much longer than it need be, over and over again, until nobody can read it any more" | head -c 1100000
echo "the reason" >&2
exit 3
FAKE
check B "$work/fake" 1
unpack
[ "$(grep -c 'FAILED: status' "$work/printed")" = "$(sh "$script" --steps | grep '^B' | grep -vc sanitizer)" ] || {
    cat "$work/printed"
    fail "not all of them failed"
}
grep -q 'the reason' "$work/printed" || fail "nobody says why"
[ "$(wc -c <"$work/archive/suite-tuned.log")" -le 1000100 ] || fail "a log of more than a megabyte"

# A program that hangs, and what it started: over its limit, but not the end.
cat >"$work/fake/tsm-gpu-check" <<FAKE
#!/bin/sh
case "\$*" in *smoke) ;; *) exit 0 ;; esac
trap '' TERM
echo begun
(trap '' TERM; for i in \$(seq 100); do sleep 0.2; echo >>"$work/alive"; done) &
sleep 99
FAKE
TSM_GPU_CHECK_LIMIT=1
export TSM_GPU_CHECK_LIMIT
check A "$work/fake" 1
unpack
grep -q '^A smoke .*limit' "$work/printed" || { cat "$work/printed"; fail "the limit did not end it"; }
grep -q begun "$work/archive/smoke.log" || fail "what it printed before is lost"
grep -q '^A bench-fp16-b32 .*passed' "$work/printed" || fail "a step that failed stopped the next"
lines=$(wc -l <"$work/alive")
sleep 1
[ "$(wc -l <"$work/alive")" = "$lines" ] || fail "what the step started lives on"
echo "gpu-check: ok"
