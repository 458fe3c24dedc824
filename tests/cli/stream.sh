# SPDX-License-Identifier: Apache-2.0
# tsm stream: files, pipes, raw frames, addresses on loopback that break off, signals, and what is refused.
. "$TSM_LIB"

past="--shift-direction unidirectional"
small="--model $model $past --input-size 32 --scale-size 36 --device cpu --threads 1"

# lines FILE: how many lines of output there are, all of them whole.
lines() {
    [ ! -s "$1" ] || [ "$(tail -c 1 "$1" | od -An -c | tr -d ' ')" = '\n' ] || fail "the last line is torn"
    wc -l <"$1" | tr -d ' '
}

# ---- files

works stream "$clip" $small
all=$(lines "$work/out")
check "only $all lines" test "$all" -gt 20
expect_out "frame 1 " "class " " ms"
cp "$work/out" "$work/first"
works stream "$clip" $small --json --top 2
check "other than $all lines" test "$(lines "$work/out")" -eq "$all"
check "a line is no JSON object" test "$(grep -c '^{"frame":.*"top":\[{.*},{.*}\].*"dropped":0}$' "$work/out")" -eq "$all"
works stream "$clip" $small --every 3 --count 4
check "not 4 lines" test "$(lines "$work/out")" -eq 4
expect_out "frame 1 " "frame 4 " "frame 7 " "frame 10 "

# A stream is what run --online makes of the same frames: scores of the best class, by softmax.
raw=$((4 * 32 * 32 * 3))
npy "$work/x.npy" '|u1' "(1, 4, 32, 32, 3)" 0
tail -c +20001 "$model" | head -c $raw >"$work/raw"
cat "$work/raw" >>"$work/x.npy"
works run --model "$model" --device reference --input "$work/x.npy" --output "$work/y.npy" --online
floats "$work/y.npy" | awk '{ v[(NR - 1) % 7] = $1 }
    NR % 7 == 0 { m = v[0]; for (i in v) if (v[i] > m) m = v[i]; s = 0; for (i in v) s += exp(v[i] - m); printf "%.4f\n", 1 / s }' >"$work/want"
works stream "$work/raw" --size 32x32 --model "$model" $past --input-size 32 --scale-size 32 --device reference
sed 's/.*  *\([01]\.[0-9]*\) class.*/\1/' "$work/out" >"$work/got"
check "scores other than those of run --online" test "$(paste "$work/want" "$work/got" | awk '{ d = $1 - $2; if (d < 1e-3 && d > -1e-3) near++ } END { print near + 0 }')" -eq 4

# Smoothing and debounce: of a label that must lead a thousand lines, the first stays.
for smooth in none mean window exponential; do works stream "$clip" $small --smooth $smooth --count 5; done
works stream "$clip" $small --debounce 1000 --json
check "the label changed" test "$(grep -c '"changed":true' "$work/out")" -eq 1

# ---- pipes: encoded, raw, cut in the middle of a frame, empty

called="tsm stream - (transport stream)"
cat "$TSM_DATA/video/mpeg2_transport_stream.ts" | "$TSM" stream - $small >"$work/out" 2>"$work/err"
check "no lines from a pipe" test "$(lines "$work/out")" -gt 5
called="tsm stream - --size"
head -c $((40 * 30 * 3 * 5 + 100)) /dev/zero | "$TSM" stream - --size 40x30 --rate 10 $small >"$work/out" 2>"$work/err"
check "not five raw frames" test "$(lines "$work/out")" -eq 5
grep -q '^0\.400 s  frame 5 ' "$work/out" || fail "the fifth frame is not 0.4 s later"
"$TSM" stream - --size 40x30 $small </dev/null >"$work/out" 2>"$work/err" || fail "no frames are no failure"
called="tsm stream - (nothing)"
"$TSM" stream - $small </dev/null >"$work/out" 2>"$work/err" && fail "nothing was taken for a video"

# ---- pace

works stream "$clip" $small --realtime --every 2 --count 6 --json
check "no lag is said" grep -q '"behind_ms":[0-9]' "$work/out"
# A file comes faster than plain C sees it: some frames give way, which is said.
tsm stream "$clip" --model "$model" $past --input-size 64 --scale-size 64 --device reference --drop oldest --queue 1
expect_status 0
check "dropped frames are not said" grep -q "did not keep up: .* frames dropped" "$work/err"
check "as many lines as frames" test "$(lines "$work/out")" -lt "$all"
works stream "$clip" $small --drop none

# ---- overlays

is_mp4() { [ "$(head -c 8 "$1" | tail -c 4)" = ftyp ]; }
if draws; then
    works stream "$clip" $small --count 5 --overlay "$work/over.mp4"
    check "the overlay is no MP4" is_mp4 "$work/over.mp4"
    works classify "$work/over.mp4" --model "$model" --input-size 32
    expect_out ": 5 frames"
    called="tsm stream --overlay -"
    "$TSM" stream "$clip" $small --count 5 --overlay - 2>"$work/err" | cat >"$work/piped.mp4"
    check "the overlay in a pipe is no MP4" is_mp4 "$work/piped.mp4"
    check "the lines are not on stderr" grep -q 'frame 5 ' "$work/err"
    refuses "$work/absent/o.mp4" stream "$clip" $small --overlay "$work/absent/o.mp4"
    "$TSM" stream - --size 40x30 $small --overlay "$work/none.mp4" </dev/null
    check "an overlay of nothing was written" test ! -e "$work/none.mp4"
    check "something was left beside an overlay" test -z "$(find "$work" -name '.tsm-*')"
else
    refuses "without Pango" stream "$clip" $small --overlay "$work/over.mp4"
    refuses "without Pango" classify "$clip" --model "$model" --sheet "$work/sheet.png"
fi

# ---- signals: the last line is whole, and it is no failure

for signal in TERM HUP; do
    called="tsm stream, SIG$signal"
    mkfifo "$work/$signal"
    "$TSM" stream - --size 40x30 $small <"$work/$signal" >"$work/out" 2>"$work/err" &
    pid=$!
    exec 9>"$work/$signal" # the pipe stays open: there may be more to come
    head -c $((40 * 30 * 3 * 3)) /dev/zero >&9
    tries=0
    while [ "$(wc -l <"$work/out")" -lt 3 ] && [ $tries -lt 200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -$signal $pid
    wait $pid
    check "exit status" test $? -eq 0
    exec 9>&-
    check "not three whole lines" test "$(lines "$work/out")" -eq 3
    [ ! -s "$work/err" ] || fail "stderr is not empty"
done

# ---- the network, which must be asked for

refuses "allow" stream http://127.0.0.1:9/x.ts $small
refuses "allow" stream rtsp://127.0.0.1:9/x $small
refuses "tsm: http://127.0.0.1:9/x: " stream http://user:secret@127.0.0.1:9/x $small --allow-network
printf '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n' >"$work/list.m3u8"
refuses "playlist" stream "$work/list.m3u8" $small --allow-network
refuses "No such file" stream "file:$clip" $small --allow-network

if command -v python3 >/dev/null; then
    # A server that gives half of the file the first time, then all of it.
    cat >"$work/server.py" <<'PYTHON'
import http.server, os, sys
data = open(sys.argv[1], 'rb').read()
class Handler(http.server.BaseHTTPRequestHandler):
    requests = 0
    def do_GET(self):
        Handler.requests += 1
        if self.path == '/list.m3u8':
            body = b'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n'
        else:
            body = data if Handler.requests != 1 else data[:len(data) // 2]
        self.send_response(200)
        if self.path != '/live.ts': self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
open(sys.argv[2] + '.new', 'w').write(str(server.server_port))
os.rename(sys.argv[2] + '.new', sys.argv[2])
server.serve_forever()
PYTHON
    python3 "$work/server.py" "$TSM_DATA/video/mpeg2_transport_stream.ts" "$work/port" &
    server=$!
    trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
    tries=0
    while [ ! -s "$work/port" ] && [ $tries -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    port=$(cat "$work/port")
    "$TSM" stream "$TSM_DATA/video/mpeg2_transport_stream.ts" $small >"$work/want"
    whole=$(lines "$work/want")
    # Broken off once, it is opened again, and goes on counting.
    called="tsm stream http, broken off"
    "$TSM" stream "http://127.0.0.1:$port/live.ts" --allow-network --reconnect 3 --count $((whole + 3)) $small >"$work/out" 2>"$work/err"
    check "exit status" test $? -eq 0
    check "not $((whole + 3)) lines" test "$(lines "$work/out")" -eq $((whole + 3))
    grep -q "again in 1 s" "$work/err" || fail "nothing said that it was opened again"
    grep -q "frame $((whole + 3)) " "$work/out" || fail "frames are counted anew"
    works stream "http://127.0.0.1:$port/whole.ts" --allow-network $small
    check "an address has other than $whole lines" test "$(lines "$work/out")" -eq "$whole"
    refuses "playlist" stream "http://127.0.0.1:$port/list.m3u8" --allow-network $small
    kill $server

    # Ctrl-C, which a shell hides from what it runs in the background.
    called="tsm stream, SIGINT"
    python3 - "$TSM" stream - --size 40x30 $small >"$work/out" 2>"$work/err" <<'PYTHON'
import signal, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
process.stdin.write(bytes(40 * 30 * 3 * 3))
process.stdin.flush()
lines = [process.stdout.readline() for _ in range(3)]
process.send_signal(signal.SIGINT)
rest = process.stdout.read()
sys.exit(process.wait() != 0 or rest != b'' or not all(line.endswith(b'\n') for line in lines))
PYTHON
    check "did not end cleanly" test $? -eq 0
fi
called="tsm stream http, nobody there"
"$TSM" stream "http://127.0.0.1:1/x.ts" --allow-network $small >"$work/out" 2>"$work/err" && fail "nobody there is a failure"

# ---- wrong usage, and networks that look ahead

misused "no input" stream
misused "more than one input" stream a b
misused "WIDTHxHEIGHT" stream - --size 40
misused "WIDTHxHEIGHT" stream - --size 0x4
misused "whose --size is missing" stream - --rate 5
misused "frames a second" stream - --size 4x4 --rate x
refuses "if it was trained so" stream "$clip" --model "$model" --device cpu
refuses "temporal pool" stream "$clip" $past --model "$TSM_DATA/golden/r18_tpool.safetensors" --device cpu
refuses "non-local" stream "$clip" $past --model "$TSM_DATA/golden/r50_nl.safetensors" --device cpu
works stream "$clip" --model "$TSM_DATA/golden/mbv2_online.safetensors" --input-size 32 --device cpu --count 2
works stream "$clip" --model "$TSM_DATA/golden/r18_tsn.safetensors" --input-size 32 --device cpu --count 2
refuses "No such file" stream "$work/none.mp4" $small

finish
