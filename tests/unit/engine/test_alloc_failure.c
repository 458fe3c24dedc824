/* SPDX-License-Identifier: Apache-2.0 */
/* test_alloc_failure.c - fails the 1st, 2nd, ... allocation from loading a model to its logits: each failure is
 * reported as one, nothing is left behind (AddressSanitizer sees to that), and running allocates nothing. */
#include "core/status.h"
#include "engines.h"

static const char *const devices[] = { "reference", "cpu" };
#define DEVICES (int)(sizeof devices / sizeof *devices)

/* One segment and a small picture: every kind of allocation, little arithmetic. */
static const tsm_shape shape = { 1, 1, 16, 16 };

/* Basic blocks; bottlenecks whose shifts stay nodes. */
static const char *const files[] = { GOLDEN("r18_t1"), GOLDEN("r50_block") };
#define FILES (int)(sizeof files / sizeof *files)

typedef struct life {
    tsm_model *model;
    char *text;
    tsm_engine *engine;
    tsm_context *context;
    tsm_error error;
} life;

static tsm_status understand(life *l, const char *file)
{
    tsm_status status = tsm_model_load(&l->model, file, NULL, &l->error);

    if (status == TSM_OK) status = tsm_model_graph_text(l->model, &shape, 1, &l->text, &l->error);
    return status;
}

static void forget(life *l)
{
    tsm_free(l->text);
    l->text = NULL;
    tsm_model_destroy(&l->model);
}

static tsm_status prepare(life *l, const char *device)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_status status;

    options.device = device;
    options.threads = 1; /* thousands of engines: no waiting for a second thread */
    status = tsm_engine_create(&l->engine, l->model, &options, &l->error);
    if (status == TSM_OK) status = tsm_context_create(&l->context, l->engine, &l->error);
    if (status == TSM_OK) status = tsm_context_plan(l->context, &shape, &l->error);
    return status;
}

static void release(life *l)
{
    tsm_context_destroy(&l->context);
    tsm_engine_destroy(&l->engine);
}

/* Both steps, and the number of allocations that they need. */
static void live(life *l, const char *file, const char *device, uint64_t *to_understand, uint64_t *to_prepare)
{
    tsm_alloc_fail_at(0);
    assert_ok(understand(l, file), &l->error);
    *to_understand = tsm_alloc_fail_at(0);
    assert_ok(prepare(l, device), &l->error);
    *to_prepare = tsm_alloc_fail_at(0);
    ck_assert_uint_gt(*to_understand, 50);
    ck_assert_uint_gt(*to_prepare, 50);
}

static void assert_failed(const life *l, tsm_status status, uint64_t n)
{
    tsm_alloc_fail_at(0);
    ck_assert_msg(status == TSM_ERROR_MEMORY && l->error.code == TSM_ERROR_MEMORY, "allocation %d: %s (%s)", (int)n,
                  tsm_status_name(status), l->error.text);
}

START_TEST(loading)
{
    uint64_t needed, unused;
    life l = { 0 };

    live(&l, files[_i], "reference", &needed, &unused);
    release(&l);
    forget(&l);
    for (uint64_t n = 1; n <= needed; n++) {
        memset(&l.error, 0, sizeof l.error);
        tsm_alloc_fail_at(n);
        assert_failed(&l, understand(&l, files[_i]), n);
        forget(&l);
    }
}
END_TEST

START_TEST(preparing)
{
    const char *file = files[_i / DEVICES], *device = devices[_i % DEVICES];
    uint64_t needed, unused;
    life l = { 0 };

    live(&l, file, device, &unused, &needed);
    release(&l);
    for (uint64_t n = 1; n <= needed; n++) {
        memset(&l.error, 0, sizeof l.error);
        tsm_alloc_fail_at(n);
        assert_failed(&l, prepare(&l, device), n);
        release(&l);
    }
    forget(&l);
}
END_TEST

/* A plan more fails at every allocation: the context runs as before, and can plan again. The larger one makes the
 * arena grow under the first, the smaller one does not. */
START_TEST(one_more_plan)
{
    const tsm_shape others[] = { { 1, 1, 24, 24 }, { 1, 1, 9, 9 } };
    float *data = hashed_array(3 * 16 * 16, 1), want[7], logits[7];
    tsm_tensor input = planes_tensor(data, 1, 1, 3, 16, 16), output = logits_tensor(want, 1, 7);
    uint64_t needed, unused;
    life l = { 0 };

    live(&l, files[0], devices[_i % DEVICES], &unused, &unused);
    assert_ok(tsm_run(l.context, &input, &output, &l.error), &l.error);
    output.data = logits;
    tsm_alloc_fail_at(0);
    assert_ok(tsm_context_plan(l.context, &others[_i / DEVICES], &l.error), &l.error);
    needed = tsm_alloc_fail_at(0);
    ck_assert_uint_gt(needed, 5);
    for (uint64_t n = 1; n <= needed; n++) {
        tsm_context_drop_plans(l.context);
        assert_ok(tsm_context_plan(l.context, &shape, &l.error), &l.error);
        tsm_alloc_fail_at(n);
        assert_error(tsm_context_plan(l.context, &others[_i / DEVICES], &l.error), &l.error, TSM_ERROR_MEMORY,
                     "memory");
        tsm_alloc_fail_at(0);
        assert_ok(tsm_run(l.context, &input, &output, &l.error), &l.error);
        ck_assert_mem_eq(logits, want, sizeof want);
    }
    assert_ok(tsm_context_plan(l.context, &others[_i / DEVICES], &l.error), &l.error);
    release(&l);
    forget(&l);
    free(data);
}
END_TEST

/* Support and profile: what they hand out is made or nothing is left. */
START_TEST(asking)
{
    uint64_t unused;
    life l = { 0 };
    tsm_status status = TSM_ERROR_MEMORY;

    live(&l, files[0], "cpu", &unused, &unused);
    for (uint64_t n = 1; status != TSM_OK; n++) {
        tsm_support_row *rows = NULL;
        int count;

        tsm_alloc_fail_at(n);
        status = tsm_model_support(l.model, NULL, &rows, &count, &l.error);
        if (status != TSM_OK) assert_failed(&l, status, n);
        tsm_alloc_fail_at(0);
        tsm_free(rows);
        ck_assert_uint_lt(n, 10000);
    }
    status = TSM_ERROR_MEMORY;
    for (uint64_t n = 1; status != TSM_OK; n++) {
        tsm_profile_row *rows = NULL;
        int count;

        tsm_alloc_fail_at(n);
        status = tsm_context_profile(l.context, NULL, 1, &rows, &count, &l.error);
        if (status != TSM_OK) assert_failed(&l, status, n);
        tsm_alloc_fail_at(0);
        tsm_free(rows);
        ck_assert_uint_lt(n, 10000);
    }
    release(&l);
    forget(&l);
}
END_TEST

START_TEST(run_allocates_nothing)
{
    float *data = hashed_array(3 * 16 * 16, 1), logits[7];
    tsm_tensor input = planes_tensor(data, 1, 1, 3, 16, 16), output = logits_tensor(logits, 1, 7);
    uint64_t unused;
    life l = { 0 };

    live(&l, files[0], devices[_i], &unused, &unused);
    tsm_alloc_fail_at(0);
    assert_ok(tsm_run(l.context, &input, &output, &l.error), &l.error);
    ck_assert_uint_eq(tsm_alloc_fail_at(0), 0);
    release(&l);
    forget(&l);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alloc_failure");
    TCase *failures = tcase_create("failures");

    tcase_set_timeout(failures, 0);
    tcase_add_loop_test(failures, loading, 0, FILES);
    tcase_add_loop_test(failures, preparing, 0, FILES * DEVICES);
    tcase_add_loop_test(failures, one_more_plan, 0, 2 * DEVICES);
    tcase_add_test(failures, asking);
    tcase_add_loop_test(failures, run_allocates_nothing, 0, DEVICES);
    suite_add_tcase(suite, failures);
    return run_suite(suite);
}
