/* SPDX-License-Identifier: Apache-2.0 */
#include "runner.h"

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A stream has neither the frames that are to come nor fewer moments than frames. */
static tsm_status check_online(const runner *r, tsm_error *error)
{
    if (r->info.temporal_pool) {
        return report_fail(error, TSM_ERROR_UNSUPPORTED,
                           "%s: has no logits of every frame: its temporal pool merges frames", r->path);
    }
    if (r->info.nonlocal_blocks > 0) {
        return report_fail(error, TSM_ERROR_UNSUPPORTED,
                           "%s: cannot run online: a non-local block looks at frames to come", r->path);
    }
    return TSM_OK;
}

tsm_status runner_open(runner *r, const settings *s, int segments, tsm_error *error)
{
    tsm_engine_options options = settings_engine(s);
    tsm_status status;

    memset(r, 0, sizeof *r);
    r->info.struct_size = sizeof r->info;
    r->per_frame = options.per_frame;
    status = settings_load_model(s, segments, &r->model, &r->path, error);
    if (status == TSM_OK) status = tsm_model_get_info(r->model, &r->info);
    if (status == TSM_OK && s->online) status = check_online(r, error);
    if (status == TSM_OK) status = tsm_engine_create(&r->engine, r->model, &options, error);
    if (status == TSM_OK) status = tsm_context_create(&r->context, r->engine, error);
    if (status == TSM_OK) settings_report_doubts(&r->info, r->path);
    if (status != TSM_OK) runner_close(r);
    return status;
}

void runner_close(runner *r)
{
    tsm_context_destroy(&r->context);
    tsm_engine_destroy(&r->engine);
    tsm_model_destroy(&r->model);
    free(r->path);
    memset(r, 0, sizeof *r);
}

size_t runner_logits(const runner *r)
{
    return (size_t)(r->per_frame ? r->info.segments : 1) * (size_t)r->info.classes;
}

int runner_batch(int64_t clips)
{
    int64_t batches = clips / RUNNER_MAX_BATCH + (clips % RUNNER_MAX_BATCH != 0);

    return (int)(clips / batches + (clips % batches != 0));
}

tsm_status runner_plan(runner *r, int n, int height, int width, tsm_error *error)
{
    tsm_shape shape = { .n = n, .t = r->info.segments, .h = height, .w = width };
    tsm_status status;

    if (memcmp(&shape, &r->planned, sizeof shape) == 0) return TSM_OK;
    status = tsm_context_plan(r->context, &shape, error);
    r->planned = status == TSM_OK ? shape : (tsm_shape){ 0 };
    return status;
}

tsm_status runner_run(runner *r, tsm_dtype dtype, const void *clips, float *logits, tsm_error *error)
{
    const tsm_shape *shape = &r->planned;
    tsm_tensor input = { .data = (void *)clips, .dtype = dtype, .ndim = 5 };
    tsm_tensor output = { .data = logits, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2 };

    input.layout = dtype == TSM_UINT8 ? TSM_NTHWC : TSM_NTCHW;
    input.dims[0] = shape->n;
    input.dims[1] = shape->t;
    input.dims[2] = dtype == TSM_UINT8 ? shape->h : r->info.in_channels;
    input.dims[3] = dtype == TSM_UINT8 ? shape->w : shape->h;
    input.dims[4] = dtype == TSM_UINT8 ? r->info.in_channels : shape->w;
    output.dims[0] = shape->n;
    output.dims[1] = r->info.classes;
    if (r->per_frame) {
        output.layout = TSM_NTC;
        output.ndim = 3;
        output.dims[1] = shape->t;
        output.dims[2] = r->info.classes;
    }
    return tsm_run(r->context, &input, &output, error);
}

double runner_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}
