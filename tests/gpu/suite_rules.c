/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_rules.c - what the CUDA backend promises beside its results: kinds of memory, streams and their order, and
 * many plans, workers and threads.
 */
#include <pthread.h>

#include "fixture.h"

/* ---- Memory and streams --------------------------------------------------------------------------------------- */

static void enqueue_on_callers_stream(void)
{
    const char *name = "device memory on the caller's stream";
    tsm_error error = { 0 };
    cudaStream_t streams[2];
    tsm_tensor input, output;
    device_pair pair;
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    pair = device_pair_make(&f, name);
    for (int i = 0; i < 2; i++) check_cuda(cudaStreamCreateWithFlags(&streams[i], cudaStreamNonBlocking), name);
    input = f.input;
    output = f.output;
    input.data = pair.pixels;
    output.data = pair.logits;
    input.memory = output.memory = TSM_MEMORY_DEVICE;
    /* On two streams in turn: they share one workspace, so the second must wait for the first by itself. */
    for (int i = 0; i < 4; i++)
        check_ok(session_enqueue(&f.session, &input, &output, streams[i % 2], &error), &error, name);
    for (int i = 0; i < 2; i++) check_cuda(cudaStreamSynchronize(streams[i]), name);
    check_cuda(cudaMemcpy(f.got, pair.logits, f.logit_bytes, cudaMemcpyDeviceToHost), name);
    check_got(&f, name);
    /* run on the plan's own stream follows what is enqueued elsewhere. */
    memset(f.got, 0, f.logit_bytes);
    check_ok(session_enqueue(&f.session, &input, &output, streams[0], &error), &error, name);
    check_ok(session_run(&f.session, &f.input, &f.output, &error), &error, name);
    check_got(&f, name);
    fixture_close(&f); /* with work of the stream perhaps still on its way */
    for (int i = 0; i < 2; i++) check_cuda(cudaStreamSynchronize(streams[i]), name);
    for (int i = 0; i < 2; i++) check_cuda(cudaStreamDestroy(streams[i]), name);
    device_pair_free(&pair);
}

static void enqueue_pinned_memory(void)
{
    const char *name = "pinned memory";
    tsm_error error = { 0 };
    tsm_tensor input, output;
    cudaStream_t stream;
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    input = f.input;
    output = f.output;
    input.memory = output.memory = TSM_MEMORY_PINNED;
    check_cuda(cudaMallocHost(&input.data, f.pixel_bytes), name);
    check_cuda(cudaMallocHost(&output.data, f.logit_bytes), name);
    memcpy(input.data, f.pixels, f.pixel_bytes);
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), name);
    check_ok(session_enqueue(&f.session, &input, &output, stream, &error), &error, name);
    check_cuda(cudaStreamSynchronize(stream), name);
    memcpy(f.got, output.data, f.logit_bytes);
    check_got(&f, name);
    cudaStreamDestroy(stream);
    fixture_close(&f);
    cudaFreeHost(input.data);
    cudaFreeHost(output.data);
}

/* The caller captures our work in a graph of his own and replays it on other pixels. */
static void enqueue_while_capturing(void)
{
    const char *name = "captured by the caller";
    tsm_error error = { 0 };
    cudaGraphExec_t exec = NULL;
    cudaGraph_t graph = NULL;
    cudaStream_t stream;
    tsm_tensor input, output;
    device_pair pair;
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    pair = device_pair_make(&f, name);
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), name);
    input = f.input;
    output = f.output;
    input.data = pair.pixels;
    output.data = pair.logits;
    input.memory = output.memory = TSM_MEMORY_DEVICE;
    check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), name);
    check_ok(session_enqueue(&f.session, &input, &output, stream, &error), &error, name);
    check_cuda(cudaStreamEndCapture(stream, &graph), name);
    check_cuda(cudaGraphInstantiate(&exec, graph, 0), name);
    check_cuda(cudaMemsetAsync(pair.logits, 0, f.logit_bytes, stream), name);
    check_cuda(cudaGraphLaunch(exec, stream), name);
    check_cuda(cudaStreamSynchronize(stream), name);
    check_cuda(cudaMemcpy(f.got, pair.logits, f.logit_bytes, cudaMemcpyDeviceToHost), name);
    check_got(&f, name);
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
    device_pair_free(&pair);
    fixture_close(&f);
}

/* ---- Plans and workers ----------------------------------------------------------------------------------------- */

/* A further plan on a worker, which is the session's where it is its. */
typedef struct further {
    session session;
    float *pixels, *logits;
    size_t bytes;
} further;

static bool further_open(further *p, const session *of, tsm_worker *worker, const tsm_shape *shape, const char *name)
{
    tsm_error error = { 0 };

    p->session = *of;
    p->session.worker = worker;
    p->session.shapes = network_shapes(of->graph, shape);
    if (!check_ok(
            of->backend->plan(&p->session.plan, worker, &(tsm_plan_arguments){ .shapes = p->session.shapes }, &error),
            &error, name)) {
        free(p->session.shapes);
        return false;
    }
    p->bytes = (size_t)tsm_dims_count(session_output(&p->session)) * sizeof(float);
    p->pixels = hashed_array((size_t)tsm_dims_count(session_input(&p->session)), 3);
    p->logits = poisoned_array(p->bytes / sizeof(float));
    return true;
}

static tsm_status further_run(further *p, tsm_error *error)
{
    const tsm_tensor input = planes_of(p->pixels, session_input(&p->session));
    const tsm_tensor output = logits_of(p->logits, session_output(&p->session));

    memset(p->logits, 0xff, p->bytes);
    return session_run(&p->session, &input, &output, error);
}

static void further_close(further *p)
{
    p->session.backend->plan_release(p->session.plan);
    free(p->session.shapes);
    free(p->pixels);
    free(p->logits);
}

/* A larger plan makes the arena grow under the one before, a smaller one finds room: each gives what it gives alone,
 * however they take turns, and the arena is that of the largest. */
static void plans_share_an_arena(void)
{
    static const tsm_shape shapes[] = { { 1, 3, 32, 32 }, { 4, 3, 40, 40 }, { 1, 2, 48, 32 } };
    const char *name = "plans in one arena";
    const tsm_backend *backend = tsm_cuda_backend();
    further alone[3], together[3];
    tsm_worker *worker = NULL;
    tsm_error error = { 0 };
    uint64_t largest;
    int made = 0;
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    check_ok(backend->worker_create(&worker, f.session.prepared, &error), &error, name);
    while (made < 3 && further_open(&together[made], &f.session, worker, &shapes[made], name)) {
        if (!further_open(&alone[made], &f.session, f.session.worker, &shapes[made], name)) break;
        check_ok(further_run(&alone[made], &error), &error, name);
        made++;
        for (int i = 0; i < made; i++) {
            check_ok(further_run(&together[i], &error), &error, name);
            check(memcmp(together[i].logits, alone[i].logits, alone[i].bytes) == 0, name,
                  "plan %d has other logits behind plan %d", i, made - 1);
        }
    }
    check(made == 3, name, "only %d plans", made);
    largest = backend->worker_bytes(worker);
    check(largest <= backend->worker_bytes(f.session.worker), name, "three plans take more than four");
    for (int i = 0; i < made; i++) {
        further_close(&together[i]);
        further_close(&alone[i]);
    }
    backend->worker_destroy(worker);
    fixture_close(&f);
}

typedef struct thread {
    pthread_t handle;
    const fixture *fixture;
    bool same;
    tsm_status status;
    tsm_error error;
} thread;

/* No checks of its own: they are counted by the main thread. */
static void *work(void *opaque)
{
    thread *t = opaque;
    const session *shared = &t->fixture->session;
    session s = *shared;
    float *logits = poisoned_array(t->fixture->logit_bytes / sizeof(float));
    const tsm_tensor output = logits_of(logits, session_output(shared));

    t->same = true;
    t->status = s.backend->worker_create(&s.worker, s.prepared, &t->error);
    for (int i = 0; i < 2 && t->status == TSM_OK; i++) {
        t->status = s.backend->plan(&s.plan, s.worker, &(tsm_plan_arguments){ .shapes = s.shapes }, &t->error);
        for (int k = 0; k < 3 && t->status == TSM_OK; k++) {
            t->status = session_run(&s, &t->fixture->input, &output, &t->error);
            t->same = t->same && memcmp(logits, t->fixture->want, t->fixture->logit_bytes) == 0;
        }
        s.backend->plan_release(s.plan);
        s.plan = NULL;
    }
    s.backend->worker_destroy(s.worker);
    free(logits);
    return NULL;
}

static void workers_in_threads(void)
{
    const char *name = "workers in three threads";
    thread threads[3];
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    for (int i = 0; i < 3; i++) {
        threads[i] = (thread){ .fixture = &f };
        if (pthread_create(&threads[i].handle, NULL, work, &threads[i]) != 0) must(NULL);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i].handle, NULL);
        check_ok(threads[i].status, &threads[i].error, name);
        check(threads[i].same, name, "thread %d has other logits", i);
    }
    fixture_close(&f);
}

void suite_rules(void)
{
    enqueue_on_callers_stream();
    enqueue_pinned_memory();
    enqueue_while_capturing();
    plans_share_an_arena();
    workers_in_threads();
}
