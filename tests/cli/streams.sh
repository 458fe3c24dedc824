# SPDX-License-Identifier: Apache-2.0
# Inputs and outputs that are no plain files: pipes, links, /dev/stdout, "-", for every subcommand that reads or writes.
. "$TSM_LIB"

small="--model $model --input-size 32"
works preprocess "$clip" --output "$work/want.npy" $small
size=$(bytes_of "$work/want.npy")
works run --model "$model" --input "$work/want.npy" --output "$work/want-logits.npy"
works convert "$model" "$work/want.safetensors"

# same WANT FILE: the bytes that were asked for.
same() { cmp -s "$1" "$2" || fail "$2 differs from $1"; }

# ---- outputs

# A link into /proc, which is what /dev/stdout is, and links to it; the link stays, and the words go elsewhere.
mkdir "$work/dev"
ln -s /proc/self/fd/1 "$work/dev/stdout"
ln -s dev/stdout "$work/link"
for name in "$work/dev/stdout" "$work/link" /dev/stdout -; do
    called="tsm preprocess --output $name"
    "$TSM" preprocess "$clip" --output "$name" $small 2>"$work/err" | cat >"$work/got"
    same "$work/want.npy" "$work/got"
    called="tsm run --output $name"
    "$TSM" run --model "$model" --input "$work/want.npy" --output "$name" 2>"$work/err" | cat >"$work/got"
    same "$work/want-logits.npy" "$work/got"
    called="tsm convert $name"
    "$TSM" convert "$model" "$name" 2>"$work/err" | cat >"$work/got"
    same "$work/want.safetensors" "$work/got"
    draws || continue
    called="tsm classify --sheet $name"
    "$TSM" classify "$clip" $small --sheet "$name" 2>"$work/err" | head -c 8 | od -An -c | tr -d ' \n' >"$work/got"
    grep -q 'PNG' "$work/got" || fail "no PNG in the pipe"
    grep -q 'class 0' "$work/err" || fail "the labels are not on stderr"
done
check "the link was replaced" test -L "$work/dev/stdout"
check "the link to the link was replaced" test -L "$work/link"

# Standard output that is a file: appended to, not replaced.
called="tsm preprocess --output /dev/stdout >>FILE"
printf head >"$work/appended"
"$TSM" preprocess "$clip" --output /dev/stdout $small >>"$work/appended" 2>"$work/err"
check "the file was not appended to" test "$(bytes_of "$work/appended")" -eq $((size + 4))

# A pipe with one reader; nothing waits for a second.
mkfifo "$work/fifo"
for arguments in "preprocess $clip $small --output" "run --model $model --input $work/want.npy --output"; do
    cat "$work/fifo" >"$work/got" &
    works $arguments "$work/fifo"
    wait
    case $arguments in pre*) same "$work/want.npy" "$work/got" ;; *) same "$work/want-logits.npy" "$work/got" ;; esac
done
cat "$work/fifo" >"$work/got" &
works convert "$model" "$work/fifo"
wait
same "$work/want.safetensors" "$work/got"
check "the pipe was replaced" test -p "$work/fifo"

# A dangling link makes its target.
mkdir "$work/far"
ln -s far/made.npy "$work/dangling"
works preprocess "$clip" --output "$work/dangling" $small
check "the link was replaced" test -L "$work/dangling"
same "$work/want.npy" "$work/far/made.npy"
ln -s nowhere/made.npy "$work/dangling2"
refuses "$work/dangling2" preprocess "$clip" --output "$work/dangling2" $small

works preprocess "$clip" --output /dev/null $small
check "/dev/null was replaced" test -c /dev/null

# What earlier runs left: a process of a container has the same number each time.
mkdir "$work/left"
i=0
while [ $i -lt 120 ]; do : >"$work/left/.tsm-1-$i.tmp" && i=$((i + 1)); done
works preprocess "$clip" --output "$work/left/x.npy" $small
[ "$(find "$work/left" -name '.tsm-*' | wc -l)" -eq 120 ] || fail "a temporary file is left"

# A file that keeps its place: it is mounted by itself, as containers have them; or its folder may not be written to.
: >"$work/mounted.npy"
if unshare -m mount --bind "$work/mounted.npy" "$work/mounted.npy" 2>/dev/null; then
    called="tsm preprocess --output MOUNTED"
    unshare -m sh -c 'mount --bind "$1" "$1" && shift && "$@"' - "$work/mounted.npy" "$TSM" preprocess "$clip" \
        --output "$work/mounted.npy" $small >"$work/out" 2>"$work/err" || fail "it failed"
    same "$work/want.npy" "$work/mounted.npy"
fi
mkdir "$work/closed"
cp "$work/want.npy" "$work/closed/x.npy"
chmod 666 "$work/closed/x.npy"
chmod 755 "$work" "$work/closed"
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if $nobody "$TSM" --version >/dev/null 2>&1; then
    called="tsm run --input CLOSED/x.npy --output CLOSED/x.npy, as another user"
    $nobody "$TSM" run --model "$model" --input "$work/closed/x.npy" --output "$work/closed/x.npy" >"$work/out" \
        2>"$work/err" || fail "it failed"
    same "$work/want-logits.npy" "$work/closed/x.npy"
    $nobody "$TSM" run --model "$model" --input "$work/closed/none.npy" --output "$work/closed/x.npy" 2>"$work/err"
    status=$?
    expect_status 1
    same "$work/want-logits.npy" "$work/closed/x.npy"
fi
check "a temporary file is left" test -z "$(find "$work" -maxdepth 2 -name '.tsm-*' ! -path '*/left/*')"

# ---- inputs

# The words about it, without the name and the times.
facts() { sed 's/^[^:]*: //; s/;.*//; s/"input":"[^"]*"//; s/"ms".*//' "$work/out"; }
works classify "$clip" $small
facts >"$work/want"
for name in - /dev/stdin; do
    called="cat CLIP | tsm classify $name"
    cat "$clip" | "$TSM" classify "$name" $small >"$work/out" 2>"$work/err" || fail "it failed"
    facts | cmp -s "$work/want" - || fail "other labels"
done
expect_out "/dev/stdin: "
cat "$clip" | "$TSM" classify - $small >"$work/out" 2>"$work/err"
expect_out "standard input: "
mkfifo "$work/video"
cat "$clip" >"$work/video" &
works classify "$work/video" $small
wait
facts | cmp -s "$work/want" - || fail "other labels"
called="tsm classify - <CLIP"
"$TSM" classify - $small <"$clip" >"$work/out" 2>"$work/err" || fail "it failed"
facts | cmp -s "$work/want" - || fail "other labels"

called="the four in a row"
cat "$clip" | "$TSM" preprocess - --output - $small 2>"$work/err" | "$TSM" run --model "$model" --input - --output - |
    cat >"$work/got"
same "$work/want-logits.npy" "$work/got"
called="cat MODEL | tsm info -"
cat "$model" | "$TSM" info - >"$work/out" 2>"$work/err" || fail "it failed"
expect_out "standard input" "resnet18"
called="cat MODEL | tsm convert - -"
cat "$model" | "$TSM" convert - - 2>"$work/err" | cat >"$work/got"
same "$work/want.safetensors" "$work/got"
called="cat MODEL | tsm run --model -"
cat "$model" | "$TSM" run --model - --input "$work/want.npy" --output "$work/got" 2>"$work/err" || fail "it failed"
same "$work/want-logits.npy" "$work/got"
works classify "$clip" $small
facts >"$work/want"
called="tsm classify --model - <MODEL"
"$TSM" classify "$clip" --model - --input-size 32 <"$model" >"$work/out" 2>"$work/err" || fail "it failed"
facts | cmp -s "$work/want" - || fail "other labels"
for form in network.zip.pth network.legacy.pth; do
    called="cat $form | tsm convert -"
    works convert "$TSM_DATA/pytorch/$form" "$work/want.st" --segments 8 --shift-div 8
    cat "$TSM_DATA/pytorch/$form" | "$TSM" convert - - --segments 8 --shift-div 8 2>"$work/err" >"$work/got" || fail "it failed"
    same "$work/want.st" "$work/got"
    called="cat $form | tsm classify CLIP --model -"
    cat "$TSM_DATA/pytorch/$form" | "$TSM" classify "$clip" --model - --input-size 32 --segments 8 --shift-div 8 >"$work/got" \
        2>"$work/err" || fail "it failed"
    works classify "$clip" --model "$TSM_DATA/pytorch/$form" --input-size 32 --segments 8 --shift-div 8
    facts >"$work/want"
    cp "$work/got" "$work/out"
    facts | cmp -s "$work/want" - || fail "other labels"
done
called="cat PDPARAMS | tsm info -"
cat "$TSM_DATA/paddle/pptsm_t16.protocol4.pdparams" | "$TSM" info - --segments 16 >"$work/out" 2>"$work/err" || fail "it failed"
expect_out "standard input" "NumPy pickle" "PaddleVideo"
called="cat MODEL | tsm classify --model - -"
cat "$model" | "$TSM" classify --model - - --input-size 32 >"$work/out" 2>"$work/err"
status=$?
expect_status 1
expect_line "once only"
called="tsm info --labels -"
printf '0,a\n1,b\n2,c\n3,d\n4,e\n5,f\n6,g\n' | "$TSM" info "$model" --labels - >"$work/out" 2>"$work/err" || fail "it failed"
expect_out "a, b, c, d, e, f, g"

# What is wrong with a stream is said of standard input, and it can be had once only.
for arguments in "classify - $small" "info -" "run --model $model --input - --output $work/y.npy"; do
    called="tsm $arguments </dev/null"
    "$TSM" $arguments </dev/null >"$work/out" 2>"$work/err"
    status=$?
    expect_status 1
    expect_line "standard input: "
done
called="tsm classify - -"
cat "$clip" | "$TSM" classify - - $small >"$work/out" 2>"$work/err"
status=$?
expect_status 1
expect_line "once only"
called="head -c 1000 CLIP | tsm classify -"
head -c 1000 "$clip" | "$TSM" classify - $small >"$work/out" 2>"$work/err"
status=$?
expect_status 1
expect_line "standard input: "
called="tsm classify --max-megabytes 1 </dev/zero"
"$TSM" classify /dev/zero --max-megabytes 1 $small >"$work/out" 2>"$work/err"
status=$?
expect_status 1
expect_line "/dev/zero: longer than the 1048576 bytes"

finish
