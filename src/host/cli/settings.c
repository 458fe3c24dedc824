/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "eval/eval.h"
#include "clock.h"
#include "input.h"
#include "model_path.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX_STREAM (UINT64_C(8) << 30) /* bytes of a checkpoint that comes through a pipe */

const option_choice settings_places[] = { { "blockres", TSM_PLACE_BLOCKRES }, { "block", TSM_PLACE_BLOCK }, { 0 } };
const option_choice settings_directions[] = { { "bidirectional", TSM_BIDIRECTIONAL },
                                              { "unidirectional", TSM_UNIDIRECTIONAL },
                                              { "mirrored", TSM_MIRRORED },
                                              { 0 } };
const option_choice settings_nonlocals[] = { { "embedded_gaussian", TSM_NONLOCAL_EMBEDDED_GAUSSIAN },
                                             { "dot_product", TSM_NONLOCAL_DOT_PRODUCT },
                                             { "gaussian", TSM_NONLOCAL_GAUSSIAN },
                                             { 0 } };
const option_choice settings_precisions[] = { { "fp32", TSM_PRECISION_FP32 },
                                              { "tf32", TSM_PRECISION_TF32 },
                                              { "fp16", TSM_PRECISION_FP16 },
                                              { "bf16", TSM_PRECISION_BF16 },
                                              { "int8", TSM_PRECISION_INT8 },
                                              { "fp8", TSM_PRECISION_FP8 },
                                              { 0 } };
const option_choice settings_shifts[] = { { "auto", TSM_SHIFT_AUTO },       { "copy", TSM_SHIFT_COPY },
                                          { "overlap", TSM_SHIFT_OVERLAP }, { "inplace", TSM_SHIFT_INPLACE },
                                          { "gather", TSM_SHIFT_GATHER },   { 0 } };
const option_choice settings_modes[] = { { "mit", TSM_MODE_MIT }, { "mmaction2", TSM_MODE_MMACTION2 }, { 0 } };
const option_choice settings_samplings[] = {
    { "uniform", TSM_SAMPLING_UNIFORM }, { "twice", TSM_SAMPLING_TWICE }, { "dense", TSM_SAMPLING_DENSE }, { 0 }
};
const option_choice settings_views[] = { { "1", 1 }, { "3", 3 }, { "5", 5 }, { "10", 10 }, { 0 } };

const char *settings_name(const option_choice *choices, int value)
{
    for (; choices->name; choices++) {
        if (choices->value == value) return choices->name;
    }
    return "unknown";
}

tsm_model_options settings_model(const settings *s, const char *labels)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;

    options.arch = s->arch;
    options.segments = s->segments;
    options.shift_div = s->shift_div;
    options.shift_place = (tsm_shift_place)s->shift_place;
    options.shift_direction = s->online ? TSM_UNIDIRECTIONAL : (tsm_shift_direction)s->shift_direction;
    options.no_shift = s->no_shift;
    options.nonlocal = (tsm_nonlocal)s->nonlocal;
    options.input_size = s->input_size;
    options.labels = labels;
    options.labels_name = s->labels ? input_name(s->labels) : NULL;
    options.weights_key = s->weights;
    return options;
}

tsm_engine_options settings_engine(const settings *s)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;

    options.device = s->device;
    options.precision = (tsm_precision)s->precision;
    options.threads = s->threads;
    options.shift_method = (tsm_shift_method)s->shift;
    options.per_frame = s->online;
    options.max_bytes = (uint64_t)settings_max_memory(s);
    return options;
}

int64_t settings_max_bytes(const settings *s)
{
    return (int64_t)(s->max_megabytes ? s->max_megabytes : SETTINGS_MAX_MEGABYTES) << 20;
}

int64_t settings_max_memory(const settings *s)
{
    return (int64_t)(s->max_memory ? s->max_memory : SETTINGS_MAX_MEMORY) << 20;
}

int settings_timeout(const settings *s)
{
    return s->timeout ? s->timeout : SETTINGS_TIMEOUT;
}

tsm_video_options settings_video(const settings *s, const tsm_model_info *info)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

    options.mode = (tsm_video_mode)s->mode;
    options.sampling = (tsm_sampling)s->sampling;
    options.views = s->views;
    options.full_res = s->full_res;
    options.threads = s->threads;
    options.segments = s->segments ? s->segments : info ? info->segments : 0;
    options.input_size = s->input_size ? s->input_size : info ? info->input_size : 0;
    options.frames = s->frames;
    options.max_pixels = s->max_pixels;
    options.max_frames = s->max_frames ? s->max_frames : SETTINGS_MAX_FRAMES;
    options.max_bytes = settings_max_bytes(s);
    options.max_seconds = settings_timeout(s);
    options.max_clip_bytes = settings_max_memory(s);
    options.scale_size = s->scale_size ? s->scale_size : info ? info->scale_size : 0;
    return options;
}

bool settings_fraction(const char *text, double *value)
{
    char *end;

    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= 0 && *value <= 1;
}

void settings_report_doubts(const tsm_model_info *info, const char *path)
{
    char text[600] = "";
    size_t used = 0;

    if (!info->doubts) return;
    for (const char *line = info->doubts; *line && used < sizeof text;) {
        const int length = (int)strcspn(line, "\n");

        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", used ? "; " : "", length, line);
        line += length + (line[length] == '\n');
    }
    report_line("%s: in doubt: %s", input_name(path), text);
}

static tsm_status read_labels(const char *path, char **text, tsm_error *error)
{
    size_t bytes;
    int count;
    char *data;
    tsm_status status = input_read_all(path, LABELS_MAX_BYTES, &data, &bytes, error);

    if (status == TSM_OK) status = labels_parse(data, bytes, input_name(path), text, &count, error);
    free(data);
    return status;
}

/* Asked with the time when loading has to be over. */
static int is_late(void *deadline_ms)
{
    return clock_ms() > *(const double *)deadline_ms;
}

/* A stream is read to its end first: a checkpoint is not read from front to back. */
static tsm_status load_model(const char *path, const tsm_model_options *options, tsm_model **model, tsm_error *error)
{
    size_t bytes;
    char *data;
    tsm_status status;

    if (!input_is_stream(path)) {
        status = tsm_model_load(model, path, options, error);
    } else {
        status = input_read_all(path, SETTINGS_MAX_STREAM, &data, &bytes, error);
        if (status == TSM_OK) status = tsm_model_load_memory(model, data, bytes, input_name(path), options, error);
        free(data);
    }
    if (status != TSM_OK) report_name(error, input_name(path));
    return status;
}

tsm_status settings_load_model(const settings *s, int segments, tsm_model **model, char **path, tsm_error *error)
{
    char *labels = NULL;
    double deadline_ms = clock_ms() + 1e3 * settings_timeout(s);
    tsm_model_options options;
    tsm_status status;

    *model = NULL;
    status = model_path_find(s->model, path, error);
    if (status == TSM_OK && s->labels) status = read_labels(s->labels, &labels, error);
    if (status == TSM_OK) {
        options = settings_model(s, labels);
        if (segments) options.segments = segments;
        options.cancel = is_late;
        options.cancel_user = &deadline_ms;
        status = load_model(*path, &options, model, error);
    }
    free(labels);
    if (status != TSM_OK) {
        free(*path);
        *path = NULL;
    }
    return status;
}
