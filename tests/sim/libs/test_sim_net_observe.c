/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_observe.c - what the CUDA plugin tells of a run on the simulated device: the values of every node
 * against the reference's, a row a step, numbers that are not finite; and before a run, whether and how a node runs.
 */
#include "graph_support.h"

#include "cuda/predict.h"
#include "operations/everything.h"

static const tsm_shape shape = { 2, 4, 21, 26 };

/* Values of a run by node, as copies; NULL where a node was not shown. */
typedef struct seen {
    float **values;
    int count;
} seen;

static void keep_value(void *user, int node, const tsm_dims *dims, const float *values)
{
    seen *s = user;
    const size_t count = (size_t)tsm_dims_count(dims);

    ck_assert_msg(!s->values[node], "node %d is shown twice", node);
    s->values[node] = malloc(count * sizeof *values);
    ck_assert_ptr_nonnull(s->values[node]);
    memcpy(s->values[node], values, count * sizeof *values);
    s->count++;
}

static seen see_nothing(const tsm_graph *graph)
{
    return (seen){ .values = calloc((size_t)graph->count, sizeof(float *)) };
}

static void free_seen(seen *s, const tsm_graph *graph)
{
    for (int i = 0; i < graph->count; i++) free(s->values[i]);
    free(s->values);
}

/* A run of a backend with whoever listens; logits malloc'ed. */
static float *listen(const tsm_backend *backend, const tsm_graph *graph, const tsm_backend_config *config,
                     const tsm_visitor *visitor, const tsm_profiler *profiler)
{
    const tsm_plan_arguments arguments = { .shapes = network_shapes(graph, &shape) };
    float *pixels = hashed_array((size_t)tsm_dims_count(&arguments.shapes[0]), SEED);
    float *logits = poisoned_array((size_t)tsm_dims_count(&arguments.shapes[graph->output]));
    const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32, .layout = TSM_NTCHW };
    const tsm_tensor output = { .data = logits };
    const tsm_run_arguments run = { .input = &input, .output = &output, .visitor = visitor, .profiler = profiler };
    tsm_backend_report report = { 0 };
    tsm_prepared *prepared;
    tsm_worker *worker;
    tsm_plan *plan;
    tsm_error error;

    assert_ok(backend->prepare(&prepared, graph, config, &report, &error), &error);
    assert_ok(backend->worker_create(&worker, prepared, &error), &error);
    assert_ok(backend->plan(&plan, worker, &arguments, &error), &error);
    assert_ok(backend->run(plan, &run, &error), &error);
    backend->plan_release(plan);
    backend->worker_destroy(worker);
    backend->release(prepared);
    assert_nothing_left();
    free((void *)(uintptr_t)arguments.shapes);
    free(pixels);
    return logits;
}

static network make_network(void)
{
    network net = network_make(SEED, 3);
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    return net;
}

/* Every node, without the columns and channels that lie between its rows. */
START_TEST(visitors_see_every_value)
{
    const tsm_backend_config config =
        cuda_config(precisions[_i / 2].precision, _i & 1 ? TSM_SHIFT_OVERLAP : TSM_SHIFT_COPY);
    const tsm_backend_config plain = { 0 };
    network net = make_network();
    seen want = see_nothing(net.graph), got = see_nothing(net.graph);
    tsm_dims *shapes = network_shapes(net.graph, &shape);

    begin_case((unsigned)_i);
    free(listen(&tsm_backend_reference, net.graph, &plain, &(tsm_visitor){ keep_value, &want }, NULL));
    free(listen(cuda_backend(), net.graph, &config, &(tsm_visitor){ keep_value, &got }, NULL));
    ck_assert_int_eq(got.count, net.graph->count);
    for (int i = 0; i < net.graph->count; i++)
        assert_close(got.values[i], want.values[i], (size_t)tsm_dims_count(&shapes[i]), precisions[_i / 2].tolerance,
                     net.graph->nodes[i].name);
    free_seen(&want, net.graph);
    free_seen(&got, net.graph);
    free(shapes);
    network_free(&net);
}
END_TEST

/* ---- Profile ---- */

typedef struct rows {
    int count, last, of_libraries, shifts;
    int of_node[128];
    double ms;
} rows;

static void keep_row(void *user, int node, const char *how, double ms)
{
    rows *r = user;

    ck_assert_int_ge(node, r->last); /* in the order of the graph */
    ck_assert(how && *how && ms > 0);
    r->last = node;
    r->of_node[node]++;
    r->count++;
    r->of_libraries += strstr(how, "cuDNN engine") || strstr(how, "cuBLASLt product");
    r->shifts += strcmp(how, "shift kernel") == 0;
    r->ms += ms;
}

static int count_ops(const tsm_graph *graph, tsm_op op)
{
    int count = 0;

    for (int i = 0; i < graph->count; i++) count += graph->nodes[i].op == op;
    return count;
}

/* A step of the plan is a launch of the prediction. */
static void expect_predicted(const rows *r, const tsm_graph *graph, const tsm_backend_config *config)
{
    tsm_dims *shapes = network_shapes(graph, &shape);
    tsm_prediction prediction;
    tsm_error error;

    assert_ok(
        tsm_predict(&prediction, graph, shapes, config->precision, tsm_cuda_way_of(config->shift_method), &error),
        &error);
    for (int i = 0; i < graph->count; i++)
        ck_assert_msg(r->of_node[i] == prediction.nodes[i].launches, "%s: %d steps, %d predicted",
                      graph->nodes[i].name, r->of_node[i], prediction.nodes[i].launches);
    tsm_prediction_clear(&prediction);
    free(shapes);
}

/* A row a step, and one of the input; the logits are those of any run. */
START_TEST(profiles_have_a_row_a_step)
{
    const tsm_backend_config config = cuda_config(TSM_PRECISION_FP32, _i ? TSM_SHIFT_OVERLAP : TSM_SHIFT_COPY);
    network net = make_network();
    rows seen_rows = { 0 };
    size_t count;
    float *want = cuda_logits(net.graph, &shape, config.precision, config.shift_method, &count);
    float *got;

    begin_case((unsigned)_i);
    got = listen(cuda_backend(), net.graph, &config, NULL, &(tsm_profiler){ keep_row, &seen_rows });
    assert_bytes(got, want, count * sizeof *got, "profiled");
    ck_assert_int_ge(seen_rows.count, net.graph->count);
    ck_assert_int_eq(seen_rows.of_libraries, count_ops(net.graph, TSM_OP_CONV) + count_ops(net.graph, TSM_OP_FC));
    ck_assert_int_eq(seen_rows.shifts, 3);
    expect_predicted(&seen_rows, net.graph, &config);
    free(want);
    free(got);
    network_free(&net);
}
END_TEST

/* Shifted as it is read: convolutions of ours, and no shift of its own. */
START_TEST(gathered_shifts_have_no_row)
{
    const tsm_backend_config config = cuda_config(TSM_PRECISION_FP16, TSM_SHIFT_GATHER);
    network net = make_network();
    rows seen_rows = { 0 };

    begin_case(10);
    free(listen(cuda_backend(), net.graph, &config, NULL, &(tsm_profiler){ keep_row, &seen_rows }));
    ck_assert_int_lt(seen_rows.shifts, 3);
    expect_predicted(&seen_rows, net.graph, &config);
    network_free(&net);
}
END_TEST

/* ---- Numbers that are none ---- */

/* In the input, wherever it lies: the first frame that has one is named, and the next run is right. */
START_TEST(input_that_is_not_finite)
{
    static const float none[] = { NAN, INFINITY, -INFINITY };
    const tsm_backend_config config = cuda_config(TSM_PRECISION_FP16, TSM_SHIFT_COPY);
    network net = make_network();
    cuda_session s = cuda_open(net.graph, &config);
    const tsm_plan_arguments arguments = { .shapes = network_shapes(net.graph, &shape) };
    const size_t count = (size_t)tsm_dims_count(&arguments.shapes[0]), frame = count / 8;
    float *pixels = hashed_array(count, SEED), logits[2 * NETWORK_CLASSES], *want;
    tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32 }, output = { .data = logits };
    const tsm_run_arguments run = { .input = &input, .output = &output };
    tsm_plan *plan;
    tsm_error error;

    begin_case((unsigned)_i);
    assert_ok(s.backend->plan(&plan, s.worker, &arguments, &error), &error);
    want = cuda_run(&s, plan, arguments.shapes);
    pixels[5 * frame + (size_t)_i * 7] = none[_i];
    pixels[8 * frame - 1] = NAN;
    assert_error(s.backend->run(plan, &run, &error), &error, TSM_ERROR_ARGUMENT, "input: clip 1, frame 1:");
    input.data = device_copy(pixels, count * sizeof *pixels, 0);
    input.memory = TSM_MEMORY_DEVICE;
    DEVICE_OK(cudaStreamSynchronize(NULL));
    assert_error(s.backend->run(plan, &run, &error), &error, TSM_ERROR_ARGUMENT, "input: clip 1, frame 1:");
    device_release(input.data, 0);
    free(cuda_run(&s, plan, arguments.shapes));
    float *again = cuda_run(&s, plan, arguments.shapes);
    assert_bytes(again, want, sizeof logits, "after it");
    s.backend->plan_release(plan);
    cuda_close(&s);
    free(again);
    free(want);
    free(pixels);
    free((void *)(uintptr_t)arguments.shapes);
    network_free(&net);
}
END_TEST

/* Of logits in device memory, where the engine does not look; the first row that has one is named. */
START_TEST(logits_that_are_not_finite)
{
    const tsm_backend_config config = cuda_config(TSM_PRECISION_FP32, TSM_SHIFT_COPY);
    const tsm_shape tiny = { 3, 2, 6, 6 };
    network net = network_make(SEED, 3);
    const int conv = network_conv(&net, "conv", 0, 3, 8, 1, 1);
    tsm_dims *shapes;
    tsm_plan *plan;
    tsm_error error;

    network_head(&net, conv, 8);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    shapes = network_shapes(net.graph, &tiny);
    cuda_session s = cuda_open(net.graph, &config);
    const tsm_plan_arguments arguments = { .shapes = shapes };
    const size_t count = (size_t)tsm_dims_count(&shapes[0]);
    float *pixels = hashed_array(count, SEED);
    char *logits = device_room(3 * NETWORK_CLASSES * sizeof(float), 0);
    const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32 };
    const tsm_tensor output = { .data = logits, .memory = TSM_MEMORY_DEVICE };
    const tsm_run_arguments run = { .input = &input, .output = &output };

    assert_ok(s.backend->plan(&plan, s.worker, &arguments, &error), &error);
    assert_ok(s.backend->run(plan, &run, &error), &error);
    for (size_t i = count / 3; i < 2 * count / 3; i++) pixels[i] = 3e38f; /* finite, but not their sums */
    assert_error(s.backend->run(plan, &run, &error), &error, TSM_ERROR_ARGUMENT, "output: clip 1:");
    s.backend->plan_release(plan);
    device_release(logits, 0);
    cuda_close(&s);
    free(pixels);
    free(shapes);
    network_free(&net);
}
END_TEST

/* ---- What can run ---- */

static bool supports(const tsm_backend_config *config, const network *net, int node, char text[TSM_SUPPORT_TEXT])
{
    const bool can = cuda_backend()->supports(config, net->graph, node, text);

    ck_assert_msg(text[0] && strlen(text) < TSM_SUPPORT_TEXT && !strchr(text, '\n'), "node %d: \"%s\"", node, text);
    return can;
}

START_TEST(says_how_nodes_run)
{
    tsm_backend_config config = cuda_config(TSM_PRECISION_FP32, TSM_SHIFT_AUTO);
    network net = make_network();
    char text[TSM_SUPPORT_TEXT];
    int conv = 0, overlapped = 0;

    for (int i = 0; i < net.graph->count; i++) {
        ck_assert_msg(supports(&config, &net, i, text), "%s: %s", net.graph->nodes[i].name, text);
        if (net.graph->nodes[i].op == TSM_OP_CONV) conv = i;
        overlapped += strstr(text, "shift overlapped") != NULL;
    }
    ck_assert_int_ge(overlapped, 1);
    net.graph->nodes[conv].act = TSM_ACT_SIGMOID;
    ck_assert(supports(&config, &net, conv, text));
    ck_assert_ptr_nonnull(strstr(text, "then a kernel of sigmoid"));
    config.precision = TSM_PRECISION_INT8;
    ck_assert(!supports(&config, &net, conv, text));
    ck_assert_ptr_nonnull(strstr(text, "precision"));
    config.precision = TSM_PRECISION_FP16;
    config.shift_method = TSM_SHIFT_INPLACE;
    ck_assert(!supports(&config, &net, conv, text));
    ck_assert_ptr_nonnull(strstr(text, "shift method"));
    config.shift_method = TSM_SHIFT_COPY;
    net.graph->nodes[conv].op = TSM_OP_BATCHNORM;
    ck_assert(!supports(&config, &net, conv, text));
    ck_assert_ptr_nonnull(strstr(text, tsm_op_name(TSM_OP_BATCHNORM)));
    net.graph->output = conv - 1;
    net.graph->nodes[conv - 1].op = TSM_OP_ACT;
    ck_assert(!supports(&config, &net, conv - 1, text));
    ck_assert_ptr_nonnull(strstr(text, "makes the logits"));
    network_free(&net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("what the plugin tells");
    TCase *tests = tcase_create("observed");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, visitors_see_every_value, 0, 2 * COUNT_OF(precisions));
    tcase_add_loop_test(tests, profiles_have_a_row_a_step, 0, 2);
    tcase_add_test(tests, gathered_shifts_have_no_row);
    tcase_add_loop_test(tests, input_that_is_not_finite, 0, 3);
    tcase_add_test(tests, logits_that_are_not_finite);
    tcase_add_test(tests, says_how_nodes_run);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
