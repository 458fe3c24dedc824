/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_rules.c - what the CUDA backend promises beside its results: kinds of memory, streams and their order, many
 * plans and threads, the cache of choices, refusals in one line, and that nothing goes wrong for good.
 */
#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

static const network_spec small_spec = {
    .arch = "resnet50", .width = 8, .classes = 6, .shift_div = 8, .place = TSM_PLACE_BLOCKRES
};
static const tsm_shape small_shape = { 2, 3, 32, 32 };
static const tsm_backend_config fp32 = { .std = { 1, 1, 1 } };

/* A small network with its input and what the backend makes of it on host memory. */
typedef struct fixture {
    network net;
    session session;
    float *pixels, *want, *got;
    tsm_tensor input, output;
    size_t pixel_bytes, logit_bytes;
} fixture;

static bool fixture_open(fixture *f, const char *name)
{
    tsm_error error = { 0 };

    memset(f, 0, sizeof *f);
    f->net = network_resnet(&small_spec);
    if (!check_ok(session_open(&f->session, tsm_cuda_backend(), f->net.graph, &fp32, &small_shape, &error), &error,
                  name)) {
        network_free(&f->net);
        return false;
    }
    f->pixel_bytes = (size_t)tsm_dims_count(session_input(&f->session)) * sizeof(float);
    f->logit_bytes = (size_t)tsm_dims_count(session_output(&f->session)) * sizeof(float);
    f->pixels = random_floats(f->pixel_bytes / sizeof(float), 3);
    f->want = random_floats(f->logit_bytes / sizeof(float), 4);
    f->got = random_floats(f->logit_bytes / sizeof(float), 5);
    f->input = planes_of(f->pixels, session_input(&f->session));
    f->output = logits_of(f->want, session_output(&f->session));
    check_ok(session_run(&f->session, &f->input, &f->output, &error), &error, name);
    f->output.data = f->got;
    return true;
}

static void fixture_close(fixture *f)
{
    session_close(&f->session);
    network_free(&f->net);
    free(f->pixels);
    free(f->want);
    free(f->got);
}

static void check_got(const fixture *f, const char *name)
{
    check(memcmp(f->got, f->want, f->logit_bytes) == 0, name, "other logits than from host memory");
}

static bool check_cuda(cudaError_t code, const char *name)
{
    return check(code == cudaSuccess, name, "%s", cudaGetErrorString(code));
}

/* Device buffers for the input and the logits. */
typedef struct device_pair {
    void *pixels, *logits;
} device_pair;

static device_pair device_pair_make(const fixture *f, const char *name)
{
    device_pair pair = { 0 };

    check_cuda(cudaMalloc(&pair.pixels, f->pixel_bytes), name);
    check_cuda(cudaMalloc(&pair.logits, f->logit_bytes), name);
    check_cuda(cudaMemcpy(pair.pixels, f->pixels, f->pixel_bytes, cudaMemcpyHostToDevice), name);
    check_cuda(cudaStreamSynchronize(NULL),
               name); /* the copy may still be on its way, for streams that do not block */
    return pair;
}

static void device_pair_free(device_pair *pair)
{
    cudaFree(pair->pixels);
    cudaFree(pair->logits);
}

/* A further plan of what a session prepared. */
typedef struct extra_plan {
    void *plan;
    tsm_graph *shaped;
    uint64_t bytes;
} extra_plan;

static void extra_plan_close(extra_plan *extra)
{
    tsm_cuda_backend()->plan_release(extra->plan);
    tsm_graph_destroy(&extra->shaped);
    extra->plan = NULL;
}

static tsm_status extra_plan_open(extra_plan *extra, const session *s, const tsm_shape *of, tsm_error *error)
{
    tsm_status status;

    *extra = (extra_plan){ .shaped = must(tsm_graph_clone(s->shaped)) };
    TSM_TRY(tsm_graph_infer(extra->shaped, of, error));
    TSM_TRY(tsm_cuda_backend()->plan(&extra->plan, s->state, extra->shaped, &extra->bytes, error));
    return TSM_OK;
fail:
    extra_plan_close(extra);
    return status;
}

/* ---- Memory and streams ------------------------------------------------------------------------------------------
 */

static void enqueue_on_callers_stream(void)
{
    const char *name = "device memory on the caller's stream";
    tsm_error error = { 0 };
    cudaStream_t streams[2];
    tsm_tensor input, output;
    device_pair pair;
    fixture f;

    if (!fixture_open(&f, name)) return;
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

    if (!fixture_open(&f, name)) return;
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

    if (!fixture_open(&f, name)) return;
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

/* ---- Threads -----------------------------------------------------------------------------------------------------
 */

typedef struct worker {
    pthread_t thread;
    const fixture *fixture;
    float *got;
    tsm_status status;
    tsm_error error;
} worker;

static void *work(void *opaque)
{
    worker *w = opaque;
    const fixture *f = w->fixture;
    const tsm_backend *backend = tsm_cuda_backend();
    tsm_tensor output = logits_of(w->got, session_output(&f->session));
    void *plan = NULL;
    uint64_t bytes;

    for (int i = 0; i < 2 && w->status == TSM_OK; i++) {
        w->status = backend->plan(&plan, f->session.state, f->session.shaped, &bytes, &w->error);
        for (int k = 0; k < 3 && w->status == TSM_OK; k++)
            w->status = backend->run(plan, &f->input, &output, &w->error);
        backend->plan_release(plan);
        plan = NULL;
    }
    return NULL;
}

static void plans_in_threads(void)
{
    const char *name = "plans in three threads";
    worker workers[3];
    fixture f;

    if (!fixture_open(&f, name)) return;
    for (int i = 0; i < 3; i++) {
        workers[i] = (worker){ .fixture = &f, .got = random_floats(f.logit_bytes / sizeof(float), 9) };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) must(NULL);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(workers[i].thread, NULL);
        check_ok(workers[i].status, &workers[i].error, name);
        check(memcmp(workers[i].got, f.want, f.logit_bytes) == 0, name, "thread %d has other logits", i);
        free(workers[i].got);
    }
    fixture_close(&f);
}

/* ---- Refusals ----------------------------------------------------------------------------------------------------
 */

static void refuses_options(void)
{
    static const struct {
        tsm_backend_config config;
        tsm_status code;
        const char *word;
    } refused[] = {
        { { .precision = TSM_PRECISION_INT8 }, TSM_ERROR_UNSUPPORTED, "precision" },
        { { .precision = TSM_PRECISION_FP8 }, TSM_ERROR_UNSUPPORTED, "precision" },
        { { .shift_method = TSM_SHIFT_GATHER }, TSM_ERROR_UNSUPPORTED, "shift" },
        { { .shift_method = TSM_SHIFT_INPLACE }, TSM_ERROR_UNSUPPORTED, "shift" },
        { { .device_index = 4000 }, TSM_ERROR_DEVICE, "4000" },
    };
    network net = network_resnet(&small_spec);

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tsm_backend_report report = { 0 };
        tsm_error error = { 0 };
        void *state = NULL;
        tsm_status status = tsm_cuda_backend()->prepare(&state, net.graph, &refused[i].config, &report, &error);

        check_refused(status, &error, refused[i].code, refused[i].word, "refused options");
        check(state == NULL, "refused options", "an engine was made all the same");
    }
    network_free(&net);
}

static void refuses_pointers(void)
{
    const char *name = "refused pointers";
    tsm_error error = { 0 };
    tsm_tensor wrong;
    device_pair pair;
    fixture f;

    if (!fixture_open(&f, name)) return;
    pair = device_pair_make(&f, name);
    check_refused(session_enqueue(&f.session, &f.input, &f.output, NULL, &error), &error, TSM_ERROR_ARGUMENT, "input",
                  name);
    wrong = f.input;
    wrong.memory = TSM_MEMORY_DEVICE; /* it is not */
    check_refused(session_run(&f.session, &wrong, &f.output, &error), &error, TSM_ERROR_ARGUMENT, "input", name);
    wrong = f.output;
    wrong.memory = TSM_MEMORY_PINNED; /* nor is this */
    check_refused(session_run(&f.session, &f.input, &wrong, &error), &error, TSM_ERROR_ARGUMENT, "output", name);
    wrong = f.input;
    wrong.memory = TSM_MEMORY_DEVICE;
    wrong.data = pair.pixels;
    wrong.device = 3; /* the memory of another GPU, so it says */
    check_refused(session_run(&f.session, &wrong, &f.output, &error), &error, TSM_ERROR_ARGUMENT, "cuda:3", name);
    /* None of this stuck. */
    memset(f.got, 0, f.logit_bytes);
    check_ok(session_run(&f.session, &f.input, &f.output, &error), &error, name);
    check_got(&f, name);
    device_pair_free(&pair);
    fixture_close(&f);
}

/* ---- Lack of memory ---------------------------------------------------------------------------------------------
 */

/* Of the simulated device, whose memory has no end: the n-th allocation from now fails. */
void tsm_sim_fail_allocation(int n) __attribute__((weak));

#define HOGS 64

/* Takes device memory until `leave` bytes can no longer be had in one piece. */
static int hog_memory(void *hogs[HOGS], uint64_t leave)
{
    int count = 0;

    for (uint64_t bytes = (uint64_t)1 << 40; bytes >= leave; bytes /= 2)
        while (count < HOGS && cudaMalloc(&hogs[count], bytes) == cudaSuccess) count++;
    cudaGetLastError();
    return count;
}

/* A plan that would fit into an empty GPU, when it is not empty. What the libraries allocate beside the arena finds
 * the other half of what the plan needs. */
static void survives_lack_of_memory(void)
{
    const char *name = "out of device memory";
    const bool simulated = tsm_sim_fail_allocation != NULL;
    const tsm_shape moderate = { simulated ? 3 : 32, simulated ? 3 : 8, simulated ? 40 : 224, simulated ? 40 : 224 };
    tsm_error error = { 0 };
    void *hogs[HOGS];
    int hog_count = 0;
    uint64_t needed;
    extra_plan extra;
    fixture f;

    if (!fixture_open(&f, name)) return;
    if (check_ok(extra_plan_open(&extra, &f.session, &moderate, &error), &error, name)) {
        needed = extra.bytes;
        extra_plan_close(&extra);
        if (simulated)
            tsm_sim_fail_allocation(1);
        else
            hog_count = hog_memory(hogs, needed / 2);
        check_refused(extra_plan_open(&extra, &f.session, &moderate, &error), &error, TSM_ERROR_MEMORY, "MB", name);
        check(extra.plan == NULL, name, "a plan was made all the same");
        memset(f.got, 0, f.logit_bytes);
        check_ok(session_run(&f.session, &f.input, &f.output, &error), &error, name);
        check_got(&f, name);
    }
    for (int i = 0; i < hog_count; i++) cudaFree(hogs[i]);
    fixture_close(&f);
}

/* ---- The cache of choices
 * ------------------------------------------------------------------------------------------ */

/* Overwrites every file of a folder with `text` ("" deletes them); returns how many there were. */
static int spoil_files(const char *folder, const char *text)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[1200];
    int count = 0;

    while (directory && (entry = readdir(directory))) {
        FILE *file;

        if (entry->d_name[0] == '.') continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!*text) {
            unlink(path);
            continue;
        }
        file = fopen(path, "w");
        if (!file) continue;
        fputs(text, file);
        fclose(file);
    }
    if (directory) closedir(directory);
    return count;
}

/* The cache that is found is noted with this word; NULL: with nothing. */
static void run_cached(const char *name, const char *noted)
{
    const char *note;
    fixture f;

    if (!fixture_open(&f, name)) return;
    note = tsm_cuda_backend()->note(f.session.state);
    check(noted ? note && strstr(note, noted) : !note, name, "note: %s", note ? note : "none");
    fixture_close(&f);
}

static void cache_of_choices(void)
{
    const char *name = "cache of choices", *old = getenv("TSM_CACHE_DIR"), *tune = getenv("TSM_CUDA_TUNE");
    char folder[] = "/tmp/tsm-cache-XXXXXX", kept[1024] = "";

    if (tune && strcmp(tune, "off") == 0) return; /* nothing is found then, so nothing is kept */
    if (old) snprintf(kept, sizeof kept, "%s", old);
    if (!mkdtemp(folder)) must(NULL);
    setenv("TSM_CACHE_DIR", folder, 1);
    run_cached(name, NULL);
    check(spoil_files(folder, "junk\n") == 1, name, "not one file was written");
    run_cached("a damaged cache", "damaged");
    spoil_files(folder, "tsm-tune 1\n");
    run_cached("a cache that was cut off", "damaged");
    check(spoil_files(folder, "") == 1, name, "files beside the cache");
    rmdir(folder);
    setenv("TSM_CACHE_DIR", "/proc/nowhere", 1);
    run_cached("a cache that cannot be written", NULL);
    if (kept[0])
        setenv("TSM_CACHE_DIR", kept, 1);
    else
        unsetenv("TSM_CACHE_DIR");
}

void suite_rules(void)
{
    if (small_sizes) setenv("TSM_CUDA_TUNE", "off", 1);
    enqueue_on_callers_stream();
    enqueue_pinned_memory();
    enqueue_while_capturing();
    plans_in_threads();
    refuses_options();
    refuses_pointers();
    survives_lack_of_memory();
    cache_of_choices();
}
