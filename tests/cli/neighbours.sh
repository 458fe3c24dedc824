# SPDX-License-Identifier: Apache-2.0
# Two commands at once, and one beside busy loops: with default options they take about as long as with one thread each,
# whose threads wait for nobody. Threads that wait busily took twenty times as long.
. "$TSM_LIB"

clips="$TSM_DEMO/clips/moving-left-01.mp4"
clips="$clips $clips $clips $clips $clips $clips $clips $clips"

# one OPTION...: eight clips. two OPTION...: the same twice at a time.
one() { "$TSM" classify $clips "$@" >"$work/out" 2>"$work/err" || fail "fails"; }
two() {
    one "$@" &
    one "$@"
    wait $!
}

# took COMMAND...: its milliseconds in $ms.
took() {
    begin=$(date +%s%N)
    "$@"
    ms=$((($(date +%s%N) - begin) / 1000000))
}

# compare WHAT COMMAND: the best of three with and without threads.
compare() {
    called=$1
    alone=999999 default=999999
    for round in 1 2 3; do
        took "$2" --device cpu --threads 1
        [ "$ms" -ge "$alone" ] || alone=$ms
        took "$2" --device cpu
        [ "$ms" -ge "$default" ] || default=$ms
    done
    [ "$default" -le $((4 * alone + 500)) ] || fail "$default ms, $alone ms with one thread"
}

compare "two at a time" two
busy=
trap 'kill $busy 2>/dev/null || :; rm -rf "$work"' EXIT
for cpu in $(seq "$(nproc)"); do
    while :; do :; done &
    busy="$busy $!"
done
compare "one beside busy loops" one
kill $busy
busy=
finish
