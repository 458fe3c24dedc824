/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include "clock.h"
#include "report.h"

#include <stdio.h>
#include <unistd.h>

#define SHORT_WORK_MS    1000 /* a terminal stays quiet that long */
#define TERMINAL_STEP_MS 100
#define LOG_STEP_MS      5000

void progress_begin(progress *p, const char *unit, double total)
{
    double now = clock_ms();
    bool terminal = isatty(STDERR_FILENO) != 0;

    *p = (progress){ .unit = unit, .total = total, .started_ms = now, .terminal = terminal };
    p->shown_ms = terminal ? now + SHORT_WORK_MS - TERMINAL_STEP_MS : now;
}

void progress_text(const char *unit, double done, double total, double elapsed_ms, char *text, unsigned bytes)
{
    double rate = elapsed_ms > 0 ? done / elapsed_ms * 1e3 : 0;
    double left = rate > 0 ? (total - done) / rate : 0;
    int used = snprintf(text, bytes, "%lld/%.0f %s, %.3g %s/s", (long long)done, total, unit, rate, unit);

    if (rate <= 0 || used < 0 || (unsigned)used >= bytes) return;
    if (left < 100) {
        snprintf(text + used, bytes - (unsigned)used, ", %.0f s left", left);
    } else {
        snprintf(text + used, bytes - (unsigned)used, ", %.0f min left", left / 60);
    }
}

void progress_update(progress *p, double done)
{
    progress_update_note(p, done, "");
}

void progress_update_note(progress *p, double done, const char *note)
{
    double now = clock_ms();
    char text[128];

    if (now - p->shown_ms < (p->terminal ? TERMINAL_STEP_MS : LOG_STEP_MS)) return;
    p->shown_ms = now;
    progress_text(p->unit, done, p->total, now - p->started_ms, text, sizeof text);
    if (p->terminal) {
        fprintf(stderr, "\r\033[K%s%s", text, note);
        p->visible = true;
    } else {
        report_line("%s%s", text, note);
    }
}

void progress_clear(progress *p)
{
    if (p->visible) fprintf(stderr, "\r\033[K");
    p->visible = false;
}
