# SPDX-License-Identifier: Apache-2.0
# From docs/architecture.md: "folder NAME", "face NAME HEADER" and "may NAME FOLDER" for the rows of the table of
# folders, "circle NUMBER FILE" for the files of each circle that is allowed, and "path FILE" for every file that the page
# names.

# The words between backquotes.
function quoted(text, words,    parts, count, i, found) {
    count = split(text, parts, "`")
    found = 0
    for (i = 2; i <= count; i += 2) words[++found] = parts[i]
    return found
}

{
    count = quoted($0, words)
    for (i = 1; i <= count; i++) if (words[i] ~ /^src\/.*\.[a-z]+$/) print "path", words[i]
}

/^## / { inside = ($0 == "## Which folder may use which") }

inside && /^\| `/ {
    split($0, cells, "|")
    quoted(cells[2], words)
    folder = words[1]
    print "folder", folder
    count = quoted(cells[3], words)
    for (i = 1; i <= count; i++) print "face", folder, words[i]
    count = quoted(cells[4], words)
    for (i = 1; i <= count; i++) print "may", folder, words[i]
}

inside && /^- Circle: / {
    count = quoted($0, words)
    circles++
    for (i = 1; i <= count; i++) print "circle", circles, words[i]
}
