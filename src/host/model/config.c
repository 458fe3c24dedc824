/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h. */
#include "config_inputs.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Architecture ------------------------------------------------------------------------------------------ */

/* Finds an architecture that options, metadata or the file's name say; *arch is NULL where none does. */
static tsm_status named_arch(const tsm_config_inputs *in, const tsm_arch **arch, const char **source,
                             tsm_error *error)
{
    const char *name = in->options->arch;
    char names[TSM_ARCH_NAMES];

    *source = "the option";
    if (!name) {
        name = tsm_checkpoint_metadata(in->checkpoint, "arch");
        *source = "metadata";
    }
    if (!name && in->name->arch[0]) {
        name = in->name->arch;
        *source = "the file's name";
    }
    *arch = name ? tsm_arch_find(name) : NULL;
    if (!name || *arch) return TSM_OK;
    return tsm_fail(error, in->options->arch ? TSM_ERROR_ARGUMENT : TSM_ERROR_MODEL,
                    "%s says arch \"%.60s\", want %s", *source, name, tsm_arch_names(names));
}

static tsm_status no_arch(const tsm_config_inputs *in, const tsm_arch *traits, tsm_error *error)
{
    const int *blocks = traits->blocks;

    if (traits->family == &tsm_family_mobilenet)
        return tsm_fail(error, TSM_ERROR_MODEL, "has %d features: no MobileNetV2, which has %d", blocks[0],
                        TSM_INVERTED_BLOCKS + 2);
    if (!traits->family || blocks[0] == 0)
        return TSM_NOT_OK(tsm_recognise_missing(in->keys, "base_model.layer1.0.conv1.weight", NULL, 0, error));
    return tsm_fail(error, TSM_ERROR_MODEL, "its stages have %d, %d, %d and %d %sblocks: no %s%s", blocks[0],
                    blocks[1], blocks[2], blocks[3],
                    traits->family != &tsm_family_resnet ? ""
                    : traits->bottleneck                 ? "bottleneck "
                                                         : "basic ",
                    traits->family->name, traits->family == &tsm_family_resnet ? " from 18 to 152" : "");
}

static tsm_status derive_arch(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    const tsm_arch traits = tsm_recognise_traits(in->keys), *matched = tsm_arch_match(&traits), *named;
    const char *source;

    TSM_TRY_RETURN(named_arch(in, &named, &source, error));
    if (named && matched && named != matched)
        return tsm_fail(error, TSM_ERROR_MODEL, "%s says arch %s, the tensors make %s", source, named->name,
                        matched->name);
    config->arch = matched ? matched : named; /* named alone: the first tensor that is missing will be reported */
    return config->arch ? TSM_OK : no_arch(in, &traits, error);
}

static tsm_status derive_sizes(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    int said;
    bool present;

    TSM_TRY_RETURN(config->arch->family->derive(config, in->keys, error));
    TSM_TRY_RETURN(
        tsm_recognise_size(in->keys, "new_fc.weight", 2, 0, "classes", TSM_MAX_CLASSES, &config->classes, error));
    TSM_TRY_RETURN(tsm_config_integer(in, "classes", 1, TSM_MAX_CLASSES, &said, &present, error));
    if (present && said != config->classes)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata says %d classes, %.150s has %d", said,
                        tsm_keys_find(in->keys, "new_fc.weight")->tensor->name, config->classes);
    return TSM_OK;
}

static tsm_status derive_segments(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    const int named = in->name->segments >= 1 && in->name->segments <= TSM_MAX_SEGMENTS ? in->name->segments : 0;
    int assumed = 8;
    bool present;

    TSM_TRY_RETURN(tsm_config_integer(in, "assumed_segments", 1, TSM_MAX_SEGMENTS, &assumed, &present, error));
    TSM_TRY_RETURN(tsm_config_choose(in, "segments", in->options->segments, 1, TSM_MAX_SEGMENTS,
                                     named ? named : assumed, &config->segments, error));
    if (!in->options->segments && !tsm_checkpoint_metadata(in->checkpoint, "segments") && !named)
        tsm_config_doubt(config, TSM_ASSUMED_SEGMENTS, "segments: not given, %d assumed", config->segments);
    return TSM_OK;
}

/* All names of layer2 mark a temporal pool, or none. */
static tsm_status derive_temporal_pool(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    const tsm_key *marked = NULL, *plain = NULL;

    for (int i = 0; i < in->keys->count; i++) {
        const tsm_key *key = &in->keys->items[i];
        const tsm_place place = tsm_recognise_place(key->name);

        if (key->marks.tpool) marked = key;
        if (!key->marks.tpool && place.family == &tsm_family_resnet && place.stage == 1) plain = key;
    }
    if (!marked && in->name->tpool)
        return tsm_fail(error, TSM_ERROR_MODEL,
                        "the file's name says that there is a temporal pool, but no tensor name of layer2 marks one");
    if (marked && plain)
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s marks a temporal pool before layer2, %.150s does not",
                        marked->tensor->name, plain->tensor->name);
    if (marked && config->segments % 2)
        return tsm_fail(error, TSM_ERROR_MODEL,
                        "%.150s marks a temporal pool, which halves the number of segments: %d is odd",
                        marked->tensor->name, config->segments);
    config->temporal_pool = marked != NULL;
    return TSM_OK;
}

/* Three numbers, "a,b,c". Read as JSON, whose numbers do not depend on the locale. */
static tsm_status metadata_triple(const tsm_config_inputs *in, const char *key, double min, float values[3],
                                  tsm_error *error)
{
    const char *text = tsm_checkpoint_metadata(in->checkpoint, key);
    char list[160];
    json_t *array = NULL;
    bool good;

    if (!text) return TSM_OK;
    if ((size_t)snprintf(list, sizeof list, "[%s]", text) < sizeof list) array = json_loads(list, 0, NULL);
    good = json_is_array(array) && json_array_size(array) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        values[i] = (float)json_number_value(json_array_get(array, i));
        good = json_is_number(json_array_get(array, i)) && isfinite(values[i]) && values[i] >= min;
    }
    json_decref(array);
    if (good) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_MODEL, "metadata %s is \"%.100s\", want three %snumbers \"a,b,c\"", key, text,
                    min > 0 ? "positive " : "");
}

static tsm_status derive_input(const tsm_config_inputs *in, tsm_model_config *config, tsm_error *error)
{
    static const float rgb_mean[3] = { .485f, .456f, .406f }, rgb_std[3] = { .229f, .224f, .225f };

    TSM_TRY_RETURN(tsm_config_choose(in, "input_size", in->options->input_size, 1, TSM_MAX_INPUT_SIZE, 224,
                                     &config->input_size, error));
    config->scale_size = config->input_size * 256 / 224;
    if (config->in_channels != 3 && config->in_channels != 10 && !tsm_checkpoint_metadata(in->checkpoint, "mean"))
        tsm_config_doubt(config, TSM_ASSUMED_MEAN,
                         "mean, std: not given for %d channels, those of optical flow assumed", config->in_channels);
    for (int i = 0; i < 3; i++) {
        config->mean[i] = config->in_channels == 3 ? rgb_mean[i] : .5f;
        config->std[i] = config->in_channels == 3 ? rgb_std[i] : .226f;
    }
    TSM_TRY_RETURN(metadata_triple(in, "mean", -HUGE_VAL, config->mean, error));
    return metadata_triple(in, "std", 1e-6, config->std, error);
}

/* A file that was made of one set of weights out of several does not know whether it was the right one. */
static void derive_weights(const tsm_config_inputs *in, tsm_model_config *config)
{
    const char *taken = tsm_checkpoint_metadata(in->checkpoint, "assumed_weights");

    if (taken)
        tsm_config_doubt(config, TSM_ASSUMED_WEIGHTS, "weights: there were several that fit, \"%.60s\" taken", taken);
}

tsm_status tsm_config_derive(tsm_model_config *config, const tsm_keys *keys, const tsm_checkpoint *checkpoint,
                             const tsm_filename *name, const tsm_model_options *options, tsm_error *error)
{
    const tsm_config_inputs in = { keys, checkpoint, name, options };

    *config = (tsm_model_config){ 0 };
    if (keys->count == 0) return tsm_fail(error, TSM_ERROR_MODEL, "holds no tensors");
    TSM_TRY_RETURN(derive_arch(&in, config, error));
    TSM_TRY_RETURN(derive_sizes(&in, config, error));
    TSM_TRY_RETURN(derive_segments(&in, config, error));
    TSM_TRY_RETURN(tsm_config_derive_nonlocal(&in, config, error));
    TSM_TRY_RETURN(derive_temporal_pool(&in, config, error));
    TSM_TRY_RETURN(tsm_config_derive_shift(&in, config, error));
    TSM_TRY_RETURN(derive_input(&in, config, error));
    derive_weights(&in, config);
    return TSM_OK;
}
