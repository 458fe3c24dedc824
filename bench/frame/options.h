/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - options of a subcommand, as a table: what is read from the command line, and the manual that --help
 * prints, are made of it.
 *
 * A list is "1,2,4": values with commas between. "4..64" in it stands for 4, 8, 16, 32, 64 (doubling, and the end
 * itself), "2..8+2" for 2, 4, 6, 8.
 */
#ifndef TSM_BENCH_OPTIONS_H
#define TSM_BENCH_OPTIONS_H

#include <stdbool.h>

#define BENCH_MAX_VALUES 32

typedef struct bench_list {
    int count;
    double values[BENCH_MAX_VALUES];
} bench_list;

typedef struct bench_words {
    int count;
    const char *values[BENCH_MAX_VALUES];
    char text[256]; /* what the values point into */
} bench_words;

/* "--name VALUE", or for FLAG "--name". For GROUP `value` is a table that goes on from here, under the heading
 * `help`. */
typedef struct bench_option {
    const char *name;
    enum {
        BENCH_END, /* of the table */
        BENCH_TEXT,
        BENCH_COUNT,
        BENCH_SECONDS,
        BENCH_FLAG,
        BENCH_LIST,
        BENCH_REALS,
        BENCH_WORDS,
        BENCH_GROUP
    } kind;
    void *value;          /* const char **, int *, double *, bool *, bench_list *, bench_words *; what is in it before
                             is the default */
    const char *argument; /* "N": what --help calls the value */
    const char *help;     /* may have several lines */
} bench_option;

typedef struct bench_manual {
    const char *name;     /* "model" */
    const char *summary;  /* one line */
    const char *synopsis; /* what stands after the name */
    const char *text;     /* paragraphs */
    const char *examples; /* a line each */
} bench_manual;

/* A list of one. */
bench_list bench_list_of(double value);
bench_words bench_words_of(const char *value);

/* Fills the options' values from argv; positional arguments are moved to the front of argv and counted in
 * *positional. On a mistake prints one line and returns false. */
bool bench_parse(int argc, char **argv, const bench_option *options, int *positional);

/* Where one of the arguments asks for help: prints the manual on stdout and returns true. To be called before
 * anything is parsed, as it prints what the options hold as defaults. */
bool bench_help(const bench_manual *manual, int argc, char **argv, const bench_option *options);

#endif
