/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what a subcommand puts out: rows, as a table to read and as JSON, JSON lines or CSV for programs.
 *
 * A row is one JSON object. A table shows some of its values in columns, each printed as soon as it is known; the
 * JSON document has all of them under "rows", with "machine" and "warnings", and the values of the first row at the
 * top again, so that a document of one row can be read as that row. A line of JSON lines is a row with its machine.
 * CSV has a column for every value, "latency_ms.p50" for one within another.
 */
#ifndef TSM_BENCH_REPORT_H
#define TSM_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A column of the table: `path` is "clips_per_s" or "latency_ms.p50". Numbers are multiplied by `factor`, 0: 1. */
typedef struct bench_column {
    const char *heading, *path;
    int width, decimals;
    double factor;
} bench_column;

/* What --format, --json and --output asked for. */
typedef struct bench_output {
    const char *format; /* "table", "json", "jsonl", "csv" */
    bool json;
    const char *file; /* besides; by its ending */
} bench_output;

#define BENCH_OUTPUT_INIT                                                                                            \
    {                                                                                                                \
        "table", false, NULL                                                                                         \
    }
#define BENCH_OUTPUT_OPTIONS(output)                                                                                 \
    {                                                                                                                \
        { "format", BENCH_TEXT, &(output).format, "F", "table, json, jsonl (a row a line) or csv, on stdout" },      \
            { "json", BENCH_FLAG, &(output).json, NULL, "the same as --format json" },                               \
            { "output", BENCH_TEXT, &(output).file, "FILE",                                                          \
              "write FILE besides, as its ending says: .json, .jsonl or .csv" },                                     \
        {                                                                                                            \
            0                                                                                                        \
        }                                                                                                            \
    }

typedef struct bench_report {
    json_t *machine, *rows, *warnings, *settings, *ceilings;
    const char *command;
    bench_output output;
    const bench_column *columns; /* ended by a column without heading */
    FILE *table;                 /* stdout, or stderr where stdout is for programs */
    bool headed;
} bench_report;

/* False, with a line on stderr, for a format that there is not. */
bool bench_report_begin(bench_report *report, const char *command, const bench_output *output,
                        const bench_column *columns);

/* A line above the next rows, and the headings again. */
void bench_report_heading(bench_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the row, and prints it where there is a table. */
void bench_report_row(bench_report *report, json_t *row);

/* A line below the rows, in the table alone. */
void bench_report_note(bench_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* On stderr at once, and in the document. The same text comes once. */
void bench_report_warn(bench_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes what programs read and releases everything; an exit status. */
int bench_report_end(bench_report *report);

/* Releases everything and writes nothing: after a failure. */
void bench_report_drop(bench_report *report);

/* Writes the object on stdout and releases it. */
void bench_print_json(json_t *object);

/* The value at "a.b" of an object; NULL: none. */
json_t *bench_json_at(const json_t *object, const char *path);

/* As number, NaN where it is none. */
double bench_json_number(const json_t *object, const char *path);
const char *bench_json_text(const json_t *object, const char *path);

#endif
