/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - loading a checkpoint into a model. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "bind.h"
#include "choose.h"
#include "config_inputs.h"
#include "info.h"

static tsm_status read_labels(tsm_model *model, const tsm_model_options *options, tsm_error *error)
{
    const char *text = options->labels ? options->labels : tsm_checkpoint_metadata(model->checkpoint, "labels");
    tsm_status status = text ? tsm_labels_parse(&model->labels, text, model->config.classes, error) : TSM_OK;

    if (status == TSM_OK || !options->labels || !options->labels_name) return status;
    return tsm_error_prefix(error, status, options->labels_name);
}

/* Selects the weights; what there were besides goes to info. */
static tsm_status choose_weights(tsm_model *model, const tsm_filename *said, const tsm_model_options *options,
                                 bool *doubtful, tsm_error *error)
{
    tsm_choice choice;

    *doubtful = false;
    TSM_TRY_RETURN(tsm_choose_weights(&choice, model->checkpoint, said, options, error));
    model->other_weights = choice.others;
    *doubtful = choice.doubtful;
    return TSM_OK;
}

/* Adds averages beside the weights to the sets that could have been taken. */
static tsm_status offer_averages(tsm_model *model, const tsm_keys *keys, const tsm_model_options *options,
                                 tsm_error *error)
{
    const char *others = model->other_weights ? model->other_weights : "";
    const size_t room = strlen(others) + sizeof "\n" TSM_AVERAGES;
    char *text;

    if (options->weights_key || keys->left_out[TSM_BOOK_EMA] < keys->count) return TSM_OK;
    text = tsm_alloc_zero(room, 1);
    if (!text) return tsm_fail_memory(error, room);
    snprintf(text, room, "%s%s" TSM_AVERAGES, others, *others ? "\n" : "");
    tsm_free(model->other_weights);
    model->other_weights = text;
    return TSM_OK;
}

/* Moves what the outline has made into the model; layers that were merged refer to their config. */
static void take_network(tsm_model *model, tsm_outline *outline)
{
    model->config = outline->config;
    for (int i = 0; i < outline->layer_count; i++) {
        const tsm_mobileone *block = outline->layers[i].merged;

        if (block) outline->layers[i].merged = model->config.mobileone + (block - outline->config.mobileone);
    }
    model->layers = outline->layers;
    model->layer_count = outline->layer_count;
    outline->layers = NULL;
}

/* From a checkpoint to a network whose every layer has its weights. */
static tsm_status understand(tsm_model *model, const char *name, const tsm_model_options *options, tsm_error *error)
{
    const tsm_filename said = tsm_filename_parse(name);
    const tsm_cancel cancel = { options->cancel, options->cancel_user };
    tsm_checkpoint *checkpoint = model->checkpoint;
    tsm_outline outline = { 0 };
    tsm_status status;
    bool doubtful;

    TSM_TRY(tsm_cancel_check(&cancel, error));
    TSM_TRY(choose_weights(model, &said, options, &doubtful, error));
    TSM_TRY(tsm_outline_make(&outline, checkpoint, &said, options, error));
    if (doubtful)
        tsm_config_doubt(&outline.config, TSM_ASSUMED_WEIGHTS, "weights: several fit, those under \"%.60s\" taken",
                         checkpoint->sets[checkpoint->set]);
    TSM_TRY(tsm_layers_bind(outline.layers, outline.layer_count, &outline.keys, &cancel, error));
    TSM_TRY(offer_averages(model, &outline.keys, options, error));
    take_network(model, &outline);
    TSM_TRY(read_labels(model, options, error));
    TSM_TRY(tsm_model_fill_info(model, &outline.keys, error));
fail:
    tsm_outline_clear(&outline);
    tsm_checkpoint_settle(checkpoint);
    return status;
}

/* Takes the checkpoint over, whatever comes of it. */
static tsm_status make_model(tsm_model **model, tsm_checkpoint *checkpoint, const char *name,
                             const tsm_model_options *options, tsm_error *error)
{
    tsm_model *made = tsm_alloc_zero(1, sizeof *made);
    tsm_status status;

    if (!made) {
        tsm_checkpoint_destroy(&checkpoint);
        return tsm_fail_memory(error, sizeof *made);
    }
    made->checkpoint = checkpoint;
    TSM_TRY(understand(made, name, options, error));
    *model = made;
    return TSM_OK;
fail:
    tsm_model_destroy(&made);
    return status;
}

tsm_status tsm_model_load(tsm_model **model, const char *path, const tsm_model_options *options, tsm_error *error)
{
    tsm_model_options own;
    tsm_checkpoint *checkpoint;
    tsm_status status;

    if (!model || !path)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_model_load: %s is NULL", model ? "path" : "model");
    *model = NULL;
    TSM_TRY_RETURN(tsm_options_read(&own, sizeof own, options, "tsm_model_options", error));
    status = tsm_checkpoint_read_file(&checkpoint, path, &(tsm_cancel){ own.cancel, own.cancel_user }, error);
    if (status == TSM_OK) status = make_model(model, checkpoint, path, &own, error);
    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, path);
}

tsm_status tsm_model_load_memory(tsm_model **model, const void *data, size_t bytes, const char *name,
                                 const tsm_model_options *options, tsm_error *error)
{
    tsm_model_options own;
    tsm_checkpoint *checkpoint;
    tsm_status status;

    if (!model || (!data && bytes))
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "tsm_model_load_memory: %s is NULL", model ? "data" : "model");
    *model = NULL;
    TSM_TRY_RETURN(tsm_options_read(&own, sizeof own, options, "tsm_model_options", error));
    if (!name) name = "model in memory";
    status = tsm_checkpoint_read_memory(&checkpoint, data, bytes, error);
    if (status == TSM_OK) status = make_model(model, checkpoint, name, &own, error);
    return status == TSM_OK ? TSM_OK : tsm_error_prefix(error, status, name);
}

void tsm_model_destroy(tsm_model **model)
{
    tsm_model *m = model ? *model : NULL;

    if (!m) return;
    tsm_layers_destroy(&m->layers, m->layer_count);
    tsm_labels_clear(&m->labels);
    tsm_free(m->other_weights);
    tsm_free(m->prefix);
    tsm_checkpoint_destroy(&m->checkpoint);
    tsm_free(m);
    *model = NULL;
}
