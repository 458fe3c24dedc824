# SPDX-License-Identifier: Apache-2.0
# Many inputs at once: folders of videos, lists, several labels, features, and the same results however they are worked on.
. "$TSM_LIB"

small="--model $model --device cpu --input-size 32"
other="$TSM_DATA/video/h264_short_gops.mp4"
mkdir -p "$work/inputs/deep/er" "$work/inputs/frames" "$work/inputs/.hidden"
cp "$clip" "$work/inputs/b.MP4"
cp "$other" "$work/inputs/a.mkv"
cp "$clip" "$work/inputs/deep/er/c.mp4"
cp "$clip" "$work/inputs/.hidden/d.mp4"
echo text >"$work/inputs/notes.txt"
for i in 1 2 3; do cp "$TSM_DATA/pil/full.jpg" "$work/inputs/frames/$i.jpg"; done
inputs() { sed 's/.*"input":"\([^"]*\)".*/\1/' "$work/out"; }

works classify "$work/inputs" $small --json
check "not the four inside, in order" test "$(inputs | sed "s#$work/inputs/##" | tr '\n' ' ')" = "a.mkv b.MP4 deep/er/c.mp4 frames "
printf '# mine\n a.mkv \r\n\n%s\ndeep\n' "$clip" >"$work/inputs/list.txt"
works classify --list "$work/inputs/list.txt" $small --json
check "not the list's" test "$(inputs | tr '\n' ' ')" = "$work/inputs/a.mkv $clip $work/inputs/deep/er/c.mp4 "
called="tsm classify --list -"
(cd "$work/inputs" && printf 'b.MP4\na.mkv\n' | "$TSM" classify --list - $small --json) >"$work/out" 2>"$work/err"
check "not standard input's" test "$(inputs | tr '\n' ' ')" = "b.MP4 a.mkv "
: >"$work/empty"
refuses "$work/empty: names no inputs" classify --list "$work/empty" $small
printf 'a\000b\n' >"$work/nul"
refuses "$work/nul: is not a list of paths" classify --list "$work/nul" $small
refuses "$work/absent" classify --list "$work/absent" $small

# The same lines for any number of threads, with failures between.
for i in 1 2 3 4 5 6; do printf '%s\n%s\n%s/absent%d.mp4\n' "$clip" "$other" "$work" $i; done >"$work/many"
for threads in 1 2 7; do
    tsm classify --list "$work/many" $small --json --threads $threads
    expect_status 1
    check "not a line each" test "$(wc -l <"$work/out")" -eq 18
    check "not a failure each" test "$(grep -c '"error":{"code":"input/output error","text":' "$work/out")" -eq 6
    sed 's/"ms".*//' "$work/out" >"$work/threads$threads"
    check "$threads threads show" cmp -s "$work/threads1" "$work/threads$threads"
done

# Several labels: scores of their own, which need not add up to one.
works classify "$clip" $small --multi-label --top 7 --threshold 0
check "not all labels" test "$(grep -c '^  [01]\.' "$work/out")" -eq 7
works classify "$clip" $small --multi-label --top 7 --json
check "a score below the threshold" test "$(grep -o '"score":[0-9.e-]*' "$work/out" | cut -d: -f2 | awk '$1 < .5 { n++ } END { print n + 0 }')" -eq 0
misused "--threshold is for" classify "$clip" --threshold 0.5
misused "--threshold 2" classify "$clip" --multi-label --threshold 2

# Features: a row an input, and the labels that there are without them.
works classify "$clip" "$other" $small --json --top 1
sed 's/.*"index":\([0-9]*\).*/\1/' "$work/out" >"$work/plain"
works classify "$clip" "$other" $small --json --top 1 --features "$work/f.npy"
check "other labels" test "$(sed 's/.*"index":\([0-9]*\).*/\1/' "$work/out")" = "$(cat "$work/plain")"
features=$((($(bytes_of "$work/f.npy") - 128) / 8))
check "not two rows of features" test "$features" -gt 7
tsm classify "$clip" "$work/absent.mp4" "$other" $small --features "$work/g.npy"
expect_status 1
check "the failed one has no row of NaN" test "$(floats "$work/g.npy" | grep -ci nan)" -eq "$features"
check "the row behind it is another" test "$(floats "$work/g.npy" | tail -n 1)" = "$(floats "$work/f.npy" | tail -n 1)"
refuses "$work/no/f.npy" classify "$clip" $small --features "$work/no/f.npy"
finish
