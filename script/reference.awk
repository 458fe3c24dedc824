# SPDX-License-Identifier: Apache-2.0
# Marks the comments of a public header for doxygen: of the file, before a declaration, and after a member, also where
# it goes on for lines. Lines of a comment keep their breaks where they are indented further than text.

# What doxygen would take for its own.
function plain(text) {
    gsub(/[\\@#%]/, "\\\\&", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

function opened(line) { return index(line, "/*") && !index(line, "*/") }

commented {
    if (index($0, "*/")) commented = 0
    text = $0
    sub(/\*\/.*/, "", text)
    rest = substr($0, length(text) + 1)
    indented = text ~ /^ *\*  +[^ ]/
    print plain(text) (indented && rest == "" ? "<br>" : "") rest
    next
}

/SPDX-License-Identifier/ || /^\/\* ----/ { print; next }

/\/\*/ {
    at = index($0, "/*")
    code = substr($0, 1, at - 1)
    text = substr($0, at + 2)
    rest = ""
    commented = opened($0)
    if (!commented) {
        end = index(text, "*/")
        rest = substr(text, end)
        text = substr(text, 1, end - 1)
    }
    mark = code ~ /[^ \t]/ ? "/**<" : "/**"
    if (mark == "/**" && !headed && text ~ /^ *[a-z]*\.h - |^ *$/) { mark = "/** \\file\n"; headed = 1 }
    print code mark plain(text) rest
    next
}

{ print }
