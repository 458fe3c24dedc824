/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of libtsm in one page: a video file in, its label out. Usage: embed MODEL VIDEO */
#include <stdio.h>
#include <stdlib.h>
#include <tsm/video.h>

static int best_of(const float *logits, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) best = logits[i] > logits[best] ? i : best;
    return best;
}

/* Not every checkpoint has names for its classes. */
static void print_class(const tsm_model *model, int index)
{
    const char *label = tsm_model_label(model, index);
    if (label)
        printf("%s\n", label);
    else
        printf("class %d\n", index);
}

int main(int argc, char **argv)
{
    tsm_model *model = NULL;
    tsm_engine *engine = NULL;
    tsm_context *context = NULL;
    tsm_clips *clips = NULL;
    tsm_error error = { TSM_OK, -1, "" };
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
    float *logits = NULL;

    if (argc != 3 || tsm_model_load(&model, argv[1], NULL, &error) || tsm_model_get_info(model, &info)) goto done;
    options.segments = info.segments;
    options.input_size = info.input_size;
    logits = (float *)malloc((size_t)info.classes * sizeof *logits);
    if (logits && !tsm_video_load(&clips, argv[2], &options, &error) &&
        !tsm_engine_create(&engine, model, NULL, &error) && !tsm_context_create(&context, engine, &error)) {
        tsm_shape shape = { 1, info.segments, info.input_size, info.input_size };
        tsm_tensor frames = tsm_clips_tensor(clips);
        tsm_tensor scores = { logits, TSM_MEMORY_HOST, 0, TSM_FLOAT32, TSM_NC, 2, { 1, info.classes } };
        if (!tsm_context_plan(context, &shape, &error) && !tsm_run(context, &frames, &scores, &error))
            print_class(model, best_of(logits, info.classes));
    }
done:
    if (error.code) fprintf(stderr, "%s\n", error.text);
    free(logits);
    tsm_clips_destroy(&clips), tsm_context_destroy(&context), tsm_engine_destroy(&engine), tsm_model_destroy(&model);
    return error.code != TSM_OK || argc != 3;
}
