/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - how fast TSM-R50 runs on a GPU: clips a second of TSM, for each way to realise the shift, and of TSN in
 * the same run; latency, host time of an enqueue, time to make an engine and a plan, device memory.
 *
 * A line is printed as soon as its case is measured, the most wanted first. Each plan uses a CUDA graph.
 */
#include "measure.h"

typedef struct bench_options {
    tsm_precision precision;
    int batches[3], batch_count;
    double seconds;
    double floor_us; /* the least time of a frame, for percentages; 0: not known */
    const char *json;
} bench_options;

typedef struct bench_line {
    const char *network;
    const bench_case *of;
    const measurement *m;
    double tsn; /* clips a second; 0: this is TSN */
} bench_line;

static void print_text(const bench_line *line, const bench_options *options)
{
    const measurement *m = line->m;

    printf("%s %s b%d %-7s %9.1f clips/s, p50 %.3f p99 %.3f ms, enqueue %.1f us", line->network,
           precision_names[line->of->config.precision], line->of->shape.n,
           line->tsn > 0 ? method_names[line->of->config.shift_method] : "", m->clips_per_s, m->p50, m->p99,
           m->enqueue_us);
    if (line->tsn > 0) printf(", %.3f of TSN", m->clips_per_s / line->tsn);
    if (options->floor_us > 0) printf(", %.0f%% of floor", 1e-4 * options->floor_us * 8 * m->clips_per_s);
    if (line->tsn > 0 && line->of->config.shift_method == TSM_SHIFT_AUTO)
        printf("\n  ready in %.0f + %.0f ms, %.0f MB", m->prepare_ms, m->plan_ms,
               (double)(m->bytes + m->weight_bytes) * 1e-6);
    printf("\n");
}

static void print_json(const bench_line *line, const char *device, FILE *file)
{
    const bench_case *c = line->of;
    const measurement *m = line->m;

    fprintf(file,
            "{\"device\": \"%s\", \"commit\": \"%s\", \"network\": \"%s\", \"precision\": \"%s\", \"shift\": \"%s\", "
            "\"batch\": %d, \"runs\": %d, \"clips_per_s\": %.1f, \"frames_per_s\": %.1f, "
            "\"latency_ms\": {\"min\": %.4f, \"p50\": %.4f, \"p90\": %.4f, \"p99\": %.4f}, \"enqueue_us\": %.2f, "
            "\"prepare_ms\": %.1f, \"plan_ms\": %.1f, \"arena_mb\": %.1f, \"weights_mb\": %.1f",
            device, TSM_BENCH_COMMIT, line->network, precision_names[c->config.precision],
            line->tsn > 0 ? method_names[c->config.shift_method] : "none", c->shape.n, m->runs, m->clips_per_s,
            c->shape.t * m->clips_per_s, m->least, m->p50, m->p90, m->p99, m->enqueue_us, m->prepare_ms, m->plan_ms,
            (double)m->bytes * 1e-6, (double)m->weight_bytes * 1e-6);
    if (line->tsn > 0)
        fprintf(file, ", \"against\": {\"name\": \"tsn\", \"clips_per_s\": %.1f, \"ratio\": %.4f}", line->tsn,
                m->clips_per_s / line->tsn);
    fprintf(file, "}\n");
}

static void print_line(const bench_line *line, const bench_options *options, const char *device)
{
    FILE *file = options->json ? fopen(options->json, "a") : NULL;

    print_text(line, options);
    if (file) {
        print_json(line, device, file);
        fclose(file);
    }
}

static bool parse_precision(tsm_precision *precision, const char *name)
{
    for (int p = 0; p <= TSM_PRECISION_BF16; p++)
        if (strcmp(name, precision_names[p]) == 0) {
            *precision = (tsm_precision)p;
            return true;
        }
    return false;
}

static bool parse_options(bench_options *options, int argc, char **argv)
{
    *options = (bench_options){ TSM_PRECISION_FP16, { 32, 1, 8 }, 3, 0.5, 0, NULL };
    for (int i = 0; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (!value) return false;
        if (strcmp(name, "--batch") == 0) {
            options->batches[0] = atoi(value);
            options->batch_count = 1;
            if (options->batches[0] < 1) return false;
        } else if (strcmp(name, "--seconds") == 0) {
            options->seconds = atof(value);
        } else if (strcmp(name, "--floor-us") == 0) {
            options->floor_us = atof(value);
        } else if (strcmp(name, "--json") == 0) {
            options->json = value;
        } else if (strcmp(name, "--precision") != 0 || !parse_precision(&options->precision, value)) {
            return false;
        }
    }
    return true;
}

/* What a batch is measured with. */
typedef struct batch_bench {
    const bench_options *options;
    const char *device;
    bench_case tsn, tsm;
} batch_bench;

/* TSN, the ways to shift, and TSN again: clocks drift, and the mean of both is what the last line is held against. */
static void measure_batch(batch_bench *b)
{
    const char *tsn_name = small_sizes ? "tsn-r18" : "tsn-r50", *tsm_name = small_sizes ? "tsm-r18" : "tsm-r50";
    static const tsm_shift_method methods[] = { TSM_SHIFT_AUTO, TSM_SHIFT_GATHER, TSM_SHIFT_OVERLAP, TSM_SHIFT_COPY };
    const int count = b->options->precision == TSM_PRECISION_FP32 ? 1 : 4;
    measurement before, after, m;
    double best = 0;

    if (!measure_case(&b->tsn, &before)) return;
    print_line(&(bench_line){ tsn_name, &b->tsn, &before, 0 }, b->options, b->device);
    for (int i = 0; i < count; i++) {
        b->tsm.config = make_tuned_config(b->options->precision, methods[i]);
        if (!measure_case(&b->tsm, &m)) return;
        print_line(&(bench_line){ tsm_name, &b->tsm, &m, before.clips_per_s }, b->options, b->device);
        if (m.clips_per_s > best) best = m.clips_per_s;
    }
    if (!measure_case(&b->tsn, &after)) return;
    print_line(&(bench_line){ tsn_name, &b->tsn, &after, 0 }, b->options, b->device);
    printf("b%d: the fastest TSM has %.3f of both TSN\n", b->tsn.shape.n,
           2 * best / (before.clips_per_s + after.clips_per_s));
}

static void bench_batch(const network *tsm, const network *tsn, const bench_options *options, int batch,
                        const char *device)
{
    const int edge = small_sizes ? 16 : 224;
    batch_bench b = { .options = options, .device = device };
    float *want[2];

    b.tsn = (bench_case){ .graph = tsn->graph,
                          .config = make_tuned_config(options->precision, TSM_SHIFT_AUTO),
                          .shape = { batch, small_sizes ? 2 : 8, edge, edge },
                          .seconds = options->seconds };
    b.tsm = b.tsn;
    b.tsm.graph = tsm->graph;
    b.tsn.want = want[0] = bench_judge(&b.tsn);
    b.tsm.want = want[1] = bench_judge(&b.tsm);
    if (want[0] && want[1]) measure_batch(&b);
    free(want[0]);
    free(want[1]);
}

int bench_networks(int argc, char **argv)
{
    network_spec spec = { .arch = small_sizes ? "resnet18" : "resnet50",
                          .width = small_sizes ? 8 : 64,
                          .classes = 400 };
    struct cudaDeviceProp properties;
    bench_options options;
    network tsm, tsn;

    if (!parse_options(&options, argc, argv)) {
        fprintf(stderr, "tsm-gpu-check bench: a wrong option, or one without its value\n");
        return 2;
    }
    if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return 1;
    tsn = network_of_arch(&spec);
    spec.shift_div = 8;
    spec.place = TSM_PLACE_BLOCKRES;
    tsm = network_of_arch(&spec);
    for (int i = 0; i < options.batch_count; i++)
        bench_batch(&tsm, &tsn, &options, small_sizes ? 1 : options.batches[i], properties.name);
    network_free(&tsm);
    network_free(&tsn);
    return checks_failed() ? 1 : 0;
}
