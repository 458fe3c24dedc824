/* SPDX-License-Identifier: Apache-2.0 */
/* What the CPU backend says, refuses, and leaves alone. That it is right is test_cpu_operations.c's. */
#include <omp.h>

#include "operations/everything.h"
#include "passes/passes.h"
#include "runner.h"

#define SEED RUNNER_SEED

/* ---- Rules ---------------------------------------------------------------------------------------------------- */

START_TEST(callers_settings_stay)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    const int threads = omp_get_max_threads();
    network net = network_make(SEED, 3);
    tsm_error error;
    size_t count;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    omp_set_num_threads(7);
    omp_set_dynamic(1);
    free(values_of(&tsm_backend_cpu, net.graph, &shape, -1, TSM_SHIFT_AUTO, 3, &count));
    ck_assert_int_eq(omp_get_max_threads(), 7);
    ck_assert_int_eq(omp_get_dynamic(), 1);
    omp_set_dynamic(0);
    omp_set_num_threads(threads);
    network_free(&net);
}
END_TEST

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

START_TEST(refuses_what_it_has_not)
{
    static const struct {
        tsm_backend_config config;
        const char *names;
    } refused[] = {
        { { .precision = TSM_PRECISION_BF16 }, "bf16" },
        { { .precision = TSM_PRECISION_INT8 }, "int8" },
        { { .shift_method = TSM_SHIFT_OVERLAP }, "overlap" },
        { { .shift_method = TSM_SHIFT_OVERLAP }, "only copy" },
    };
    network net = network_make(SEED, 3);
    char text[TSM_SUPPORT_TEXT];
    tsm_backend_report report;
    tsm_prepared *prepared = NULL;
    tsm_error error;

    build_network(&net, false);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_error(tsm_backend_cpu.prepare(&prepared, net.graph, &refused[i].config, &report, &error), &error,
                     TSM_ERROR_UNSUPPORTED, refused[i].names);
        ck_assert(!tsm_backend_cpu.supports(&refused[i].config, net.graph, 1, text));
        ck_assert_ptr_nonnull(strstr(text, refused[i].names));
    }
    assert_error(tsm_backend_cpu.prepare(&prepared, net.graph, &(tsm_backend_config){ 0 }, &report, &error), &error,
                 TSM_ERROR_UNSUPPORTED, "norm");
    ck_assert_ptr_null(prepared);
    network_free(&net);
}
END_TEST

static const char *support_of(const tsm_graph *graph, const char *name, tsm_shift_method method)
{
    static char text[TSM_SUPPORT_TEXT];
    const tsm_backend_config config = { .shift_method = method };

    for (int i = 0; i < graph->count; i++) {
        if (strcmp(graph->nodes[i].name, name) != 0) continue;
        ck_assert(tsm_backend_cpu.supports(&config, graph, i, text));
        return text;
    }
    ck_abort_msg("no node %s", name);
    return NULL;
}

START_TEST(says_how_it_would_run)
{
    network net = network_make(SEED, 3);
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    ck_assert_str_eq(support_of(net.graph, "stem", TSM_SHIFT_AUTO), "oneDNN convolution");
    ck_assert_str_eq(support_of(net.graph, "fc", TSM_SHIFT_AUTO), "oneDNN matrix product");
    ck_assert_str_eq(support_of(net.graph, "pool", TSM_SHIFT_AUTO), "loop");
    ck_assert_str_eq(support_of(net.graph, "attention", TSM_SHIFT_AUTO), "oneDNN matrix products by tiles");
    ck_assert_str_eq(support_of(net.graph, "conv1", TSM_SHIFT_COPY), "1x1 as a oneDNN matrix product, shift copied");
    ck_assert_str_eq(support_of(net.graph, "conv1", TSM_SHIFT_INPLACE),
                     "1x1 as a oneDNN matrix product, shift in place");
    network_free(&net);
}
END_TEST

/* In a team that is busy already, primitives for two threads would do half of their work: refused, not wrong. */
START_TEST(refuses_a_busy_team)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    network net = network_make(SEED, 3);
    runner r = { .backend = &tsm_backend_cpu, .config = { .threads = 2 } };
    tsm_error error, inside;
    tsm_status status = TSM_OK;

    if (omp_get_thread_limit() < 2) return; /* there are no teams then, see script/test */
    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    runner_open(&r, net.graph, &shape, -1);
    float *values = poisoned_array(r.count);
    const tsm_tensor input = { .data = r.pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = values };
#pragma omp parallel num_threads(2)
#pragma omp single
    status = r.backend->run(r.plan, &(tsm_run_arguments){ .input = &input, .output = &output }, &inside);
    assert_error(status, &inside, TSM_ERROR_ARGUMENT, "parallel region");
    free(values);
    runner_close(&r);
    network_free(&net);
}
END_TEST

/* Every allocation of prepare, worker and plan fails once, in turn; each time there is one error and no leak. */
START_TEST(survives_lack_of_memory)
{
    const tsm_shape shape = { .n = 1, .t = 2, .h = 33, .w = 33 };
    tsm_backend_config config = { .threads = 1 };
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_backend_report report;
    network net = network_make(SEED, 3);
    tsm_dims *shapes;
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    shapes = network_shapes(net.graph, &shape);
    for (uint64_t n = 1; status != TSM_OK; n++) {
        const tsm_plan_arguments arguments = { .shapes = shapes };
        tsm_prepared *prepared = NULL;
        tsm_worker *worker = NULL;
        tsm_plan *plan = NULL;

        tsm_alloc_fail_at(n);
        status = tsm_backend_cpu.prepare(&prepared, net.graph, &config, &report, &error);
        if (status == TSM_OK) status = tsm_backend_cpu.worker_create(&worker, prepared, &error);
        if (status == TSM_OK) status = tsm_backend_cpu.plan(&plan, worker, &arguments, &error);
        tsm_alloc_fail_at(0);
        if (status != TSM_OK) ck_assert_int_eq(status, TSM_ERROR_MEMORY);
        tsm_backend_cpu.plan_release(plan);
        tsm_backend_cpu.worker_destroy(worker);
        tsm_backend_cpu.release(prepared);
        ck_assert_uint_lt(n, 100000);
    }
    free(shapes);
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_backend");
    TCase *rules = tcase_create("rules");

    printf("seed %u\n", SEED);
    tcase_set_timeout(rules, 120);
    tcase_add_test(rules, says_how_it_would_run);
    tcase_add_test(rules, callers_settings_stay);
    tcase_add_test(rules, refuses_what_it_has_not);
    tcase_add_test(rules, refuses_a_busy_team);
    tcase_add_test(rules, survives_lack_of_memory);
    suite_add_tcase(suite, rules);
    return run_suite(suite);
}
