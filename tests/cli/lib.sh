# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the tests of the command share: a scratch folder, running `tsm`, and assertions that say what was run.
# Expects in the environment: TSM_DRAWS (not empty where the build has Pango), TSM (the command), TSM_DATA (tests/data), TSM_DEMO (demo).
set -u
LC_ALL=C
export LC_ALL
unset TSM_MODEL
ulimit -f 400000 # 200 MB: a command that does not stop writing must not fill the disk
work=$(mktemp -d) || exit 1
failures=0
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

model=$TSM_DATA/golden/r18.safetensors # 8 segments, 7 classes, width 8
clip=$TSM_DATA/video/h264_b_frames.mp4

# tsm ARGUMENT...: runs the command; leaves $status, $work/out and $work/err, without the progress of a slow machine.
tsm() {
    called="tsm $*"
    "$TSM" "$@" >"$work/out" 2>"$work/all"
    status=$?
    grep -vE '^tsm: [0-9]+/[0-9]+ (videos|clips), ' "$work/all" >"$work/err"
}

fail() {
    failures=$((failures + 1))
    echo "FAIL: $called: $*" >&2
    sed 's/^/    stderr: /' "$work/err" >&2
    head -n 5 "$work/out" | sed 's/^/    stdout: /' >&2
}

expect_status() {
    [ "$status" -eq "$1" ] || fail "exit status $status, want $1"
}

# expect_line TEXT...: stderr is one line, it begins with "tsm: ", and every TEXT stands in it.
expect_line() {
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "stderr is not one line"
    case $(cat "$work/err") in
    "tsm: "?*) ;;
    *) fail "the line does not begin with 'tsm: '" ;;
    esac
    for text; do
        grep -qF -e "$text" "$work/err" || fail "stderr does not name '$text'"
    done
}

expect_out() {
    for text; do
        grep -qF -e "$text" "$work/out" || fail "stdout lacks '$text'"
    done
}

# works ARGUMENT...: the command succeeds and stderr stays empty.
works() {
    tsm "$@"
    expect_status 0
    [ ! -s "$work/err" ] || fail "stderr is not empty"
}

# warns TEXT ARGUMENT...: the command succeeds, and says one line on stderr that has TEXT.
warns() {
    named=$1
    shift
    tsm "$@"
    expect_status 0
    expect_line "$named"
}

# refuses TEXT ARGUMENT...: status 1, and one line that has TEXT.
refuses() {
    named=$1
    shift
    tsm "$@"
    expect_status 1
    expect_line "$named"
}

# misused TEXT ARGUMENT...: status 2, one line that has TEXT, nothing on stdout.
misused() {
    named=$1
    shift
    tsm "$@"
    expect_status 2
    expect_line "$named" "usage: "
    [ ! -s "$work/out" ] || fail "stdout is not empty"
}

# check TEXT COMMAND...: any other condition.
check() {
    said=$1
    shift
    "$@" || fail "$said"
}

# Whether this build draws text: sheets and overlays.
draws() { [ -n "${TSM_DRAWS:-}" ]; }

bytes_of() { wc -c <"$1" | tr -d ' '; }

# npy FILE DESCR SHAPE BYTES: an array of zeros, as NumPy would write it.
npy() {
    header="{'descr': '$2', 'fortran_order': False, 'shape': $3, }"
    {
        printf '\223NUMPY\001\000\166\000' # 0x76: the header fills 128 bytes
        printf '%-117s\n' "$header"
        head -c "$4" /dev/zero
    } >"$1"
}

# floats FILE: the values of a float32 .npy of the command's own, one a line (its header takes 128 bytes).
floats() { tail -c +129 "$1" | od -An -v -tf4 | tr -s ' ' '\n' | grep -v '^$'; }

finish() {
    [ "$failures" -eq 0 ] || exit 1
    echo "ok"
    exit 0
}
