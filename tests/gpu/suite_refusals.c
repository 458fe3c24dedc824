/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suite_refusals.c - what the CUDA backend refuses, each time in one line and without harm to what follows: options,
 * pointers, numbers that are not finite, plans that do not fit; and what it makes of a cache that it cannot use.
 */
#include <dirent.h>
#include <unistd.h>

#include "fixture.h"

static void refuses_options(void)
{
    static const struct {
        tsm_backend_config config;
        tsm_status code;
        const char *word;
    } refused[] = {
        { { .precision = TSM_PRECISION_INT8 }, TSM_ERROR_UNSUPPORTED, "precision" },
        { { .precision = TSM_PRECISION_FP8 }, TSM_ERROR_UNSUPPORTED, "precision" },
        { { .shift_method = TSM_SHIFT_GATHER }, TSM_ERROR_UNSUPPORTED, "fp32" },
        { { .shift_method = TSM_SHIFT_INPLACE }, TSM_ERROR_UNSUPPORTED, "shift" },
        { { .device_index = 4000 }, TSM_ERROR_DEVICE, "4000" },
    };
    network net = network_of_arch(&fixture_spec);

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tsm_backend_report report = { 0 };
        tsm_error error = { 0 };
        tsm_prepared *prepared = NULL;
        tsm_status status = tsm_cuda_backend()->prepare(&prepared, net.graph, &refused[i].config, &report, &error);

        check_refused(status, &error, refused[i].code, refused[i].word, "refused options");
        check(prepared == NULL, "refused options", "an engine was made all the same");
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

    if (!fixture_open(&f, NULL, name)) return;
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

/* A number that is not finite among the pixels, in host memory and on the device, and the clip that it is in. */
static void refuses_numbers(void)
{
    const char *name = "numbers that are not finite";
    tsm_error error = { 0 };
    tsm_tensor input, output;
    device_pair pair;
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    f.pixels[f.pixel_bytes / sizeof(float) - 1] = NAN;
    pair = device_pair_make(&f, name);
    check_refused(session_run(&f.session, &f.input, &f.output, &error), &error, TSM_ERROR_ARGUMENT, "clip 1", name);
    input = f.input;
    output = f.output;
    input.data = pair.pixels;
    output.data = pair.logits;
    input.memory = output.memory = TSM_MEMORY_DEVICE;
    check_refused(session_run(&f.session, &input, &output, &error), &error, TSM_ERROR_ARGUMENT, "clip 1", name);
    f.pixels[f.pixel_bytes / sizeof(float) - 1] = hashed_value((uint32_t)(f.pixel_bytes / sizeof(float) - 1), 3);
    check_ok(session_run(&f.session, &f.input, &f.output, &error), &error, name);
    check_got(&f, name);
    device_pair_free(&pair);
    fixture_close(&f);
}

/* A worker that may hold no more than it holds. */
static void refuses_bytes(void)
{
    const char *name = "limit of bytes";
    tsm_backend_config config = make_config(TSM_PRECISION_FP32, TSM_SHIFT_AUTO);
    const tsm_shape larger = { 3, 3, 40, 40 };
    tsm_dims *shapes;
    tsm_plan *plan = NULL;
    tsm_error error = { 0 };
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    config.max_bytes = tsm_cuda_backend()->worker_bytes(f.session.worker);
    fixture_close(&f);
    if (!fixture_open(&f, &config, name)) return;
    shapes = network_shapes(f.net.graph, &larger);
    check_refused(
        tsm_cuda_backend()->plan(&plan, f.session.worker, &(tsm_plan_arguments){ .shapes = shapes }, &error), &error,
        TSM_ERROR_MEMORY, "limit", name);
    check_ok(session_run(&f.session, &f.input, &f.output, &error), &error, name);
    check_got(&f, name);
    free(shapes);
    fixture_close(&f);
}

/* ---- Lack of memory -------------------------------------------------------------------------------------------- */

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
    const tsm_backend_config config = make_config(TSM_PRECISION_FP32, TSM_SHIFT_AUTO);
    tsm_error error = { 0 };
    tsm_plan *plan = NULL;
    void *hogs[HOGS];
    int hog_count = 0;
    uint64_t needed;
    session other;
    fixture f;

    if (!fixture_open(&f, NULL, name)) return;
    if (check_ok(session_open(&other, tsm_cuda_backend(), f.net.graph, &config, &moderate, &error), &error, name)) {
        const tsm_plan_arguments arguments = { .shapes = network_shapes(f.net.graph, &moderate) };

        needed = tsm_cuda_backend()->worker_bytes(other.worker);
        session_close(&other);
        if (simulated)
            tsm_sim_fail_allocation(1);
        else
            hog_count = hog_memory(hogs, needed / 2);
        check_refused(tsm_cuda_backend()->plan(&plan, f.session.worker, &arguments, &error), &error, TSM_ERROR_MEMORY,
                      "MB", name);
        check(plan == NULL, name, "a plan was made all the same");
        memset(f.got, 0, f.logit_bytes);
        check_ok(session_run(&f.session, &f.input, &f.output, &error), &error, name);
        check_got(&f, name);
        free((void *)(uintptr_t)arguments.shapes);
    }
    for (int i = 0; i < hog_count; i++) cudaFree(hogs[i]);
    fixture_close(&f);
}

/* ---- The cache of choices -------------------------------------------------------------------------------------- */

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
static void run_cached(const char *folder, const char *name, const char *noted)
{
    tsm_backend_config config = make_config(TSM_PRECISION_FP32, TSM_SHIFT_COPY);
    const char *note;
    fixture f;

    config.tune = true;
    config.cache_dir = folder;
    if (!fixture_open(&f, &config, name)) return;
    note = tsm_cuda_backend()->note(f.session.prepared);
    check(noted ? note && strstr(note, noted) : !note, name, "note: %s", note ? note : "none");
    fixture_close(&f);
}

static void cache_of_choices(void)
{
    const char *name = "cache of choices";
    char folder[] = "/tmp/tsm-cache-XXXXXX";

    if (!mkdtemp(folder)) must(NULL);
    run_cached(folder, name, NULL);
    check(spoil_files(folder, "junk\n") == 1, name, "not one file was written");
    run_cached(folder, "a damaged cache", "damaged");
    spoil_files(folder, "tsm-tune 1\n");
    run_cached(folder, "a cache that was cut off", "damaged");
    check(spoil_files(folder, "") == 1, name, "files beside the cache");
    rmdir(folder);
    if (!small_sizes) run_cached("/proc/nowhere", "a cache that cannot be written", NULL);
}

void suite_refusals(void)
{
    refuses_options();
    refuses_pointers();
    refuses_numbers();
    refuses_bytes();
    survives_lack_of_memory();
    cache_of_choices();
}
