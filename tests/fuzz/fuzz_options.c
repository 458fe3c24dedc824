/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_options.c - any text as the arguments of a command, one a line, by a table of all options that subcommands
 * share: they are taken, within their bounds, or refused in one line that a terminal can be shown. */
#include <stdbool.h>
#include <stdio.h>

#include "cli/settings.h"
#include "fuzz.h"

#define MOST_ARGUMENTS 24
#define SAID_BYTES     8192

static settings s;
static const option_spec specs[] = { SETTINGS_SPECS_MODEL(s), SETTINGS_SPECS_ENGINE(s), SETTINGS_SPECS_VIDEO(s),
                                     SETTINGS_SPECS_JSON(s) };
static const option_table table = { "fuzz", "INPUT...", "Takes anything.", specs, sizeof specs / sizeof *specs };

static bool is_choice(const option_spec *spec, int value)
{
    if (value == 0) return true; /* not given */
    for (const option_choice *choice = spec->choices; choice->name; choice++)
        if (choice->value == value) return true;
    return false;
}

static void check_values(void)
{
    for (size_t i = 0; i < table.count; i++) {
        const option_spec *spec = &specs[i];
        const int value = spec->kind == OPTION_TEXT ? 0 : *(const int *)spec->target;

        if (spec->kind == OPTION_NUMBER && value != 0 && (value < spec->minimum || value > spec->maximum)) abort();
        if (spec->kind == OPTION_CHOICE && !is_choice(spec, value)) abort();
        if (spec->kind == OPTION_FLAG && value != 0 && value != 1) abort();
    }
}

/* One line; no byte of it a control character. */
static void check_line(const char *said, size_t length)
{
    if (length < 6 || memcmp(said, "tsm: ", 5) != 0 || said[length - 1] != '\n') abort();
    for (size_t i = 0; i < length - 1; i++)
        if ((unsigned char)said[i] < ' ' || said[i] == 0x7f) abort();
}

/* What the options become says what they said. */
static void check_settings(void)
{
    tsm_model_options model = settings_model(&s, NULL);
    tsm_engine_options engine = settings_engine(&s);
    tsm_video_options video = settings_video(&s, NULL);

    if (model.segments != s.segments || model.weights_key != s.weights) abort();
    if (engine.max_bytes == 0 || settings_max_bytes(&s) <= 0 || settings_timeout(&s) <= 0 || video.struct_size == 0)
        abort();
}

/* Parses; what is printed meanwhile goes to `said`. Returns its length. */
static size_t parse(int count, char **arguments, char said[SAID_BYTES], options_result *result, int *positional)
{
    FILE *out = stdout, *err = stderr, *memory = fmemopen(said, SAID_BYTES, "w");
    size_t length;

    if (!memory) abort();
    stdout = stderr = memory;
    *result = options_parse(&table, count, arguments, positional);
    stdout = out;
    stderr = err;
    length = (size_t)ftell(memory);
    fclose(memory);
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static char said[SAID_BYTES];
    char *text = calloc(bytes + 1, 1), *rest = text, *arguments[MOST_ARGUMENTS + 1], *argument;
    int count = 0, positional = -1;
    options_result result;
    size_t length;

    if (!text) abort();
    if (bytes) memcpy(text, data, bytes);
    while (count < MOST_ARGUMENTS && (argument = strsep(&rest, "\n")) != NULL) arguments[count++] = argument;
    arguments[count] = NULL;
    memset(&s, 0, sizeof s);
    length = parse(count, arguments, said, &result, &positional);
    check_values();
    if (result == OPTIONS_WRONG) check_line(said, length);
    if (result == OPTIONS_HELP && length < 100) abort();
    if (result == OPTIONS_OK) {
        if (length != 0 || positional < 0 || positional > count) abort();
        check_settings();
    }
    free(text);
    return 0;
}
