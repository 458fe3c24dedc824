#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages and the completion know every subcommand and option that the help knows, and are well formed.
. "$TSM_LIB"

share=$(dirname "$TSM")/../share
completion=$share/bash-completion/completions/tsm
[ -f "$share/man/man1/tsm.1" ] || { echo "no manual was made in this build"; exit 77; }

called="tsm --help"
: >"$work/out"
: >"$work/err"
commands=$("$TSM" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | grep -vx help)
[ -n "$commands" ] || fail "tsm --help names no commands"
for command in $commands; do
    called="tsm $command --help"
    page=$share/man/man1/tsm-$command.1
    grep -q "fB$command" "$share/man/man1/tsm.1" || fail "tsm.1 lacks $command"
    for option in $("$TSM" "$command" --help | sed -n 's/^  \(-h, \)\{0,1\}--\([a-z-]*\).*/\2/p'); do
        sed 's/\\f.//g; s/\\-/-/g' "$page" | grep -q -- "^\(-h, \)\{0,1\}--$option" || fail "tsm-$command.1 lacks --$option"
        sed -n "/^    $command)/,/^    [a-z]*)/p" "$completion" | grep -q -- "--$option[ ']" ||
            fail "the completion of $command lacks --$option"
    done
done

if command -v groff >/dev/null; then
    for page in "$share"/man/man1/tsm*.1; do
        said=$(groff -man -Tutf8 -wall -z "$page" 2>&1)
        [ -z "$said" ] || fail "$page: $said"
    done
fi

command -v bash >/dev/null || finish
# completes WANTED WORD...: what bash would offer for the last word.
completes() {
    wanted=$1
    shift
    got=$(bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tsm; echo "${COMPREPLY[*]}"' bash \
        "$completion" "$@")
    [ "$got" = "$wanted" ] || fail "completion of \"$*\": \"$got\", want \"$wanted\""
}
completes 'classify' tsm cl
completes 'info' tsm help in
completes '--version' tsm --v
completes '--sheet' tsm classify --she
completes 'fp32 fp16 fp8' tsm run --precision fp
completes 'fp32 fp16 fp8' tsm run --precision = fp
completes 'mit mmaction2' tsm classify --mode =
completes '' tsm classify --model x
completes '' tsm classify clip
finish
