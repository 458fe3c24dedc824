# SPDX-License-Identifier: Apache-2.0
# tsm classify: labels for good inputs, one line for each bad one, sheets.
. "$TSM_LIB"

small="--model $model --device reference --input-size 32"
scores() { sed -n 's/^  \([01]\.[0-9]*\)  .*/\1/p' "$work/out"; }
field() { sed -n "s/.*\"$1\":\([-0-9.e]*\).*/\1/p" "$work/out"; } # of the last entry of a line of JSON
is_png() { [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]; }

# ---- text
works classify "$clip" $small
expect_out "$clip: " " frames; decode" "ms, preprocess" "ms, network" "class "
check "not five labels" test "$(scores | wc -l)" -eq 5
check "scores do not fall" test "$(scores)" = "$(scores | sort -rn)"
works classify "$clip" $small --top 100
check "not as many labels as classes" test "$(scores | wc -l)" -eq 7
check "scores do not add up to 1" test "$(scores | awk '{ s += $1 } END { print (s > .998 && s < 1.002) }')" -eq 1
works classify --top=1 "$clip" $small --mode mmaction2 --full-res --views 3 --sampling twice
check "not one label" test "$(scores | wc -l)" -eq 1
printf 'zero\none\ntwo\nthree\nfour\nfive\nsix\n' >"$work/labels"
works classify "$clip" $small --top 7 --labels "$work/labels"
check "labels are not all there" test "$(grep -cE '^  .*  (zero|one|two|three|four|five|six)$' "$work/out")" -eq 7

# ---- JSON, a line an input
cp "$clip" "$work/a b.mp4"
works classify "$clip" "$work/a b.mp4" $small --json --top 2
check "not two lines" test "$(wc -l <"$work/out")" -eq 2
check "not every line is an object" test "$(grep -cE '^\{.*\}$' "$work/out")" -eq 2
expect_out '"input":"'"$clip"'"' '"input":"'"$work/a b.mp4"'"' '"frames":' '"sampled":[[' '"top":[{"label":"class ' \
    '"index":' '"score":' '"logit":' '"ms":{"decode":' '"preprocess":' '"network":'
check "equal inputs differ" test "$(field logit | sort -u | wc -l)" -eq 1
cp "$clip" "$work/$(printf 'caf\351').mp4"
works classify "$work/$(printf 'caf\351').mp4" $small --json
expect_out "$(printf 'caf\357\277\275.mp4"')"
works classify "$clip" $small --segments 3 --sampling twice --json
check "not two lists of three frames" grep -qE '"sampled":\[\[[0-9]+,[0-9]+,[0-9]+\],\[[0-9]+,[0-9]+,[0-9]+\]\]' "$work/out"

# The shift is what the flags say: methods give the same bits, no shift gives other scores.
works classify "$clip" $small --json --top 1
field logit >"$work/shifted"
for method in auto copy; do
    works classify "$clip" $small --json --top 1 --shift $method
    check "--shift $method differs" test "$(field logit)" = "$(cat "$work/shifted")"
done
for other in --no-shift "--shift-direction unidirectional" "--shift-direction mirrored"; do
    works classify "$clip" $small --json --top 1 $other
    check "$other changes nothing" test "$(field logit)" != "$(cat "$work/shifted")"
done

# What preprocess writes and run computes is what classify says.
works preprocess "$clip" --model "$model" --input-size 32 --views 3 --output "$work/x.npy"
works run --model "$model" --device reference --input "$work/x.npy" --output "$work/y.npy"
want=$(floats "$work/y.npy" | awk '{ s[(NR - 1) % 7] += $1 } END { for (i = 0; i < 7; i++) { m = s[i] / (NR / 7)
    if (i == 0 || m > best) best = m } print best }')
works classify "$clip" $small --views 3 --json --top 1
check "logit $(field logit), but preprocess and run make it $want" \
    test "$(field logit | awk -v w="$want" '{ d = ($1 - w) / w; print (d < 1e-4 && d > -1e-4) }')" -eq 1

# ---- bad inputs: the others are done
echo "no video at all" >"$work/text.mp4"
head -c 200 "$clip" >"$work/cut.mp4"
mkdir "$work/nothing"
for bad in "$work/absent.mp4" "$work/text.mp4" "$work/cut.mp4" "$work/nothing" /dev/null \
    "$TSM_DATA/video/audio_only.m4a" "$TSM_DATA/video/index_missing.mp4"; do
    refuses "$bad: " classify "$clip" "$bad" "$work/a b.mp4" $small
    expect_out "$clip: " "a b.mp4: "
    refuses "$bad: " classify "$bad" $small --json
    check "not a line of JSON that says so" test "$(grep -cF '"error":{"code":"' "$work/out")" -eq "$(wc -l <"$work/out")"
done
tsm classify "$work/text.mp4" "$clip" "$work/absent.mp4" $small
expect_status 1
check "not a line for each" test "$(wc -l <"$work/err")" -eq 2

# ---- sheets
png=$TSM_DATA/pil/rgb.png
if draws; then
    works classify "$clip" "$work/a b.mp4" $small --sheet "$work/sheet.png"
    check "the sheet is no PNG" is_png "$work/sheet.png"
    refuses "$work/text.mp4: " classify "$clip" "$work/text.mp4" $small --sheet "$work/mixed.png"
    check "the sheet is no PNG" is_png "$work/mixed.png"
    echo before >"$work/kept.png"
    refuses "$work/text.mp4: " classify "$work/text.mp4" $small --sheet "$work/kept.png"
    check "a sheet of nothing was written" test "$(cat "$work/kept.png")" = before
    refuses "$work/absent/s.png" classify "$clip" $small --sheet "$work/absent/s.png"
    check "it classified before it found out" test ! -s "$work/out"
    refuses "$work: " classify "$clip" $small --sheet "$work"
    refuses "$work/three" classify "$clip" --model "$work/three" --sheet "$work/kept.png"
    check "a failure replaced the sheet" test "$(cat "$work/kept.png")" = before
    check "something was left beside a sheet" test -z "$(find "$work" -name '.tsm-*')"
    png=$work/sheet.png
fi

# ---- a folder of frames
mkdir "$work/frames"
for i in 1 2 3 10; do cp "$png" "$work/frames/$i.png"; done
works classify "$work/frames" $small --json
expect_out '"frames":4'
head -c 100 "$png" >"$work/frames/2.png"
refuses "tsm: $work/frames/2.png: " classify "$work/frames" $small
finish
