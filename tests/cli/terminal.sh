# SPDX-License-Identifier: Apache-2.0
# What a terminal would obey never reaches it: control characters in names of files, labels and frames, on stdout as on
# stderr; JSON escapes them; and what is not UTF-8 can be found again.
. "$TSM_LIB"

small="--model $model --input-size 32"
escape=$(printf '\033')
csi=$(printf '\302\233') # the same as one character, in UTF-8
bell=$(printf '\007')
turn=$(printf '\342\200\256') # what follows is written from right to left
latin=$(printf 'caf\351')

# quiet: neither stream has a control character but the ends of lines.
quiet() {
    for stream in out err; do
        tr -d '\n' <"$work/$stream" | grep -q '[[:cntrl:]]' && fail "std$stream has a control character"
        grep -qF "$csi" "$work/$stream" && fail "std$stream has a C1 control character"
        grep -qF "$turn" "$work/$stream" && fail "std$stream turns text around"
    done
}

odd="$work/a${escape}[31mb${csi}c${bell}${turn}.mp4"
cp "$clip" "$odd"
works classify "$odd" $small
quiet
expect_out "a?[31mb?c??.mp4: "
works classify "$odd" $small --json
quiet
expect_out 'a\u001B[31mb\u009Bc\u0007\u202E.mp4'
works preprocess "$odd" $small --output "$work/x${escape}.npy"
quiet
expect_out "x?.npy: "
works preprocess "$odd" $small --output "$work/x${escape}.npy" --json
quiet
refuses "no${escape:+?}such" classify "$work/no${escape}such" $small
quiet
cp "$model" "$work/m${escape}.safetensors"
works info "$work/m${escape}.safetensors"
quiet
works info "$work/m${escape}.safetensors" --json
quiet

printf 'a\033[2J\nb\302\233\nc\177\nd\007\ne\nf\ng\n' >"$work/labels"
works classify "$clip" $small --labels "$work/labels" --top 7
quiet
expect_out "a?[2J"
works classify "$clip" $small --labels "$work/labels" --top 7 --json
quiet
expect_out 'a\u001B[2J' 'b\u009B' 'c\u007F'
works info "$model" --labels "$work/labels"
quiet
works convert "$model" "$work/labelled.safetensors" --labels "$work/labels"
works info "$work/labelled.safetensors"
quiet

mkdir "$work/frames"
cp "$TSM_DATA/pil/full.jpg" "$work/frames/f${escape}1.jpg"
works classify "$work/frames" $small
quiet
cp "$TSM_DATA/pil/full.jpg" "$work/frames/f${escape}2.jpg"
cp "$TSM_DATA/pil/full.jpg" "$work/frames/g${escape}.jpg"
tsm classify "$work/frames" $small
expect_status 0
quiet

# Not UTF-8: the bytes, so that the file can be found again.
cp "$clip" "$work/$latin.mp4"
works classify "$work/$latin.mp4" $small
expect_out 'caf\xe9.mp4: '
works classify "$work/$latin.mp4" $small --json
expect_out "\"input_bytes\":\"$(printf '%s' "$work/$latin.mp4" | od -An -v -tx1 | tr -d ' \n')\""
works preprocess "$clip" $small --output "$work/$latin.npy" --json
expect_out '"output_bytes":"'
cp "$model" "$work/$latin.safetensors"
works info "$work/$latin.safetensors" --json
expect_out '"file_bytes":"'
refuses 'nor\xe9' classify "$work/$(printf 'nor\351')" $small
works classify "$clip" $small --json
grep -q input_bytes "$work/out" && fail "bytes of a name that is UTF-8"

finish
