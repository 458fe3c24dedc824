/* SPDX-License-Identifier: Apache-2.0 */
/* page.c - manual pages, in the man macros of troff. */
#include "manual.h"

#include <string.h>
#include <tsm/tsm.h>

#include "cli/commands.h"

/* Text as troff takes it: a hyphen is a minus to copy, and no line begins with a request. */
static void put(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '|')
            fputs("|\\:", out); /* a line may be broken here */
        else
            fputc(*text, out);
    }
}

static void put_in(FILE *out, char font, const char *text)
{
    fprintf(out, "\\f%c", font);
    put(out, text);
    fputs("\\fR", out);
}

/* The name in capitals; no date, so that the same sources give the same page. */
static void begin(FILE *out, const char *subcommand, const char *summary)
{
    fputs(".TH TSM", out);
    if (subcommand) fputs("\\-", out);
    for (const char *c = subcommand ? subcommand : ""; *c; c++)
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    fprintf(out, " 1 \"\" \"tsm %s\" \"User Commands\"\n.SH NAME\ntsm", tsm_version());
    if (subcommand) fprintf(out, "\\-%s", subcommand);
    fputs(" \\- ", out);
    put(out, summary);
    fputs("\n.ad l\n.SH SYNOPSIS\n", out); /* long lists of choices cannot be spread */
}

static void end(FILE *out, const char *subcommand)
{
    const char *separator = subcommand ? ", " : "";

    fprintf(out,
            ".SH EXIT STATUS\n0 done, 1 the work failed, 2 wrong usage.\n"
            "A failure is one line on standard error.\n.SH SEE ALSO\n%s",
            subcommand ? "\\fBtsm\\fR(1)" : "");
    for (const command *one = commands; one->name; one++) {
        if (subcommand && strcmp(one->name, subcommand) == 0) continue;
        fprintf(out, "%s\\fBtsm\\-%s\\fR(1)", separator, one->name);
        separator = ", ";
    }
    fputc('\n', out);
}

static void put_option(const option_spec *spec, FILE *out)
{
    char values[OPTIONS_CHOICES_BYTES];

    fputs(".TP\n", out);
    put_in(out, 'B', "--");
    put_in(out, 'B', spec->name);
    if (spec->kind == OPTION_CHOICE) {
        options_choices(spec->choices, "|", values, sizeof values);
        fputc(' ', out);
        put_in(out, 'B', values);
    } else if (spec->value) {
        fputc(' ', out);
        put_in(out, 'I', spec->value);
    }
    fputc('\n', out);
    put(out, spec->help);
    if (spec->kind == OPTION_NUMBER) fprintf(out, " (%d to %d)", spec->minimum, spec->maximum);
    fputc('\n', out);
}

void manual_page_of(const option_table *table, FILE *out)
{
    const command *self = commands_find(table->command);

    begin(out, table->command, self ? self->summary : table->summary);
    fprintf(out, "\\fBtsm %s\\fR [\\fIoptions\\fR] ", table->command);
    put(out, table->arguments);
    fputs("\n.SH DESCRIPTION\n", out);
    put(out, table->summary);
    fputs("\n.SH OPTIONS\nOptions are written \\-\\-name VALUE or \\-\\-name=VALUE and may stand anywhere; \\-\\- "
          "ends them.\n",
          out);
    for (size_t i = 0; i < table->count; i++) put_option(&table->specs[i], out);
    fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nprints a short form of this page\n", out);
    end(out, table->command);
}

void manual_page(FILE *out)
{
    begin(out, NULL, "video action recognition with temporal shift networks");
    fputs("\\fBtsm\\fR \\fICOMMAND\\fR [\\fIoptions\\fR] ...\n.SH COMMANDS\n", out);
    for (const command *one = commands; one->name; one++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n", one->name);
        put(out, one->summary);
        fputc('\n', out);
    }
    fputs(".TP\n\\fBhelp\\fR \\fICOMMAND\\fR\nas tsm \\fICOMMAND\\fR \\-\\-help\n.SH OPTIONS\n"
          ".TP\n\\fB\\-\\-version\\fR\nthe version of the library\n.TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nthe "
          "commands\n",
          out);
    end(out, NULL);
}
