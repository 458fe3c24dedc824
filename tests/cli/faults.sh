# SPDX-License-Identifier: Apache-2.0
# Reads that fail, that are interrupted, and that give less than was asked for: a failure is an error in every reader,
# wherever in the file it comes, and the others change nothing.
. "$TSM_LIB"
[ -n "${TSM_FAULTS:-}" ] && [ -e "$TSM_FAULTS" ] || exit 77

small="--model $model --input-size 32"
frames=$work/frames
mkdir "$frames" "$work/faulty"
for i in 1 2 3 4 5 6 7 8 9; do cp "$TSM_DATA/pil/full.jpg" "$frames/img_$i.jpg"; done
for i in 1 2 3; do cp "$TSM_DATA/pil/rgb.png" "$work/faulty/img_$i.png"; done
npy "$work/faulty.npy" '<f4' '(9, 8, 3, 8, 8)' $((9 * 8 * 3 * 8 * 8 * 4))
printf 'a\nb\nc\nd\ne\nf\ng\n' >"$work/faulty.txt"

# with FAULT PATH AT ARGUMENT...: the command with reads of PATH going wrong.
with() {
    fault=$1 part=$2 at=$3
    shift 3
    called="TSM_FAULT=$fault at $at of $part: tsm $*"
    LD_PRELOAD=$TSM_FAULTS TSM_FAULT=$fault TSM_FAULT_PATH=$part TSM_FAULT_AT=$at "$TSM" "$@" >"$work/out" 2>"$work/err"
    status=$?
}

# breaks PATH AT NAMED ARGUMENT...: an error that names NAMED.
breaks() {
    part=$1 at=$2 named=$3
    shift 3
    with eio "$part" "$at" "$@"
    expect_status 1
    expect_line "$named" "Input/output error"
}

# survives PATH ARGUMENT...: short and interrupted reads give the output of whole ones.
survives() {
    part=$1
    shift
    "$TSM" "$@" 2>&1 | sed 's/"ms".*//' >"$work/whole"
    for fault in short eintr; do
        with "$fault" "$part" 0 "$@"
        expect_status 0
        sed 's/"ms".*//' "$work/out" >"$work/got"
        cmp -s "$work/whole" "$work/got" || fail "$fault reads change the output"
    done
}

for name in h264_b_frames.mp4 mpeg4_b_frames.avi mpeg2_transport_stream.ts vp9_odd_size.webm h264_no_times.h264; do
    video=$TSM_DATA/video/$name
    size=$(bytes_of "$video")
    for at in 0 100 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 1)); do
        breaks "$name" "$at" "$name" classify $small "$video"
    done
    survives "$name" classify --json $small "$video"
done

for at in 0 1 300; do
    breaks img_6.jpg "$at" img_6.jpg classify $small "$frames"
    breaks img_2.png "$at" img_2.png classify $small "$work/faulty"
done
breaks "$frames" 3 "$frames" classify $small "$frames"
survives img_ classify --json $small "$frames"
survives img_ classify --json $small "$work/faulty"

for at in 0 5 127 128 10000 $((9 * 8 * 3 * 8 * 8 * 4)); do
    breaks faulty.npy "$at" faulty.npy run --model "$model" --input "$work/faulty.npy" --output "$work/y.npy"
    [ ! -e "$work/y.npy" ] || fail "an output was written"
done
survives faulty.npy run --model "$model" --input "$work/faulty.npy" --output "$work/y.npy"

for at in 0 5 13; do breaks faulty.txt "$at" faulty.txt info "$model" --labels "$work/faulty.txt"; done
survives faulty.txt info "$model" --labels "$work/faulty.txt"

finish
