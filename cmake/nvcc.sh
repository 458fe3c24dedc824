#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nvcc.sh LOG COMMAND...: runs the compiler with its messages in LOG, and shows them when it fails.
log=$1
shift
"$@" >"$log" 2>&1 && exit 0
status=$?
cat "$log" >&2
exit $status
