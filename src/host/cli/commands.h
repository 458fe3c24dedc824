/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the subcommands of `tsm`, one file each, and the exit status that they return. */
#ifndef TSM_CLI_COMMANDS_H
#define TSM_CLI_COMMANDS_H

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* the work failed; one line on stderr names what */
    EXIT_USAGE = 2   /* the command was called wrongly */
};

/* Each takes the arguments after its own name. */
int cmd_classify(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_stream(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_preprocess(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_convert(int argc, char **argv);

typedef struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* half a sentence */
} command;

/* In the order of the help; ended by a nameless one. */
extern const command commands[];

/* NULL where there is none. */
const command *commands_find(const char *name);

#endif
