/* config.c - see config.h. */
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mobilenet.h"

/* Everything a derivation looks at. */
typedef struct evidence {
    const tsm_keys *keys;
    const tsm_checkpoint *checkpoint;
    const tsm_filename *name;
    const tsm_model_options *options;
} evidence;

/* A metadata integer; *present is false, and *value untouched, where the key is absent. */
static tsm_status metadata_integer(const evidence *e, const char *key, int min, int max, int *value, bool *present,
                                   tsm_error *error)
{
    const char *text = tsm_checkpoint_metadata(e->checkpoint, key);
    int64_t number = 0;
    size_t digits = text ? strspn(text, "0123456789") : 0;

    *present = text != NULL;
    if (!text) return TSM_OK;
    for (size_t i = 0; i < digits && i < 10; i++) number = number * 10 + (text[i] - '0');
    if (digits == 0 || digits > 10 || text[digits] || number < min || number > max)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata %s is \"%.40s\", want a number from %d to %d", key, text,
                        min, max);
    *value = (int)number;
    return TSM_OK;
}

/* options, else metadata, else the fallback. */
static tsm_status choose_integer(const evidence *e, const char *key, int option, int min, int max, int fallback,
                                 int *value, tsm_error *error)
{
    bool present;

    *value = fallback;
    TSM_TRY_RETURN(metadata_integer(e, key, min, max, value, &present, error));
    if (option == 0) return TSM_OK;
    if (option < min || option > max)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option %s is %d, want %d to %d", key, option, min, max);
    *value = option;
    return TSM_OK;
}

/* Finds an architecture that options or metadata name; *arch is NULL where they name none. */
static tsm_status named_arch(const evidence *e, const tsm_arch **arch, const char **source, tsm_error *error)
{
    const char *name = e->options->arch;

    *source = "the option";
    if (!name) {
        name = tsm_checkpoint_metadata(e->checkpoint, "arch");
        *source = "metadata";
    }
    *arch = name ? tsm_arch_find(name) : NULL;
    if (!name || *arch) return TSM_OK;
    return tsm_fail(error, e->options->arch ? TSM_ERROR_ARGUMENT : TSM_ERROR_MODEL,
                    "%s says arch \"%.60s\", want resnet18, resnet34, resnet50, resnet101, resnet152 or mobilenetv2",
                    *source, name);
}

/* The blocks of every stage; blocks[TSM_STAGES] are MobileNetV2's features. */
static void count_blocks(const tsm_keys *keys, int blocks[TSM_STAGES + 1])
{
    memset(blocks, 0, (TSM_STAGES + 1) * sizeof *blocks);
    for (int i = 0; i < keys->count; i++) {
        const tsm_key *key = &keys->items[i];

        if (key->stage >= 0 && key->block >= blocks[key->stage]) blocks[key->stage] = key->block + 1;
    }
}

static tsm_status no_arch(const evidence *e, const int blocks[TSM_STAGES + 1], bool bottleneck, tsm_error *error)
{
    if (blocks[TSM_STAGES])
        return tsm_fail(error, TSM_ERROR_MODEL, "has %d features: no MobileNetV2, which has %d", blocks[TSM_STAGES],
                        TSM_INVERTED_BLOCKS + 2);
    if (blocks[0] == 0) return tsm_keys_missing(e->keys, "base_model.layer1.0.conv1.weight", NULL, 0, error);
    return tsm_fail(error, TSM_ERROR_MODEL, "its stages have %d, %d, %d and %d %s blocks: no ResNet from 18 to 152",
                    blocks[0], blocks[1], blocks[2], blocks[3], bottleneck ? "bottleneck" : "basic");
}

static tsm_status derive_arch(const evidence *e, tsm_model_config *config, tsm_error *error)
{
    bool bottleneck = tsm_keys_find(e->keys, "base_model.layer1.0.conv3.weight") != NULL;
    int blocks[TSM_STAGES + 1];
    const tsm_arch *named, *matched;
    const char *source;

    count_blocks(e->keys, blocks);
    matched = tsm_arch_match(blocks, bottleneck, blocks[TSM_STAGES]);
    TSM_TRY_RETURN(named_arch(e, &named, &source, error));
    if (named && matched && named != matched)
        return tsm_fail(error, TSM_ERROR_MODEL, "%s says arch %s, the tensors make %s", source, named->name,
                        matched->name);
    config->arch = matched ? matched : named; /* named alone: the first tensor that is missing will be reported */
    return config->arch ? TSM_OK : no_arch(e, blocks, bottleneck, error);
}

static tsm_status derive_sizes(const evidence *e, tsm_model_config *config, tsm_error *error)
{
    const char *stem = config->arch->features ? "base_model.features.0.0.weight" : "base_model.conv1.weight";
    int said;
    bool present;

    TSM_TRY_RETURN(tsm_keys_size(e->keys, stem, 4, 0, "output channels", TSM_MAX_WIDTH, &config->width, error));
    TSM_TRY_RETURN(
        tsm_keys_size(e->keys, stem, 4, 1, "input channels", TSM_MAX_CHANNELS, &config->in_channels, error));
    TSM_TRY_RETURN(
        tsm_keys_size(e->keys, "new_fc.weight", 2, 0, "classes", TSM_MAX_CLASSES, &config->classes, error));
    TSM_TRY_RETURN(metadata_integer(e, "classes", 1, TSM_MAX_CLASSES, &said, &present, error));
    if (present && said != config->classes)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata says %d classes, %.150s has %d", said,
                        tsm_keys_find(e->keys, "new_fc.weight")->tensor->name, config->classes);
    return config->arch->features ? tsm_mobilenet_derive(config, e->keys, error) : TSM_OK;
}

/* What the names mark as shifted: the place, and a key to name in errors (NULL: nothing is marked). */
static tsm_status find_marks(const evidence *e, tsm_shift_place *place, const tsm_key **marked, tsm_error *error)
{
    *marked = NULL;
    *place = TSM_PLACE_FROM_FILE;
    for (int i = 0; i < e->keys->count; i++) {
        const tsm_key *key = &e->keys->items[i];

        if (key->marks.shift == TSM_PLACE_FROM_FILE) continue;
        if (!*marked) *marked = key;
        *place = (*marked)->marks.shift;
        if (key->marks.shift != *place)
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s marks one placement of the shift, %.150s the other",
                            (*marked)->tensor->name, key->tensor->name);
    }
    return TSM_OK;
}

/* Marks must be where the architecture shifts, and nowhere else. */
static tsm_status check_marks(const evidence *e, const tsm_model_config *config, tsm_shift_place place,
                              tsm_error *error)
{
    const char *first = config->arch->features ? ".conv.0." : ".conv1.";

    for (int i = 0; i < e->keys->count; i++) {
        const tsm_key *key = &e->keys->items[i];
        bool wanted = tsm_config_shifts(config, place, key->stage, key->block);

        /* In blockres only the first convolution of a block carries a mark. */
        if (place == TSM_PLACE_BLOCKRES && !strstr(key->name, first)) wanted = false;
        if (wanted != (key->marks.shift != TSM_PLACE_FROM_FILE))
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s %s, which is not how %s shifts", key->tensor->name,
                            wanted ? "is not marked as shifted" : "is marked as shifted", config->arch->name);
    }
    return TSM_OK;
}

static const char *place_name(tsm_shift_place place)
{
    return place == TSM_PLACE_BLOCK ? "block" : "blockres";
}

static tsm_status metadata_place(const evidence *e, tsm_shift_place *place, tsm_error *error)
{
    const char *text = tsm_checkpoint_metadata(e->checkpoint, "shift_place");

    *place = TSM_PLACE_FROM_FILE;
    if (!text) return TSM_OK;
    if (strcmp(text, "blockres") == 0)
        *place = TSM_PLACE_BLOCKRES;
    else if (strcmp(text, "block") == 0)
        *place = TSM_PLACE_BLOCK;
    else
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata shift_place is \"%.40s\", want blockres or block", text);
    return TSM_OK;
}

static tsm_status derive_place(const evidence *e, tsm_model_config *config, const tsm_key *marked,
                               tsm_shift_place marks, tsm_error *error)
{
    tsm_shift_place said, option = e->options->shift_place, named = e->name->place;

    if (option != TSM_PLACE_FROM_FILE && option != TSM_PLACE_BLOCKRES && option != TSM_PLACE_BLOCK)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option shift_place is %d, want blockres (%d) or block (%d)",
                        (int)option, TSM_PLACE_BLOCKRES, TSM_PLACE_BLOCK);
    TSM_TRY_RETURN(metadata_place(e, &said, error));
    if (marked && said != TSM_PLACE_FROM_FILE && said != marks)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata says shift_place %s, %.150s marks %s", place_name(said),
                        marked->tensor->name, place_name(marks));
    if (!option && marked && named && named != marks)
        return tsm_fail(error, TSM_ERROR_MODEL, "the file's name says shift_place %s, %.150s marks %s",
                        place_name(named), marked->tensor->name, place_name(marks));
    config->shift_place = option ? option : marked ? marks : said ? said : named ? named : TSM_PLACE_BLOCKRES;
    if (config->arch->features && config->shift_place == TSM_PLACE_BLOCK)
        return tsm_fail(error, option ? TSM_ERROR_ARGUMENT : TSM_ERROR_MODEL,
                        "shift_place is block, but %s shifts in blockres only", config->arch->name);
    return TSM_OK;
}

/* All names of layer2 mark a temporal pool, or none. */
static tsm_status derive_temporal_pool(const evidence *e, tsm_model_config *config, tsm_error *error)
{
    const tsm_key *marked = NULL, *plain = NULL;

    for (int i = 0; i < e->keys->count; i++) {
        const tsm_key *key = &e->keys->items[i];

        if (key->marks.tpool) marked = key;
        if (key->stage == 1 && !key->marks.tpool) plain = key;
    }
    if (marked && plain)
        return tsm_fail(error, TSM_ERROR_MODEL, "%.150s marks a temporal pool before layer2, %.150s does not",
                        marked->tensor->name, plain->tensor->name);
    if (marked && config->segments % 2)
        return tsm_fail(error, TSM_ERROR_MODEL,
                        "%.150s marks a temporal pool, which %d segments cannot be halved for", marked->tensor->name,
                        config->segments);
    config->temporal_pool = marked != NULL;
    return TSM_OK;
}

static tsm_status derive_shift(const evidence *e, tsm_model_config *config, tsm_error *error)
{
    const tsm_key *marked;
    tsm_shift_place marks;
    int option = e->options->shift_div, said = 0;
    bool present;

    if (option < 0 || option > TSM_MAX_SHIFT_DIV)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "option shift_div is %d, want 1 to %d", option, TSM_MAX_SHIFT_DIV);
    TSM_TRY_RETURN(find_marks(e, &marks, &marked, error));
    TSM_TRY_RETURN(derive_place(e, config, marked, marks, error));
    if (marked) TSM_TRY_RETURN(check_marks(e, config, marks, error));
    TSM_TRY_RETURN(metadata_integer(e, "shift_div", 0, TSM_MAX_SHIFT_DIV, &said, &present, error));
    if (present && said == 0 && marked && !option && !e->options->no_shift)
        return tsm_fail(error, TSM_ERROR_MODEL, "metadata says shift_div 0 (no shift), %.150s is marked as shifted",
                        marked->tensor->name);
    config->shift_div = option ? option : present ? said : e->name->shift_div ? e->name->shift_div : marked ? 8 : 0;
    if (e->options->no_shift) config->shift_div = 0;
    return TSM_OK;
}

/* Three numbers, "a,b,c". Read as JSON, whose numbers do not depend on the locale. */
static tsm_status metadata_triple(const evidence *e, const char *key, double min, float values[3], tsm_error *error)
{
    const char *text = tsm_checkpoint_metadata(e->checkpoint, key);
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

static tsm_status derive_input(const evidence *e, tsm_model_config *config, tsm_error *error)
{
    static const float rgb_mean[3] = { .485f, .456f, .406f }, rgb_std[3] = { .229f, .224f, .225f };

    TSM_TRY_RETURN(choose_integer(e, "input_size", e->options->input_size, 1, TSM_MAX_INPUT_SIZE, 224,
                                  &config->input_size, error));
    config->scale_size = config->input_size * 256 / 224;
    for (int i = 0; i < 3; i++) {
        config->mean[i] = config->in_channels == 3 ? rgb_mean[i] : .5f;
        config->std[i] = config->in_channels == 3 ? rgb_std[i] : .226f;
    }
    TSM_TRY_RETURN(metadata_triple(e, "mean", -HUGE_VAL, config->mean, error));
    return metadata_triple(e, "std", 1e-6, config->std, error);
}

tsm_status tsm_config_derive(tsm_model_config *config, const tsm_keys *keys, const tsm_checkpoint *checkpoint,
                             const tsm_filename *name, const tsm_model_options *options, tsm_error *error)
{
    const evidence e = { keys, checkpoint, name, options };
    int segments = name->segments >= 1 && name->segments <= TSM_MAX_SEGMENTS ? name->segments : 8;

    *config = (tsm_model_config){ 0 };
    if (keys->count == 0) return tsm_fail(error, TSM_ERROR_MODEL, "holds no tensors");
    TSM_TRY_RETURN(derive_arch(&e, config, error));
    TSM_TRY_RETURN(derive_sizes(&e, config, error));
    TSM_TRY_RETURN(
        choose_integer(&e, "segments", options->segments, 1, TSM_MAX_SEGMENTS, segments, &config->segments, error));
    TSM_TRY_RETURN(derive_temporal_pool(&e, config, error));
    TSM_TRY_RETURN(derive_shift(&e, config, error));
    return derive_input(&e, config, error);
}
