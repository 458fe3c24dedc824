/* SPDX-License-Identifier: Apache-2.0 */
/* tsm preprocess: the tensor that classify would feed. */
#include "commands.h"
#include "json_out.h"
#include "npy.h"
#include "options.h"
#include "report.h"
#include "settings.h"
#include "shown.h"
#include "video_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/video.h>

/* Of ImageNet, for pixels in 0..1: what the published RGB networks were trained with. */
static const float imagenet_mean[3] = { 0.485f, 0.456f, 0.406f };
static const float imagenet_std[3] = { 0.229f, 0.224f, 0.225f };

typedef struct preprocess {
    settings s;
    const char *input, *output;
    float mean[3], std[3];
    tsm_video_options video;
    tsm_clips *clips;
    tsm_tensor frames;
} preprocess;

/* Size, segments, mean and deviation: of the model where one is named, else of ImageNet networks. */
static tsm_status read_model(preprocess *p, tsm_error *error)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = NULL;
    char *path = NULL;
    tsm_status status;

    memcpy(p->mean, imagenet_mean, sizeof p->mean);
    memcpy(p->std, imagenet_std, sizeof p->std);
    p->video = settings_video(&p->s, NULL);
    if (!p->s.model) return TSM_OK;
    status = settings_load_model(&p->s, 0, &model, &path, error);
    if (status == TSM_OK) status = tsm_model_get_info(model, &info);
    if (status == TSM_OK && info.in_channels != 3)
        status = report_fail(error, TSM_ERROR_UNSUPPORTED, "%s: takes %d channels, not RGB frames", path,
                             info.in_channels);
    if (status == TSM_OK) {
        memcpy(p->mean, info.mean, sizeof p->mean);
        memcpy(p->std, info.std, sizeof p->std);
        p->video = settings_video(&p->s, &info);
    }
    tsm_model_destroy(&model);
    free(path);
    return status;
}

static tsm_status write_tensor(preprocess *p, output_file *out, tsm_error *error)
{
    const int64_t *dims = p->frames.dims;
    size_t count = (size_t)(dims[0] * dims[1] * dims[2] * dims[3] * dims[4]);
    float *values = report_alloc(count, sizeof *values, error);
    tsm_status status;

    if (!values) return TSM_ERROR_MEMORY;
    status = tsm_clips_normalize(p->clips, p->mean, p->std, values, error);
    if (status == TSM_OK) status = npy_append(out, TSM_FLOAT32, values, count, error);
    free(values);
    return status;
}

static tsm_status load_video(preprocess *p, tsm_error *error)
{
    video_input input = VIDEO_INPUT_INIT;
    tsm_status status = video_input_open(&input, p->input, &p->video, error);

    if (status == TSM_OK) status = video_input_load(&input, &p->video, &p->clips, error);
    if (status != TSM_OK) report_name(error, input_name(p->input));
    video_input_close(&input);
    return status;
}

static tsm_status make_tensor(preprocess *p, tsm_error *error)
{
    output_file out = { 0 };
    tsm_status status = output_open(&out, p->output, error); /* before the work, which decides the shape */

    if (status == TSM_OK) status = read_model(p, error);
    if (status == TSM_OK) status = load_video(p, error);
    if (status == TSM_OK) {
        const int64_t *from = (p->frames = tsm_clips_tensor(p->clips)).dims;
        const int64_t dims[5] = { from[0], from[1], from[4], from[2], from[3] };

        status = npy_begin(&out, TSM_FLOAT32, dims, 5, error);
    }
    if (status == TSM_OK) status = write_tensor(p, &out, error);
    if (status == TSM_OK) status = output_commit(&out, error);
    output_abort(&out);
    return status;
}

static json_t *triple(const float values[3])
{
    return json_pack("[f, f, f]", (double)values[0], (double)values[1], (double)values[2]);
}

static int print_json(const preprocess *p, const tsm_clips_info *info)
{
    const int64_t *dims = p->frames.dims;
    json_t *shape = json_pack("[I, I, I, I, I]", (json_int_t)dims[0], (json_int_t)dims[1], (json_int_t)dims[4],
                              (json_int_t)dims[2], (json_int_t)dims[3]);

    json_t *line = json_pack(
        "{s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:o, s:o, s:i, s:i, s:i, s:o, s:o, s:o, s:{s:o, s:o}}", "input",
        json_out_text(p->input), "output", json_out_text(p->output), "shape", shape, "pattern",
        json_out_text(info->pattern), "frames", info->frames, "width", info->width, "height", info->height,
        "duration_s", json_out_rounded(info->duration_s, 6), "codec", json_out_text(info->codec), "views",
        info->views, "samples", info->samples, "segments", info->segments, "sampled",
        json_out_rows(info->numbers, info->samples, info->segments), "mean", triple(p->mean), "std", triple(p->std),
        "ms", "decode", json_out_rounded(info->decode_ms, 3), "preprocess", json_out_rounded(info->preprocess_ms, 3));

    line = json_out_add_bytes(line, "input_bytes", p->input);
    return json_out_print(json_out_add_bytes(line, "output_bytes", p->output));
}

static int print_text(const preprocess *p, const tsm_clips_info *info)
{
    const int64_t *dims = p->frames.dims;

    shown_print(stdout, strcmp(p->output, "-") == 0 ? "standard output" : p->output);
    printf(": (%lld, %lld, %lld, %lld, %lld) float32 of %d frames; decode %.1f ms, preprocess %.1f ms\n",
           (long long)dims[0], (long long)dims[1], (long long)dims[4], (long long)dims[2], (long long)dims[3],
           info->frames, info->decode_ms, info->preprocess_ms);
    return 0;
}

static int run(preprocess *p)
{
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;
    tsm_error error = { 0 };
    int failed;

    if (make_tensor(p, &error) != TSM_OK) {
        report_line("%s", error.text);
        return EXIT_FAILED;
    }
    tsm_clips_get_info(p->clips, &info);
    if (info.note) report_line("%s: %s", input_name(p->input), info.note);
    failed = p->s.json ? print_json(p, &info) : print_text(p, &info);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_preprocess(int argc, char **argv)
{
    preprocess p = { 0 };
    const option_spec specs[] = {
        OPTION_SPEC_TEXT("output", "X.npy", &p.output, "float32 (V,T,3,H,W), normalised"),
        SETTINGS_SPECS_JSON(p.s),
        OPTION_SPEC_TEXT("model", "FILE", &p.s.model, "a model's sizes, mean and deviation; else those of ImageNet"),
        OPTION_SPEC_NUMBER("segments", &p.s.segments, 1, TSM_MAX_SEGMENTS, "frames a clip"),
        OPTION_SPEC_NUMBER("input-size", &p.s.input_size, 1, TSM_MAX_INPUT_SIZE, "pixels of a crop"),
        SETTINGS_SPECS_VIDEO(p.s),
        SETTINGS_SPECS_MEMORY(p.s),
        OPTION_SPEC_NUMBER("threads", &p.s.threads, 1, TSM_MAX_THREADS, "threads of the decoder"),
    };
    const option_table table = { "preprocess", "INPUT --output X.npy",
                                 "Writes the tensor that classify would feed, and reports the frame numbers.", specs,
                                 sizeof specs / sizeof *specs };
    int positional, result;

    switch (options_parse(&table, argc, argv, &positional)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (positional != 1) return options_wrong(&table, positional ? "more than one input" : "no input");
    if (!p.output) return options_wrong(&table, "--output is missing");
    p.input = argv[0];
    result = run(&p);
    tsm_clips_destroy(&p.clips);
    return result;
}
