#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the build into a fresh prefix and embeds it from there: C and C++ through pkg-config, C through CMake,
# each public header alone in both languages, and the libraries' exported names.
# Usage: run.sh BUILD_DIR SOURCE_DIR
set -eu
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-Wall -Wextra -Werror"

cmake --install "$build" --prefix "$work/prefix" >/dev/null
pc=$(find "$work/prefix" -name tsm-video.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
set -- "$work"/prefix/share/tsm/tsm-demo.safetensors "$(find "$source/demo/clips" -name '*.mp4' | sort | head -n 1)"

for header in tsm video pipeline; do
    echo "#include <tsm/$header.h>" >"$work/alone.c"
    cc -std=c11 $flags -fsyntax-only $(pkg-config --cflags tsm-video) "$work/alone.c"
    c++ -x c++ -std=c++11 $flags -fsyntax-only $(pkg-config --cflags tsm-video) "$work/alone.c"
done

want=$(basename "$2" | sed 's/-[0-9]*\.mp4$//; s/[-_]/ /g')
expect() { # expect WHAT PROGRAM MODEL CLIP
    what=$1 && shift
    got=$("$@" | sed 's/[-_]/ /g')
    [ "$got" = "$want" ] || { echo "$what: label \"$got\", want \"$want\"" >&2; exit 1; }
    echo "$what: $got"
}

cc -std=c11 $flags "$source/tests/embed/embed.c" -o "$work/embed_c" $(pkg-config --cflags --libs tsm-video)
expect "C, pkg-config" "$work/embed_c" "$@"
# A checkpoint without names for its classes.
case $("$work/embed_c" "$source/tests/data/golden/r18.safetensors" "$2") in
"class "[0-6]) ;;
*) echo "without labels: no class" >&2; exit 1 ;;
esac
c++ -x c++ -std=c++11 $flags "$source/tests/embed/embed.c" -x none -o "$work/embed_cxx" $(pkg-config --cflags --libs tsm-video)
expect "C++, pkg-config" "$work/embed_cxx" "$@"

mkdir "$work/project"
cp "$source/tests/embed/embed.c" "$work/project"
part() { sed -n "s/^#define TSM_VERSION_$1 //p" "$work/prefix/include/tsm/tsm.h"; }
version=$(part MAJOR).$(part MINOR)
[ "$(pkg-config --modversion tsm)" = "$version.$(part PATCH)" ] || { echo "pkg-config has another version" >&2; exit 1; }
cat >"$work/project/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.22)
project(embed LANGUAGES C)
find_package(tsm $version REQUIRED)
add_executable(embed embed.c)
target_link_libraries(embed PRIVATE tsm::tsm-video)
CMAKE
cmake -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/project/build" >/dev/null
expect "C, CMake package" "$work/project/build/embed" "$@"
expect_installed() { "$work/prefix/bin/tsm" classify "$2" >/dev/null; }
expect_installed "$@" # the installed command finds its own default model

for library in tsm tsm-video; do
    file=$LD_LIBRARY_PATH/lib$library.so
    stray=$(nm -D --defined-only "$file" | awk '$2 ~ /[TDBR]/ { print $3 }' | grep -v '^tsm_' || true)
    [ -z "$stray" ] || { echo "$file exports $stray" >&2; exit 1; }
    readelf -d "$file" | grep -q "SONAME.*lib$library\.so\.[0-9]" || { echo "$file has no versioned SONAME" >&2; exit 1; }
done
if readelf -d "$LD_LIBRARY_PATH/libtsm.so" | grep -E 'NEEDED.*(libav|libcuda|libcudnn|libcublas)'; then
    echo "libtsm.so must not link FFmpeg or CUDA" >&2
    exit 1
fi
echo "embedding: ok"
