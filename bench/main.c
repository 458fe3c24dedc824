/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - tsm-bench: how fast, how big, and where the time goes.
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
    const char *what;
} commands[] = {
    { "model", bench_model, "throughput and latency of a network, and what its shift costs" },
    { "layers", bench_layers, "where the time goes: every layer beside the machine's limits" },
    { "shift", bench_shift, "the ways to realise the shift, one convolution at a time" },
    { "online", bench_online, "live streams: what a frame costs, and how many keep up" },
#ifdef TSM_BENCH_VIDEO
    { "media", bench_media, "decoding and preprocessing of videos or folders of frames" },
    { "e2e", bench_e2e, "from video files to labels: what limits, the decoder or the network" },
#endif
    { "plot", bench_plot, "pictures (SVG) of results" },
    { "compare", bench_compare, "what changed between two results, with the noise beside it" },
    { "turns", bench_turns, "a network that runs when it is told to, for bench/peers" },
    { "make", bench_make, "writes a full-size network with random weights" },
};

static int overview(void)
{
    printf("tsm-bench - how fast libtsm is on this machine, and why  (libtsm %s, commit %s)\n\n"
           "usage: tsm-bench COMMAND [OPTION]...\n\n",
           tsm_version(), bench_commit());
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  %-9s %s\n", commands[i].name, commands[i].what);
    fputs("\n"
          "  tsm-bench COMMAND --help   the manual of one, with examples\n"
          "  tsm-bench                  the model that comes with the command, for some seconds\n\n"
          "Nothing is timed before its result was compared with that of a reference. Figures that\n"
          "cannot be trusted (a busy neighbour, a CPU or GPU that throttles, a large spread, too few\n"
          "runs) come with a warning on stderr and in the output. Exit status: 0 done, 1 the work\n"
          "failed, 2 wrong usage.\n",
          stdout);
    return BENCH_DONE;
}

/* Something to see at once. */
static int show(void)
{
    char duration[] = "--duration", seconds[] = "4", *arguments[] = { duration, seconds };
    const int result = bench_model(2, arguments);

    puts("\ntsm-bench --help tells what else there is; tsm-bench model --model resnet50 is a full-size network.");
    return result;
}

int main(int argc, char **argv)
{
    if (argc < 2) return show();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return overview();
    if (strcmp(argv[1], "--version") == 0)
        return printf("tsm-bench %s, commit %s\n", tsm_version(), bench_commit()) < 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 2, argv + 2);
    }
    bench_fail("there is no command %s; --help names all", argv[1]);
    return BENCH_USAGE;
}
