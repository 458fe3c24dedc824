/* SPDX-License-Identifier: Apache-2.0 */
/* manual.h - what the tables of options become besides the help. All of it is printed on `out`. */
#ifndef TSM_CLI_MANUAL_MANUAL_H
#define TSM_CLI_MANUAL_MANUAL_H

#include "cli/options.h"

/* Manual pages: of `tsm`, and of a subcommand. */
void manual_page(FILE *out);
void manual_page_of(const option_table *table, FILE *out);

/* Completion for bash: what comes before, between and after the subcommands. */
void completion_begin(FILE *out);
void completion_of(const option_table *table, FILE *out);
void completion_end(FILE *out);

#endif
