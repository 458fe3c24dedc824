/* SPDX-License-Identifier: Apache-2.0 */
/* tsm convert: any checkpoint that is understood, as a safetensors file that needs no guessing. */
#include "commands.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "settings.h"

#include <stdbool.h>
#include <stdlib.h>
#include <tsm/tsm.h>

typedef struct conversion {
    settings s;
    const char *input, *output;
    int half;
    void *data;
    size_t bytes;
    tsm_model_info info; /* numbers only: it outlives the model */
} conversion;

/* The file in memory. The model has gone when this returns. */
static tsm_status serialize(conversion *c, tsm_error *error)
{
    tsm_model_serialize_options options = TSM_MODEL_SERIALIZE_OPTIONS_INIT;
    tsm_model *model = NULL;
    char *path = NULL;
    tsm_status status;

    c->s.model = c->input;
    c->info.struct_size = sizeof c->info;
    options.half = c->half;
    status = settings_load_model(&c->s, 0, &model, &path, error);
    if (status == TSM_OK) status = tsm_model_get_info(model, &c->info);
    if (status == TSM_OK) {
        status = tsm_model_serialize(model, &options, &c->data, &c->bytes, error);
        if (status == TSM_OK)
            settings_report_doubts(&c->info, c->input);
        else
            report_name(error, c->input);
    }
    tsm_model_destroy(&model);
    free(path);
    return status;
}

static bool same_values(const float a[3], const float b[3])
{
    return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

static bool same_network(const tsm_model_info *a, const tsm_model_info *b)
{
    return a->segments == b->segments && a->classes == b->classes && a->shift_div == b->shift_div &&
           a->shift_place == b->shift_place && a->shift_direction == b->shift_direction && a->shifts == b->shifts &&
           a->temporal_pool == b->temporal_pool && a->nonlocal == b->nonlocal &&
           a->nonlocal_blocks == b->nonlocal_blocks && a->in_channels == b->in_channels &&
           a->input_size == b->input_size && a->scale_size == b->scale_size && a->parameters == b->parameters &&
           a->macs == b->macs && a->has_labels == b->has_labels && same_values(a->mean, b->mean) &&
           same_values(a->std, b->std);
}

/* A file that would not be read back as the same network must not replace one that is. */
static tsm_status check(const conversion *c, tsm_error *error)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = NULL;
    tsm_status status = tsm_model_load_memory(&model, c->data, c->bytes, "the converted network", NULL, error);

    if (status == TSM_OK) status = tsm_model_get_info(model, &info);
    if (status == TSM_OK && !same_network(&info, &c->info))
        status = report_fail(error, TSM_ERROR_INTERNAL, "a safetensors file does not hold all of this network");
    if (status != TSM_OK) report_name(error, c->input);
    tsm_model_destroy(&model);
    return status;
}

static tsm_status convert(conversion *c, tsm_error *error)
{
    output_file out;
    tsm_status status = output_open(&out, c->output, error);

    if (status == TSM_OK) status = serialize(c, error);
    if (status == TSM_OK) status = check(c, error);
    if (status == TSM_OK) status = output_write(&out, c->data, c->bytes, error);
    if (status == TSM_OK) status = output_commit(&out, error);
    output_abort(&out);
    tsm_free(c->data);
    return status;
}

int cmd_convert(int argc, char **argv)
{
    conversion c = { 0 };
    const option_spec specs[] = {
        OPTION_SPEC_FLAG("half", &c.half, "round the weights to float16"),
        SETTINGS_SPECS_NETWORK(c.s),
        SETTINGS_SPECS_TIMEOUT(c.s),
    };
    const option_table table = {
        "convert", "IN OUT.safetensors",
        "Writes a checkpoint as safetensors, as it is understood; IN and OUT may be one file.", specs,
        sizeof specs / sizeof *specs
    };
    tsm_error error = { 0 };
    int positional;

    switch (options_parse(&table, argc, argv, &positional)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (positional != 2)
        return options_wrong(&table, positional > 2 ? "more than two files" : positional ? "no output" : "no input");
    c.input = argv[0];
    c.output = argv[1];
    if (convert(&c, &error) == TSM_OK) return EXIT_DONE;
    report_line("%s", error.text);
    return EXIT_FAILED;
}
