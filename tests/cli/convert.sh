# SPDX-License-Identifier: Apache-2.0
# tsm convert: the same network in a file that says all of it; a file appears whole or not at all.
. "$TSM_LIB"

# clip FILE: one clip of 8 frames whose pixels are no pattern.
clip() {
    npy "$1" '|u1' '(1, 8, 32, 32, 3)' 0
    tail -c 24576 "$model" >>"$1"
}

# logits MODEL FILE [OPTION...]
logits() {
    from=$1
    to=$2
    shift 2
    works run --model "$from" --device cpu --input "$work/x.npy" --output "$to" "$@"
}

same() { check "$1 and $2 differ" cmp -s "$1" "$2"; }

# Nothing but the named files is left in the folder of the outputs.
only() {
    check "files are left: $(ls -A "$work/dir")" test "$(ls -A "$work/dir" | tr '\n' ' ')" = "$1"
}

mkdir "$work/dir"
out=$work/dir/out.safetensors
clip "$work/x.npy"
logits "$model" "$work/want.npy"

# ---- the same logits, and the same bytes when converted again
works convert "$model" "$out"
check "stdout is not empty" test ! -s "$work/out"
logits "$out" "$work/got.npy"
same "$work/want.npy" "$work/got.npy"
works convert "$out" "$work/dir/again"
same "$out" "$work/dir/again"
works convert "$out" "$out"
same "$out" "$work/dir/again"
only "again out.safetensors "
works info "$out" --json
expect_out '"container":"safetensors"' '"segments":8' '"place":"blockres"' '"labels":null' '"dtype":"F32"'
for key in format arch segments classes shift_div shift_place shift_direction input_size mean std; do
    check "metadata lacks $key" grep -qa "\"__metadata__\":{[^}]*\"$key\":\"" "$out"
done

# ---- PyTorch's files
for file in network.zip.pth network.legacy.pth; do
    warns "in doubt: segments: not given, 8 assumed; shift_div: " convert "$TSM_DATA/pytorch/$file" "$work/$file.st"
    check "names keep module." test -z "$(grep -a '"module\.' "$work/$file.st")"
done
same "$work/network.zip.pth.st" "$work/network.legacy.pth.st"
cp "$TSM_DATA/pytorch/network.zip.pth" "$work/TSM_x_RGB_resnet18_shift4_blockres_avg_segment5_e1.pth"
works convert "$work/TSM_x_RGB_resnet18_shift4_blockres_avg_segment5_e1.pth" "$work/plain.st"
works info "$work/plain.st" --json
expect_out '"segments":5' '"div":4'

# ---- options are part of what is written
works convert "$model" "$work/tsn" --no-shift
check "a mark is left" test -z "$(grep -a '\.net\.' "$work/tsn")"
logits "$model" "$work/want-tsn.npy" --no-shift
logits "$work/tsn" "$work/got.npy"
same "$work/want-tsn.npy" "$work/got.npy"
works convert "$model" "$work/other" --shift-place block --shift-div 4 --segments 8 --input-size 64
works info "$work/other" --json
expect_out '"div":4' '"place":"block"' '"size":64'
# In plain C: on a CPU the kernels follow the size that a network is made for.
logits "$model" "$work/want-block.npy" --shift-place block --shift-div 4 --device reference
logits "$work/other" "$work/got.npy" --device reference
same "$work/want-block.npy" "$work/got.npy"
for direction in bidirectional unidirectional mirrored; do
    works convert "$model" "$work/directed" --shift-direction $direction
    works info "$work/directed" --json
    expect_out "\"direction\":\"$direction\""
    works convert "$work/directed" "$work/again"
    same "$work/directed" "$work/again"
    logits "$model" "$work/want-$direction.npy" --shift-direction $direction --device reference
    logits "$work/directed" "$work/got.npy" --device reference
    same "$work/want-$direction.npy" "$work/got.npy"
done
# Each of them is another network: only the first is what the file was.
works convert "$model" "$work/directed" --shift-direction bidirectional
same "$out" "$work/directed"
for direction in unidirectional mirrored; do
    check "$direction makes no difference" \
        test "$(cmp -s "$work/want-bidirectional.npy" "$work/want-$direction.npy"; echo $?)" -eq 1
done
works convert "$work/directed" "$work/tsn2" --no-shift --shift-direction mirrored
works convert "$work/tsn2" "$work/again"
same "$work/tsn2" "$work/again"

nl=$TSM_DATA/golden/r50_nl.safetensors
for mode in embedded_gaussian dot_product; do
    works convert "$nl" "$work/nl" --nonlocal $mode
    works info "$work/nl" --json
    expect_out "\"nonlocal\":{\"mode\":\"$mode\",\"blocks\":5}" '"doubts":[]'
    works convert "$work/nl" "$work/again"
    same "$work/nl" "$work/again"
    logits "$nl" "$work/want-$mode.npy" --nonlocal $mode --device reference
    logits "$work/nl" "$work/got.npy" --device reference
    same "$work/want-$mode.npy" "$work/got.npy"
done
check "modes make no difference" \
    test "$(cmp -s "$work/want-embedded_gaussian.npy" "$work/want-dot_product.npy"; echo $?)" -eq 1
refuses "gaussian" convert "$nl" "$out" --nonlocal gaussian

# Every other naming, too, ends in a file that converts to itself and computes the same.
for name in mbv2_online pptsm mobileone r50_nl_gaussian_mmaction2 r18_tpool_block_mmaction2; do
    from=$TSM_DATA/golden/$name.safetensors
    works convert "$from" "$work/$name"
    works convert "$work/$name" "$work/again"
    same "$work/$name" "$work/again"
    logits "$from" "$work/want-$name.npy" --device reference
    logits "$work/$name" "$work/got.npy" --device reference
    same "$work/want-$name.npy" "$work/got.npy"
done
works info "$work/mbv2_online" --json
expect_out '"direction":"unidirectional"' '"layout":"MIT"'
works info "$work/pptsm" --json
expect_out '"direction":"mirrored"' '"arch":"resnet50_vd"'

works convert "$model" "$work/named" --arch resnet18
refuses "resnet50" convert "$model" "$work/named" --arch resnet50

# ---- half
works convert "$model" "$work/half" --half
check "half is not half" test "$(bytes_of "$work/half")" -lt $(($(bytes_of "$model") * 6 / 10))
works convert "$work/half" "$work/half2"
same "$work/half" "$work/half2"
works convert "$work/half" "$work/half2" --half
same "$work/half" "$work/half2"
works info "$work/half" --json
expect_out '"dtype":"F16"'
# The last four bytes of the file are a float32 of the last tensor: 1e6 is beyond float16.
{ head -c $(($(bytes_of "$out") - 4)) "$out"; printf '\000\044\164\111'; } >"$work/large"
cp "$out" "$work/before"
works convert "$work/large" "$work/larger"
refuses "65504" convert "$work/large" "$out" --half
expect_line "$work/large: new_fc." "1e+06"
same "$out" "$work/before"
only "again out.safetensors "

# ---- labels
printf '7 g\n1 a\n2 b\n3 c\n4 d\n5 e\n6 f\r\n' >"$work/classInd.txt"
works convert "$model" "$work/labelled" --labels "$work/classInd.txt"
works info "$work/labelled" --json
expect_out '"labels":["a","b","c","d","e","f","g"]'
printf '{"g":"6","b":"1","c":"2","d":"3","e":"4","f":"5","a":"0"}' >"$work/labels.json"
works convert "$model" "$work/labelled2" --labels "$work/labels.json"
same "$work/labelled" "$work/labelled2"
works convert "$work/labelled" "$work/labelled"
same "$work/labelled" "$work/labelled2"
printf '1 a\n2 b\n3 c\n' >"$work/three"
refuses "$work/three: there are 3 labels, the network has 7 classes" convert "$model" "$out" --labels "$work/three"
expect_line "$model: "
printf '1 a\n2 b\n2 c\n' >"$work/twice"
refuses "$work/twice: line 3 has index 2" convert "$model" "$out" --labels "$work/twice"
same "$out" "$work/before"

# ---- what cannot be
refuses "$work/absent" convert "$work/absent" "$work/dir/new"
head -c 5000 "$model" >"$work/cut"
refuses "$work/cut" convert "$work/cut" "$out"
same "$out" "$work/before"
cp "$work/cut" "$work/dir/cut"
refuses "$work/dir/cut" convert "$work/dir/cut" "$work/dir/cut"
same "$work/dir/cut" "$work/cut"
refuses "$work/absent/x" convert "$model" "$work/absent/x"
refuses "$work/dir: " convert "$model" "$work/dir"
[ ! -w /dev/full ] || refuses "/dev/full" convert "$model" /dev/full
only "again cut out.safetensors "
called="tsm convert, files of one block"
(
    ulimit -f 8
    exec "$TSM" convert "$model" "$out" >"$work/out" 2>"$work/err"
)
status=$?
expect_status 1
expect_line "$out: cannot be written"
same "$out" "$work/before"
only "again cut out.safetensors "

misused "no input" convert
misused "no output" convert "$model"
misused "more than two files" convert a b c
misused "--model" convert a b --model c
works help convert
expect_out "usage: tsm convert [options] IN OUT.safetensors" --half --labels --segments
finish
