# SPDX-License-Identifier: Apache-2.0
# tsm run: tensors in, logits out, and what it refuses.
. "$TSM_LIB"

x=$work/x.npy y=$work/y.npy

# uint8 frames of 17 clips: three batches of six, the last one beginning with a clip that is done already.
npy "$x" '|u1' '(17, 8, 32, 32, 3)' $((17 * 8 * 32 * 32 * 3))
tail -c $((17 * 8 * 32 * 32 * 3)) "$model" | dd of="$x" bs=128 seek=1 conv=notrunc 2>/dev/null
check "the weights are too few to be pictures" test "$(bytes_of "$model")" -ge $((17 * 8 * 32 * 32 * 3))
works run --model "$model" --device reference --input "$x" --output "$y"
check "its shape is not (17, 7)" grep -aqF "'shape': (17, 7)" "$y"
check "its size is wrong" test "$(bytes_of "$y")" -eq $((128 + 17 * 7 * 4))
check "logits are not finite" test "$(floats "$y" | grep -ciE 'nan|inf')" -eq 0
check "clips have the same logits" test "$(floats "$y" | sort -u | wc -l)" -gt 100

# Each clip alone gives what it gave in the batch.
for clip in 0 5 11 12 16; do
    npy "$work/one.npy" '|u1' '(1, 8, 32, 32, 3)' 0
    tail -c +$((129 + clip * 24576)) "$x" | head -c 24576 >>"$work/one.npy"
    works run --model "$model" --device reference --input "$work/one.npy" --output "$work/y1.npy"
    floats "$y" | tail -n +$((clip * 7 + 1)) | head -n 7 >"$work/want"
    floats "$work/y1.npy" >"$work/got"
    check "clip $clip differs alone" cmp -s "$work/want" "$work/got"
done

# The number of frames is the array's; zeros in float32 are a grey video.
npy "$work/f.npy" '<f4' '(2, 3, 3, 40, 36)' $((2 * 3 * 3 * 40 * 36 * 4))
works run --model "$model" --device reference --input "$work/f.npy" --output "$work/yf.npy"
check "two equal clips differ" test "$(floats "$work/yf.npy" | sort | uniq -c | awk '$1 % 2' | wc -l)" -eq 0
refuses "--segments 8" run --model "$model" --segments 8 --input "$work/f.npy" --output "$work/no.npy"

# The CPU backend, with and without a copy for the shift: the same bits.
for method in copy inplace; do
    works run --model "$model" --device cpu --shift $method --input "$x" --output "$work/$method.npy"
done
check "copy and inplace differ" cmp -s "$work/copy.npy" "$work/inplace.npy"

# An output is replaced only by a complete one, may be the input, and may be a device.
cp "$x" "$work/both.npy"
works run --model "$model" --device reference --input "$work/both.npy" --output "$work/both.npy"
check "run in place differs" cmp -s "$work/both.npy" "$y"
works run --model "$model" --device reference --input "$work/one.npy" --output /dev/null
check "/dev/null was replaced" test -c /dev/null

# ---- the wrong input
bad() { # bad TEXT DESCR SHAPE BYTES
    npy "$work/bad.npy" "$2" "$3" "$4"
    refuses "$work/bad.npy: " run --model "$model" --device reference --input "$work/bad.npy" --output "$work/no.npy"
    expect_line "$1"
}
refuses "$work/absent.npy" run --model "$model" --input "$work/absent.npy" --output "$work/no.npy"
refuses "$work: " run --model "$model" --input "$work" --output "$work/no.npy"
: >"$work/empty.npy"
refuses "$work/empty.npy" run --model "$model" --input "$work/empty.npy" --output "$work/no.npy"
refuses "$model" run --model "$model" --input "$model" --output "$work/no.npy"
bad "'<f8'" '<f8' '(1, 1, 3, 8, 8)' 1536
bad "(N, T, C, H, W)" '<f4' '(3, 32, 32)' 12288
bad "(N, T, H, W, 3)" '|u1' '(3, 32, 32)' 3072
bad "(N, T, H, W, 3)" '|u1' '(1, 8, 3, 32, 32)' 24576
bad "4 channels" '<f4' '(1, 2, 4, 32, 32)' 32768
bad "no clips" '<f4' '(0, 8, 3, 32, 32)' 0
bad "no clips" '<f4' '(1, 0, 3, 32, 32)' 0
bad "no clips" '|u1' '(1, 8, 0, 32, 3)' 0
bad "longer than 1024" '|u1' '(1, 1025, 1, 1, 3)' 3075
bad "shorter" '<f4' '(1, 8, 3, 32, 32)' 98300
bad "longer" '<f4' '(1, 8, 3, 32, 32)' 98308
bad "shorter" '<f4' '(99999999, 99999999, 3, 32, 32)' 98304
bad "" '<f4' '(1, 8, 3, 32, -32)' 98304
check "a refused run left an output" test ! -e "$work/no.npy"

# ---- an output that cannot be written: found before the work, and what stood there stays
echo before >"$work/kept"
refuses "$work/absent/y.npy" run --model "$model" --input "$x" --output "$work/absent/y.npy"
refuses "$work/kept/y.npy" run --model "$model" --input "$x" --output "$work/kept/y.npy"
refuses "$work: " run --model "$model" --input "$x" --output "$work"
refuses "$work/bad.npy" run --model "$model" --input "$work/bad.npy" --output "$work/kept"
check "a failure replaced the output" test "$(cat "$work/kept")" = before
if [ -w /dev/full ]; then
    refuses "/dev/full" run --model "$model" --device reference --input "$work/one.npy" --output /dev/full
fi
# The file may not grow to its size.
npy "$work/many.npy" '|u1' '(40, 1, 8, 8, 3)' 7680
(
    ulimit -f 1
    failures=0
    refuses "$work/kept" run --model "$model" --device reference --input "$work/many.npy" --output "$work/kept"
    exit $failures
) || failures=$((failures + 1))
check "a failure replaced the output" test "$(cat "$work/kept")" = before
check "something was left beside the output" test -z "$(find "$work" -name '.tsm-*')"

# Ended by a signal, once its temporary file is there.
npy "$work/long.npy" '|u1' '(200, 8, 64, 64, 3)' $((200 * 8 * 64 * 64 * 3))
called="a run that is ended"
"$TSM" run --model "$model" --device reference --input "$work/long.npy" --output "$work/kept" 2>"$work/err" &
child=$!
tries=0
while [ -z "$(find "$work" -name '.tsm-*')" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
check "no temporary file was seen" test $tries -lt 100
kill -TERM $child
wait $child
check "its exit status does not say so" test $? -eq 143
check "it replaced the output" test "$(cat "$work/kept")" = before
check "it left its temporary file" test -z "$(find "$work" -name '.tsm-*')"

# ---- devices
refuses "cuda" run --model "$model" --device cuda:99 --input "$x" --output "$work/no.npy"
if [ ! -e /dev/nvidiactl ]; then
    refuses "cuda" run --model "$model" --device cuda --input "$x" --output "$work/no.npy"
fi
refuses "precision" run --model "$model" --device reference --precision int8 --input "$x" --output "$work/no.npy"
refuses "abacus" run --model "$model" --device abacus --input "$x" --output "$work/no.npy"
check "a refused run left an output" test ! -e "$work/no.npy"
finish
