/* SPDX-License-Identifier: Apache-2.0 */
/* classify_windows.h - tsm classify along time: what becomes of the results of windows. */
#ifndef TSM_CLI_CLASSIFY_WINDOWS_H
#define TSM_CLI_CLASSIFY_WINDOWS_H

#include "progress.h"
#include "ranking.h"
#include "spans.h"
#include "window_feed.h"

typedef struct classify_windows {
    const paths *inputs; /* borrowed, as are all pointers */
    window_feed *feed;
    tsm_pipeline *pipeline;
    ranking *ranking;
    tsm_video_mode mode;
    progress *progress;
    int json, merged;      /* spans in place of windows */
    double threshold;      /* of a window's best score, below which it has no label */
    const char *subtitles; /* where to; NULL: nowhere */
} classify_windows;

/* Shows every window, or every span, in order. Returns an exit status, having said what is wrong. */
int classify_windows_show(const classify_windows *c);

#endif
