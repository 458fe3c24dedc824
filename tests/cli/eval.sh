# SPDX-License-Identifier: Apache-2.0
# tsm eval: lists of every form, figures that are right, outputs, failures, ensembles, and going on after being killed.
. "$TSM_LIB"

small="--model $model --device cpu --input-size 32"
videos="$work/videos"
mkdir "$videos"
for i in 1 2 3 4 5 6 7 8; do cp "$clip" "$videos/v$i.mp4"; done
for i in 2 4 6; do cp "$TSM_DATA/video/h264_short_gops.mp4" "$videos/v$i.mp4"; done

# What classify says of each is what the figures must come from.
tsm classify "$videos/v1.mp4" "$videos/v2.mp4" $small --top 7 --json
odd=$(head -n 1 "$work/out" | sed 's/.*"top":\[{[^}]*"index":\([0-9]*\).*/\1/')
even=$(tail -n 1 "$work/out" | sed 's/.*"top":\[{[^}]*"index":\([0-9]*\).*/\1/')
order=$(head -n 1 "$work/out" | grep -o '"index":[0-9]*' | cut -d: -f2)
sixth=$(echo $order | cut -d' ' -f6)
second=$(echo $order | cut -d' ' -f2)

# ---- figures: v1 right, v3 second, v5 sixth, v7 and v8 right; v2, v4, v6 as they are
{
    echo "# a comment"
    echo "v1.mp4 $odd"
    echo "v3.mp4 $second"
    echo "v5.mp4 $sixth"
    echo "v7.mp4   $odd"
    printf 'v8.mp4 %s\r\n\n' "$odd"
    for i in 2 4 6; do echo "v$i.mp4 $even"; done
} >"$videos/list.txt"
works eval --list "$videos/list.txt" $small --json
expect_out '"form":"mmaction2"' '"videos":8,"evaluated":8,"failed":0' '"prec1":{"value":0.75,"right":6,"of":8' \
    '"prec5":{"value":0.875,"right":7,"of":8' '"interval95":[0.40' '"segments":8' '"tsm":"'
works eval --list "$videos/list.txt" $small --videos "$work/v.csv" --per-class "$work/p.csv" --confusion "$work/c.csv" \
    --confusion-svg "$work/c.svg" --scores "$work/s.npy" --submission "$work/sub.csv" --summary "$work/sum.json" \
    --features "$work/f.npy"
expect_out "8 of 8 videos, 7 classes" "Prec@1               75.00%  (6 of 8;" "Prec@5               87.50%" "mean class accuracy"
check "not a row a video" test "$(grep -c '^v[0-9].mp4,' "$work/v.csv")" -eq 8
check "six are right" test "$(grep -c ',1$' "$work/v.csv")" -eq 6
check "no row a class" test "$(wc -l <"$work/p.csv")" -eq 8
check "the confusion does not add up" test "$(tail -n +2 "$work/c.csv" | cut -d, -f2- | tr , '\n' | awk '{ s += $1 } END { print s }')" -eq 8
check "the picture is no SVG" grep -q '^<svg ' "$work/c.svg"
check "not 8 x 7 scores" test "$(bytes_of "$work/s.npy")" -eq $((128 + 8 * 7 * 4))
check "the summary is another" grep -q '"evaluated": 8' "$work/sum.json"
check "the submission has no classes" grep -qx "v1;class $odd" "$work/sub.csv"
check "not as many features" test "$(bytes_of "$work/f.npy")" -gt $((128 + 8 * 7 * 4))
works eval --list "$videos/list.txt" $small --submission "$work/sub.csv" --submission-form five --scores "$work/s.csv"
check "not the five best" grep -qx "v1;$(echo $order | cut -d' ' -f1-5 | tr ' ' ';')" "$work/sub.csv"
check "no scores a class" test "$(head -n 2 "$work/s.csv" | tail -n 1 | tr , '\n' | wc -l)" -eq 8

# ---- other forms of the same list
while read -r name label; do
    case $name in v*) printf '%s 100 %s\n' "$name" "$label" ;; esac
done <"$videos/list.txt" | tr -d '\r' >"$work/release.txt"
works eval --list "$work/release.txt" --root "$videos" $small --json
expect_out '"form":"release"' '"right":6,"of":8' '"frames_differ":8'
printf 'zero\none\ntwo\nthree\nfour\nfive\nsix\n' >"$work/labels"
name_of() { sed -n "$(($1 + 1))p" "$work/labels"; }
{
    echo "id;label"
    for i in 1 7 8; do echo "v$i;$(name_of "$odd")"; done
} >"$work/sthv1.csv"
works eval --list "$work/sthv1.csv" --root "$videos" --template '{}.mp4' --labels "$work/labels" $small --json
expect_out '"form":"csv"' '"right":3,"of":3'
echo "[{\"id\":\"v1\",\"label\":\"x\",\"template\":\"[$(name_of "$odd")]\"},{\"id\":\"v7\",\"template\":\"$(name_of "$second")\"}]" >"$work/sthv2.json"
works eval --list "$work/sthv2.json" --root "$videos" --template '{}.mp4' --labels "$work/labels" $small --json
expect_out '"form":"json"' '"right":1,"of":2'
cp "$clip" "$videos/abc_000001_000011.mp4"
{
    echo "label,youtube_id,time_start,time_end,split"
    echo "\"$(name_of "$odd")\",abc,1,11,validate"
} >"$work/kinetics.csv"
works eval --list "$work/kinetics.csv" --root "$videos" --labels "$work/labels" $small --json
expect_out '"form":"kinetics"' '"right":1,"of":1'
mkdir "$videos/$(name_of "$odd")"
cp "$clip" "$videos/$(name_of "$odd")/a.avi"
echo "$(name_of "$odd")/a.avi" >"$work/folders.txt"
works eval --list "$work/folders.txt" --root "$videos" --labels "$work/labels" $small --json
expect_out '"form":"folders"' '"right":1,"of":1'
mkdir "$videos/frames"
for i in 1 2 3; do cp "$TSM_DATA/pil/full.jpg" "$videos/frames/img_0000$i.jpg"; done
echo "frames 3 0" | works eval --list - --root "$videos" --frames 'img_%05d.jpg' $small --json
expect_out '"evaluated":1' '"frames_differ":0'

# ---- protocols and averaging
works eval --list "$videos/list.txt" $small --protocol sthv2-2clip-3crop --json
expect_out '"protocol":"sthv2-2clip-3crop"' '"sampling":"twice","views":3,"full_res":true,"average":"logits"'
works eval --list "$videos/list.txt" $small --protocol mmaction2-1clip-1crop --json
expect_out '"mode":"mmaction2"' '"average":"probabilities"'
works eval --list "$videos/list.txt" $small --average probabilities --scores "$work/prob.npy"
check "probabilities do not add up to 1" test \
    "$(floats "$work/prob.npy" | head -n 7 | awk '{ s += $1 } END { print (s > .9999 && s < 1.0001) }')" -eq 1

# ---- ensembles: twice the same network is that network; a half and its scores too
works eval --list "$videos/list.txt" --models "$model,$model" --device cpu --input-size 32 --coefficients 0.5,1.5 --json \
    --scores "$work/two.npy"
expect_out '"right":6,"of":8' '"coefficient":1.5'
floats "$work/s.npy" >"$work/one"
floats "$work/two.npy" >"$work/two"
check "the ensemble has other scores" test \
    "$(paste -d' ' "$work/one" "$work/two" | awk '{ d = $1 - $2; if (d < -1e-5 || d > 1e-5) n++ } END { print n + 0 }')" -eq 0
works eval --list "$videos/list.txt" --models "$model,$model" --device cpu --input-size 32 --segments-each 8,4 --json
expect_out '"segments":4'
works eval --list "$videos/list.txt" $small --add-scores "$work/s.npy" --json
expect_out '"right":6,"of":8'
refuses "comma" eval --list "$videos/list.txt" --models "$model,$model" --coefficients 1
refuses "videos and classes" eval --list "$work/folders.txt" --root "$videos" --labels "$work/labels" $small --add-scores "$work/s.npy"

# ---- several labels a video
printf 'v1.mp4 %s,%s\nv2.mp4 %s\n' "$second" "$odd" "$even" >"$work/several.txt"
works eval --list "$work/several.txt" --root "$videos" $small --multi-label --json
expect_out '"right":2,"of":2' '"mean_average_precision":'
refuses "line 1: has several labels: --multi-label" eval --list "$work/several.txt" --root "$videos" $small
misused "no confusion" eval --list x --multi-label --confusion y

# ---- videos that cannot be read
echo nothing >"$videos/bad.mp4"
{
    cat "$videos/list.txt"
    echo "bad.mp4 0"
    echo "absent.mp4 0"
} >"$videos/some.txt"
tsm eval --list "$videos/some.txt" $small --json --scores "$work/bad.npy"
expect_status 0
check "not a line for each" test "$(wc -l <"$work/err")" -eq 2
expect_out '"videos":10,"evaluated":8,"failed":2' '"right":6,"of":8' "absent.mp4: No such file"
check "the row of a bad video is no NaN" test "$(floats "$work/bad.npy" | tail -n 14 | grep -ci nan)" -eq 14
refuses "bad.mp4: " eval --list "$videos/some.txt" $small --strict
echo "bad.mp4 0" >"$work/all-bad.txt"
tsm eval --list "$work/all-bad.txt" --root "$videos" $small
expect_status 1
grep -q "none of its 1 videos could be read" "$work/err" || fail "all are bad, and it does not say so"

# ---- lists that are wrong
wrong_list() { # wrong_list TEXT WORDS
    printf "$1" >"$work/wrong.txt"
    refuses "$2" eval --list "$work/wrong.txt" --root "$videos" $small
}
wrong_list '' "holds no videos"
wrong_list 'v1.mp4 7\n' "line 1: label 7: the network has classes 0 to 6"
wrong_list 'v1.mp4 0\nv2.mp4 1\nv1.mp4 2\n' "line 3: v1.mp4 is there already, in 1"
wrong_list 'v1.mp4 0\nv2.mp4\n' "line 2: is not \`path label\`"
wrong_list 'v1;zero\n' "is a name, and the network has none: --labels"
wrong_list '[{"id":1}]' "entry 1: is not an object"
wrong_list 'v1.mp4 0\000\n' "is not UTF-8 text"
printf 'v1;zer\n' >"$work/wrong.txt"
refuses "no class is called 'zer'" eval --list "$work/wrong.txt" --labels "$work/labels" $small
refuses "$work/absent.txt" eval --list "$work/absent.txt" $small
refuses "$work/no/x.csv" eval --list "$videos/list.txt" $small --videos "$work/no/x.csv"
misused "--list is missing" eval
misused "two ways" eval --list x --model a --models b

# ---- going on: killed at whatever moment, the figures and scores are those of one run
for i in $(seq 40); do
    ln -s "v$((i % 8 + 1)).mp4" "$videos/w$i.mp4"
    echo "w$i.mp4 $((i % 7))"
done >"$videos/many.txt"
works eval --list "$videos/many.txt" $small --threads 1 --json --scores "$work/whole.npy"
sed 's/"seconds.*//' "$work/out" >"$work/whole.json"
kills=0
for pause in 0.05 0.02 0.08 0.03 0.12 0.06 0.1 0.04; do
    "$TSM" eval --list "$videos/many.txt" $small --threads 1 --resume "$work/state" --scores "$work/killed.npy" >"$work/out" 2>&1 &
    sleep $pause
    kill -9 $! 2>/dev/null && kills=$((kills + 1))
    wait $! 2>/dev/null
    # What a torn write leaves.
    [ ! -s "$work/state" ] || head -c 11 /dev/urandom >>"$work/state"
done
works eval --list "$videos/many.txt" $small --threads 1 --resume "$work/state" --json --scores "$work/killed.npy"
sed 's/"seconds.*//' "$work/out" >"$work/resumed.json"
check "no kill hit" test "$kills" -gt 0
check "the figures differ" cmp -s "$work/whole.json" "$work/resumed.json"
check "the scores differ" cmp -s "$work/whole.npy" "$work/killed.npy"
works eval --list "$videos/many.txt" $small --resume "$work/state" --json
expect_out '"resumed":40'
refuses "was made with views 1, not views 3" eval --list "$videos/many.txt" $small --resume "$work/state" --views 3
refuses "was made with list" eval --list "$videos/list.txt" $small --resume "$work/state"
refuses "is not a state" eval --list "$videos/many.txt" $small --resume "$videos/many.txt"

# Outputs that are pipes have one reader, and two outputs have two names.
works eval --list "$videos/list.txt" $small --videos "$work/table.csv"
mkfifo "$work/pipe"
cat "$work/pipe" >"$work/got.csv" &
works eval --list "$videos/list.txt" $small --videos "$work/pipe"
wait
check "another table in the pipe" cmp -s "$work/table.csv" "$work/got.csv"
refuses "is the name of two outputs" eval --list "$videos/list.txt" $small --videos "$work/a" --per-class "$work/a"
check "something was left" test -z "$(find "$work" -name '.tsm-*')"
finish
