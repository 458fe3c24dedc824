#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the package's tests. 77, which is not passed, where there is no Python with NumPy.
#   run.sh SOURCE BUILD             against the libraries of a build
#   run.sh SOURCE BUILD SIMULATED   those of arrays on a GPU, on the simulated device in that folder
#   run.sh SOURCE "" "" PYTHON      of the package that is installed for PYTHON
set -eu
source=$1 build=$2 simulated=${3:-} installed=${4:-}

for python in $installed ${PYTHON:-} python3 /usr/bin/python3; do
    command -v "$python" >/dev/null && "$python" -c 'import numpy' 2>/dev/null && break
    python=
done
[ -n "$python" ] || { echo "skipped: no Python with NumPy here"; exit 77; }

export TSM_SOURCE_DIR="$source" PYTHONDONTWRITEBYTECODE=1
only=
if [ -z "$installed" ]; then
    export PYTHONPATH="$source/python" TSM_LIBRARY_DIR="$build/lib" TSM_COMMAND="$build/bin/tsm"
fi
if [ -n "$simulated" ]; then
    export LD_LIBRARY_PATH="$simulated" TSM_SIM_DEVICE="$simulated/libtsm_sim_device.so"
    only="-k Cuda"
fi
cd "$source/python/tests" # not where the package's source would be found first
exec "$python" -W error -m unittest discover $only
