/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - one table-driven parser of long options, shared by all subcommands.
 *
 * A subcommand fills an array of option_spec that point into its own variables; options may stand anywhere among
 * the positional arguments, as `--name VALUE` or `--name=VALUE`; `--` ends them. */
#ifndef TSM_CLI_OPTIONS_H
#define TSM_CLI_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

typedef enum option_kind {
    OPTION_FLAG,   /* no value; int target becomes 1 */
    OPTION_TEXT,   /* const char * target */
    OPTION_NUMBER, /* int target, minimum..maximum */
    OPTION_CHOICE  /* int target, one of `choices` */
} option_kind;

typedef struct option_choice {
    const char *name; /* NULL ends the list */
    int value;
} option_choice;

typedef struct option_spec {
    const char *name;  /* without the dashes */
    const char *value; /* what the help calls the value, NULL for a flag and for a choice */
    const char *help;
    void *target;
    option_kind kind;
    int minimum, maximum;
    const option_choice *choices;
} option_spec;

#define OPTION_SPEC_FLAG(name, target, help)                                                                         \
    {                                                                                                                \
        name, NULL, help, target, OPTION_FLAG, 0, 0, NULL                                                            \
    }
#define OPTION_SPEC_TEXT(name, value, target, help)                                                                  \
    {                                                                                                                \
        name, value, help, target, OPTION_TEXT, 0, 0, NULL                                                           \
    }
#define OPTION_SPEC_NUMBER(name, target, minimum, maximum, help)                                                     \
    {                                                                                                                \
        name, "N", help, target, OPTION_NUMBER, minimum, maximum, NULL                                               \
    }
#define OPTION_SPEC_CHOICE(name, target, choices, help)                                                              \
    {                                                                                                                \
        name, NULL, help, target, OPTION_CHOICE, 0, 0, choices                                                       \
    }

typedef struct option_table {
    const char *command;   /* "classify" */
    const char *arguments; /* "INPUT..." */
    const char *summary;   /* a sentence for the help */
    const option_spec *specs;
    size_t count;
} option_table;

typedef enum options_result {
    OPTIONS_OK,
    OPTIONS_HELP, /* --help was asked for and printed on stdout */
    OPTIONS_WRONG /* a line on stderr says what is wrong */
} options_result;

/* What --help does with the table of a subcommand: options_help, unless the manual is being made of the tables. */
typedef void options_printer(const option_table *table, FILE *out);
void options_print_with(options_printer *printer);

/* Parses argv[0..argc). On OPTIONS_OK the positional arguments stand first in argv, in order, *positional of them. */
options_result options_parse(const option_table *table, int argc, char **argv, int *positional);

#define OPTIONS_CHOICES_BYTES 512 /* room for the names of any option's choices */

/* Writes the names of the choices with `separator` between them; cut off where `bytes` are too few. */
void options_choices(const option_choice *choices, const char *separator, char *text, size_t bytes);

/* Prints the help of a subcommand. */
void options_help(const option_table *table, FILE *out);

/* Prints "tsm COMMAND: what is wrong; see tsm COMMAND --help" on stderr and returns EXIT_USAGE. */
int options_wrong(const option_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
