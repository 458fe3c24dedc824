/* SPDX-License-Identifier: Apache-2.0 */
/*
 * e2e.c - tsm-bench e2e: from video files to logits, one after another and overlapped.
 *
 * Overlapped, decoders run ahead of the network, each in a thread of its own. The ideal is the slower of the two by
 * itself; on a CPU both want the same cores, and then the sum of their work is the floor.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/video.h>

#include "bench.h"
#include "network/network.h"

typedef struct settings {
    const char *model, *device;
    bench_words precision;
    bench_list decoders, threads;
    bench_limits limits;
    bench_output output;
} settings;

/* A pass over all inputs, and what its stages took. */
typedef struct passage {
    char **inputs;
    int count, decoders; /* decoders 0: one after another */
    const bench_network *network;
    tsm_video_options options;
    float *logits; /* (count, classes) of the latest pass */
    bench_samples decode_ms, preprocess_ms, network_ms;

    pthread_mutex_t lock; /* for what follows, where decoders run */
    pthread_cond_t changed;
    tsm_clips **clips; /* decoded, not yet used */
    double *begun;     /* ms, when a decoder took the input */
    int next, used;
    tsm_status status;
    tsm_error error;
} passage;

static tsm_status note_loading(passage *p, const tsm_clips *clips, tsm_error *error)
{
    tsm_clips_info info = TSM_CLIPS_INFO_INIT;

    TSM_TRY_RETURN(tsm_clips_get_info(clips, &info));
    if (!bench_samples_add(&p->decode_ms, info.decode_ms) ||
        !bench_samples_add(&p->preprocess_ms, info.preprocess_ms))
        return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}

static tsm_status classify(passage *p, int index, const tsm_clips *clips, tsm_error *error)
{
    const tsm_tensor input = tsm_clips_tensor(clips);
    const size_t classes = (size_t)p->network->classes;
    double ms;

    TSM_TRY_RETURN(bench_network_run(p->network, 0, &input, &ms, error));
    memcpy(p->logits + (size_t)index * classes, p->network->streams[0].output.data, classes * sizeof(float));
    if (!bench_samples_add(&p->network_ms, ms)) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}

/* ---- One after another ---- */

static tsm_status pass_in_turn(bench_contender *contender, passage *p, tsm_error *error)
{
    for (int i = 0; i < p->count; i++) {
        const double begin = bench_now_ms();
        tsm_clips *clips = NULL;
        tsm_status status;

        TSM_TRY(tsm_video_load(&clips, p->inputs[i], &p->options, error));
        TSM_TRY(note_loading(p, clips, error));
        TSM_TRY(classify(p, i, clips, error));
        if (!bench_samples_add(&contender->latencies, bench_now_ms() - begin)) status = TSM_ERROR_MEMORY;
    fail:
        tsm_clips_destroy(&clips);
        if (status != TSM_OK) return status;
    }
    return TSM_OK;
}

/* ---- Overlapped ---- */

/* The next input for a decoder, once the network is not too far behind; -1: there are no more. */
static int take_input(passage *p)
{
    int index = -1;

    pthread_mutex_lock(&p->lock);
    while (p->status == TSM_OK && p->next < p->count && p->next > p->used + 2 * p->decoders)
        pthread_cond_wait(&p->changed, &p->lock);
    if (p->status == TSM_OK && p->next < p->count) {
        index = p->next++;
        p->begun[index] = bench_now_ms();
    }
    pthread_mutex_unlock(&p->lock);
    return index;
}

static void *decode(void *user)
{
    passage *p = user;

    for (int index; (index = take_input(p)) >= 0;) {
        tsm_clips *clips = NULL;
        tsm_error error = { 0 };
        tsm_status status = tsm_video_load(&clips, p->inputs[index], &p->options, &error);

        pthread_mutex_lock(&p->lock);
        if (status == TSM_OK) status = note_loading(p, clips, &error);
        if (status != TSM_OK && p->status == TSM_OK) {
            p->status = status;
            p->error = error;
        }
        p->clips[index] = clips;
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

/* The clips of an input, waited for; NULL after a failure. */
static tsm_clips *wait_for(passage *p, int index)
{
    tsm_clips *clips = NULL;

    pthread_mutex_lock(&p->lock);
    while (p->status == TSM_OK && !p->clips[index]) pthread_cond_wait(&p->changed, &p->lock);
    if (p->status == TSM_OK) clips = p->clips[index];
    pthread_mutex_unlock(&p->lock);
    return clips;
}

static void put_away(passage *p, int index, tsm_status status, const tsm_error *error)
{
    pthread_mutex_lock(&p->lock);
    if (status != TSM_OK && p->status == TSM_OK) {
        p->status = status;
        p->error = *error;
    }
    tsm_clips_destroy(&p->clips[index]);
    p->used = index + 1;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static tsm_status pass_overlapped(bench_contender *contender, passage *p, tsm_error *error)
{
    pthread_t threads[64];
    int started = 0;

    p->next = p->used = 0;
    p->status = TSM_OK;
    memset(p->clips, 0, (size_t)p->count * sizeof(tsm_clips *));
    for (; started < p->decoders; started++)
        if (pthread_create(&threads[started], NULL, decode, p) != 0) break;
    for (int i = 0; started > 0 && i < p->count; i++) {
        const tsm_clips *clips = wait_for(p, i);
        tsm_status status;
        tsm_error failure = { 0 };

        if (!clips) break;
        status = classify(p, i, clips, &failure);
        if (!bench_samples_add(&contender->latencies, bench_now_ms() - p->begun[i])) status = TSM_ERROR_MEMORY;
        put_away(p, i, status, &failure);
    }
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < p->count; i++) tsm_clips_destroy(&p->clips[i]);
    if (started == 0) return tsm_fail(error, TSM_ERROR_MEMORY, "no thread for a decoder");
    if (p->status != TSM_OK) *error = p->error;
    return p->status;
}

static tsm_status pass(bench_contender *contender, tsm_error *error)
{
    passage *p = contender->user;
    const double begin = bench_now_ms();

    TSM_TRY_RETURN(p->decoders ? pass_overlapped(contender, p, error) : pass_in_turn(contender, p, error));
    if (!bench_samples_add(&contender->turns, (bench_now_ms() - begin) / p->count))
        return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}

/* ---- Rows ---- */

static const bench_column columns[] = { { "way", "name", 12, -1, 0 },
                                        { "format", "precision", 6, -1, 0 },
                                        { "threads", "threads", 7, 0, 0 },
                                        { "clips/s", "clips_per_s", 9, 2, 0 },
                                        { "ms a clip", "ms_per_clip", 9, 2, 0 },
                                        { "p50 ms", "latency_ms.p50", 9, 2, 0 },
                                        { "p99", "latency_ms.p99", 9, 2, 0 },
                                        { "decode", "stages_ms.decode", 8, 2, 0 },
                                        { "preproc", "stages_ms.preprocess", 8, 2, 0 },
                                        { "network", "stages_ms.network", 8, 2, 0 },
                                        { "of ideal", "of_ideal", 8, 2, 0 },
                                        { "spread %", "spread", 8, 1, 100 },
                                        { " limited by", "limited_by", 11, -1, 0 },
                                        { 0 } };

/* What the rounds that count took, without those of the warm-up before them. */
static bench_summary latest(const bench_samples *samples, int count)
{
    const bench_samples tail = { samples->values + (samples->count - count), count, 0 };

    return bench_summarise(&tail);
}

static json_t *make_row(const bench_contender *c, const passage *p, const char *precision)
{
    const int clips = c->turns.count * p->count;
    const bench_summary turns = bench_summarise(&c->turns), latency = bench_summarise(&c->latencies),
                        decode = latest(&p->decode_ms, clips), preprocess = latest(&p->preprocess_ms, clips),
                        network = latest(&p->network_ms, clips);
    const double loading = (decode.mean + preprocess.mean) / (p->decoders ? p->decoders : 1);
    const double ideal = p->decoders ? (loading > network.mean ? loading : network.mean) : loading + network.mean;
    char name[32];

    snprintf(name, sizeof name, p->decoders ? "%d ahead" : "in turn", p->decoders);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:o, s:{s:f, s:f, s:f}, s:f, s:s, s:o, s:i, s:o}",
                     "name", name, "device", p->network->info.device, "precision", precision, "threads",
                     p->network->info.threads, "decoders", p->decoders, "inputs", p->count, "clips_per_s",
                     1e3 / turns.median, "frames_per_s", 1e3 / turns.median * p->network->shape.t, "ms_per_clip",
                     turns.median, "latency_ms", bench_summary_json(&latency), "stages_ms", "decode", decode.mean,
                     "preprocess", preprocess.mean, "network", network.mean, "of_ideal", ideal / turns.median,
                     "limited_by", loading > network.mean ? "loading" : "network", "spread", bench_real(turns.spread),
                     "runs", turns.runs, "samples_ms", bench_samples_json(&c->latencies));
}

/* ---- One point of the axes ---- */

static tsm_status open_passage(passage *p, int decoders, char **inputs, int count, const bench_network *n,
                               tsm_error *error)
{
    *p = (passage){ .inputs = inputs,
                    .count = count,
                    .decoders = decoders,
                    .network = n,
                    .options = TSM_VIDEO_OPTIONS_INIT,
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER };
    p->options.segments = n->shape.t;
    p->options.input_size = n->shape.h;
    p->logits = calloc((size_t)count * (size_t)n->classes, sizeof *p->logits);
    p->clips = calloc((size_t)count, sizeof(tsm_clips *));
    p->begun = calloc((size_t)count, sizeof *p->begun);
    if (!p->logits || !p->clips || !p->begun) return tsm_fail(error, TSM_ERROR_MEMORY, "out of memory");
    return TSM_OK;
}

static void close_passage(passage *p)
{
    free(p->logits);
    free(p->clips);
    free(p->begun);
    bench_samples_clear(&p->decode_ms);
    bench_samples_clear(&p->preprocess_ms);
    bench_samples_clear(&p->network_ms);
}

/* Overlapping must not change a bit. */
static tsm_status check_passes(const passage *passes, int count, tsm_error *error)
{
    const size_t bytes = (size_t)passes[0].count * (size_t)passes[0].network->classes * sizeof(float);

    for (int i = 1; i < count; i++)
        if (memcmp(passes[0].logits, passes[i].logits, bytes) != 0)
            return tsm_fail(error, TSM_ERROR_INTERNAL, "overlapped runs gave other logits than runs in turn");
    return TSM_OK;
}

static void report_passes(const bench_contender *contenders, const passage *passes, int count, const char *precision,
                          bench_report *report)
{
    for (int i = 0; i < count; i++) {
        const bench_summary turns = bench_summarise(&contenders[i].turns);

        bench_report_row(report, make_row(&contenders[i], &passes[i], precision));
        bench_warn_samples(report, passes[i].decoders ? "overlapped" : "in turn", &turns);
    }
}

static tsm_status measure(const settings *set, const bench_network *n, const char *precision, char **inputs,
                          int count, bench_report *report, tsm_error *error)
{
    passage passes[1 + BENCH_MAX_VALUES] = { 0 };
    bench_contender contenders[1 + BENCH_MAX_VALUES] = { 0 };
    const int ways = 1 + set->decoders.count;
    bench_watch watch;
    bench_rounds rounds = { .limits = set->limits, .contenders = contenders, .count = ways, .watch = &watch };
    bench_seen seen;
    tsm_status status;

    for (int i = 0; i < ways; i++) {
        TSM_TRY(open_passage(&passes[i], i ? (int)set->decoders.values[i - 1] : 0, inputs, count, n, error));
        contenders[i] = (bench_contender){ .turn = pass, .user = &passes[i] };
    }
    bench_watch_begin(&watch, false);
    TSM_TRY(bench_take_turns(&rounds, error));
    seen = bench_watch_end(&watch);
    TSM_TRY(check_passes(passes, ways, error));
    report_passes(contenders, passes, ways, precision, report);
    bench_warn_seen(report, &seen, n->engine->backend->streams);
fail:
    for (int i = 0; i < ways; i++) {
        close_passage(&passes[i]);
        bench_contender_clear(&contenders[i]);
    }
    return status;
}

static tsm_status measure_point(const settings *set, bench_spec *spec, char **inputs, int count, bench_report *report,
                                tsm_error *error)
{
    bench_network network = { 0 };
    tsm_status status;
    double worst;

    TSM_TRY(bench_check_reference(spec, 64, &worst, error));
    TSM_TRY(bench_network_open(&network, spec, error));
    TSM_TRY(measure(set, &network, spec->precision, inputs, count, report, error));
fail:
    bench_network_close(&network);
    return status;
}

static tsm_status sweep(const settings *set, char **inputs, int count, bench_report *report, tsm_error *error)
{
    bench_source source = { 0 };
    tsm_status status;

    TSM_TRY(bench_source_open(&source, set->model, error));
    bench_report_heading(report, "%d inputs through %s on %s, commit %s: stages are means, in ms a clip", count,
                         source.name, bench_cpu_name(), bench_commit());
    for (int i = 0; i < set->precision.count; i++)
        for (int t = 0; t < set->threads.count; t++) {
            bench_spec spec = {
                &source, "tsm", set->device, set->precision.values[i], "auto", (int)set->threads.values[t], 1, 0, 0, 1
            };

            TSM_TRY(measure_point(set, &spec, inputs, count, report, error));
        }
fail:
    bench_source_close(&source);
    return status;
}

/* ---- The subcommand ---- */

static const bench_manual manual = {
    "e2e", "from video files to labels: what limits, the decoder or the network", "INPUT... [OPTION]...",
    "Takes every input from its file to its logits: in turn, decoding one and then running the\n"
    "network on it; and with decoders that work ahead in threads of their own. One pass over all\n"
    "inputs is one round; rows take turns. \"of ideal\" is the slower stage by itself (its time a\n"
    "clip as measured in that row) as a part of the time that a clip took. On a CPU decoders and\n"
    "network share the cores. Overlapped runs must give the same logits to the bit.\n",
    "  tsm-bench e2e demo/clips/*.mp4\n"
    "  tsm-bench e2e --model resnet50 --decoders 1,2,4 clips/*.mp4\n"
};

static bool check(const settings *set, int inputs)
{
    for (int i = 0; i < set->decoders.count; i++)
        if (set->decoders.values[i] < 1 || set->decoders.values[i] > 64)
            return bench_fail("--decoders %g: 1 to 64", set->decoders.values[i]), false;
    return inputs > 0 || (bench_fail("e2e: no input"), false);
}

int bench_e2e(int argc, char **argv)
{
    settings set = { .device = "auto",
                     .precision = bench_words_of("fp32"),
                     .decoders = { 2, { 1, 2 } },
                     .threads = bench_list_of(0),
                     .limits = { 1, -1, -1 },
                     .output = BENCH_OUTPUT_INIT };
    const bench_option what[] = {
        { "model", BENCH_TEXT, &set.model, "M", "as in tsm-bench model" },
        { "device", BENCH_TEXT, &set.device, "D", "auto, cpu, cuda or cuda:N" },
        { "precision", BENCH_WORDS, &set.precision, "NAMES", "of fp32, tf32, fp16, bf16, int8, fp8" },
        { "decoders", BENCH_LIST, &set.decoders, "LIST", "threads that load ahead" },
        { "threads", BENCH_LIST, &set.threads, "LIST", "CPU threads of the network; 0: all" },
        { 0 }
    };
    const bench_option limits[] = BENCH_LIMIT_OPTIONS(set.limits);
    const bench_option outputs[] = BENCH_OUTPUT_OPTIONS(set.output);
    const bench_option options[] = { { NULL, BENCH_GROUP, (void *)what, NULL, "What" },
                                     { NULL, BENCH_GROUP, (void *)limits, NULL, "How long" },
                                     { NULL, BENCH_GROUP, (void *)outputs, NULL, "Output" },
                                     { 0 } };
    tsm_error error = { 0 };
    bench_report report;
    int inputs;

    if (bench_help(&manual, argc, argv, options)) return BENCH_DONE;
    if (!bench_parse(argc, argv, options, &inputs) || !check(&set, inputs) || !bench_limits_settle(&set.limits))
        return BENCH_USAGE;
    if (!bench_report_begin(&report, "e2e", &set.output, columns)) return BENCH_USAGE;
    if (sweep(&set, argv, inputs, &report, &error) == TSM_OK) return bench_report_end(&report);
    bench_report_drop(&report);
    return bench_fail("%s", error.text);
}
