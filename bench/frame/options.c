/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

bench_list bench_list_of(double value)
{
    return (bench_list){ 1, { value } };
}

bench_words bench_words_of(const char *value)
{
    return (bench_words){ .count = 1, .values = { value } };
}

static bool read_number(const char *text, char **end, bool whole, double *value)
{
    *value = strtod(text, end);
    /* "4..8": the first of the dots is no decimal point. */
    if (*end > text && (*end)[-1] == '.' && **end == '.') --*end;
    return *end != text && *value >= 0 && *value <= 1e6 && (!whole || *value == floor(*value));
}

static bool append(bench_list *list, double value)
{
    if (list->count == BENCH_MAX_VALUES) return false;
    list->values[list->count++] = value;
    return true;
}

/* From `first` to `last`, by `step`, or doubling where that is 0. */
static bool append_range(bench_list *list, double first, double last, double step)
{
    double value = first;

    if (first > last || (step == 0 && first == 0)) return false;
    for (; value<last; value = step> 0 ? value + step : value * 2)
        if (!append(list, value)) return false;
    return step > 0 && value > last ? true : append(list, last);
}

static bool read_list(const char *text, bool whole, bench_list *list)
{
    bench_list read = { 0 };
    double first, last, step = 0;
    char *end;

    for (;; text = end + 1) {
        if (!read_number(text, &end, whole, &first)) return false;
        if (strncmp(end, "..", 2) == 0) {
            if (!read_number(end + 2, &end, whole, &last)) return false;
            if (*end == '+' && (!read_number(end + 1, &end, whole, &step) || step <= 0)) return false;
            if (!append_range(&read, first, last, step)) return false;
            step = 0;
        } else if (!append(&read, first)) {
            return false;
        }
        if (*end != ',') break;
    }
    if (*end) return false;
    *list = read;
    return true;
}

static bool read_words(const char *text, bench_words *words)
{
    if (strlen(text) >= sizeof words->text || !*text) return false;
    strcpy(words->text, text);
    words->count = 0;
    for (char *at = words->text; at;) {
        char *comma = strchr(at, ',');

        if (comma) *comma++ = '\0';
        if (!*at || words->count == BENCH_MAX_VALUES) return false;
        words->values[words->count++] = at;
        at = comma;
    }
    return true;
}

static bool set_option(const bench_option *option, const char *text)
{
    double number;
    char *end;

    switch (option->kind) {
    case BENCH_TEXT: *(const char **)option->value = text; return true;
    case BENCH_FLAG: *(bool *)option->value = true; return true;
    case BENCH_COUNT:
        if (!read_number(text, &end, true, &number) || *end) return false;
        *(int *)option->value = (int)number;
        return true;
    case BENCH_SECONDS:
        if (!read_number(text, &end, false, &number) || *end) return false;
        *(double *)option->value = number;
        return true;
    case BENCH_LIST: return read_list(text, true, option->value);
    case BENCH_REALS: return read_list(text, false, option->value);
    case BENCH_WORDS: return read_words(text, option->value);
    case BENCH_GROUP:
    case BENCH_END: break;
    }
    return false;
}

static const bench_option *find_option(const bench_option *options, const char *argument)
{
    for (; options->kind != BENCH_END; options++) {
        const bench_option *inner = NULL;

        if (options->kind == BENCH_GROUP)
            inner = find_option(options->value, argument);
        else if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, options->name) == 0)
            inner = options;
        if (inner) return inner;
    }
    return NULL;
}

bool bench_parse(int argc, char **argv, const bench_option *options, int *positional)
{
    *positional = 0;
    for (int i = 0; i < argc; i++) {
        const bench_option *option = find_option(options, argv[i]);

        if (!option && argv[i][0] == '-') {
            bench_fail("unknown option %s; --help names all", argv[i]);
            return false;
        }
        if (!option) {
            argv[(*positional)++] = argv[i];
            continue;
        }
        const char *text = option->kind == BENCH_FLAG ? "" : i + 1 < argc ? argv[++i] : NULL;
        if (!text || !set_option(option, text)) {
            bench_fail("--%s %s: %s", option->name, text ? text : "",
                       text ? "not a value it can take" : "needs a value");
            return false;
        }
    }
    return true;
}

/* ---- The manual ---- */

static void print_list(const bench_list *list)
{
    for (int i = 0; i < list->count; i++) printf("%s%g", i ? "," : "", list->values[i]);
}

static bool has_default(const bench_option *option)
{
    switch (option->kind) {
    case BENCH_TEXT: return *(const char **)option->value != NULL;
    case BENCH_COUNT: return *(int *)option->value > 0;
    case BENCH_SECONDS: return *(double *)option->value > 0;
    case BENCH_LIST:
    case BENCH_REALS: {
        const bench_list *list = option->value;

        return list->count > 1 || (list->count == 1 && list->values[0] > 0);
    }
    case BENCH_WORDS: return ((const bench_words *)option->value)->count > 0;
    default: return false;
    }
}

/* " (auto)" */
static void print_default(const bench_option *option)
{
    if (!has_default(option)) return;
    printf(" [");
    if (option->kind == BENCH_TEXT) printf("%s", *(const char **)option->value);
    if (option->kind == BENCH_COUNT) printf("%d", *(int *)option->value);
    if (option->kind == BENCH_SECONDS) printf("%g", *(double *)option->value);
    if (option->kind == BENCH_LIST || option->kind == BENCH_REALS) print_list(option->value);
    if (option->kind == BENCH_WORDS) {
        const bench_words *words = option->value;

        for (int i = 0; i < words->count; i++) printf("%s%s", i ? "," : "", words->values[i]);
    }
    printf("]");
}

#define HELP_COLUMN 24

static void print_option(const bench_option *option)
{
    char left[80];
    const char *line = option->help ? option->help : "";

    snprintf(left, sizeof left, "  --%s %s", option->name, option->argument ? option->argument : "");
    printf("%-*s", HELP_COLUMN, left);
    if (strlen(left) >= HELP_COLUMN) printf("\n%*s", HELP_COLUMN, "");
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        printf("%.*s\n%*s", (int)(end - line), line, HELP_COLUMN, "");
    printf("%s", line);
    print_default(option);
    printf("\n");
}

static void print_options(const bench_option *options)
{
    for (; options->kind != BENCH_END; options++) {
        if (options->kind == BENCH_GROUP) {
            printf("\n%s\n", options->help);
            print_options(options->value);
        } else {
            print_option(options);
        }
    }
}

bool bench_help(const bench_manual *manual, int argc, char **argv, const bench_option *options)
{
    bool asked = false;

    for (int i = 0; i < argc; i++) asked = asked || strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
    if (!asked) return false;
    printf("tsm-bench %s - %s\n\nusage: tsm-bench %s %s\n\n%s\nOptions, with [defaults]. LIST is 1,2,8 or 1..64 "
           "(doubling) or 2..8+2 (by steps).\n",
           manual->name, manual->summary, manual->name, manual->synopsis, manual->text);
    print_options(options);
    printf("\nExamples\n%s", manual->examples);
    return true;
}
