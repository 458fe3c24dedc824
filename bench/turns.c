/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns.c - tsm-bench turns: a network that runs when it is told to, for programs that let it take turns with others.
 *
 * Prints "ready LIBRARY". Then each line of standard input is "run", answered by the milliseconds that a batch took,
 * or "logits FILE", answered by "done" once the logits of the latest run are in the file, as float32.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "network/network.h"

static const bench_manual manual = {
    "turns", "a network that runs when it is told to, for bench/peers", "--input X.f32 [--model M] [OPTION]...",
    "X.f32 is the batch, float32 (N,T,3,H,W), already normalised. Prints \"ready LIBRARY\"; then each\n"
    "line \"run\" on standard input is answered by the milliseconds that a run took, and \"logits FILE\"\n"
    "by \"done\" once the logits of the latest run are in FILE.\n",
    "  printf 'run\\nrun\\n' | tsm-bench turns --model resnet50 --input clips.f32\n"
};

static tsm_status read_input(tsm_tensor *input, const bench_network *n, const char *path, tsm_error *error)
{
    const tsm_shape *s = &n->shape;
    const size_t count = (size_t)s->n * (size_t)s->t * 3 * (size_t)s->h * (size_t)s->w;
    FILE *file = fopen(path, "rb");
    tsm_status status = TSM_OK;

    if (!file) return tsm_fail(error, TSM_ERROR_IO, "%s: cannot be opened", path);
    *input =
        (tsm_tensor){ .dtype = TSM_FLOAT32, .layout = TSM_NTCHW, .ndim = 5, .dims = { s->n, s->t, 3, s->h, s->w } };
    TSM_TRY(tsm_engine_allocate(n->engine, count * sizeof(float), &input->data, &input->memory, error));
    if (fread(input->data, sizeof(float), count, file) != count || fgetc(file) != EOF)
        status = tsm_fail(error, TSM_ERROR_FORMAT, "%s: is not %zu floats", path, count);
fail:
    fclose(file);
    return status;
}

static tsm_status write_logits(const bench_network *n, const char *path, tsm_error *error)
{
    const size_t count = (size_t)n->shape.n * (size_t)n->classes;
    FILE *file = fopen(path, "wb");
    const bool written = file && fwrite(n->streams[0].output.data, sizeof(float), count, file) == count;

    if ((file && fclose(file) != 0) || !written) return tsm_fail(error, TSM_ERROR_IO, "%s: cannot be written", path);
    return TSM_OK;
}

static tsm_status obey(const bench_network *n, const tsm_tensor *input, tsm_error *error)
{
    char line[4200];
    double ms;

    printf("ready %s\n", n->info.library);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "run") == 0) {
            TSM_TRY_RETURN(bench_network_run(n, 0, input, &ms, error));
            printf("%.6f\n", ms);
        } else if (strncmp(line, "logits ", 7) == 0) {
            TSM_TRY_RETURN(write_logits(n, line + 7, error));
            puts("done");
        } else {
            return tsm_fail(error, TSM_ERROR_ARGUMENT, "turns: there is no command %s", line);
        }
        fflush(stdout);
    }
    return TSM_OK;
}

int bench_turns(int argc, char **argv)
{
    const char *model = NULL, *path = NULL;
    bench_spec spec = {
        .variant = "tsm", .device = "auto", .precision = "fp32", .shift = "auto", .batch = 1, .streams = 1
    };
    bool baseline = false;
    const bench_option options[] = { { "model", BENCH_TEXT, &model, "M", "as in tsm-bench model" },
                                     { "input", BENCH_TEXT, &path, "X.f32", "the batch" },
                                     { "device", BENCH_TEXT, &spec.device, "D", "auto, cpu, cuda or cuda:N" },
                                     { "precision", BENCH_TEXT, &spec.precision, "P",
                                       "fp32, tf32, fp16, bf16, int8, fp8" },
                                     { "batch", BENCH_COUNT, &spec.batch, "N", "clips a batch" },
                                     { "size", BENCH_COUNT, &spec.size, "S", "pixels a side; 0: as the model says" },
                                     { "threads", BENCH_COUNT, &spec.threads, "N", "CPU threads; 0: all" },
                                     { "no-shift", BENCH_FLAG, &baseline, NULL, "the 2D baseline" },
                                     { 0 } };
    bench_source source = { 0 };
    bench_network n = { 0 };
    tsm_tensor input = { 0 };
    tsm_error error = { 0 };
    tsm_status status;
    int positional;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &positional)) return BENCH_USAGE;
    if (positional || !path || spec.batch < 1) return bench_fail("turns: --input and options only"), BENCH_USAGE;
    if (baseline) spec.variant = "tsn";
    spec.source = &source;
    TSM_TRY(bench_source_open(&source, model, &error));
    TSM_TRY(bench_network_open(&n, &spec, &error));
    TSM_TRY(read_input(&input, &n, path, &error));
    TSM_TRY(obey(&n, &input, &error));
fail:
    if (input.data) tsm_engine_release(n.engine, input.data);
    bench_network_close(&n);
    bench_source_close(&source);
    return status == TSM_OK ? BENCH_DONE : bench_fail("%s", error.text);
}
