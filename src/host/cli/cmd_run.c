/* SPDX-License-Identifier: Apache-2.0 */
/* tsm run: tensors in, logits out. */
#include "clock.h"
#include "commands.h"
#include "npy.h"
#include "options.h"
#include "progress.h"
#include "report.h"
#include "runner.h"
#include "settings.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What the dims of the input are. */
typedef struct clip_shape {
    int64_t clips;
    int segments, channels, height, width;
    size_t elements; /* of one clip */
} clip_shape;

static tsm_status read_shape(const npy_array *array, const char *path, clip_shape *shape, tsm_error *error)
{
    const int64_t *dims = array->dims;
    char text[200];
    bool frames = array->dtype == TSM_UINT8;

    npy_shape_text(array, text, sizeof text);
    if (array->ndim != 5) {
        return report_fail(error, TSM_ERROR_FORMAT, "%s: shape %s is not %s", path, text,
                           frames ? "(N, T, H, W, 3), as uint8 must be" : "(N, T, C, H, W), as float32 must be");
    }
    if (array->count == 0) return report_fail(error, TSM_ERROR_FORMAT, "%s: shape %s holds no clips", path, text);
    for (int i = 1; i < 5; i++) {
        if (dims[i] > INT_MAX) return report_fail(error, TSM_ERROR_FORMAT, "%s: shape %s is too large", path, text);
    }
    if (dims[1] > TSM_MAX_SEGMENTS) {
        return report_fail(error, TSM_ERROR_FORMAT, "%s: clips of %lld frames are longer than %d", path,
                           (long long)dims[1], TSM_MAX_SEGMENTS);
    }
    shape->clips = dims[0];
    shape->segments = (int)dims[1];
    shape->channels = (int)(frames ? dims[4] : dims[2]);
    shape->height = (int)(frames ? dims[2] : dims[3]);
    shape->width = (int)(frames ? dims[3] : dims[4]);
    shape->elements = array->count / (size_t)dims[0];
    if (frames && shape->channels != 3) {
        return report_fail(error, TSM_ERROR_FORMAT, "%s: shape %s is not (N, T, H, W, 3), as uint8 must be", path,
                           text);
    }
    return TSM_OK;
}

static tsm_status check_model(const runner *net, const clip_shape *shape, const settings *s, const char *path,
                              tsm_error *error)
{
    if (s->segments && s->segments != shape->segments) {
        return report_fail(error, TSM_ERROR_ARGUMENT, "%s: clips of %d frames, but --segments %d", path,
                           shape->segments, s->segments);
    }
    if (shape->channels != net->info.in_channels) {
        return report_fail(error, TSM_ERROR_ARGUMENT, "%s: %d channels, but %s takes %d", path, shape->channels,
                           net->path, net->info.in_channels);
    }
    return TSM_OK;
}

/* `clips` as clips of the array's shape. */
static tsm_tensor batch_tensor(const npy_reader *in, int batch, void *clips)
{
    tsm_tensor tensor = { .data = clips, .dtype = in->array.dtype, .ndim = 5 };

    tensor.layout = tensor.dtype == TSM_UINT8 ? TSM_NTHWC : TSM_NTCHW;
    memcpy(tensor.dims, in->array.dims, sizeof tensor.dims);
    tensor.dims[0] = batch;
    return tensor;
}

/* Reads, runs and writes a batch at a time, so that memory does not grow with the file. */
static tsm_status run_batches(runner *net, const npy_reader *in, const clip_shape *shape, output_file *out,
                              tsm_error *error)
{
    int batch = runner_batch(shape->clips);
    size_t width = runner_logits(net);
    void *clips = report_alloc((size_t)batch * shape->elements, npy_element_bytes(in->array.dtype), error);
    float *logits = report_alloc((size_t)batch * width, sizeof *logits, error);
    const tsm_tensor tensor = batch_tensor(in, batch, clips);
    progress bar;
    tsm_status status =
        clips && logits ? runner_plan(net, batch, shape->height, shape->width, error) : TSM_ERROR_MEMORY;

    progress_begin(&bar, "clips", (double)shape->clips);
    for (int64_t first = 0; first < shape->clips && status == TSM_OK; first += batch) {
        int64_t from = first + batch > shape->clips ? shape->clips - batch : first;
        size_t again = (size_t)(first - from); /* clips of the batch that are written already */

        status = npy_read(in, (size_t)from * shape->elements, (size_t)batch * shape->elements, clips, error);
        if (status == TSM_OK) status = runner_run(net, &tensor, 0, logits, error);
        if (status == TSM_OK) {
            status = npy_append(out, TSM_FLOAT32, logits + again * width, ((size_t)batch - again) * width, error);
        }
        progress_update(&bar, (double)(from + batch));
    }
    progress_clear(&bar);
    if (status == TSM_ERROR_ARGUMENT || status == TSM_ERROR_MEMORY || status == TSM_ERROR_CANCELLED)
        report_name(error, in->path);
    free(clips);
    free(logits);
    return status;
}

static tsm_status run_file(const settings *s, const char *input, const char *output, tsm_error *error)
{
    npy_reader in = NPY_READER_INIT;
    output_file out = { 0 };
    runner net = { 0 };
    clip_shape shape = { 0 };
    const double began_ms = clock_ms();
    tsm_status status = output_open(&out, output, error);

    if (status == TSM_OK) status = npy_open(&in, input, error);
    if (status == TSM_OK) status = read_shape(&in.array, input, &shape, error);
    if (status == TSM_OK) status = runner_open(&net, s, shape.segments, error);
    /* Arrays may be of any length: no limit of time is the right one for all. */
    if (s->timeout) net.deadline_ms = began_ms + 1e3 * s->timeout;
    if (status == TSM_OK) status = check_model(&net, &shape, s, input, error);
    if (status == TSM_OK) {
        const int64_t of_clips[] = { shape.clips, net.info.classes };
        const int64_t of_frames[] = { shape.clips, shape.segments, net.info.classes };

        status = npy_begin(&out, TSM_FLOAT32, net.per_frame ? of_frames : of_clips, net.per_frame ? 3 : 2, error);
    }
    if (status == TSM_OK) status = run_batches(&net, &in, &shape, &out, error);
    if (status == TSM_OK) status = output_commit(&out, error);
    output_abort(&out);
    runner_close(&net);
    npy_close(&in);
    return status;
}

int cmd_run(int argc, char **argv)
{
    settings s = { 0 };
    const char *input = NULL, *output = NULL;
    int positional;
    const option_spec specs[] = {
        OPTION_SPEC_TEXT("input", "X.npy", &input, "float32 (N,T,C,H,W), normalised, or uint8 (N,T,H,W,3) RGB"),
        OPTION_SPEC_TEXT("output", "Y.npy", &output, "float32 (N,classes), online (N,T,classes)"),
        OPTION_SPEC_FLAG("online", &s.online, "clips are live streams: frames look back only, each has its logits"),
        SETTINGS_SPECS_MODEL(s),
        SETTINGS_SPECS_ENGINE(s),
        SETTINGS_SPECS_TIMEOUT(s),
    };
    const option_table table = { "run", "--input X.npy --output Y.npy",
                                 "Runs clips through a network: tensors in, logits out.", specs,
                                 sizeof specs / sizeof *specs };
    tsm_error error = { 0 };

    switch (options_parse(&table, argc, argv, &positional)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (positional > 0) return options_wrong(&table, "unexpected argument '%s'", argv[0]);
    if (!input) return options_wrong(&table, "--input is missing");
    if (!output) return options_wrong(&table, "--output is missing");
    if (s.online && s.shift_direction && s.shift_direction != TSM_UNIDIRECTIONAL) {
        return options_wrong(&table, "--online shifts unidirectional, not %s",
                             settings_name(settings_directions, s.shift_direction));
    }
    if (run_file(&s, input, output, &error) == TSM_OK) return EXIT_DONE;
    report_line("%s", error.text);
    return EXIT_FAILED;
}
