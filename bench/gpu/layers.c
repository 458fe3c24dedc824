/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.c - where the time of TSM-R50 goes: a row a layer with its steps, how each runs and what it takes, and what
 * the layer would take at least at the bandwidth of a copy. Steps are timed one by one, without a CUDA graph, so that
 * their sum is more than a run takes.
 */
#include "measure.h"

#define RUNS  (small_sizes ? 1 : 20)
#define STEPS 4 /* of a layer */

typedef struct layer_row {
    double ms[STEPS]; /* the least of several runs */
    char how[STEPS][80];
    int steps, seen; /* seen: in the run in progress */
} layer_row;

static void see_step(void *user, int node, const char *how, double ms)
{
    layer_row *row = &((layer_row *)user)[node];
    const int i = row->seen < STEPS ? row->seen++ : STEPS - 1;

    if (i >= row->steps || ms < row->ms[i]) row->ms[i] = ms;
    if (i >= row->steps) row->steps = i + 1;
    snprintf(row->how[i], sizeof row->how[i], "%s", how);
}

static double sum_of(const layer_row *row)
{
    double sum = 0;

    for (int i = 0; i < row->steps; i++) sum += row->ms[i];
    return sum;
}

/* The dearest first, as many as fit on a screen. */
static void print_dearest(const tsm_graph *graph, const layer_row *rows, double total)
{
    bool *printed = must(calloc((size_t)graph->count, sizeof *printed));

    for (int k = 0; k < 8 && k < graph->count; k++) {
        int most = -1;

        for (int i = 0; i < graph->count; i++)
            if (!printed[i] && (most < 0 || sum_of(&rows[i]) > sum_of(&rows[most]))) most = i;
        printed[most] = true;
        printf("%5.1f%% %8.2f us  %-28.28s %.60s\n", 100 * sum_of(&rows[most]) / total, 1e3 * sum_of(&rows[most]),
               graph->nodes[most].name, rows[most].how[rows[most].steps ? rows[most].steps - 1 : 0]);
    }
    free(printed);
}

/* Time by how it is spent. */
static void print_ways(const tsm_graph *graph, const layer_row *rows, double total)
{
    char seen[12][80];
    int count = 0;

    for (int i = 0; i < graph->count; i++)
        for (int s = 0; s < rows[i].steps && count < 12; s++) {
            double ms = 0;
            int k = 0, uses = 0;

            while (k < count && strcmp(seen[k], rows[i].how[s]) != 0) k++;
            if (k < count) continue;
            snprintf(seen[count++], sizeof seen[0], "%s", rows[i].how[s]);
            for (int j = i; j < graph->count; j++)
                for (int t = 0; t < rows[j].steps; t++)
                    if (strcmp(rows[j].how[t], rows[i].how[s]) == 0) ms += rows[j].ms[t], uses++;
            printf("%5.1f%% %8.2f us  %3d times %.70s\n", 100 * ms / total, 1e3 * ms, uses, rows[i].how[s]);
        }
}

static void print_json(const session *s, const layer_row *rows, FILE *file)
{
    for (int i = 0; i < s->graph->count; i++)
        for (int k = 0; k < rows[i].steps; k++) {
            const tsm_dims *d = &s->shapes[i];

            fprintf(file,
                    "{\"bench\": \"layers\", \"layer\": \"%s\", \"op\": \"%s\", \"how\": \"%s\", \"us\": %.3f, "
                    "\"out\": [%d, %d, %d, %d, %d], \"macs\": %llu}\n",
                    s->graph->nodes[i].name, tsm_op_name(s->graph->nodes[i].op), rows[i].how[k], 1e3 * rows[i].ms[k],
                    d->n, d->t, d->h, d->w, d->c,
                    k + 1 == rows[i].steps ? (unsigned long long)tsm_node_macs(s->graph, s->shapes, i) : 0ull);
        }
}

static tsm_status profile(const session *s, layer_row *rows, tsm_error *error)
{
    const tsm_profiler profiler = { see_step, rows };
    float *logits = poisoned_array((size_t)tsm_dims_count(session_output(s)));
    float *pixels = hashed_array((size_t)tsm_dims_count(session_input(s)), 7);
    const tsm_tensor input = planes_of(pixels, session_input(s)), output = logits_of(logits, session_output(s));
    const tsm_run_arguments arguments = { .input = &input, .output = &output, .profiler = &profiler };
    tsm_status status = TSM_OK;

    for (int run = 0; run < RUNS && status == TSM_OK; run++) {
        for (int i = 0; i < s->graph->count; i++) rows[i].seen = 0;
        status = s->backend->run(s->plan, &arguments, error);
    }
    free(pixels);
    free(logits);
    return status;
}

static void bench_session(const session *s, const char *json)
{
    layer_row *rows = must(calloc((size_t)s->graph->count, sizeof *rows));
    FILE *file = json ? fopen(json, "a") : NULL;
    tsm_error error = { 0 };
    double total = 0;

    if (check_ok(profile(s, rows, &error), &error, "layers")) {
        rows[tsm_graph_input(s->graph)].steps = 0; /* the copy from the host, which no bench counts */
        for (int i = 0; i < s->graph->count; i++) total += sum_of(&rows[i]);
        printf("sum of all steps %.3f ms\n", total);
        print_ways(s->graph, rows, total);
        print_dearest(s->graph, rows, total);
        if (file) print_json(s, rows, file);
    }
    if (file) fclose(file);
    free(rows);
}

int bench_layers(int argc, char **argv)
{
    const network_spec spec = { .arch = small_sizes ? "resnet18" : "resnet50",
                                .width = small_sizes ? 8 : 64,
                                .classes = 400,
                                .shift_div = 8,
                                .place = TSM_PLACE_BLOCKRES };
    tsm_backend_config config = make_config(TSM_PRECISION_FP16, TSM_SHIFT_AUTO);
    tsm_shape shape = { small_sizes ? 1 : 32, small_sizes ? 2 : 8, small_sizes ? 16 : 224, small_sizes ? 16 : 224 };
    const char *json = NULL;
    tsm_error error = { 0 };
    network net;
    session s;

    for (int i = 0; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--json") == 0) json = argv[i + 1];
        if (strcmp(argv[i], "--batch") == 0 && !small_sizes) shape.n = atoi(argv[i + 1]);
    }
    config.tune = true;
    net = network_of_arch(&spec);
    if (check_ok(session_open(&s, tsm_cuda_backend(), net.graph, &config, &shape, &error), &error, "layers")) {
        bench_session(&s, json);
        session_close(&s);
    }
    network_free(&net);
    return checks_failed() ? 1 : 0;
}
