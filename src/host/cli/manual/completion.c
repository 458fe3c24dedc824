/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - completion for bash: subcommands, options, the values of choices; anything else is a file. */
#include "manual.h"

#include "cli/commands.h"

void completion_begin(FILE *out)
{
    fputs("# bash completion for tsm\n"
          "_tsm()\n"
          "{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options= words=\n"
          "    # bash takes --name=VALUE for three words.\n"
          "    if [[ $current == = ]]; then\n"
          "        current=\n"
          "    elif [[ $before == = ]]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
          "    fi\n"
          "    COMPREPLY=()\n"
          "    if [[ $COMP_CWORD -eq 1 || ( $COMP_CWORD -eq 2 && $before == help ) ]]; then\n"
          "        words='",
          out);
    for (const command *one = commands; one->name; one++) fprintf(out, "%s ", one->name);
    fputs("help'\n"
          "        [[ $current == -* ]] && words='--help --version'\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          out);
}

/* One option that takes a value: its choices, or, where it has none, whatever bash does by default. */
static void put_values(const option_spec *spec, FILE *out)
{
    char values[OPTIONS_CHOICES_BYTES];

    if (spec->kind == OPTION_FLAG) return;
    fprintf(out, "        --%s) ", spec->name);
    if (spec->kind == OPTION_CHOICE) {
        options_choices(spec->choices, " ", values, sizeof values);
        fprintf(out, "words='%s' ;;\n", values);
    } else {
        fputs("return ;;\n", out);
    }
}

void completion_of(const option_table *table, FILE *out)
{
    fprintf(out, "    %s)\n        options='", table->command);
    for (size_t i = 0; i < table->count; i++) fprintf(out, "--%s ", table->specs[i].name);
    fputs("--help'\n        case $before in\n", out);
    for (size_t i = 0; i < table->count; i++) put_values(&table->specs[i], out);
    fputs("        esac\n        ;;\n", out);
}

void completion_end(FILE *out)
{
    fputs("    esac\n"
          "    if [[ $words ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
          "    elif [[ $current == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
          "    fi\n"
          "}\n"
          "complete -o bashdefault -o default -F _tsm tsm\n",
          out);
}
