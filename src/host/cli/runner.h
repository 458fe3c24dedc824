/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h - a network that takes any number of clips: model, engine and context, run in batches of bounded size. */
#ifndef TSM_CLI_RUNNER_H
#define TSM_CLI_RUNNER_H

#include "settings.h"

#include <stdbool.h>
#include <tsm/pipeline.h>
#include <tsm/tsm.h>
#include <tsm/video.h>

#define RUNNER_MAX_BATCH 8 /* clips: bounds the memory of activations */

typedef struct runner {
    tsm_model *model;
    tsm_engine *engine;
    tsm_context *context;
    tsm_model_info info;
    char *path;    /* of the model */
    int per_frame; /* logits of every frame instead of their mean */
    tsm_shape planned;
    double deadline_ms; /* of clock_ms: plans and runs end with CANCELLED beyond it; 0: none */
    bool scales;        /* the device scales frames itself, and faster than the host */
} runner;

/* Loads the model, with `segments` frames a clip where that is not 0, and makes it ready. With
 * settings.online UNSUPPORTED for a network that cannot work a frame at a time. On failure the runner is closed. */
tsm_status runner_open(runner *r, const settings *s, int segments, tsm_error *error);
void runner_close(runner *r);

/* Logits of one clip: (classes), or (t,classes). */
size_t runner_logits(const runner *r);

/* Clips of one batch when there are `clips` >= 1 in all: batches are equal, so that one plan serves them, and the
 * last may begin before the one before it ends. */
int runner_batch(int64_t clips);

/* Plans for `n` clips at a time. */
tsm_status runner_plan(runner *r, int n, int height, int width, tsm_error *error);

/* Runs the planned batch of clips from clip `first` of a tensor on, to float32 (n,classes), online (n,t,classes). */
tsm_status runner_run(runner *r, const tsm_tensor *clips, int64_t first, float *logits, tsm_error *error);

#endif
