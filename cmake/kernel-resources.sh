#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-resources.sh TABLE LOG...: from what `ptxas -v` said, a table of every kernel for every target: registers a
# thread (- where it is not compiled for the target), static shared memory a block, and spills in bytes, if any. Fails
# when there is one.
table=$1
shift
demangle=cat
command -v c++filt >/dev/null 2>&1 && demangle="c++filt -p"
awk '
    /Compiling entry function/ { split($0, quoted, "\047"); kernel = quoted[2]; target = quoted[4] }
    / bytes spill stores/ {
        for (i = 2; i <= NF; i++) if ($i == "spill") spilled[kernel, target] += $(i - 2)
    }
    / Used [0-9]+ registers/ {
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^registers/) registers = $(i - 1)
            if ($i ~ /^smem/) { shared[kernel] = $(i - 2) > shared[kernel] ? $(i - 2) : shared[kernel] }
        }
        used[kernel, target] = registers
        if (!(kernel in seen)) { seen[kernel]; kernels[++count] = kernel }
        if (!(target in column)) { column[target]; targets[++width] = target }
    }
    END {
        printf "%-58s", "registers"
        for (t = 1; t <= width; t++) printf " %8s", targets[t]
        printf " %9s\n", "shared"
        for (k = 1; k <= count; k++) {
            printf "%s\t", kernels[k]
            for (t = 1; t <= width; t++) {
                spills = spilled[kernels[k], targets[t]]
                total += spills
                registers = (kernels[k], targets[t]) in used ? used[kernels[k], targets[t]] : "-"
                printf " %8s", registers (spills ? "!" spills : "")
            }
            printf " %9d\n", shared[kernels[k]]
        }
        printf "%d kernels, %d targets, %d bytes spilled\n", count, width, total
        if (count == 0) exit 2
    }' "$@" >"$table.mangled" || { echo "kernel-resources: no kernels in the logs of ptxas" >&2; exit 1; }
$demangle <"$table.mangled" | awk -F '\t' '
    NF == 2 { sub(/^void /, "", $1); gsub(/tsm::|\(.*\)/, "", $1); printf "%-58s%s\n", $1, $2; next }
    { print }' >"$table"
rm -f "$table.mangled"
cat "$table"
tail -n 1 "$table" | grep -q ', 0 bytes spilled$' && exit 0
echo "kernel-resources: kernels spill registers (REGISTERS!BYTES above)" >&2
rm -f "$table"
exit 1
