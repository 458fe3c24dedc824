# SPDX-License-Identifier: Apache-2.0
# Models that are sound, and models that are not: every one is met with one line that names the file.
. "$TSM_LIB"

# ---- sound
works info "$model"
expect_out "resnet18" "segments    8" "classes     7" "blockres"
works info "$model" --json
expect_out '"arch":"resnet18"' '"segments":8' '"classes":7' '"place":"blockres"' '"labels":null'
works info "$model" --no-shift
expect_out "none (TSN)"
works info "$model" --segments 16 --json
expect_out '"segments":16'
works info "$model" --graph
check "a graph has many nodes" test "$(wc -l <"$work/out")" -gt 25
optimized=$(wc -l <"$work/out")
works info "$model" --graph --raw --batch 2
check "the passes left the graph as long as it was" test "$(wc -l <"$work/out")" -gt "$optimized"
printf 'a\nb\nc\nd\ne\nf\ng' >"$work/labels.txt"
works info "$model" --labels "$work/labels.txt"
expect_out "a, b, c, d, e, f, g"
works info "$model" --labels "$work/labels.txt" --json
expect_out '"labels":["a","b","c","d","e","f","g"]'
TSM_MODEL=$model works info
expect_out "$model"
TSM_MODEL=/absent works info --model "$model"

# ---- not there, not a model
refuses "$work/absent.safetensors" info "$work/absent.safetensors"
TSM_MODEL=$work/absent2 refuses "$work/absent2" info
refuses "$work: " info "$work"
: >"$work/empty"
refuses "$work/empty" info "$work/empty"
echo "this is text, and long enough to be taken for a header" >"$work/text"
refuses "$work/text" info "$work/text"
cp "$TSM" "$work/lonely" # far from any installation
TSM=$work/lonely refuses "--model is not given, TSM_MODEL is not set" info

# ---- truncated
size=$(bytes_of "$model")
for length in 1 7 8 9 100 5000 $((size / 2)) $((size - 1)); do
    head -c "$length" "$model" >"$work/cut"
    refuses "$work/cut" info "$work/cut"
done
{ cat "$model"; printf x; } >"$work/longer"
refuses "$work/longer" info "$work/longer"

# ---- hostile headers, before 64 bytes of data
hostile() { # hostile HEADER [LENGTH: eight octal bytes, by default the true one]
    length=${2:-\\$(printf '%03o' ${#1})\\000\\000\\000\\000\\000\\000\\000}
    { printf "$length"; printf '%s' "$1"; head -c 64 /dev/zero; } >"$work/hostile"
    refuses "$work/hostile" info "$work/hostile"
}
hostile '{}' '\377\377\377\377\377\377\377\377'
hostile '{}' '\000\341\365\005\000\000\000\000'
hostile '{}'
hostile ' '
hostile '[1,2]'
hostile '{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}'
hostile '{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,64]}}'
expect_line "a (4,4) has no place"
hostile '{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[64,0]}}'
expect_line data_offsets
hostile '{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,65]}}'
hostile '{"a":{"dtype":"F32","shape":[4,4],"data_offsets":[0,18446744073709551616]}}'
hostile '{"a":{"dtype":"F32","shape":[-1,-16],"data_offsets":[0,64]}}'
hostile '{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,64]}}'
hostile '{"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64]},"a":{"dtype":"F32","shape":[16],"data_offsets":[0,64]}}'
hostile '{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"b":{"dtype":"F32","shape":[12],"data_offsets":[16,64]}}'
{ printf '\240\206\001\000\000\000\000\000'; printf '{"a":'; head -c 99995 /dev/zero | tr '\000' '['; } >"$work/deep"
refuses "$work/deep" info "$work/deep"
sed 's/"data_offsets":\[0,/"data_offsets":[4,/' "$model" >"$work/hole"
refuses "$work/hole" info "$work/hole"

# ---- the wrong network
sed 's/base_model\.conv1\.weight/base_model.conv9.weight/' "$model" >"$work/renamed"
refuses "$work/renamed" info "$work/renamed"
sed 's/"new_fc.weight":{"dtype":"F32"/"new_fc.weight":{"dtype":"I32"/' "$model" >"$work/dtype"
cmp -s "$model" "$work/dtype" && fail "the dtype was not changed"
refuses "$work/dtype" info "$work/dtype"
sed 's/"shape":\[7,64\]/"shape":[64,7]/' "$model" >"$work/shape"
cmp -s "$model" "$work/shape" && fail "the shape was not changed"
refuses "$work/shape" info "$work/shape"
sed 's/"classes":"7"/"classes":"9"/' "$model" >"$work/classes"
cmp -s "$model" "$work/classes" && fail "the classes were not changed"
refuses "$work/classes" info "$work/classes"
# The last bytes of the file are the end of a tensor: make them a NaN in float16 and in float32.
cp "$model" "$work/nan"
printf '\000\000\300\177' | dd of="$work/nan" bs=1 seek=$((size - 4)) conv=notrunc 2>/dev/null
refuses "$work/nan" info "$work/nan"

# ---- labels
printf 'a\nb\nc\n' >"$work/three"
refuses "$work/three: there are 3 labels, the network has 7 classes" info "$model" --labels "$work/three"
refuses "$work/no-labels" info "$model" --labels "$work/no-labels"
: >"$work/none"
refuses "$work/none" info "$model" --labels "$work/none"
printf '0 a\n\n2 b\n' >"$work/gap"
refuses "line 3 has index 2" info "$model" --labels "$work/gap"
head -c 100 "$model" >"$work/binary"
refuses "$work/binary" info "$model" --labels "$work/binary"
# Whatever separates index and name; and what is no list of labels is refused with its line.
printf '1,b\n0,a\n2,c\n3,d\n4,e\n5,f\n6,g\n' >"$work/unsorted.csv"
works info "$model" --labels "$work/unsorted.csv" --json
expect_out '"labels":["a","b","c","d","e","f","g"]'
printf '0: a b\n1: c\n2: d\n3: e\n4: f\n5: g\n6: h:i\n' >"$work/colon.txt"
works info "$model" --labels "$work/colon.txt" --json
expect_out '"labels":["a b","c","d","e","f","g","h:i"]'
printf '["a","b","c","d","e","f","g"]' >"$work/list.json"
works info "$model" --labels "$work/list.json"
expect_out "a, b, c, d, e, f, g"
printf '0,a\n1,b\n2,c\nd\n4,e\n5,f\n6,g\n' >"$work/hole.csv"
refuses "$work/hole.csv: line 4 has no index" info "$model" --labels "$work/hole.csv"
printf 'caf\351\nb\n' >"$work/latin.txt"
refuses "$work/latin.txt: is not UTF-8" info "$model" --labels "$work/latin.txt"

finish
