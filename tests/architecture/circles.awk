# SPDX-License-Identifier: Apache-2.0
# circles.awk TABLE FILE... FILE...: files whose functions call each other in a circle; a source and its header are one
# file. A call belongs to the file that alone defines the function. Every file is read twice: what is defined must be
# known before it is called.

function unit_of(file) {
    sub(/^src\/(host\/)?/, "", file)
    sub(/\.[a-z]+$/, "", file)
    return file
}

# The line without comments, strings and characters; `commented` goes on from line to line.
function code_of(line,    clean, at) {
    gsub(/\\./, "", line)
    gsub(/'[^']*'/, "' '", line)
    gsub(/"[^"]*"/, "\"\"", line)
    clean = ""
    while (line != "") {
        if (commented) {
            at = index(line, "*/")
            if (!at) return clean
            commented = 0
            line = substr(line, at + 2)
        } else {
            at = index(line, "/*")
            if (!at) return clean line
            commented = 1
            clean = clean substr(line, 1, at - 1) " "
            line = substr(line, at + 2)
        }
    }
    return clean
}

function define(name) {
    if (name in owner && owner[name] != unit) shared[name] = 1
    owner[name] = unit
}

# A definition begins in the first column: a function's head is followed by "{" on a line of its own.
function note_definition(code,    head) {
    if (code ~ /^\{/ && candidate != "") define(candidate)
    if (code ~ /^(\{|\}|#)/ || code ~ /;[ \t]*$/) candidate = ""
    if (code !~ /^[a-z]/ || code ~ /^(static|typedef|extern)/) return
    if (code !~ /\(/ || code ~ / = |;[ \t]*$/) return
    head = code
    gsub(/__attribute__\(\(.*\)\)/, "", head)
    sub(/\(.*/, "", head)
    sub(/^.*[^a-zA-Z0-9_]/, "", head)
    candidate = head
}

function note_call(name,    other) {
    if (!(name in owner) || (name in shared)) return
    other = owner[name]
    if (other == unit || (unit in circle && circle[unit] == circle[other])) return
    if ((unit, other) in place) return
    place[unit, other] = FILENAME ":" FNR
    callee[unit, other] = name
    calls[unit] = calls[unit] " " other
}

function note_calls(code,    name) {
    while (match(code, /[a-zA-Z_][a-zA-Z0-9_]*\(/)) {
        name = substr(code, RSTART, RLENGTH - 1)
        code = substr(code, RSTART + RLENGTH)
        note_call(name)
    }
}

# Everything that can be reached from `start`.
function walk(start,    queue, head, tail, others, count, i) {
    head = tail = 1
    queue[1] = start
    while (head <= tail) {
        count = split(calls[queue[head++]], others, " ")
        for (i = 1; i <= count; i++) {
            if ((start, others[i]) in reaches) continue
            reaches[start, others[i]] = 1
            queue[++tail] = others[i]
        }
    }
}

FILENAME == ARGV[1] {
    if ($1 == "circle") circle[$3] = $2
    next
}

FNR == 1 {
    commented = 0
    candidate = ""
    unit = unit_of(FILENAME)
    again = (FILENAME in seen)
    seen[FILENAME] = 1
}

{
    code = code_of($0)
    if (!again) note_definition(code)
    else if (FILENAME !~ /\.h$/ || code ~ /^[ \t]/) note_calls(code) # in a header, what is not indented declares
}

END {
    sort = "LC_ALL=C sort"
    for (one in calls) walk(one)
    for (pair in place) {
        split(pair, ends, SUBSEP)
        if (!((ends[2], ends[1]) in reaches)) continue
        printf "%s: %s calls %s of %s, which comes back to it: a circle\n", place[pair], ends[1], callee[pair],
               ends[2] | sort
        faults++
    }
    close(sort)
    exit faults > 0
}
