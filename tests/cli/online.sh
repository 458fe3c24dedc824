# SPDX-License-Identifier: Apache-2.0
# tsm run --online: every clip a stream of its own, which looks back only and starts from nothing.
. "$TSM_LIB"

golden=$TSM_DATA/golden
x=$work/x.npy frame=$((32 * 32 * 3)) clip=$((8 * 32 * 32 * 3))

# frames FILE SHAPE FROM BYTES: an array of pixels that are no pattern, cut out of the weights.
frames() {
    npy "$1" '|u1' "$2" 0
    tail -c +$(($3 + 20001)) "$model" | head -c "$4" >>"$1"
}

# run MODEL INPUT OUTPUT [OPTION...]
run() {
    with=$1
    from=$2
    to=$3
    shift 3
    works run --model "$with" --device reference --input "$from" --output "$to" "$@"
}

# rows FILE FIRST COUNT: logits, seven a row.
rows() { floats "$1" | tail -n +$(($2 * 7 + 1)) | head -n $(($3 * 7)); }

# same_rows TEXT FILE FIRST COUNT FILE FIRST: the same bits.
same_rows() {
    rows "$2" "$3" "$4" >"$work/want"
    rows "$5" "$6" "$4" >"$work/got"
    check "$1" cmp -s "$work/want" "$work/got"
    check "$1: no logits" test -s "$work/want"
}

# same_mean FRAMES CLIPS: what one has of every frame has the other's mean over eight frames.
same_mean() {
    floats "$1" >"$work/want"
    check "the mean of the frames is not the clip's" test "$(floats "$2" | awk -v frames="$work/want" '
        BEGIN { for (n = 0; (getline value < frames) > 0; n++) sum[int(n / 56), n % 7] += value / 8 }
        { d = $1 - sum[int((NR - 1) / 7), (NR - 1) % 7]; if (d > 1e-4 || d < -1e-4) far++; if ($1 > .1 || $1 < -.1) large++ }
        END { print (n == NR * 8 && far == 0 && large > NR / 4) }')" -eq 1
}

# Three batches of six clips; the last one begins with a clip that is done already.
frames "$x" '(17, 8, 32, 32, 3)' 0 $((17 * clip))
run "$model" "$x" "$work/y.npy" --online
check "its shape is not (17, 8, 7)" grep -aqF "'shape': (17, 8, 7)" "$work/y.npy"
check "its size is wrong" test "$(bytes_of "$work/y.npy")" -eq $((128 + 17 * 8 * 7 * 4))
check "logits are not finite" test "$(floats "$work/y.npy" | grep -ciE 'nan|inf')" -eq 0
check "frames have the same logits" test "$(rows "$work/y.npy" 0 8 | sort -u | wc -l)" -gt 40

# A clip has the logits that it has alone, and a frame those that it has when none comes after it.
for n in 0 5 11 12 16; do
    frames "$work/one.npy" '(1, 8, 32, 32, 3)' $((n * clip)) $clip
    run "$model" "$work/one.npy" "$work/y1.npy" --online
    same_rows "clip $n differs alone" "$work/y.npy" $((n * 8)) 8 "$work/y1.npy" 0
done
for t in 1 2 5; do
    frames "$work/part.npy" "(1, $t, 32, 32, 3)" $((12 * clip)) $((t * frame))
    run "$model" "$work/part.npy" "$work/y1.npy" --online
    same_rows "the first $t frames differ without the rest" "$work/y.npy" $((12 * 8)) $t "$work/y1.npy" 0
done
frames "$work/late.npy" '(1, 7, 32, 32, 3)' $((12 * clip + frame)) $((7 * frame))
run "$model" "$work/late.npy" "$work/y1.npy" --online
rows "$work/y.npy" $((12 * 8 + 7)) 1 >"$work/want"
rows "$work/y1.npy" 6 1 >"$work/got"
check "the last frame does not know the first" test "$(cmp -s "$work/want" "$work/got"; echo $?)" -eq 1

# It is the uni-directional network, whose plain run takes the mean; said or not.
run "$model" "$x" "$work/mean.npy" --shift-direction unidirectional
check "its shape is not (17, 7)" grep -aqF "'shape': (17, 7)" "$work/mean.npy"
same_mean "$work/y.npy" "$work/mean.npy"
run "$model" "$x" "$work/y2.npy" --online --shift-direction unidirectional
check "saying so makes a difference" cmp -s "$work/y.npy" "$work/y2.npy"
for direction in bidirectional mirrored; do
    run "$model" "$x" "$work/$direction.npy" --shift-direction $direction
    misused "--online shifts unidirectional, not $direction" run --model "$model" --input "$x" \
        --output "$work/no.npy" --online --shift-direction $direction
done
run "$model" "$x" "$work/plain.npy"
check "bidirectional is not what the network is" cmp -s "$work/plain.npy" "$work/bidirectional.npy"
for other in mirrored mean; do
    check "$other is bidirectional" test "$(cmp -s "$work/plain.npy" "$work/$other.npy"; echo $?)" -eq 1
done

# A float32 array and another backend.
npy "$work/f.npy" '<f4' '(2, 3, 3, 40, 36)' $((2 * 3 * 3 * 40 * 36 * 4))
run "$model" "$work/f.npy" "$work/yf.npy" --online --device cpu
check "its shape is not (2, 3, 7)" grep -aqF "'shape': (2, 3, 7)" "$work/yf.npy"
same_rows "two equal clips differ" "$work/yf.npy" 0 3 "$work/yf.npy" 3

# A TSN stays one: a frame has the logits that it has alone.
run "$model" "$work/late.npy" "$work/tsn.npy" --online --no-shift
frames "$work/part.npy" '(1, 1, 32, 32, 3)' $((12 * clip + 4 * frame)) $frame
run "$model" "$work/part.npy" "$work/y1.npy" --online --no-shift
same_rows "a frame of a TSN knows the one before" "$work/tsn.npy" 3 1 "$work/y1.npy" 0

# The release's online network looks back only by itself.
run "$golden/mbv2_online.safetensors" "$work/one.npy" "$work/y.npy" --online
run "$golden/mbv2_online.safetensors" "$work/one.npy" "$work/mean.npy"
same_mean "$work/y.npy" "$work/mean.npy"

# ---- networks that cannot
for nl in r50_nl r50_nl_gaussian_mmaction2; do
    refuses "$golden/$nl.safetensors: cannot run online: a non-local block looks at frames to come" run --online \
        --model "$golden/$nl.safetensors" --input "$work/one.npy" --output "$work/no.npy"
done
refuses "$golden/r18_tpool.safetensors: has no logits of every frame" run --online \
    --model "$golden/r18_tpool.safetensors" --input "$work/one.npy" --output "$work/no.npy"
check "a refused run left an output" test ! -e "$work/no.npy"
finish
