# SPDX-License-Identifier: Apache-2.0
# The shipped network, found without being named, on the shipped clips, which it was not trained on.
. "$TSM_LIB"

set -- "$TSM_DEMO"/clips/*.mp4
works classify --top 1 --json "$@"
right=0
for clip; do
    want=$(basename "$clip" | sed 's/-[0-9]*\.mp4$//; s/[-_]/ /g')
    got=$(grep -F "\"input\":\"$clip\"" "$work/out" | sed 's/.*"label":"\([^"]*\)".*/\1/; s/[-_]/ /g')
    [ "$got" = "$want" ] && right=$((right + 1)) || echo "$clip: '$got'" >&2
done
check "only $right of $# clips are right" test $right -ge $(($# - $# / 12))

# Without its shift the same network cannot tell the order of time.
works classify --top 1 --json --no-shift "$@"
check "it does as well without its shift" test \
    "$(for clip; do basename "$clip" | sed 's/-[0-9]*\.mp4$//; s/[-_]/ /g'; done >"$work/want"
       sed 's/.*"label":"\([^"]*\)".*/\1/; s/[-_]/ /g' "$work/out" | paste -d: - "$work/want" |
           awk -F: '$1 == $2' | wc -l)" -lt "$right"

# Views and clips on top of one another keep the label of most.
works classify --top 1 --views 3 --sampling twice "$1"
works info
expect_out "tsm-demo.safetensors" "labels      "
finish
