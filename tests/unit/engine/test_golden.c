/* SPDX-License-Identifier: Apache-2.0 */
/* test_golden.c - logits of tiny networks against a float64 run of the same weights in PyTorch (make_golden.py). */
#include "engines.h"
#include "golden.h"

#define TOLERANCE 2e-4 /* of the largest logit; one bound for every way to compute in fp32 */

static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)

static json_t *cases;

static int argmax(const float *values, int count)
{
    int best = 0;

    for (int i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

static void run_golden(const golden *g, const char *device, int threads)
{
    const tsm_shape *s = &g->shape;
    size_t count = (size_t)g->rows * g->classes;
    float *logits = poisoned_array(count);
    tsm_tensor input = planes_tensor(g->data, s->n, s->t, g->channels, s->h, s->w);
    tsm_tensor output = golden_output(g, logits);
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_context *context;
    tsm_error error;

    options.device = device;
    options.threads = threads;
    options.per_frame = g->per_frame;
    assert_ok(tsm_engine_create(&engine, g->model, &options, &error), &error);
    context = make_context(engine, s);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    assert_close(logits, g->logits, count, TOLERANCE, g->name);
    for (int n = 0; n < g->rows; n++)
        ck_assert_int_eq(argmax(logits + n * g->classes, g->classes), argmax(g->logits + n * g->classes, g->classes));
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(logits);
}

START_TEST(logits_equal_pytorch)
{
    golden g = golden_open(json_array_get(cases, (size_t)(_i / DEVICES)));

    run_golden(&g, devices[_i % DEVICES], 1 + _i / DEVICES % 2);
    golden_close(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden");
    TCase *logits = tcase_create("logits");
    int failed;

    cases = golden_list();
    if (!cases) return EXIT_FAILURE;
    tcase_set_timeout(logits, 0);
    tcase_add_loop_test(logits, logits_equal_pytorch, 0, (int)json_array_size(cases) * DEVICES);
    suite_add_tcase(suite, logits);
    failed = run_suite(suite);
    json_decref(cases);
    return failed;
}
