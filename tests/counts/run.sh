#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Counts of what the CPU's loops and both backends' plans cost, against the recorded ones of this folder.
# Usage: run.sh loops|plans|cuda PROGRAM COMPILER [--record]; COMPILER is "GNU 12.2.0 x86_64"
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kind=$1 program=$2 compiler=$3 record=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case $kind in
# Counts are a compiler's; of a minor version they are near enough.
loops) sh "$here/loops.sh" "$program" >"$work/now" || exit $?; slack=2 ;;
# Which kernels oneDNN has depends on the machine, which steps a plan has must not.
plans) DNNL_MAX_CPU_ISA=AVX2 "$program" >"$work/now"; slack=0 ;;
# Launches and bytes of the CUDA plan, by arithmetic: of a forward, and of the layers of one network.
cuda)
    for network in resnet18 resnet50 mobilenetv2; do
        "$program" make $network "$work/model.safetensors"
        for way in copy overlap gather; do
            "$program" layers --predict --model "$work/model.safetensors" --device sm_90 --batch 8 --shift $way --json |
                awk -v name="cuda.$network.$way" -v layers="$network.$way" '
                    { key = $1; gsub(/[":]/, "", key); value = $2; gsub(/[",]/, "", value) }
                    /^  "(launches|bytes)"/ { print name "." key, value }
                    key == "layer" { layer = value }
                    /^      "bytes"/ && value > 0 && layers == "resnet50.overlap" { print name ".bytes." layer, value }
                '
        done
    done >"$work/now"
    slack=0
    ;;
*) echo "run.sh: no kind $kind" >&2; exit 2 ;;
esac
[ -s "$work/now" ] || { echo "$kind: nothing was counted" >&2; exit 1; }
if [ -n "$record" ]; then
    { echo "# $kind, by script/counts; $compiler"; LC_ALL=C sort "$work/now"; } >"$here/$kind.txt"
    exit 0
fi
recorded=$(sed -n '1s/.*; //p' "$here/$kind.txt")
if [ "$kind" = loops ] && [ "${compiler%%.*}${compiler##* }" != "${recorded%%.*}${recorded##* }" ]; then
    echo "skipped: recorded with $recorded, this is $compiler"
    exit 77
fi
sh "$here/check.sh" "$here/$kind.txt" "$work/now" "$slack"
