# SPDX-License-Identifier: Apache-2.0
# tsm preprocess: the tensor and the frame numbers.
. "$TSM_LIB"

x=$work/x.npy
shape() { # shape WANT ARGUMENT...
    want=$1
    shift
    works preprocess "$clip" --output "$x" "$@"
    check "its shape is not $want" grep -aqF "'descr': '<f4', 'fortran_order': False, 'shape': $want" "$x"
    expect_out "$want"
}

shape "(1, 8, 3, 224, 224)"
check "its size is wrong" test "$(bytes_of "$x")" -eq $((128 + 8 * 3 * 224 * 224 * 4))
check "values are not normalised pixels" \
    test "$(floats "$x" | awk '$1 < -2.2 || $1 > 2.7' | wc -l)" -eq 0
shape "(1, 8, 3, 32, 32)" --input-size 32
shape "(1, 3, 3, 32, 32)" --input-size 32 --segments 3
shape "(6, 8, 3, 32, 32)" --input-size 32 --views 3 --sampling twice
shape "(50, 2, 3, 16, 16)" --input-size 16 --views 5 --sampling dense --segments 2
shape "(10, 1, 3, 40, 40)" --input-size 32 --scale-size 40 --full-res --views 10 --segments 1
shape "(1, 8, 3, 32, 32)" --input-size 32 --mode mmaction2

# A model brings its own size and segments; flags go first.
shape "(1, 16, 3, 32, 32)" --model "$TSM_DATA/golden/r18_t16.safetensors" --input-size 32

# Uniform sampling, 1-based: int(tick / 2 + tick * i) + 1 with tick = frames / 8.
works preprocess "$clip" --output "$x" --input-size 32 --json
frames=$(sed -n 's/.*"frames":\([0-9]*\).*/\1/p' "$work/out")
want=$(awk -v n="$frames" 'BEGIN { for (i = 0; i < 8; i++) printf "%s%d", i ? "," : "", int(n / 16 + n / 8 * i) + 1 }')
expect_out '"sampled":[['"$want"']]' '"shape":[1,8,3,32,32]' '"views":1' '"samples":1' '"segments":8' '"mean":[' \
    '"std":[' '"codec":"' '"input":"'"$clip"'"' '"output":"'"$x"'"' '"ms":{"decode":'
check "not one line" test "$(wc -l <"$work/out")" -eq 1
works preprocess "$clip" --output "$work/again.npy" --input-size 32
check "a second run differs" cmp -s "$x" "$work/again.npy"

# ---- refusals
echo before >"$work/kept"
echo "no video at all" >"$work/text.mp4"
refuses "$work/text.mp4: " preprocess "$work/text.mp4" --output "$work/kept"
refuses "$work/absent.mp4: " preprocess "$work/absent.mp4" --output "$work/kept"
refuses "$work/absent.st: " preprocess "$clip" --model "$work/absent.st" --output "$work/kept"
check "a failure replaced the output" test "$(cat "$work/kept")" = before
refuses "$work/absent/x.npy: " preprocess "$work/text.mp4" --output "$work/absent/x.npy"
refuses "$work: " preprocess "$clip" --output "$work"
refuses "$work/kept/x.npy: " preprocess "$clip" --output "$work/kept/x.npy"
if [ -w /dev/full ]; then refuses "/dev/full: " preprocess "$clip" --output /dev/full; fi
check "something was left beside an output" test -z "$(find "$work" -name '.tsm-*')"
# A network that it cannot feed is refused, as classify refuses it.
flow=$TSM_DATA/golden/r18_flow.safetensors
refuses "$flow: takes 10 channels" preprocess "$clip" --model "$flow" --output "$work/flow.npy"
check "an output was written" test ! -e "$work/flow.npy"

finish
