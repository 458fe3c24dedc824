# SPDX-License-Identifier: Apache-2.0
# How the command is called: help, version, wrong usage.
. "$TSM_LIB"

works --version
expect_out "tsm 0."
works --help
expect_out classify run preprocess info convert
works help classify
expect_out "usage: tsm classify" --sheet --device
works help run
expect_out --online "(N,T,classes)" --shift-direction --nonlocal
works classify input.mp4 --help
expect_out "usage: tsm classify"

misused "no command"
misused "'fly'" fly
misused "'fly'" help fly
for sub in classify run preprocess info; do
    works help $sub
    expect_out "usage: tsm $sub" --model -h
    works $sub -h
    misused "--fly" $sub --fly x
    misused "-x" $sub -x
    misused "--model needs a value" $sub --model
done

misused "no input" classify
misused "--top: 'five'" classify a.mp4 --top five
misused "--top: 0" classify a.mp4 --top 0
misused "--segments: 99999999999" classify a.mp4 --segments=99999999999
misused "--views: '4' is not one of 1|3|5|10" classify a.mp4 --views 4
misused "--sampling: 'random'" classify a.mp4 --sampling random
misused "--mode: 'mine'" classify a.mp4 --mode mine
misused "--precision: 'fp64'" classify a.mp4 --precision fp64
misused "--shift-place: 'end'" classify a.mp4 --shift-place end
misused "--shift-direction: 'up' is not one of bidirectional|unidirectional|mirrored" classify a.mp4 --shift-direction up
misused "--nonlocal: 'dot' is not one of embedded_gaussian|dot_product|gaussian" classify a.mp4 --nonlocal dot
misused "--no-shift takes no value" classify a.mp4 --no-shift=1
misused "--input is missing" run --output y.npy
misused "--output is missing" run --input x.npy
misused "'x.npy'" run x.npy
misused "--online" run --input x.npy --output y.npy --online --shift-direction=mirrored
misused "--online takes no value" run --input x.npy --output y.npy --online=1
misused "--online" classify a.mp4 --online
misused "no input" preprocess --output x.npy
misused "--output is missing" preprocess a.mp4
misused "more than one input" preprocess a.mp4 b.mp4 --output x.npy
misused "more than one file" info a b
finish
