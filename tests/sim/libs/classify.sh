# SPDX-License-Identifier: Apache-2.0
# tsm classify on the simulated GPU: frames that the device scales give the scores of frames that the host scales, as
# it does for a sheet. Usage: classify.sh TSM PLUGIN_FOLDER DATA
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LD_LIBRARY_PATH=$2 TSM_CUDA_TUNE=off
export LD_LIBRARY_PATH TSM_CUDA_TUNE

data=$3 tsm=$1
clips="$data/video/h264_b_frames.mp4 $data/video/turned_90.mp4 $data/video/vp9_odd_size.webm $data/video/h264_b_frames.mp4"
classify() { "$tsm" classify --device cuda --json --input-size 32 --model "$data/golden/r18.safetensors" "$@" | sed 's/"ms".*//'; }
classify $clips >"$work/device"
classify --sheet "$work/sheet.png" $clips >"$work/host" 2>"$work/err"
if grep -q 'without Pango' "$work/err"; then exit 77; fi
cat "$work/err" >&2
[ "$(wc -l <"$work/device")" -eq 4 ] || { echo "not four results" >&2; exit 1; }
cmp "$work/device" "$work/host"
