# SPDX-License-Identifier: Apache-2.0
# includes.awk TABLE FILE...: #include lines against the table (see table.awk).

function folder_of(file) {
    sub(/^src\/(host\/)?/, "", file)
    return sub(/\/[^\/]*$/, "", file) ? file : "."
}

function fault(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    faults++
}

function readable(file,    line, answer) {
    answer = (getline line <file) >= 0
    close(file)
    return answer
}

function place_of(folder) {
    return (folder == "kernels" || folder ~ /^kernels\// ? "src/" : "src/host/") folder
}

FILENAME == ARGV[1] {
    if ($1 == "folder") known[$2] = 1
    if ($1 == "face") { face[$2, $3] = 1; faces[$2] = faces[$2] (faces[$2] ? ", " : "") $3 }
    if ($1 == "may") may[$2, $3] = "docs/architecture.md: " $2 " does not use " $3
    file = $1 == "face" ? place_of($2) "/" $3 : $1 == "path" ? $2 : ""
    if (file && !readable(file)) {
        printf "docs/architecture.md: %s is not there\n", file
        faults++
    }
    next
}

FNR == 1 {
    from = folder_of(FILENAME)
    if (!(from in known)) fault("folder " from " is not in the table")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, parts, "\"")
    to = parts[2]
    above = from
    while (sub(/^\.\.\//, "", to)) if (!sub(/\/?[^\/]*$/, "", above)) break
    if (to != parts[2] && above != "") to = above "/" to
    header = to
    sub(/^.*\//, "", header)
    if (!sub(/\/[^\/]*$/, "", to)) {
        if (!readable(place_of(from) "/" header)) fault("\"" header "\" is no header of " from)
    } else if (to == from) {
        # by its path: as good
    } else if (!(to in known)) {
        fault("\"" parts[2] "\": folder " to " is not in the table")
    } else if (!((from, to) in may)) {
        fault(from " may not use " to " (\"" parts[2] "\")")
    } else if (!((to, header) in face)) {
        fault("\"" parts[2] "\" reaches past the face of " to " (" faces[to] ")")
    }
    used[from, to] = 1
}

# Straight, or with the face of a folder that it uses.
function is_used(pair,    ends, by) {
    split(pair, ends, SUBSEP)
    for (by in known) if ((ends[1], by) in used && (by, ends[2]) in used) return 1
    return pair in used
}

END {
    for (pair in may) if (!is_used(pair)) {
        print may[pair]
        faults++
    }
    exit faults > 0
}
