/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - the face of frame/: what every subcommand of tsm-bench is made with. */
#ifndef TSM_BENCH_FRAME_H
#define TSM_BENCH_FRAME_H

#include "machine.h"
#include "measure.h"
#include "options.h"
#include "report.h"
#include "samples.h"
#include "watch.h"

/* Exit statuses, as the command's. */
enum { BENCH_DONE = 0, BENCH_FAILED = 1, BENCH_USAGE = 2 };

/* Prints "tsm-bench: " and one line on stderr; returns BENCH_FAILED. */
int bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
