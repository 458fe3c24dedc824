/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_info_device.h"

#include "json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static tsm_status make_profile(info_device *d, const tsm_engine_options *options, const tsm_model *model,
                               const tsm_shape *shape, int runs, tsm_error *error)
{
    tsm_context *context = NULL;
    tsm_status status = tsm_engine_create(&d->engine, model, options, error);

    d->info.struct_size = sizeof d->info;
    if (status == TSM_OK) status = tsm_engine_get_info(d->engine, &d->info);
    if (status == TSM_OK) status = tsm_context_create(&context, d->engine, error);
    if (status == TSM_OK) status = tsm_context_plan(context, shape, error);
    if (status == TSM_OK) status = tsm_context_profile(context, NULL, runs, &d->profile, &d->profile_count, error);
    tsm_context_destroy(&context);
    return status;
}

tsm_status info_device_ask(info_device *d, const settings *s, const tsm_model *model, const tsm_shape *shape,
                           int runs, tsm_error *error)
{
    const tsm_engine_options options = settings_engine(s);
    tsm_status status;

    memset(d, 0, sizeof *d);
    d->asked = s->device || s->precision || s->shift || runs;
    d->profiled = runs > 0;
    if (!d->asked) return TSM_OK;
    status = tsm_model_support(model, &options, &d->support, &d->support_count, error);
    if (status == TSM_OK && runs) status = make_profile(d, &options, model, shape, runs, error);
    return status;
}

void info_device_clear(info_device *d)
{
    tsm_free(d->support);
    tsm_free(d->profile);
    tsm_engine_destroy(&d->engine);
    memset(d, 0, sizeof *d);
}

static void widen(int *width, const char *text)
{
    if ((int)strlen(text) > *width) *width = (int)strlen(text);
}

static void print_support(const info_device *d)
{
    int op = 2, layer = 5;

    for (int i = 0; i < d->support_count; i++) {
        widen(&op, d->support[i].op);
        widen(&layer, d->support[i].layer);
    }
    printf("\non %s\n%-*s  %-*s  how\n", d->support[0].device, layer, "layer", op, "op");
    for (int i = 0; i < d->support_count; i++) {
        const tsm_support_row *row = &d->support[i];

        printf("%-*s  %-*s  %s%s\n", layer, row->layer, op, row->op, row->supported ? "" : "not: ", row->how);
    }
}

static double total_ms(const info_device *d)
{
    double sum = 0;

    for (int i = 0; i < d->profile_count; i++) sum += d->profile[i].ms;
    return sum > 0 ? sum : 1e-9;
}

/* Rates beside the steps that do a layer's work. */
static void print_step(const tsm_profile_row *row, double total, int layer)
{
    const double seconds = row->ms * 1e-3;

    printf("%9.3f  %4.1f%%  %-*s  ", row->ms, 100 * row->ms / total, layer, row->layer);
    if (row->bytes && seconds > 0) {
        printf("%9.1f  %8.2f  ", (double)row->macs * 2e-9 / seconds, (double)row->bytes * 1e-9 / seconds);
    } else {
        printf("%9s  %8s  ", "-", "-");
    }
    printf("%s\n", row->how);
}

static void print_profile(const info_device *d)
{
    const double total = total_ms(d);
    int layer = 5;

    for (int i = 0; i < d->profile_count; i++) widen(&layer, d->profile[i].layer);
    printf("\nprofile     %s, %s, %d thread%s: %.3f ms, step by step\n", d->info.device, d->info.library,
           d->info.threads, d->info.threads == 1 ? "" : "s", total);
    printf("%9s  %5s  %-*s  %9s  %8s  %s\n", "ms", "share", layer, "layer", "GFLOP/s", "GB/s", "how");
    for (int i = 0; i < d->profile_count; i++) print_step(&d->profile[i], total, layer);
}

void info_device_print(const info_device *d)
{
    if (!d->asked) return;
    if (d->profiled) {
        print_profile(d);
    } else {
        print_support(d);
    }
}

/* Appends an object, which it takes over, to *list; where either could not be made the list is gone. */
static int append(json_t **list, json_t *object)
{
    if (*list && object && json_array_append_new(*list, object) == 0) return 1;
    json_decref(*list);
    *list = NULL;
    return 0;
}

json_t *info_device_support(const info_device *d)
{
    json_t *list = d->asked ? json_array() : json_null();

    for (int i = 0; i < d->support_count; i++) {
        const tsm_support_row *row = &d->support[i];

        if (!append(&list, json_pack("{s:s, s:s, s:s, s:b, s:s}", "device", row->device, "layer", row->layer, "op",
                                     row->op, "supported", row->supported, "how", row->how)))
            break;
    }
    return list;
}

json_t *info_device_profile(const info_device *d)
{
    json_t *list = d->profiled ? json_array() : json_null();
    const double total = total_ms(d);

    for (int i = 0; i < d->profile_count; i++) {
        const tsm_profile_row *row = &d->profile[i];

        if (!append(&list, json_pack("{s:s, s:s, s:f, s:f, s:I, s:I}", "layer", row->layer, "how", row->how, "ms",
                                     row->ms, "share", row->ms / total, "bytes", (json_int_t)row->bytes, "macs",
                                     (json_int_t)row->macs)))
            break;
    }
    return list;
}
