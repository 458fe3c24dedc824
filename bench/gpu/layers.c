/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.c - where the time of TSM-R50 goes: a row a layer with its steps, how each runs and what it takes, and what
 * the layer would take at least at the bandwidth of a copy. Steps are timed one by one, without a CUDA graph, so that
 * their sum is more than a run takes.
 */
#include "measure.h"

#define RUNS    (small_sizes ? 1 : 20)
#define STEPS   4 /* of a layer */
#define PRINTED 6

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

/* A part of the whole: a layer, or all steps that run alike. */
typedef struct share {
    const char *name, *how;
    double ms;
    int steps;
} share;

static int compare_shares(const void *left, const void *right)
{
    const share *a = left, *b = right;

    return a->ms < b->ms ? 1 : a->ms > b->ms ? -1 : 0;
}

static void print_shares(share *shares, int count, double total)
{
    qsort(shares, (size_t)count, sizeof *shares, compare_shares);
    for (int i = 0; i < count && i < PRINTED; i++)
        printf("%5.1f%% %8.2f us %3d x %.30s%s%.50s\n", 100 * shares[i].ms / total, 1e3 * shares[i].ms,
               shares[i].steps, shares[i].name, *shares[i].name ? ", " : "", shares[i].how);
}

static double print_layers(const tsm_graph *graph, const layer_row *rows)
{
    share *shares = must(calloc((size_t)graph->count, sizeof *shares));
    double total = 0;

    for (int i = 0; i < graph->count; i++) {
        const layer_row *row = &rows[i];

        shares[i] = (share){ graph->nodes[i].name, row->steps ? row->how[row->steps - 1] : "", 0, row->steps };
        for (int k = 0; k < row->steps; k++) shares[i].ms += row->ms[k];
        total += shares[i].ms;
    }
    printf("sum of all steps %.3f ms; the dearest layers:\n", total);
    print_shares(shares, graph->count, total);
    free(shares);
    return total;
}

static void print_ways(const tsm_graph *graph, const layer_row *rows, double total)
{
    share *shares = must(calloc((size_t)(graph->count * STEPS), sizeof *shares));
    int count = 0;

    for (int i = 0; i < graph->count * STEPS; i++) {
        const layer_row *row = &rows[i / STEPS];
        int k = 0;

        if (i % STEPS >= row->steps) continue;
        while (k < count && strcmp(shares[k].how, row->how[i % STEPS]) != 0) k++;
        if (k == count) shares[count++] = (share){ .name = "", .how = row->how[i % STEPS] };
        shares[k].ms += row->ms[i % STEPS];
        shares[k].steps++;
    }
    printf("by how they run:\n");
    print_shares(shares, count, total);
    free(shares);
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

    if (check_ok(profile(s, rows, &error), &error, "layers")) {
        rows[tsm_graph_input(s->graph)].steps = 0; /* the copy from the host, which no bench counts */
        print_ways(s->graph, rows, print_layers(s->graph, rows));
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
    const tsm_backend_config config = make_tuned_config(TSM_PRECISION_FP16, TSM_SHIFT_AUTO);
    tsm_shape shape = { small_sizes ? 1 : 32, small_sizes ? 2 : 8, small_sizes ? 16 : 224, small_sizes ? 16 : 224 };
    const char *json = NULL;
    tsm_error error = { 0 };
    network net;
    session s;

    for (int i = 0; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--json") == 0) json = argv[i + 1];
        if (strcmp(argv[i], "--batch") == 0 && !small_sizes) shape.n = atoi(argv[i + 1]);
    }
    net = network_of_arch(&spec);
    if (check_ok(session_open(&s, tsm_cuda_backend(), net.graph, &config, &shape, &error), &error, "layers")) {
        bench_session(&s, json);
        session_close(&s);
    }
    network_free(&net);
    return checks_failed() ? 1 : 0;
}
