/* SPDX-License-Identifier: Apache-2.0 */
/* test_context.c - runs of a context: what is computed, what is refused, and what is promised to threads. */
#include <math.h>

#include "threads.h"

/* r18: 7 classes, 8 segments, RGB. */
enum { N = 2, T = 8, H = 32, W = 40, C = 3, CLASSES = 7, PIXELS = N * T * C * H * W };

static const tsm_shape shape = { N, T, H, W };
static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)

static void run(tsm_context *context, const tsm_tensor *input, float *logits, int n)
{
    tsm_tensor output = logits_tensor(logits, n, CLASSES);
    tsm_error error;

    memset(logits, 0xff, (size_t)n * CLASSES * sizeof *logits);
    assert_ok(tsm_run(context, input, &output, &error), &error);
}

/* ---- Tensors ---- */

static uint8_t *hashed_bytes(size_t count, uint32_t seed)
{
    uint8_t *bytes = malloc(count);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)((hashed_value((uint32_t)i, seed) + 1) * 127.99f);
    return bytes;
}

START_TEST(bytes_are_normalised)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, &shape);
    uint8_t *bytes = hashed_bytes(PIXELS, 5);
    float *data = poisoned_array(PIXELS), from_bytes[N * CLASSES], from_floats[N * CLASSES];
    tsm_tensor input = bytes_tensor(bytes, N, T, H, W);

    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    for (int f = 0; f < N * T; f++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < H * W; p++)
                data[(f * C + c) * H * W + p] =
                    ((float)bytes[(f * H * W + p) * C + c] / 255.0f - info.mean[c]) / info.std[c];
    run(context, &input, from_bytes, N);
    input = planes_tensor(data, N, T, C, H, W);
    run(context, &input, from_floats, N);
    assert_close(from_bytes, from_floats, N * CLASSES, 0, "uint8 frames");
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    tsm_model_destroy(&model);
    free(data);
    free(bytes);
}
END_TEST

/* Each row breaks one thing of a good pair of tensors. */
static void no_data(tsm_tensor *t)
{
    t->data = NULL;
}
static void on_device(tsm_tensor *t)
{
    t->memory = TSM_MEMORY_DEVICE;
}
static void no_memory(tsm_tensor *t)
{
    t->memory = (tsm_memory)9;
}
static void half(tsm_tensor *t)
{
    t->dtype = TSM_FLOAT16;
}
static void no_dtype(tsm_tensor *t)
{
    t->dtype = (tsm_dtype)17;
}
static void channels_last(tsm_tensor *t)
{
    t->layout = TSM_NTHWC;
}
static void channels_first(tsm_tensor *t)
{
    t->layout = TSM_NTCHW;
}
static void four_dims(tsm_tensor *t)
{
    t->ndim = 4;
}
static void many_dims(tsm_tensor *t)
{
    t->ndim = 1000;
}
static void more_clips(tsm_tensor *t)
{
    t->dims[0]++;
}
static void fewer_frames(tsm_tensor *t)
{
    t->dims[1]--;
}
static void wider(tsm_tensor *t)
{
    t->dims[4] += INT64_C(1) << 32;
}
static void odd_address(tsm_tensor *t)
{
    t->data = (char *)t->data + 1;
}
static void unchanged(tsm_tensor *t)
{
    (void)t;
}

static const struct {
    void (*input)(tsm_tensor *tensor);
    void (*output)(tsm_tensor *tensor);
    const char *names;
} bad_tensors[] = {
    { no_data, unchanged, "input: no data" },
    { on_device, unchanged, "input: is not in host memory" },
    { no_memory, unchanged, "input: no kind of memory 9" },
    { half, unchanged, "input: is neither float32 nor uint8" },
    { no_dtype, unchanged, "input: is neither float32 nor uint8" },
    { channels_last, unchanged, "input: float32 must be NTCHW" },
    { four_dims, unchanged, "input: has 4 dimensions" },
    { many_dims, unchanged, "input: has 1000 dimensions" },
    { more_clips, unchanged, "input: is 3x8x3x32x40, planned for is 2x8x3x32x40" },
    { fewer_frames, unchanged, "input: is 2x7x3x32x40" },
    { wider, unchanged, "input: is 2x8x3x32x4294967336" },
    { odd_address, unchanged, "input: float32 data at an odd address" },
    { unchanged, no_data, "output: no data" },
    { unchanged, on_device, "output: is not in host memory" },
    { unchanged, half, "output: is not float32" },
    { unchanged, channels_first, "output: must be NC" },
    { unchanged, four_dims, "output: has 4 dimensions" },
    { unchanged, more_clips, "output: is 3x7, the plan is for 2x7" },
    { unchanged, fewer_frames, "output: is 2x6" },
    { unchanged, odd_address, "output: float32 data at an odd address" },
};

START_TEST(refused_tensors)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), "reference");
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), logits[N * CLASSES];
    tsm_error error;

    for (size_t i = 0; i < sizeof bad_tensors / sizeof *bad_tensors; i++) {
        tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES);

        bad_tensors[i].input(&input);
        bad_tensors[i].output(&output);
        assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, bad_tensors[i].names);
    }
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
}
END_TEST

/* The mean of the frames' logits is the clip's, up to the order of sums; the output has one shape for each. */
START_TEST(logits_of_frames)
{
    float *data = hashed_array(PIXELS, 3), frames[N * T * CLASSES], clips[N * CLASSES], mean[N * CLASSES];
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, &shape);
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), of_clips = logits_tensor(clips, N, CLASSES);
    tsm_tensor of_frames = {
        .data = frames, .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { N, T, CLASSES }
    };
    tsm_model *model = load_model(GOLDEN("r18"));
    tsm_error error;

    assert_ok(tsm_run(context, &input, &of_clips, &error), &error);
    assert_error(tsm_run(context, &input, &of_frames, &error), &error, TSM_ERROR_ARGUMENT, "output: must be NC");
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);

    options.device = devices[_i];
    options.per_frame = 1;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    context = make_context(engine, &shape);
    assert_ok(tsm_run(context, &input, &of_frames, &error), &error);
    assert_error(tsm_run(context, &input, &of_clips, &error), &error, TSM_ERROR_ARGUMENT, "output: must be NTC");
    of_frames.dims[1]--;
    assert_error(tsm_run(context, &input, &of_frames, &error), &error, TSM_ERROR_ARGUMENT,
                 "output: is 2x7x7, the plan is for 2x8x7");
    for (int i = 0; i < N * CLASSES; i++) {
        double sum = 0;

        for (int t = 0; t < T; t++) sum += frames[(i / CLASSES * T + t) * CLASSES + i % CLASSES];
        mean[i] = (float)(sum / T);
    }
    assert_close(mean, clips, N * CLASSES, 1e-5, "mean over frames");
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
}
END_TEST

START_TEST(refused_byte_tensors)
{
    tsm_engine *engine = make_engine(GOLDEN("r18_flow"), "reference");
    tsm_context *context = make_context(engine, &shape);
    uint8_t *bytes = hashed_bytes(PIXELS, 5);
    float logits[N * CLASSES];
    tsm_tensor input = bytes_tensor(bytes, N, T, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_error error;

    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "this network reads 10");
    input.layout = TSM_NTCHW;
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "uint8 must be NTHWC");
    assert_error(tsm_run(context, NULL, &output, &error), &error, TSM_ERROR_ARGUMENT, "input: no tensor");
    assert_error(tsm_enqueue(context, &input, &output, NULL, &error), &error, TSM_ERROR_UNSUPPORTED, "no streams");
    ck_assert_int_eq(tsm_enqueue(NULL, &input, &output, NULL, NULL), TSM_ERROR_ARGUMENT);
    input.layout = TSM_NTHWC;
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    engine = make_engine(GOLDEN("r18"), "reference");
    context = make_context(engine, &shape);
    assert_error(tsm_run(context, &input, NULL, &error), &error, TSM_ERROR_ARGUMENT, "output: no tensor");
    input.dims[4] = 4;
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "input: is 2x8x32x40x4");
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(bytes);
}
END_TEST

/* ---- Numbers ---- */

/* Alike on every device: the clip and the frame are named, and the context is fit for use after. */
START_TEST(input_that_is_not_finite)
{
    static const struct {
        int at; /* element of the input */
        float value;
        const char *names;
    } cases[] = {
        { 0, NAN, "input: clip 0, frame 0: has a value that is not finite" },
        { PIXELS - 1, INFINITY, "input: clip 1, frame 7: " },
        { (1 * T + 3) * C * H * W + 2 * H * W + 5, -INFINITY, "input: clip 1, frame 3: " },
        { 5 * C * H * W + H * W - 1, -NAN, "input: clip 0, frame 5: " },
    };
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), want[N * CLASSES], logits[N * CLASSES];
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_error error;

    run(context, &input, want, N);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const float before = data[cases[i].at];

        data[cases[i].at] = cases[i].value;
        assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, cases[i].names);
        data[cases[i].at] = before;
    }
    data[0] = data[PIXELS - 1] = NAN; /* the first one is named */
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "clip 0, frame 0");
    for (int i = 0; i < PIXELS; i++) data[i] = NAN;
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "clip 0, frame 0");
    free(data);
    data = hashed_array(PIXELS, 1);
    input.data = data;
    run(context, &input, logits, N);
    ck_assert_mem_eq(logits, want, sizeof want);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
}
END_TEST

/* An engine of r18 whose classifier multiplies the features of one class by huge numbers. */
static tsm_engine *make_huge(const char *device)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    static char file[1 << 20];
    FILE *in = fopen(GOLDEN("r18"), "rb");
    size_t size, begin = 0;
    tsm_model *model = NULL;
    tsm_engine *engine = NULL;
    uint64_t header;
    char *entry;
    tsm_error error;

    ck_assert_ptr_nonnull(in);
    size = fread(file, 1, sizeof file - 1, in);
    fclose(in);
    memcpy(&header, file, sizeof header);
    entry = strstr(file + sizeof header, "\"new_fc.weight\"");
    ck_assert(entry && sscanf(strstr(entry, "\"data_offsets\""), "\"data_offsets\":[%zu", &begin) == 1);
    for (int i = 0; i < 64; i++) memcpy(file + sizeof header + header + begin + 4 * i, &(float){ 3e38f }, 4);
    assert_ok(tsm_model_load_memory(&model, file, size, "r18", NULL, &error), &error);
    options.device = device;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    tsm_model_destroy(&model);
    return engine;
}

START_TEST(logits_that_are_not_finite)
{
    tsm_engine *engine = make_huge(devices[_i]);
    tsm_context *context = make_context(engine, &shape);
    float *data = hashed_array(PIXELS, 1), logits[N * CLASSES];
    tsm_tensor input = planes_tensor(data, N, T, C, H, W), output = logits_tensor(logits, N, CLASSES);
    tsm_error error;

    for (int i = 0; i < PIXELS; i++) data[i] *= 1000;
    assert_error(tsm_run(context, &input, &output, &error), &error, TSM_ERROR_ARGUMENT,
                 "output: clip 0: the logits are not finite");
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(data);
}
END_TEST

/* ---- Threads ---- */

START_TEST(threads_share_an_engine)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), devices[_i]);

    assert_threads_agree(&(thread_work){ .engine = engine, .shape = &shape, .classes = CLASSES, .rounds = 4 }, 4);
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("context");
    TCase *tensors = tcase_create("tensors"), *threads = tcase_create("threads");

    tcase_add_loop_test(tensors, input_that_is_not_finite, 0, DEVICES);
    tcase_add_loop_test(tensors, logits_that_are_not_finite, 0, DEVICES);
    tcase_add_loop_test(tensors, bytes_are_normalised, 0, DEVICES);
    tcase_add_test(tensors, refused_tensors);
    tcase_add_test(tensors, refused_byte_tensors);
    tcase_add_loop_test(tensors, logits_of_frames, 0, 2);
    tcase_add_loop_test(threads, threads_share_an_engine, 0, DEVICES);
    tcase_set_timeout(threads, 0);
    suite_add_tcase(suite, tensors);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
