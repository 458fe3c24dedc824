/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - tsm-manual DIR: writes man/man1 and bash-completion/completions under DIR, whose folders are there. The
 * tables of options are inside the subcommands: each is asked for its help, and its table printed in another form. */
#include "manual.h"

#include "cli/commands.h"

#include <stdlib.h>

/* Standard output, where help is printed, becomes the file. */
static void open_output(const char *folder, const char *file)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (freopen(path, "w", stdout)) return;
    perror(path);
    exit(EXIT_FAILED);
}

static void print_table(const command *one, options_printer *printer)
{
    char flag[] = "--help";
    char *arguments[] = { flag, NULL };

    options_print_with(printer);
    if (one->run(1, arguments) != EXIT_DONE) exit(EXIT_FAILED);
}

static void write_pages(const char *folder)
{
    char file[64];

    open_output(folder, "man/man1/tsm.1");
    manual_page(stdout);
    for (const command *one = commands; one->name; one++) {
        snprintf(file, sizeof file, "man/man1/tsm-%s.1", one->name);
        open_output(folder, file);
        print_table(one, manual_page_of);
    }
}

static void write_completion(const char *folder)
{
    open_output(folder, "bash-completion/completions/tsm");
    completion_begin(stdout);
    for (const command *one = commands; one->name; one++) print_table(one, completion_of);
    completion_end(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: tsm-manual DIR\n");
        return EXIT_USAGE;
    }
    write_pages(argv[1]);
    write_completion(argv[1]);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
