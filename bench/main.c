/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - tsm-bench: how fast, how big.
 *
 * Every subcommand verifies what it times before it times it, warms up, and reports medians of many runs with the
 * machine, the library and the commit.
 */
#include "bench.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} commands[] = {
    { "model", bench_model,
      "--model M [--against tsn] [--batch N] [--segments T] [--size S] [--device cpu] [--threads N]\n"
      "           [--shift auto|copy|overlap|inplace|gather] [--warmup N] [--iters N] [--duration S] [--json]\n"
      "           throughput and latency of a network, beside its 2D baseline in the same run" },
    { "shift", bench_shift,
      "[--segments T] [--threads N] [--iters N] [--json]\n"
      "           the ways to realise the shift on a CPU before the first convolution of each ResNet-50 stage" },
    { "layers", bench_layers,
      "--predict --model M [--device sm_80|sm_90] [--batch N] [--segments T] [--size S] [--no-shift]\n"
      "           [--precision fp32|tf32|fp16|bf16] [--shift copy|overlap|gather] [--json]\n"
      "           launches, bytes and floor of every layer on a GPU, by arithmetic alone" },
    { "online", bench_online,
      "--model M [--streams N] [--window T] [--size S] [--device cpu] [--threads N] [--iters N] [--duration S] "
      "[--json]\n"
      "           a frame of live streams, beside a 2D frame and beside running the window again" },
#ifdef TSM_BENCH_VIDEO
    { "media", bench_media,
      "INPUT... [--segments T] [--threads N] [--iters N] [--json]\n"
      "           decoding and preprocessing of videos or folders of frames" },
#endif
};

static int usage(FILE *to)
{
    fprintf(to, "usage: tsm-bench COMMAND [OPTION]...   (%s, libtsm %s)\n", bench_commit(), tsm_version());
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(to, "  %-7s  %s\n", commands[i].name, commands[i].usage);
    return to == stdout ? BENCH_DONE : BENCH_USAGE;
}

static bool asks_for_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) return usage(stderr);
    for (int i = 1; i < argc; i++)
        if (asks_for_help(argv[i])) return usage(stdout);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 2, argv + 2);
    }
    return usage(stderr);
}
