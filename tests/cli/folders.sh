# SPDX-License-Identifier: Apache-2.0
# Folders of frames: one pattern, which is said; several, which are named; strangers and pipes; and limits of an input.
. "$TSM_LIB"

small="--model $model --input-size 32"
frames=$work/frames
mkdir "$frames"
for i in 1 2 3; do cp "$TSM_DATA/pil/full.jpg" "$frames/img_0000$i.jpg"; done
works classify "$frames" $small
expect_out "$frames (img_#.jpg): 3 frames"
works classify "$frames" $small --json
expect_out '"pattern":"img_#.jpg"' '"frames":3'
works preprocess "$frames" $small --json --output "$work/x.npy"
expect_out '"pattern":"img_#.jpg"'
works classify "$clip" $small --json
expect_out '"pattern":null'

# A thumbnail, and the sheet that was written there, are no frames.
if draws; then works classify "$frames" $small --sheet "$frames/sheet.png"; else cp "$TSM_DATA/pil/rgb.png" "$frames/sheet.png"; fi
tsm classify "$frames" $small
expect_status 0
expect_out "3 frames"
expect_line "$frames: left out sheet.png, which is not named img_#.jpg"
cp "$TSM_DATA/pil/rgb.png" "$frames/thumb.png"
tsm classify "$frames" $small
expect_status 0
expect_line "sheet.png and 1 more"
works classify "$frames" $small --frames 'img_#.jpg'

# RGB and flow side by side.
for i in 1 2 3 4; do
    cp "$TSM_DATA/pil/gray.jpg" "$frames/flow_x_0000$i.jpg"
    cp "$TSM_DATA/pil/gray.jpg" "$frames/flow_y_0000$i.jpg"
done
refuses "flow_x_#.jpg (4), flow_y_#.jpg (4), img_#.jpg (3)" classify "$frames" $small
expect_line "frames"
for pattern in 'img_#.jpg' 'img_%05d.jpg' 'img_*'; do
    works classify "$frames" $small --frames "$pattern"
    expect_out "$frames ($pattern): 3 frames"
done
works classify "$frames" $small --frames '*.jpg'
expect_out ": 11 frames"
refuses "no file in this folder is named image_#.jpg" classify "$frames" $small --frames 'image_#.jpg'

# A pipe with the name of a frame is not waited for; a dangling link is no silent gap.
mkdir "$work/odd"
for i in 1 2; do cp "$TSM_DATA/pil/full.jpg" "$work/odd/$i.jpg"; done
mkfifo "$work/odd/3.jpg"
tsm classify "$work/odd" $small
expect_status 0
expect_line "3.jpg, which is no regular file"
ln -s nowhere "$work/odd/4.jpg"
refuses "4.jpg: No such file" classify "$work/odd" $small

# What an input may cost.
refuses "$clip: frames of 96 x 64 pixels: at most 16384 a side and 6143 in all" classify "$clip" $small --max-pixels 6143
refuses "$clip: more than 10 frames" classify "$clip" $small --max-frames 10
refuses "more than 2 frames" classify "$frames" $small --frames 'img_#.jpg' --max-frames 2
misused "1..1000000" classify "$clip" $small --timeout 0
works classify "$clip" $small --timeout 100 --max-frames 1000 --max-pixels 100000 --max-megabytes 1

refuses "1024 frames of 50331648 bytes make clips of more than" classify "$clip" --model "$model" --segments 1024 \
    --input-size 4096 --shift-div 8
refuses "make clips of more than the 1048576 bytes" classify "$clip" --model "$model" --max-memory 1 --segments 8

finish
