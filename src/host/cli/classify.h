/* SPDX-License-Identifier: Apache-2.0 */
/* classify.h - the state of tsm classify. */
#ifndef TSM_CLI_CLASSIFY_H
#define TSM_CLI_CLASSIFY_H

#include "cli/draw/sheet.h"
#include "features.h"
#include "feed.h"
#include "progress.h"
#include "ranking.h"
#include "runner.h"
#include "window_feed.h"

typedef struct classify {
    settings s;
    const char *list, *sheet_path, *features_path;
    int top; /* labels an input */
    int multi_label;
    bool threshold_given;
    double threshold;

    tsm_windows_options windows; /* a length of 0: none */
    int spans;
    const char *subtitles;

    paths inputs;
    feed feed;
    window_feed window_feed;
    runner net;
    tsm_pipeline *pipeline;
    tsm_video_mode mode;
    ranking ranking;
    sheet *sheet;
    features features;
    tsm_error feature_error; /* writing them failed: the rest would be lost too */
    progress progress;
    float *logits; /* made of features; of one input */
} classify;

#endif
