/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - see report.h. */
#include "report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define FLAGS (JSON_REAL_PRECISION(6) | JSON_PRESERVE_ORDER)

int bench_fail(const char *format, ...)
{
    va_list args;

    fputs("tsm-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return BENCH_FAILED;
}

void bench_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | FLAGS);
    putchar('\n');
    json_decref(object);
}

json_t *bench_json_at(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    char key[64];

    if (!dot) return json_object_get(object, path);
    snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
    return bench_json_at(json_object_get(object, key), dot + 1);
}

double bench_json_number(const json_t *object, const char *path)
{
    const json_t *value = bench_json_at(object, path);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *bench_json_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(bench_json_at(object, path));

    return text ? text : "";
}

static bool is_format(const char *format)
{
    return strcmp(format, "table") == 0 || strcmp(format, "json") == 0 || strcmp(format, "jsonl") == 0 ||
           strcmp(format, "csv") == 0;
}

/* "json" of "out.json". */
static const char *ending(const char *file)
{
    const char *dot = strrchr(file, '.');

    return dot ? dot + 1 : "";
}

bool bench_report_begin(bench_report *r, const char *command, const bench_output *output, const bench_column *columns)
{
    memset(r, 0, sizeof *r);
    r->command = command;
    r->output = *output;
    if (output->json) r->output.format = "json";
    if (!is_format(r->output.format)) {
        bench_fail("--format %s: there are table, json, jsonl and csv", r->output.format);
        return false;
    }
    if (output->file && (!is_format(ending(output->file)) || strcmp(ending(output->file), "table") == 0)) {
        bench_fail("--output %s: its name must end in .json, .jsonl or .csv", output->file);
        return false;
    }
    r->columns = columns;
    r->table = strcmp(r->output.format, "table") == 0 ? stdout : stderr;
    r->machine = bench_machine_json();
    r->rows = json_array();
    r->warnings = json_array();
    r->settings = json_object();
    r->ceilings = json_object();
    return r->machine && r->rows && r->warnings && r->settings && r->ceilings;
}

void bench_report_heading(bench_report *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(r->table, format, args);
    va_end(args);
    fputc('\n', r->table);
    r->headed = false;
}

void bench_report_note(bench_report *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(r->table, format, args);
    va_end(args);
    fputc('\n', r->table);
}

void bench_report_warn(bench_report *r, const char *format, ...)
{
    char text[300];
    va_list args;
    size_t i;
    json_t *value;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_array_foreach(r->warnings, i, value) if (strcmp(json_string_value(value), text) == 0) return;
    json_array_append_new(r->warnings, json_string(text));
    fflush(stdout);
    fprintf(stderr, "tsm-bench: %s\n", text);
}

/* ---- The table ---- */

/* Words stand to the left, numbers to the right, in a column as its first decimals say: -1 is a column of words. */
static void print_cell(FILE *to, const bench_column *column, const json_t *value)
{
    const double factor = column->factor != 0 ? column->factor : 1;

    if (column->decimals < 0)
        fprintf(to, "%-*s", column->width, json_is_string(value) ? json_string_value(value) : "-");
    else if (json_is_number(value))
        fprintf(to, "%*.*f", column->width, column->decimals, factor * json_number_value(value));
    else
        fprintf(to, "%*s", column->width, json_is_string(value) ? json_string_value(value) : "-");
}

static void print_headings(bench_report *r)
{
    for (const bench_column *c = r->columns; c->heading; c++)
        fprintf(r->table, "%*s ", c->decimals < 0 ? -c->width : c->width, c->heading);
    fputc('\n', r->table);
    r->headed = true;
}

void bench_report_row(bench_report *r, json_t *row)
{
    if (!row) return;
    if (!r->headed) print_headings(r);
    for (const bench_column *c = r->columns; c->heading; c++) {
        print_cell(r->table, c, bench_json_at(row, c->path));
        fputc(' ', r->table);
    }
    fputc('\n', r->table);
    fflush(r->table);
    json_array_append_new(r->rows, row);
}

/* ---- For programs ---- */

static json_t *make_document(const bench_report *r)
{
    json_t *document = json_pack("{s:s}", "command", r->command), *first = json_array_get(r->rows, 0);

    if (!document) return NULL;
    if (first) json_object_update(document, first);
    json_object_set(document, "cpu", json_object_get(r->machine, "cpu"));
    json_object_set(document, "commit", json_object_get(r->machine, "commit"));
    if (json_object_size(r->settings)) json_object_set(document, "settings", r->settings);
    if (json_object_size(r->ceilings)) json_object_set(document, "ceilings", r->ceilings);
    json_object_set(document, "machine", r->machine);
    json_object_set(document, "warnings", r->warnings);
    json_object_set(document, "rows", r->rows);
    return document;
}

static void write_lines(const bench_report *r, FILE *to)
{
    json_t *row;
    size_t i;

    json_array_foreach(r->rows, i, row)
    {
        json_t *line = json_copy(row);

        json_object_set_new(line, "command", json_string(r->command));
        json_object_set(line, "machine", r->machine);
        json_dumpf(line, to, JSON_COMPACT | FLAGS);
        fputc('\n', to);
        json_decref(line);
    }
}

/* Puts the values of `object` into `flat`, those within objects as "outer.inner". Arrays are for JSON alone. */
static void flatten(json_t *flat, const char *prefix, json_t *object)
{
    const char *key;
    json_t *value;
    char path[160];

    json_object_foreach(object, key, value)
    {
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value))
            flatten(flat, path, value);
        else if (!json_is_array(value))
            json_object_set(flat, path, value);
    }
}

static void write_field(FILE *to, const json_t *value)
{
    if (json_is_string(value)) {
        fputc('"', to);
        for (const char *at = json_string_value(value); *at; at++) fprintf(to, *at == '"' ? "\"\"" : "%c", *at);
        fputc('"', to);
    } else if (json_is_number(value)) {
        fprintf(to, "%.6g", json_number_value(value));
    } else if (json_is_boolean(value)) {
        fputs(json_is_true(value) ? "true" : "false", to);
    }
}

static void write_csv(const bench_report *r, FILE *to)
{
    json_t *heads = json_object(), *flats = json_array(), *row, *value;
    const char *key;
    size_t i;

    json_array_foreach(r->rows, i, row)
    {
        json_t *flat = json_object();

        flatten(flat, "", row);
        flatten(flat, "machine", r->machine);
        json_object_update_missing(heads, flat);
        json_array_append_new(flats, flat);
    }
    json_object_foreach(heads, key, value)
        fprintf(to, "%s%s", json_object_iter(heads) == json_object_key_to_iter(key) ? "" : ",", key);
    fputc('\n', to);
    json_array_foreach(flats, i, row)
    {
        json_object_foreach(heads, key, value)
        {
            if (json_object_iter(heads) != json_object_key_to_iter(key)) fputc(',', to);
            write_field(to, json_object_get(row, key));
        }
        fputc('\n', to);
    }
    json_decref(heads);
    json_decref(flats);
}

static void write_as(const bench_report *r, const char *format, FILE *to)
{
    if (strcmp(format, "json") == 0) {
        json_t *document = make_document(r);

        json_dumpf(document, to, JSON_INDENT(2) | FLAGS);
        fputc('\n', to);
        json_decref(document);
    } else if (strcmp(format, "jsonl") == 0) {
        write_lines(r, to);
    } else {
        write_csv(r, to);
    }
}

int bench_report_end(bench_report *r)
{
    int result = BENCH_DONE;

    if (strcmp(r->output.format, "table") != 0) write_as(r, r->output.format, stdout);
    if (r->output.file) {
        FILE *file = fopen(r->output.file, "w");

        if (file) write_as(r, ending(r->output.file), file);
        if (!file || ferror(file) | fclose(file)) result = bench_fail("%s: cannot be written", r->output.file);
    }
    bench_report_drop(r);
    return result;
}

void bench_report_drop(bench_report *r)
{
    json_decref(r->machine);
    json_decref(r->rows);
    json_decref(r->warnings);
    json_decref(r->settings);
    json_decref(r->ceilings);
    memset(r, 0, sizeof *r);
}
