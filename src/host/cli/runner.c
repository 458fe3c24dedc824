/* SPDX-License-Identifier: Apache-2.0 */
#include "runner.h"

#include "clock.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static tsm_status look_at_device(runner *r)
{
    tsm_engine_info engine = TSM_ENGINE_INFO_INIT;
    tsm_status status = tsm_engine_get_info(r->engine, &engine);

    r->scales = status == TSM_OK && strncmp(engine.device, "cuda", 4) == 0;
    return status;
}

static int is_late(void *user)
{
    const runner *r = user;

    return r->deadline_ms > 0 && clock_ms() > r->deadline_ms;
}

tsm_status runner_open(runner *r, const settings *s, int segments, tsm_error *error)
{
    tsm_engine_options options = settings_engine(s);
    tsm_status status;

    memset(r, 0, sizeof *r);
    r->info.struct_size = sizeof r->info;
    r->per_frame = options.per_frame;
    options.features = s->features;
    options.cancel = tsm_pipeline_run_is_over;
    options.cancel = is_late;
    options.cancel_user = r;
    status = settings_load_model(s, segments, &r->model, &r->path, error);
    if (status == TSM_OK) status = tsm_model_get_info(r->model, &r->info);
    if (status == TSM_OK && s->online) status = check_online(r, error);
    if (status == TSM_OK) status = tsm_engine_create(&r->engine, r->model, &options, error);
    if (status == TSM_OK) status = look_at_device(r);
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
    tsm_status status = tsm_context_plan(r->context, &shape, error);

    r->planned = status == TSM_OK ? shape : (tsm_shape){ 0 };
    return status;
}

tsm_status runner_run(runner *r, const tsm_tensor *clips, int64_t first, float *logits, tsm_error *error)
{
    tsm_tensor input, output = { .data = logits, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2 };
    tsm_status status = tsm_tensor_slice(clips, first, r->planned.n, &input, error);

    if (status != TSM_OK) return status;
    output.dims[0] = r->planned.n;
    output.dims[1] = r->info.classes;
    if (r->per_frame) {
        output.layout = TSM_NTC;
        output.ndim = 3;
        output.dims[1] = r->planned.t;
        output.dims[2] = r->info.classes;
    }
    return tsm_run(r->context, &input, &output, error);
}
