/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "commands.h"
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 36

static options_printer *print_help = options_help;

void options_print_with(options_printer *printer)
{
    print_help = printer;
}

int options_wrong(const option_table *table, const char *format, ...)
{
    char text[TSM_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report_line("%s: %s; usage: tsm %s %s (tsm %s --help)", table->command, text, table->command, table->arguments,
                table->command);
    return EXIT_USAGE;
}

void options_choices(const option_choice *choices, const char *separator, char *text, size_t bytes)
{
    size_t used = 0;

    text[0] = '\0';
    for (const option_choice *choice = choices; choice->name; choice++) {
        int wrote = snprintf(text + used, bytes - used, "%s%s", choice == choices ? "" : separator, choice->name);

        if (wrote < 0 || (size_t)wrote >= bytes - used) return;
        used += (size_t)wrote;
    }
}

void options_help(const option_table *table, FILE *out)
{
    fprintf(out, "usage: tsm %s [options] %s\n%s\n\n", table->command, table->arguments, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        const option_spec *spec = &table->specs[i];
        char values[OPTIONS_CHOICES_BYTES] = "", left[OPTIONS_CHOICES_BYTES + 64];

        if (spec->kind == OPTION_CHOICE) {
            options_choices(spec->choices, "|", values, sizeof values);
        } else if (spec->value) {
            snprintf(values, sizeof values, "%s", spec->value);
        }
        snprintf(left, sizeof left, "  --%s%s%s", spec->name, *values ? " " : "", values);
        if (strlen(left) >= HELP_COLUMN) {
            fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", spec->help);
        } else {
            fprintf(out, "%-*s%s\n", HELP_COLUMN, left, spec->help);
        }
    }
    fprintf(out, "%-*s%s\n", HELP_COLUMN, "  -h, --help", "this text");
}

static const option_spec *find_spec(const option_table *table, const char *name, size_t length)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *candidate = table->specs[i].name;

        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) return &table->specs[i];
    }
    return NULL;
}

static int store_number(const option_table *table, const option_spec *spec, const char *value)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(value, &end, 10);
    if (end == value || *end) return options_wrong(table, "--%s: '%s' is not a whole number", spec->name, value);
    if (errno || number < spec->minimum || number > spec->maximum) {
        return options_wrong(table, "--%s: %s is not in %d..%d", spec->name, value, spec->minimum, spec->maximum);
    }
    *(int *)spec->target = (int)number;
    return EXIT_DONE;
}

static int store_choice(const option_table *table, const option_spec *spec, const char *value)
{
    char names[OPTIONS_CHOICES_BYTES];

    for (const option_choice *choice = spec->choices; choice->name; choice++) {
        if (strcmp(choice->name, value) != 0) continue;
        *(int *)spec->target = choice->value;
        return EXIT_DONE;
    }
    options_choices(spec->choices, "|", names, sizeof names);
    return options_wrong(table, "--%s: '%s' is not one of %s", spec->name, value, names);
}

static int store(const option_table *table, const option_spec *spec, const char *value)
{
    switch (spec->kind) {
    case OPTION_NUMBER: return store_number(table, spec, value);
    case OPTION_CHOICE: return store_choice(table, spec, value);
    case OPTION_TEXT: *(const char **)spec->target = value; return EXIT_DONE;
    case OPTION_FLAG: *(int *)spec->target = 1; return EXIT_DONE;
    }
    return EXIT_USAGE;
}

/* Handles argv[*at], which begins with "--"; moves *at to its value where that is an argument of its own. */
static int parse_option(const option_table *table, int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const option_spec *spec = find_spec(table, name, length);

    if (!spec) return options_wrong(table, "unknown option --%.*s", (int)length, name);
    if (spec->kind == OPTION_FLAG) {
        if (equals) return options_wrong(table, "--%s takes no value", spec->name);
        return store(table, spec, NULL);
    }
    if (equals) return store(table, spec, equals + 1);
    if (*at + 1 >= argc) return options_wrong(table, "--%s needs a value", spec->name);
    return store(table, spec, argv[++*at]);
}

options_result options_parse(const option_table *table, int argc, char **argv, int *positional)
{
    int kept = 0, only_arguments = 0;

    for (int i = 0; i < argc; i++) {
        const char *argument = argv[i];

        if (only_arguments || argument[0] != '-' || argument[1] == '\0') {
            argv[kept++] = argv[i];
        } else if (strcmp(argument, "--") == 0) {
            only_arguments = 1;
        } else if (strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0) {
            print_help(table, stdout);
            return OPTIONS_HELP;
        } else if (argument[1] != '-') {
            options_wrong(table, "unknown option %s", argument);
            return OPTIONS_WRONG;
        } else if (parse_option(table, argc, argv, &i) != EXIT_DONE) {
            return OPTIONS_WRONG;
        }
    }
    *positional = kept;
    return OPTIONS_OK;
}
