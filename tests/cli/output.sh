# SPDX-License-Identifier: Apache-2.0
# Standard output that cannot be written is a failure; a reader that goes away is a quiet one.
. "$TSM_LIB"

# into FILE ARGUMENT...: as tsm, with standard output to FILE.
into() {
    target=$1
    shift
    called="tsm $* >$target"
    : >"$work/out"
    "$TSM" "$@" >"$target" 2>"$work/err"
    status=$?
}

if [ -w /dev/full ]; then
    for arguments in --version --help "help run" "info $model" "info $model --graph" "info $model --json"; do
        into /dev/full $arguments
        expect_status 1
        expect_line "standard output"
    done
fi

called="tsm --version >&-"
"$TSM" --version >&- 2>"$work/err"
status=$?
expect_status 1
expect_line "standard output"

# Without standard streams, files that are opened must not take their place.
npy "$work/x.npy" '|u1' '(1, 8, 32, 32, 3)' 24576
works run --model "$model" --device reference --input "$work/x.npy" --output "$work/want.npy"
called="tsm run <&- >&- 2>&-"
"$TSM" run --model "$model" --device reference --input "$work/x.npy" --output "$work/got.npy" <&- >&- 2>&-
status=$?
expect_status 0
check "the output differs" cmp -s "$work/want.npy" "$work/got.npy"

called="tsm info --graph | true"
{
    sleep 1
    "$TSM" info "$model" --graph --raw 2>"$work/err"
    echo $? >"$work/status"
} | true
status=$(cat "$work/status")
expect_status 1
check "stderr is not empty" test ! -s "$work/err"
finish
