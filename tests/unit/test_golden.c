/* test_golden.c - logits of tiny networks against a float64 run of the same weights in PyTorch (make_golden.py). */
#include <jansson.h>
#include <stdbool.h>

#include "support.h"

#define TOLERANCE 2e-4 /* of the largest logit; one bound for every way to compute in fp32 */

static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)

typedef struct golden {
    const char *name;
    tsm_shape shape;
    int channels, classes;
    int rows;       /* of logits: a clip, or a frame */
    bool per_frame; /* they are of frames */
    uint32_t seed;
    float *logits;
} golden;

static json_t *cases;

static int read_int(const json_t *entry, const char *key)
{
    const json_t *value = json_object_get(entry, key);

    ck_assert_msg(json_is_integer(value), "golden.json: no integer %s", key);
    return (int)json_integer_value(value);
}

/* The innermost lists one after another. */
static void read_numbers(const json_t *list, float **out)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item)
    {
        if (json_is_array(item))
            read_numbers(item, out);
        else
            *(*out)++ = (float)json_real_value(item);
    }
}

static golden read_golden(const json_t *entry)
{
    const json_t *logits = json_object_get(entry, "logits"), *row = json_array_get(logits, 0);
    golden g = { .name = json_string_value(json_object_get(entry, "name")) };
    float *end;

    g.shape = (tsm_shape){ read_int(entry, "n"), read_int(entry, "t"), read_int(entry, "h"), read_int(entry, "w") };
    g.channels = read_int(entry, "c");
    g.seed = (uint32_t)read_int(entry, "seed");
    g.per_frame = json_is_true(json_object_get(entry, "frames"));
    g.rows = g.per_frame ? g.shape.n * g.shape.t : g.shape.n;
    ck_assert_uint_eq(json_array_size(logits), (size_t)g.shape.n);
    g.classes = (int)json_array_size(g.per_frame ? json_array_get(row, 0) : row);
    ck_assert_int_gt(g.classes, 1);
    end = g.logits = poisoned_array((size_t)g.rows * g.classes);
    read_numbers(logits, &end);
    ck_assert_int_eq((int)(end - g.logits), g.rows * g.classes);
    return g;
}

static int argmax(const float *values, int count)
{
    int best = 0;

    for (int i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

static void run_golden(const golden *g, const tsm_model *model, const char *device, int threads)
{
    const tsm_shape *s = &g->shape;
    size_t pixels = (size_t)s->n * s->t * g->channels * s->h * s->w, count = (size_t)g->rows * g->classes;
    float *data = hashed_array(pixels, g->seed), *logits = poisoned_array(count);
    tsm_tensor input = { .data = data,
                         .dtype = TSM_FLOAT32,
                         .layout = TSM_NTCHW,
                         .ndim = 5,
                         .dims = { s->n, s->t, g->channels, s->h, s->w } };
    tsm_tensor output = {
        .data = logits, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { s->n, g->classes }
    };
    const tsm_tensor frames = {
        .data = logits, .dtype = TSM_FLOAT32, .layout = TSM_NTC, .ndim = 3, .dims = { s->n, s->t, g->classes }
    };
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_context *context = NULL;
    tsm_error error;

    options.device = device;
    options.threads = threads;
    options.per_frame = g->per_frame;
    if (g->per_frame) output = frames;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    assert_ok(tsm_context_create(&context, engine, &error), &error);
    assert_ok(tsm_context_plan(context, s, &error), &error);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    assert_close(logits, g->logits, count, TOLERANCE, g->name);
    for (int n = 0; n < g->rows; n++)
        ck_assert_int_eq(argmax(logits + n * g->classes, g->classes), argmax(g->logits + n * g->classes, g->classes));
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(logits);
    free(data);
}

START_TEST(logits_equal_pytorch)
{
    const json_t *entry = json_array_get(cases, (size_t)(_i / DEVICES));
    golden g = read_golden(entry);
    const char *direction = json_string_value(json_object_get(entry, "direction"));
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model = NULL;
    tsm_error error;
    char path[512];

    if (direction) {
        ck_assert_str_eq(direction, "unidirectional");
        options.shift_direction = TSM_UNIDIRECTIONAL;
    }
    snprintf(path, sizeof path, "%s/golden/%s", TSM_TEST_DATA, json_string_value(json_object_get(entry, "file")));
    assert_ok(tsm_model_load(&model, path, &options, &error), &error);
    run_golden(&g, model, devices[_i % DEVICES], 1 + _i / DEVICES % 2);
    tsm_model_destroy(&model);
    free(g.logits);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden");
    TCase *logits = tcase_create("logits");
    json_error_t why;
    int failed;

    cases = json_load_file(TSM_TEST_DATA "/golden/golden.json", 0, &why);
    if (!json_is_array(cases) || json_array_size(cases) == 0) {
        fprintf(stderr, "golden.json: %s\n", cases ? "no cases" : why.text);
        return EXIT_FAILURE;
    }
    tcase_set_timeout(logits, 0);
    tcase_add_loop_test(logits, logits_equal_pytorch, 0, (int)json_array_size(cases) * DEVICES);
    suite_add_tcase(suite, logits);
    failed = run_suite(suite);
    json_decref(cases);
    return failed;
}
