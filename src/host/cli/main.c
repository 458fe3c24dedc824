/* SPDX-License-Identifier: Apache-2.0 */
/* tsm - video action recognition on the command line: finds the subcommand and leaves the rest to it. */
#include "commands.h"
#include "report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <tsm/tsm.h>

static void print_help(FILE *out)
{
    fprintf(out, "usage: tsm COMMAND [options] ...\n\n");
    for (const command *one = commands; one->name; one++) fprintf(out, "  %-12s%s\n", one->name, one->summary);
    fprintf(out, "  %-12s%s\n\n", "help", "tsm help COMMAND, as tsm COMMAND --help");
    fprintf(out, "  --version   the version of the library\n  -h, --help  this text\n\n");
    fprintf(out, "Exit status: 0 done, 1 the work failed, 2 wrong usage.\n");
}

static int dispatch(const char *name, int argc, char **argv)
{
    const command *one = commands_find(name);

    if (one) return one->run(argc, argv);
    report_line("unknown command '%s'; usage: tsm COMMAND ... (tsm --help)", name);
    return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    static char flag[] = "--help";
    char *only[] = { flag, NULL };

    if (argc > 0) return dispatch(argv[0], 1, only);
    print_help(stdout);
    return EXIT_DONE;
}

/* A closed standard stream would lend its number to the next file that is opened, and its text would go there. */
static void hold_standard_streams(void)
{
    for (int i = 0; i <= 2; i++) {
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != i) return;
    }
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    /* A reader that goes away, and a file that may not grow, are met where writing is checked. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        report_line("no command; usage: tsm COMMAND ... (tsm --help)");
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tsm %s\n", tsm_version());
        return report_output(EXIT_DONE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return report_output(help(0, NULL));
    if (strcmp(argv[1], "help") == 0) return report_output(help(argc - 2, argv + 2));
    return report_output(dispatch(argv[1], argc - 2, argv + 2));
}
