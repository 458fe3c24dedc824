#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the oneDNN shim against every other oneDNN whose headers are at hand: the API broke between versions 2 and
# 3, and a build sees only one of them. Folders come from TSM_ONEDNN_HEADERS (separated by colons), from
# build/onednn, where script/test puts what it can get, and from oneAPI. None is exit 77, skipped.
# Usage: compile.sh SOURCE_DIR
set -eu
source=$1
tried=0
old_ifs=$IFS
IFS=:
set -- ${TSM_ONEDNN_HEADERS:-}
IFS=$old_ifs
for folder in "$@" "$source"/build/onednn/*/include /opt/intel/oneapi/dnnl/latest/include; do
    [ -f "$folder/dnnl.h" ] || continue
    version=$(sed -n 's/^#define DNNL_VERSION_M[AI][JN]OR *//p' "$folder/oneapi/dnnl/dnnl_version.h" | paste -sd .)
    for file in "$source"/src/host/cpu/*.c; do
        cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fopenmp -fsyntax-only -I"$folder" -I"$source/include" -I"$source/src/host" "$file"
    done
    c++ -std=c++17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$folder" -I"$source/include" -I"$source/src/host" \
        "$source"/src/host/cpu/dnnl_calls.cpp
    echo "oneDNN $version: the CPU backend compiles"
    tried=$((tried + 1))
done
[ "$tried" -gt 0 ] || { echo "no other oneDNN headers here"; exit 77; }
