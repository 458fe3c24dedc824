/* SPDX-License-Identifier: Apache-2.0 */
/* plot.h - the pictures that results can give; each false where the file cannot be written. */
#ifndef TSM_BENCH_PLOT_H
#define TSM_BENCH_PLOT_H

#include "frame/frame.h"
#include "svg.h"

/* "Xeon, 2 CPUs; oneDNN 2.6.3; fp32; commit; date" of a result. */
void plot_subtitle(const json_t *result, const char *what, char *text, size_t bytes);

/* How a network looks in all pictures. */
int plot_series(const char *name);
const char *plot_label(const char *name);

/* Each takes the rows of one document, see report.h. */
bool plot_throughput(const json_t *result, const char *path); /* clips/s over batch */
bool plot_shift(const json_t *result, const char *path);      /* ways to shift as share of TSN */
bool plot_latency(const json_t *result, const char *path);    /* how latency is distributed */
bool plot_roofline(const json_t *result, const char *path);   /* layers */
bool plot_peers(const json_t *result, const char *path);      /* ours against others */

#endif
