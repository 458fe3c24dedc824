/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_net_workers.c - workers of the CUDA plugin on the simulated device: plans of several shapes in one arena,
 * what happens to them when it grows or cannot, limits, cancelling, and the order of work on it.
 */
#include "graph_support.h"

#include "operations/everything.h"
#include "net_support.h"

#define MOST_PLANS 4

static const tsm_shape small = { 1, 4, 20, 24 };
static const tsm_shape shapes_of[MOST_PLANS] = {
    { 1, 4, 20, 24 }, { 3, 4, 20, 24 }, { 1, 2, 36, 20 }, { 2, 4, 33, 41 }
};

static network make_network(void)
{
    network net = network_make(SEED, 3);
    tsm_error error;

    build_network(&net, false);
    assert_ok(tsm_graph_optimize(net.graph, &error), &error);
    return net;
}

/* A plan with the shapes that it borrows. */
typedef struct planned {
    tsm_dims *shapes;
    tsm_plan *plan;
} planned;

static tsm_status try_plan(planned *p, const cuda_session *s, const tsm_shape *shape, tsm_error *error)
{
    const tsm_plan_arguments arguments = { .shapes = p->shapes = network_shapes(s->graph, shape) };

    return s->backend->plan(&p->plan, s->worker, &arguments, error);
}

static planned make_plan(const cuda_session *s, const tsm_shape *shape)
{
    planned p = { 0 };
    tsm_error error;

    assert_ok(try_plan(&p, s, shape, &error), &error);
    return p;
}

static void drop_plan(const cuda_session *s, planned *p)
{
    s->backend->plan_release(p->plan);
    free(p->shapes);
    *p = (planned){ 0 };
}

/* The plan's logits must have these bits. */
static void expect(const cuda_session *s, const planned *p, const float *want, const char *what)
{
    float *got = cuda_run(s, p->plan, p->shapes);

    assert_bytes(got, want, (size_t)tsm_dims_count(&p->shapes[s->graph->output]) * sizeof *got, what);
    free(got);
}

static const tsm_shift_method methods[] = { TSM_SHIFT_COPY, TSM_SHIFT_OVERLAP };

static tsm_backend_config config_of(int i)
{
    tsm_backend_config config = cuda_config(TSM_PRECISION_FP16, methods[i & 1]);

    config.graphs = !(i & 2);
    return config;
}

/* ---- One arena ---- */

/* Bits of each shape on a worker of its own; *largest: the bytes of the one that holds most. */
static void run_alone(float *want[MOST_PLANS], uint64_t *largest, const tsm_graph *graph,
                      const tsm_backend_config *config)
{
    *largest = 0;
    for (int i = 0; i < MOST_PLANS; i++) {
        cuda_session s = cuda_open(graph, config);
        planned p = make_plan(&s, &shapes_of[i]);

        want[i] = cuda_run(&s, p.plan, p.shapes);
        if (s.backend->worker_bytes(s.worker) > *largest) *largest = s.backend->worker_bytes(s.worker);
        drop_plan(&s, &p);
        cuda_close(&s);
    }
}

/* As a server has them: the arena is that of the largest, and handles are those of one; the plans keep their results
 * while it grows under them, and when one of them goes. */
START_TEST(plans_share_an_arena)
{
    const tsm_backend_config config = config_of(_i);
    network net = make_network();
    float *want[MOST_PLANS];
    planned plans[MOST_PLANS];
    uint64_t largest, handles;

    begin_case((unsigned)_i);
    run_alone(want, &largest, net.graph, &config);
    handles = tsm_sim_count().handles;
    cuda_session s = cuda_open(net.graph, &config);
    for (int i = 0; i < MOST_PLANS; i++) {
        plans[i] = make_plan(&s, &shapes_of[i]);
        for (int k = 0; k <= i; k++) expect(&s, &plans[k], want[k], "beside others");
    }
    ck_assert_uint_eq(tsm_sim_count().handles - handles, 2);
    ck_assert_uint_eq(s.backend->worker_bytes(s.worker), largest);
    drop_plan(&s, &plans[MOST_PLANS - 1]);
    ck_assert_uint_eq(s.backend->worker_bytes(s.worker), largest); /* the arena keeps its size */
    for (int i = 0; i + 1 < MOST_PLANS; i++) {
        expect(&s, &plans[i], want[i], "after another one went");
        drop_plan(&s, &plans[i]);
    }
    cuda_close(&s);
    for (int i = 0; i < MOST_PLANS; i++) free(want[i]);
    network_free(&net);
}
END_TEST

/* ---- Lack of memory ---- */

/* Fails the n-th allocation, of the device or of the plugin on the host. */
static void fail_allocation(bool on_device, int n)
{
    if (on_device)
        tsm_sim_fail_allocation(n);
    else
        fail_host_allocation(n);
}

/* Where the arena cannot grow, whatever fails, the plans that are there stay as they were. */
START_TEST(growth_fails)
{
    const bool on_device = _i & 1;
    const tsm_backend_config config = config_of(_i >> 1);
    network net = make_network();
    cuda_session s = cuda_open(net.graph, &config);
    planned first = make_plan(&s, &small), second = { 0 };
    float *want = cuda_run(&s, first.plan, first.shapes);
    const uint64_t bytes = s.backend->worker_bytes(s.worker);
    tsm_status status = TSM_ERROR_MEMORY;
    tsm_error error;
    int failures = 0;

    /* On the host there are some thousand; every seventh, so that it ends. */
    for (int n = 1; status != TSM_OK; n += on_device ? 1 : 7) {
        fail_allocation(on_device, n);
        status = try_plan(&second, &s, &shapes_of[3], &error);
        fail_allocation(on_device, 0);
        if (status == TSM_OK) break;
        failures++;
        assert_error(status, &error, TSM_ERROR_MEMORY, "memory");
        ck_assert_ptr_null(second.plan);
        free(second.shapes);
        ck_assert_uint_eq(s.backend->worker_bytes(s.worker), bytes);
        if (on_device || failures % 16 == 1) expect(&s, &first, want, "after a failure");
    }
    ck_assert_int_ge(failures, 1);
    ck_assert_uint_gt(s.backend->worker_bytes(s.worker), bytes);
    expect(&s, &first, want, "in the arena that grew");
    drop_plan(&s, &second);
    drop_plan(&s, &first);
    cuda_close(&s);
    free(want);
    network_free(&net);
}
END_TEST

/* A plan beyond the limit is refused, with both numbers, before anything is allocated on the device. */
START_TEST(limits)
{
    tsm_backend_config config = config_of(0);
    network net = make_network();
    cuda_session s = cuda_open(net.graph, &config);
    planned p = make_plan(&s, &small);
    char limit[32];
    tsm_error error;

    config.max_bytes = s.backend->worker_bytes(s.worker);
    drop_plan(&s, &p);
    cuda_close(&s);
    s = cuda_open(net.graph, &config);
    p = make_plan(&s, &small);
    float *want = cuda_run(&s, p.plan, p.shapes);
    planned large = { 0 };
    const uint64_t before = tsm_sim_count().allocations;
    snprintf(limit, sizeof limit, "limit is %llu", (unsigned long long)config.max_bytes);
    assert_error(try_plan(&large, &s, &shapes_of[1], &error), &error, TSM_ERROR_MEMORY, limit);
    ck_assert_uint_eq(tsm_sim_count().allocations, before);
    free(large.shapes);
    expect(&s, &p, want, "after a refusal");
    drop_plan(&s, &p);
    cuda_close(&s);
    free(want);
    network_free(&net);
}
END_TEST

/* ---- Cancelling ---- */

static int asked, enough;

static int wanted(void *user)
{
    (void)user;
    return enough && ++asked >= enough;
}

/* Asked at any time of making a plan or of a run without a graph: one error, and the next time all is well. */
START_TEST(cancelled)
{
    tsm_backend_config config = config_of(2);
    network net = make_network();
    tsm_status status = TSM_ERROR_CANCELLED;
    planned p = { 0 };
    tsm_error error;

    config.cancel = (tsm_cancel){ wanted, NULL };
    enough = 0;
    cuda_session s = cuda_open(net.graph, &config);
    for (int at = 1; status != TSM_OK; at += 5) {
        asked = 0;
        enough = at;
        status = try_plan(&p, &s, &small, &error);
        if (status == TSM_OK) break;
        assert_error(status, &error, TSM_ERROR_CANCELLED, "cancelled");
        free(p.shapes);
        ck_assert_int_lt(at, 1000);
    }
    enough = 0;
    float *want = cuda_run(&s, p.plan, p.shapes);
    float *pixels = hashed_array((size_t)tsm_dims_count(&p.shapes[0]), SEED);
    float *logits = poisoned_array((size_t)tsm_dims_count(&p.shapes[net.graph->output]));
    const tsm_tensor input = { .data = pixels, .dtype = TSM_FLOAT32 }, output = { .data = logits };
    const tsm_run_arguments arguments = { .input = &input, .output = &output };
    for (int at = 1; at < 30; at += 9) {
        asked = 0;
        enough = at;
        assert_error(s.backend->run(p.plan, &arguments, &error), &error, TSM_ERROR_CANCELLED, "cancelled");
    }
    enough = 0;
    expect(&s, &p, want, "after it was cancelled");
    drop_plan(&s, &p);
    cuda_close(&s);
    free(pixels);
    free(logits);
    free(want);
    network_free(&net);
}
END_TEST

/* ---- Order ---- */

/* Of a plan in device memory: hashed input, and room for the logits. */
typedef struct buffers {
    char *data, *logits;
    size_t logit_bytes;
} buffers;

static buffers make_buffers(const cuda_session *s, const planned *p)
{
    const size_t count = (size_t)tsm_dims_count(&p->shapes[tsm_graph_input(s->graph)]);
    float *host = hashed_array(count, SEED);
    buffers b = { .data = device_copy(host, count * sizeof *host, 0) };

    b.logit_bytes = (size_t)tsm_dims_count(&p->shapes[s->graph->output]) * sizeof(float);
    b.logits = device_room(b.logit_bytes, 0);
    DEVICE_OK(cudaStreamSynchronize(NULL));
    free(host);
    return b;
}

static void release_buffers(buffers *b)
{
    device_release(b->data, 0);
    device_release(b->logits, 0);
}

static void enqueue(const cuda_session *s, const planned *p, const buffers *b, cudaStream_t stream)
{
    const tsm_tensor input = { .data = b->data, .dtype = TSM_FLOAT32, .memory = TSM_MEMORY_DEVICE };
    const tsm_tensor output = { .data = b->logits, .memory = TSM_MEMORY_DEVICE };
    const tsm_run_arguments arguments = { .input = &input, .output = &output, .enqueue = true, .stream = stream };
    tsm_error error;

    assert_ok(s->backend->run(p->plan, &arguments, &error), &error);
}

static void expect_logits(const buffers *b, const float *want, const char *what)
{
    float *got = malloc(b->logit_bytes);

    DEVICE_OK(cudaDeviceSynchronize());
    device_read(got, b->logits, b->logit_bytes);
    assert_bytes(got, want, b->logit_bytes, what);
    free(got);
}

/* A new stream may have the handle of an old one, whose work is still on its way: the arena's order must not be told
 * from handles. Nor from plans: they share it. */
START_TEST(streams_may_share_a_handle)
{
    const tsm_backend_config config = config_of(_i & 3);
    network net = make_network();
    cuda_session s = cuda_open(net.graph, &config);
    planned plans[] = { make_plan(&s, &small), make_plan(&s, &shapes_of[_i & 4 ? 1 : 0]) };
    float *want[] = { cuda_run(&s, plans[0].plan, plans[0].shapes), cuda_run(&s, plans[1].plan, plans[1].shapes) };
    buffers b[] = { make_buffers(&s, &plans[0]), make_buffers(&s, &plans[1]) };
    cudaStream_t stream, old = NULL;

    begin_case((unsigned)_i);
    for (int i = 0; i < 2; i++) {
        stream = make_stream();
        ck_assert_msg(!old || stream == old, "the simulation gives no handle twice");
        enqueue(&s, &plans[i], &b[i], stream);
        DEVICE_OK(cudaStreamDestroy(stream));
        old = stream;
    }
    for (int i = 0; i < 2; i++) {
        expect_logits(&b[i], want[i], "one handle, two streams");
        release_buffers(&b[i]);
        drop_plan(&s, &plans[i]);
        free(want[i]);
    }
    cuda_close(&s);
    network_free(&net);
}
END_TEST

static cudaGraphExec_t capture(const cuda_session *s, const planned *p, const buffers *b, cudaStream_t stream)
{
    cudaGraphExec_t exec = NULL;
    cudaGraph_t graph = NULL;

    DEVICE_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    enqueue(s, p, b, stream);
    DEVICE_OK(cudaStreamEndCapture(stream, &graph));
    DEVICE_OK(cudaGraphInstantiate(&exec, graph, 0));
    DEVICE_OK(cudaGraphDestroy(graph));
    return exec;
}

/* What a caller captured works on after the arena was outgrown, twice. */
START_TEST(captures_outlive_growth)
{
    const tsm_backend_config config = config_of(_i);
    network net = make_network();
    cuda_session s = cuda_open(net.graph, &config);
    planned plans[] = { make_plan(&s, &shapes_of[0]), { 0 }, { 0 } };
    float *want = cuda_run(&s, plans[0].plan, plans[0].shapes);
    buffers b = make_buffers(&s, &plans[0]);
    cudaStream_t stream = make_stream();
    cudaGraphExec_t exec = capture(&s, &plans[0], &b, stream);

    for (int i = 1; i < 3; i++) {
        plans[i] = make_plan(&s, &shapes_of[i == 1 ? 1 : MOST_PLANS - 1]);
        DEVICE_OK(cudaMemsetAsync(b.logits, 0xff, b.logit_bytes, stream));
        DEVICE_OK(cudaGraphLaunch(exec, stream));
        expect_logits(&b, want, "captured before the arena grew");
        expect(&s, &plans[0], want, "beside a capture");
    }
    DEVICE_OK(cudaGraphExecDestroy(exec));
    DEVICE_OK(cudaStreamDestroy(stream));
    for (int i = 0; i < 3; i++) drop_plan(&s, &plans[i]);
    release_buffers(&b);
    cuda_close(&s);
    free(want);
    network_free(&net);
    assert_nothing_left();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("workers of the plugin");
    TCase *tests = tcase_create("workers");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, plans_share_an_arena, 0, 4);
    tcase_add_loop_test(tests, growth_fails, 0, 4);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, cancelled);
    tcase_add_loop_test(tests, streams_may_share_a_handle, 0, 8);
    tcase_add_loop_test(tests, captures_outlive_growth, 0, 4);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
