/* SPDX-License-Identifier: Apache-2.0 */
/* tsm info: what a checkpoint holds. */
#include "cmd_info_device.h"
#include "commands.h"
#include "input.h"
#include "json_out.h"
#include "options.h"
#include "report.h"
#include "settings.h"
#include "shown.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tsm/tsm.h>

typedef struct checkpoint {
    settings s;
    int graph, raw, batch, profile, runs;
    char *path;
    tsm_model *model;
    tsm_model_info info;
    char *graph_text;
    info_device device;
} checkpoint;

static tsm_status load(checkpoint *c, tsm_error *error)
{
    tsm_status status = settings_load_model(&c->s, 0, &c->model, &c->path, error);
    tsm_shape shape = { .n = c->batch };

    c->info.struct_size = sizeof c->info;
    if (status == TSM_OK) status = tsm_model_get_info(c->model, &c->info);
    shape.h = shape.w = c->info.input_size;
    if (status == TSM_OK && c->graph) status = tsm_model_graph_text(c->model, &shape, !c->raw, &c->graph_text, error);
    if (status == TSM_OK)
        status = info_device_ask(&c->device, &c->s, c->model, &shape, c->profile ? c->runs : 0, error);
    return status;
}

static json_t *label_list(const checkpoint *c)
{
    json_t *list;

    if (!c->info.has_labels) return json_null();
    list = json_array();
    for (int i = 0; list && i < c->info.classes; i++) {
        if (json_array_append_new(list, json_out_text(tsm_model_label(c->model, i))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *shift_object(const tsm_model_info *info)
{
    if (info->shift_div == 0) return json_null();
    return json_pack("{s:i, s:s, s:s, s:i}", "div", info->shift_div, "direction",
                     settings_name(settings_directions, info->shift_direction), "place",
                     settings_name(settings_places, info->shift_place), "count", info->shifts);
}

static json_t *nonlocal_object(const tsm_model_info *info)
{
    if (info->nonlocal_blocks == 0) return json_null();
    return json_pack("{s:s, s:i}", "mode", settings_name(settings_nonlocals, info->nonlocal), "blocks",
                     info->nonlocal_blocks);
}

/* The first of the lines at *lines, of which it is taken off; NULL where there are none left. */
static const char *next_line(const char **lines, int *length)
{
    const char *line = *lines;

    if (!line || !*line) return NULL;
    *length = (int)strcspn(line, "\n");
    *lines += *length + (line[*length] == '\n');
    return line;
}

static json_t *line_list(const char *lines)
{
    json_t *list = json_array();
    const char *line;
    int length;

    while (list && (line = next_line(&lines, &length)) != NULL) {
        char *text = strndup(line, (size_t)length);

        if (!text || json_array_append_new(list, json_out_text(text)) != 0) {
            json_decref(list);
            list = NULL;
        }
        free(text);
    }
    return list;
}

/* Which weights were taken of the file, and what was taken off their names and left out beside them. */
static json_t *weights_object(const tsm_model_info *info)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "key", json_out_text(info->weights), "others",
                     line_list(info->other_weights), "prefix", json_out_text(info->prefix), "left_out",
                     json_out_text(info->left_out));
}

static json_t *input_object(const tsm_model_info *info)
{
    return json_pack("{s:i, s:i, s:i, s:[f, f, f], s:[f, f, f]}", "channels", info->in_channels, "size",
                     info->input_size, "scale", info->scale_size, "mean", (double)info->mean[0],
                     (double)info->mean[1], (double)info->mean[2], "std", (double)info->std[0], (double)info->std[1],
                     (double)info->std[2]);
}

static int print_json(const checkpoint *c)
{
    const tsm_model_info *info = &c->info;

    json_t *line = json_pack("{s:o, s:s, s:s, s:s, s:i, s:i, s:b, s:i, s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:o, s:o, "
                             "s:o, s:i, s:i, s:o, s:o}",
                             "file", json_out_text(c->path), "container", info->format, "layout", info->naming,
                             "arch", info->arch, "width", info->width, "segments", info->segments, "temporal_pool",
                             info->temporal_pool, "classes", info->classes, "shift", shift_object(info), "nonlocal",
                             nonlocal_object(info), "input", input_object(info), "dtype", info->dtype, "parameters",
                             (json_int_t)info->parameters, "macs", (json_int_t)info->macs, "labels", label_list(c),
                             "doubts", line_list(info->doubts), "graph", json_out_text(c->graph_text), "weights",
                             weights_object(info), "groups", info->groups, "bottleneck_width", info->bottleneck_width,
                             "support", info_device_support(&c->device), "profile", info_device_profile(&c->device));

    return json_out_print(json_out_add_bytes(line, "file_bytes", c->path));
}

static void print_labels(const checkpoint *c)
{
    if (!c->info.has_labels) {
        printf("labels      none\n");
        return;
    }
    printf("labels      ");
    for (int i = 0; i < c->info.classes; i++) {
        if (i > 0) printf(", ");
        shown_print(stdout, tsm_model_label(c->model, i));
    }
    printf("\n");
}

static void print_shift(const tsm_model_info *info)
{
    static const char *const from[] = { [TSM_BIDIRECTIONAL] = "each way",
                                        [TSM_UNIDIRECTIONAL] = "from the frame before",
                                        [TSM_MIRRORED] = "each way, mirrored" };

    if (info->shift_div) {
        printf("shift       1/%d of the channels %s, %s, %d time%s\n", info->shift_div, from[info->shift_direction],
               settings_name(settings_places, info->shift_place), info->shifts, info->shifts == 1 ? "" : "s");
    } else {
        printf("shift       none (TSN)\n");
    }
    if (info->nonlocal_blocks > 0) {
        printf("non-local   %d block%s, %s\n", info->nonlocal_blocks, info->nonlocal_blocks == 1 ? "" : "s",
               settings_name(settings_nonlocals, info->nonlocal));
    }
}

/* Where the weights were found, unless that is where they always are, and what was left of their names and beside
 * them. */
static void print_weights(const tsm_model_info *info)
{
    const char *lines = info->other_weights, *other;
    int length;

    if (lines || (info->weights && strcmp(info->weights, "state_dict") != 0)) {
        const char *taken = info->weights ? info->weights : "of the file";

        printf("weights     ");
        shown_print(stdout, taken);
        for (const char *before = "; --weights could also take "; (other = next_line(&lines, &length));
             before = ", ") {
            printf("%s", before);
            shown_print_part(stdout, other, (size_t)length);
        }
        printf("\n");
    }
    if (info->prefix) {
        printf("prefix      ");
        shown_print(stdout, info->prefix);
        printf(" before every name\n");
    }
    if (info->left_out) {
        printf("left out    ");
        shown_print(stdout, info->left_out);
        printf("\n");
    }
}

static void print_arch(const tsm_model_info *info)
{
    printf("arch        %s, width %d", info->arch, info->width);
    if (info->groups > 1) printf(", %d groups of %d", info->groups, info->bottleneck_width / info->groups);
    if (info->groups == 1 && info->bottleneck_width != info->width)
        printf(", bottlenecks of %d", info->bottleneck_width);
    printf("\n");
}

static void print_doubts(const tsm_model_info *info)
{
    const char *lines = info->doubts, *doubt;
    int length;

    while ((doubt = next_line(&lines, &length)) != NULL) {
        printf("doubt       ");
        shown_print_part(stdout, doubt, (size_t)length);
        printf("\n");
    }
}

static int print_text(const checkpoint *c)
{
    const tsm_model_info *info = &c->info;

    printf("file        ");
    shown_print(stdout, input_name(c->path));
    printf("\n");
    printf("container   %s, %s names, %s\n", info->format, info->naming, info->dtype);
    print_weights(info);
    print_arch(info);
    printf("segments    %d%s\n", info->segments, info->temporal_pool ? ", half of them from layer2 on" : "");
    printf("classes     %d\n", info->classes);
    print_shift(info);
    printf("input       %d x %d x %d from a short side of %d; mean %.4g %.4g %.4g, std %.4g %.4g %.4g\n",
           info->in_channels, info->input_size, info->input_size, info->scale_size, (double)info->mean[0],
           (double)info->mean[1], (double)info->mean[2], (double)info->std[0], (double)info->std[1],
           (double)info->std[2]);
    printf("parameters  %" PRIu64 "\n", info->parameters);
    printf("compute     %.4g GMAC a clip\n", (double)info->macs * 1e-9);
    print_labels(c);
    print_doubts(info);
    if (c->graph_text) printf("\n%s", c->graph_text);
    info_device_print(&c->device);
    return 0;
}

int cmd_info(int argc, char **argv)
{
    checkpoint c = { .batch = 1, .runs = 10 };
    const option_spec specs[] = {
        OPTION_SPEC_FLAG("graph", &c.graph, "the layer graph, as it runs"),
        OPTION_SPEC_FLAG("raw", &c.raw, "with --graph: as the paper draws it, before the passes"),
        OPTION_SPEC_NUMBER("batch", &c.batch, 1, 65536, "with --graph and --profile: clips at a time"),
        OPTION_SPEC_FLAG("profile", &c.profile, "what each step of a run costs on the device"),
        OPTION_SPEC_NUMBER("runs", &c.runs, 1, 1000, "with --profile: runs, of which the median counts"),
        SETTINGS_SPECS_JSON(c.s),
        SETTINGS_SPECS_MODEL(c.s),
        SETTINGS_SPECS_ENGINE(c.s),
        SETTINGS_SPECS_TIMEOUT(c.s),
    };
    const option_table table = { "info", "[FILE]", "Says what a checkpoint holds, and how it is understood.", specs,
                                 sizeof specs / sizeof *specs };
    tsm_error error = { 0 };
    int positional, result = EXIT_FAILED;

    switch (options_parse(&table, argc, argv, &positional)) {
    case OPTIONS_HELP: return EXIT_DONE;
    case OPTIONS_WRONG: return EXIT_USAGE;
    case OPTIONS_OK: break;
    }
    if (positional > 1 || (positional == 1 && c.s.model)) return options_wrong(&table, "more than one file");
    if (positional == 1) c.s.model = argv[0];
    if (load(&c, &error) != TSM_OK) {
        report_line("%s", error.text);
    } else if ((c.s.json ? print_json(&c) : print_text(&c)) == 0) {
        result = EXIT_DONE;
    }
    tsm_model_destroy(&c.model);
    info_device_clear(&c.device);
    tsm_free(c.graph_text);
    free(c.path);
    return result;
}
