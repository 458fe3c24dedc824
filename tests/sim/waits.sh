#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# waits.sh FOLDER: the first statement of every kernel waits for the kernel before, as programmatic dependent launch
# demands (device.h). The simulated device does not begin kernels early, so that it cannot show one that forgot.
find "$1" -name "*.cu" -o -name "*.h" | sort | xargs cat | awk '
    /__global__/ { kernels++; inside = 1 }
    inside && /^\{$/ { getline; inside = 0
        if ($1 == "wait_for_previous();") waits++
        else print "waits.sh: a kernel begins with: " $0 > "/dev/stderr" }
    END { if (kernels == 0 || kernels != waits) exit 1
          print kernels " kernels wait" }'
