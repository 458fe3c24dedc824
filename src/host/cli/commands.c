/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - the one list of subcommands: for the dispatcher, the help, the manual and the completion. */
#include "commands.h"

#include <stddef.h>
#include <string.h>

const command commands[] = {
    { "classify", cmd_classify, "video files or folders of frames -> top labels" },
    { "eval", cmd_eval, "a list of videos -> Prec@1, Prec@5, confusion" },
    { "stream", cmd_stream, "a video, pipe, camera or address -> a label a frame" },
    { "run", cmd_run, "a .npy of clips -> a .npy of logits" },
    { "preprocess", cmd_preprocess, "a video -> the .npy that classify would feed" },
    { "info", cmd_info, "what a checkpoint holds" },
    { "convert", cmd_convert, "a checkpoint -> safetensors" },
    { NULL, NULL, NULL },
};

const command *commands_find(const char *name)
{
    for (const command *one = commands; one->name; one++) {
        if (strcmp(one->name, name) == 0) return one;
    }
    return NULL;
}
