# SPDX-License-Identifier: Apache-2.0
# tsm classify along time: windows, spans, subtitles.
. "$TSM_LIB"

small="--model $model --device cpu --input-size 32"
long="$TSM_DATA/video/h264_short_gops.mp4" # 120 frames in 4.8 s

works classify "$long" $small --window 2 --stride 1 --top 1
check "not four windows" test "$(grep -c ' s$' "$work/out")" -eq 4
expect_out "$long: 0.00 to 2.00 s" "$long: 1.00 to 3.00 s" "$long: 2.00 to 4.00 s" "$long: 3.00 to 4.80 s"
works classify "$long" $small --window 60f --stride 20f --json --top 2
check "not four windows" test "$(wc -l <"$work/out")" -eq 4
expect_out '"window":3,"start":2.4,"end":4.8,"first_frame":61,"frames":60,"sampled":[[' '"top":[{"label":"class '
works classify "$long" $small --window 100 --json
check "not one window" test "$(wc -l <"$work/out")" -eq 1

# A window that is the whole video is that video.
works classify "$long" $small --window 120f --json --top 1
sed 's/.*"logit":\([-0-9.e]*\).*/\1/' "$work/out" >"$work/window"
works classify "$long" $small --json --top 1
check "another logit" test "$(sed 's/.*"logit":\([-0-9.e]*\).*/\1/' "$work/out")" = "$(cat "$work/window")"

# Spans cover the video, in order, and the threshold leaves out what is not sure.
works classify "$long" "$clip" $small --window 0.5 --stride 0.25 --spans --json
check "a span of the first does not begin at 0" grep -q '"start":0.0' "$work/out"
check "spans of the first do not end with it" grep -q '"end":4.8' "$work/out"
check "the second has none" grep -qF "\"input\":\"$clip\"" "$work/out"
check "spans do not touch" test "$(grep -F "$long" "$work/out" | sed 's/.*"start":\([0-9.]*\),"end":\([0-9.]*\).*/\1 \2/' |
    awk 'NR > 1 && $1 != end { n++ } { end = $2 } END { print n + 0 }')" -eq 0
works classify "$long" $small --window 1 --spans --threshold 1
check "something is sure" test ! -s "$work/out"

# Subtitles, both kinds, with a label that the format would take for its own.
for i in 1 2 3 4 5 6 7; do echo "x$i <b> & c"; done >"$work/labels"
works classify "$long" $small --labels "$work/labels" --window 10 --spans --subtitles "$work/s.srt"
check "no SubRip" test "$(head -n 3 "$work/s.srt" | tr '\n' '|' | sed 's/x[0-9]//')" = "1|00:00:00,000 --> 00:00:04,800| <b> & c|"
works classify "$long" $small --labels "$work/labels" --window 10 --subtitles "$work/s.vtt"
check "no WebVTT" test "$(head -n 1 "$work/s.vtt")" = WEBVTT
check "the label is not quoted" grep -q ' &lt;b&gt; &amp; c' "$work/s.vtt"
expect_out "0.00 to 4.80 s"

# A pipe, and inputs that fail beside one that does not.
cat "$long" | "$TSM" classify - $small --window 2 >"$work/out" 2>"$work/err"
expect_out "standard input: 0.00 to 2.00 s"
refuses "$work/absent.mp4: " classify "$work/absent.mp4" "$long" $small --window 2
expect_out "$long: 4.00 to 4.80 s"
mkdir "$work/frames"
cp "$TSM_DATA/pil/full.jpg" "$work/frames/1.jpg"
refuses "$work/frames: " classify "$work/frames" $small --window 8f
refuses "windows of 0.025 frames" classify "$long" $small --window 0.001

misused "--window x" classify "$long" --window x
misused "--window 1.5f" classify "$long" --window 1.5f
misused "--stride 0" classify "$long" --window 1 --stride 0
misused "are for --window" classify "$long" --spans
misused "not a window" classify "$long" --window 1 --sheet "$work/s.png"
refuses "subtitles are of one video, not of 2" classify "$long" "$clip" $small --window 1 --subtitles "$work/s.srt"

# Any number of threads gives the same windows.
works classify "$long" "$clip" $small --window 1 --stride 0.2 --json --threads 1
sed 's/"ms".*//' "$work/out" >"$work/one"
works classify "$long" "$clip" $small --window 1 --stride 0.2 --json --threads 5
sed 's/"ms".*//' "$work/out" >"$work/five"
check "the threads show" cmp -s "$work/one" "$work/five"
finish
