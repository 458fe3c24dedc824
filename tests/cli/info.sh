# SPDX-License-Identifier: Apache-2.0
# tsm info: how a network shifts, what stands between its blocks, how a device would run it, and what nobody says of it.
. "$TSM_LIB"

golden=$TSM_DATA/golden

# line TEXT: stdout has this very line.
line() { grep -qxF -e "$1" "$work/out" || fail "stdout lacks the line '$1'"; }

# none TEXT: stdout has no line that begins so.
none() { check "stdout has '$1'" test "$(grep -c "^$1" "$work/out")" -eq 0; }

# ---- which way channels move
works info "$model"
line "shift       1/8 of the channels each way, blockres, 8 times"
none non-local
none doubt
works info "$model" --json
expect_out '"shift":{"div":8,"direction":"bidirectional","place":"blockres","count":8}' '"nonlocal":null' '"doubts":[]'
works info "$model" --shift-direction unidirectional
line "shift       1/8 of the channels from the frame before, blockres, 8 times"
works info "$model" --shift-direction=unidirectional --json
expect_out '"shift":{"div":8,"direction":"unidirectional","place":"blockres","count":8}'
works info "$model" --shift-direction mirrored --shift-place block
line "shift       1/8 of the channels each way, mirrored, block, 8 times"
works info "$model" --shift-direction mirrored --json
expect_out '"direction":"mirrored"'
works info "$model" --shift-direction mirrored --no-shift
line "shift       none (TSN)"
works info "$model" --no-shift --json
expect_out '"shift":null'
works info "$golden/mbv2_online.safetensors"
line "shift       1/3 of the channels from the frame before, blockres, 10 times"
works info "$golden/mbv2_online.safetensors" --shift-direction bidirectional --json
expect_out '"direction":"bidirectional"'
works info "$golden/pptsm.safetensors"
line "shift       1/8 of the channels each way, mirrored, blockres, 16 times"

# ---- non-local blocks
works info "$golden/r50_nl.safetensors"
line "non-local   5 blocks, embedded_gaussian"
none doubt
works info "$golden/r50_nl.safetensors" --nonlocal dot_product --json
expect_out '"nonlocal":{"mode":"dot_product","blocks":5}'
works info "$golden/r50_nl_gaussian_mmaction2.safetensors" --nonlocal gaussian
line "non-local   5 blocks, gaussian"
refuses "gaussian" info "$golden/r50_nl.safetensors" --nonlocal gaussian
expect_line "tsm: $golden/r50_nl.safetensors: "
refuses "dot_product" info "$model" --nonlocal dot_product

# ---- a device: how layers would run, and what they cost
works info "$model" --device cpu
line "on cpu"
expect_out "base_model.conv1" "oneDNN convolution"
none profile
works info "$model" --device cpu --json
expect_out '"support":[{"device":"cpu","layer":"input","op":"input","supported":true,"how":"read by a loop"}' '"profile":null'
works info "$model" --json
expect_out '"support":null,"profile":null'
works info "$model" --device cpu --precision int8
expect_out "not: precision int8 is not available"
works info "$model" --device cpu --precision int8 --json
expect_out '"supported":false'
works info "$model" --device reference --profile --runs 1
expect_out "profile     reference, plain C, 1 thread: " "ms  share  layer"
works info "$model" --device cpu --threads 1 --profile --batch 2 --json
expect_out '"profile":[{"layer":"input","how":"loop","ms":' '"share":' '"bytes":' '"macs":'
refuses "int8" info "$model" --device cpu --precision int8 --profile
refuses "nowhere" info "$model" --device nowhere

# ---- doubts, a line each, and what removes them
plain=$TSM_DATA/pytorch/network.zip.pth
works info "$plain"
line "shift       1/8 of the channels each way, blockres, 1 time"
line "doubt       segments: not given, 8 assumed"
line "doubt       shift_div: not given, 8 assumed"
check "not two doubts" test "$(grep -c '^doubt' "$work/out")" -eq 2
works info "$plain" --json
expect_out '"doubts":["segments: not given, 8 assumed","shift_div: not given, 8 assumed"]'
works info "$plain" --segments 8 --json
expect_out '"doubts":["shift_div: not given, 8 assumed"]'
works info "$plain" --segments 8 --shift-div 8
none doubt
cp "$plain" "$work/TSM_ucf101_RGB_resnet18_shift4_blockres_avg_segment16_e25.pth"
works info "$work/TSM_ucf101_RGB_resnet18_shift4_blockres_avg_segment16_e25.pth"
line "shift       1/4 of the channels each way, blockres, 3 times"
none doubt
# A file that is made of doubts has them too, until an option settles them.
warns "$plain: in doubt: segments: not given, 8 assumed; shift_div: not given, 8 assumed" \
    convert "$plain" "$work/unsure.safetensors"
works info "$work/unsure.safetensors" --json
expect_out '"doubts":["segments: not given, 8 assumed","shift_div: not given, 8 assumed"]'
check "a doubt is written as a fact" test -z "$(grep -a '"segments":"8"' "$work/unsure.safetensors")"
works convert "$work/unsure.safetensors" "$work/sure.safetensors" --segments 8 --shift-div 8
works info "$work/sure.safetensors" --json
expect_out '"doubts":[]' '"segments":8' '"div":8'
warns "in doubt: " classify "$clip" --model "$plain" --device reference --input-size 32
expect_out "class "
works classify "$clip" "$clip" --model "$plain" --device reference --input-size 32 --segments 8 --shift-div 8

# ---- where the weights were, and what was around them
works info "$plain"
line "prefix      module. before every name"
line "left out    20 num_batches_tracked"
none weights
sed 's/state_dict/model_best/' "$plain" >"$work/best.pth"
works info "$work/best.pth"
line "weights     model_best"
works info "$work/best.pth" --weights model_best --json
expect_out '"weights":{"key":"model_best","others":[],"prefix":"module.","left_out":"20 num_batches_tracked"}'
refuses "has no weights under the key \"ema\", but under: model_best" info "$work/best.pth" --weights ema
refuses "one set of weights, without a key" info "$model" --weights ema
works info "$TSM_DATA/paddle/pptsm_t16.protocol4.pdparams" --segments 16
line "container   NumPy pickle, PaddleVideo names, F32"
none doubt
finish
