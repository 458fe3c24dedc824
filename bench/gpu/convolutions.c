/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convolutions.c - layers of TSM-R50 alone: by the libraries, by our kernels on mma.sync and on wgmma, each without
 * and with the shift in its load. Of each the fastest kernel that computes it right, timed as the tuner does.
 */
#include "../../tests/gpu/check.h"

#include "cuda/conv/conv.h"
#include "cuda/conv/trial.h"

#define FRAMES (small_sizes ? 2 : 8)
#define CLIPS  (small_sizes ? 1 : 32)

typedef struct layer {
    const char *name;
    int side, channels, filters, kernel;
    bool shifts; /* in the network */
} layer;

static const layer layers[] = {
    { "layer1.1.conv1", 56, 256, 64, 1, true },    { "layer2.1.conv1", 28, 512, 128, 1, true },
    { "layer3.1.conv1", 14, 1024, 256, 1, true },  { "layer4.1.conv1", 7, 2048, 512, 1, true },
    { "layer1.1.conv2", 56, 64, 64, 3, false },    { "layer2.1.conv2", 28, 128, 128, 3, false },
    { "layer3.1.conv2", 14, 256, 256, 3, false },  { "layer4.1.conv2", 7, 512, 512, 3, false },
    { "layer3.1.conv3", 14, 256, 1024, 1, false }, { "layer4.1.conv3", 7, 512, 2048, 1, false },
};

typedef struct conv_bench {
    tsm_cuda_libraries libraries;
    cudaStream_t stream;
    size_t l2_bytes;
    bool warm;
    FILE *json; /* NULL: none */
} conv_bench;

static tsm_conv_spec spec_of(const layer *l, bool shifted)
{
    const int64_t side = small_sizes ? 5 : l->side;
    const int64_t channels = small_sizes ? 64 : l->channels, filters = small_sizes ? 64 : l->filters;
    tsm_conv_spec spec = { .precision = TSM_PRECISION_FP16,
                           .images = CLIPS * FRAMES,
                           .h = side,
                           .w = side,
                           .channels = channels,
                           .oh = side,
                           .ow = side,
                           .filters = filters,
                           .kernel_h = l->kernel,
                           .kernel_w = l->kernel,
                           .stride = 1,
                           .pad = l->kernel / 2,
                           .groups = 1,
                           .in_pitch = channels,
                           .out_pitch = filters,
                           .act = TSM_ACT_RELU,
                           .frames = FRAMES };

    if (shifted) spec.shift = (tsm_shift){ .fold = (int)channels / 8, .end = (int)channels / 4, .step = 1 };
    return spec;
}

/* Takes the fastest of a family's kernels into *best_us where it beats it (0: none yet). */
static tsm_status try_family(const tsm_conv_family *family, tsm_trial *trial, conv_bench *s, double *best_us,
                             tsm_error *error)
{
    tsm_conv_candidates *list;
    tsm_status status = TSM_OK;

    TSM_TRY_RETURN(family->list(&list, &s->libraries, &trial->spec, error));
    for (int i = 0; i < list->count && status == TSM_OK; i++) {
        bool agrees = false;
        tsm_conv *conv;
        float ms = 0;

        if (list->compiled[i] || family->make(&conv, list, i, error) != TSM_OK) continue;
        status = tsm_trial_run(trial, conv, &s->warm, &agrees, &ms, error);
        if (status == TSM_OK && !check(agrees, family->name, "kernel %d is wrong", i)) ms = 0;
        if (ms > 0 && (*best_us <= 0 || 1e3 * (double)ms < *best_us)) *best_us = 1e3 * (double)ms;
        tsm_conv_clear(conv);
    }
    family->drop(list);
    return status;
}

/* Microseconds of a layer by the families named; 0 where none has a kernel. */
static double time_layer(const layer *l, bool shifted, const char *const names[2], conv_bench *s)
{
    const tsm_conv_spec spec = spec_of(l, shifted);
    tsm_error error = { 0 };
    char why[TSM_CONV_WHY];
    tsm_trial trial;
    double us = 0;

    if (!check_ok(tsm_trial_open(&trial, &spec, s->l2_bytes, &s->libraries, s->stream, &error), &error, l->name))
        return 0;
    for (int i = 0; i < 2 && names[i]; i++) {
        const tsm_conv_family *family = tsm_conv_family_find(names[i]);

        /* Ours leave what does not shift to the libraries, but have kernels for it. */
        if (names[1] && family->serves(&spec, why) == TSM_CONV_UNFIT) continue;
        check_ok(try_family(family, &trial, s, &us, &error), &error, l->name);
    }
    tsm_trial_close(&trial);
    return us;
}

static void bench_layer(const layer *l, conv_bench *s)
{
    static const char *const library[] = { "gemm", "cudnn" }, *const mma[] = { "ours", NULL };
    static const char *const wgmma[] = { "wgmma", NULL };
    const double base = time_layer(l, false, library, s);
    const double us[] = { time_layer(l, false, mma, s), l->shifts ? time_layer(l, true, mma, s) : 0,
                          time_layer(l, false, wgmma, s), l->shifts ? time_layer(l, true, wgmma, s) : 0 };
    static const char *const names[] = { "mma", "mma shifted", "wgmma", "wgmma shifted" };

    printf("%s: library %.1f us", l->name, base);
    for (int i = 0; i < 4; i++)
        if (us[i] > 0) printf(", %s %.1f (%.0f%%)", names[i], us[i], 100 * base / us[i]);
    printf("\n");
    if (!s->json) return;
    fprintf(s->json,
            "{\"commit\": \"%s\", \"convolution\": \"%s\", \"clips\": %d, \"library_us\": %.2f, \"mma_us\": %.2f, "
            "\"mma_shifted_us\": %.2f, \"wgmma_us\": %.2f, \"wgmma_shifted_us\": %.2f}\n",
            TSM_BENCH_COMMIT, l->name, CLIPS, base, us[0], us[1], us[2], us[3]);
}

int bench_convolutions(int argc, char **argv)
{
    const char *json = argc == 2 && strcmp(argv[0], "--json") == 0 ? argv[1] : NULL;
    const int count = small_sizes ? 1 : (int)(sizeof layers / sizeof *layers);
    struct cudaDeviceProp properties;
    conv_bench s = { .stream = NULL };
    tsm_error error = { 0 };

    if (argc && !json) {
        fprintf(stderr, "tsm-gpu-check convolutions: a wrong option, or one without its value\n");
        return 2;
    }
    if (!check_cuda(cudaGetDeviceProperties(&properties, 0), "device") ||
        !check_cuda(cudaStreamCreateWithFlags(&s.stream, cudaStreamNonBlocking), "stream") ||
        !check_ok(tsm_cuda_libraries_open(&s.libraries, true, &error), &error, "libraries"))
        return 1;
    s.l2_bytes = properties.l2CacheSize > 0 ? (size_t)properties.l2CacheSize : 0;
    s.json = json ? fopen(json, "a") : NULL;
    for (int i = 0; i < count; i++) bench_layer(&layers[i], &s);
    if (s.json) fclose(s.json);
    tsm_cuda_libraries_close(&s.libraries);
    cudaStreamDestroy(s.stream);
    return checks_failed() ? 1 : 0;
}
