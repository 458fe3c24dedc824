#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# resources.sh SCRIPT FOLDER: the table of kernel resources is made, and a spill is refused.
script=$1
folder=$2
entry() {
    printf "ptxas info    : Compiling entry function '_Z3foov' for '%s'\nptxas info    : Function properties for _Z3foov\n" "$1"
    printf "    0 bytes stack frame, %s bytes spill stores, %s bytes spill loads\n" "$2" "$2"
    printf "ptxas info    : Used 40 registers, used 1 barriers, 2048 bytes smem\n"
}
fail() { echo "resources.sh: $1" >&2; exit 1; }
mkdir -p "$folder" || exit 1
{ entry sm_80 0; entry sm_90a 0; } >"$folder/good.ptxas"
{ entry sm_80 0; entry sm_90a 8; } >"$folder/bad.ptxas"
: >"$folder/none.ptxas"
sh "$script" "$folder/table" "$folder/good.ptxas" | grep -q '1 kernels, 2 targets, 0 bytes spilled' || fail "no table"
grep -q 'foo.* 40 .* 40 .* 2048' "$folder/table" || fail "the table lacks the kernel"
sh "$script" "$folder/table" "$folder/bad.ptxas" 2>"$folder/message" && fail "a spill passes"
grep -q 'spill registers' "$folder/message" || fail "a spill is not named"
sh "$script" "$folder/table" "$folder/none.ptxas" 2>"$folder/message" && fail "empty logs pass"
exit 0
