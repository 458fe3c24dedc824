/* arch.c - see arch.h. */
#include "arch.h"

#include <stdio.h>
#include <string.h>

const tsm_arch tsm_archs[] = {
    { "resnet18", { 2, 2, 2, 2 }, false, 0 },
    { "resnet34", { 3, 4, 6, 3 }, false, 0 },
    { "resnet50", { 3, 4, 6, 3 }, true, 0 },
    { "resnet101", { 3, 4, 23, 3 }, true, 0 },
    { "resnet152", { 3, 8, 36, 3 }, true, 0 },
    { "mobilenetv2", { 0 }, false, TSM_INVERTED_BLOCKS + 2 },
    { NULL, { 0 }, false, 0 },
};

const char *const tsm_layer_suffixes[TSM_LAYER_TENSORS] = { "weight", "bias", "running_mean", "running_var" };

const tsm_arch *tsm_arch_find(const char *name)
{
    for (const tsm_arch *arch = tsm_archs; arch->name; arch++)
        if (strcmp(arch->name, name) == 0) return arch;
    return NULL;
}

const tsm_arch *tsm_arch_match(const int blocks[TSM_STAGES], bool bottleneck, int features)
{
    for (const tsm_arch *arch = tsm_archs; arch->name; arch++)
        if (arch->bottleneck == bottleneck && arch->features == features &&
            memcmp(arch->blocks, blocks, sizeof arch->blocks) == 0)
            return arch;
    return NULL;
}

bool tsm_arch_shifts(const tsm_arch *arch, tsm_shift_place place, int index)
{
    int round = place == TSM_PLACE_BLOCKRES && arch->blocks[2] >= 23 ? 2 : 1;

    return index % round == 0;
}

bool tsm_config_shifts(const tsm_model_config *config, tsm_shift_place place, int stage, int block)
{
    if (stage >= 0 && stage < TSM_STAGES) return tsm_arch_shifts(config->arch, place, block);
    if (stage != TSM_STAGES || block < 1 || block > TSM_INVERTED_BLOCKS) return false;
    return config->inverted[block - 1].expands && config->inverted[block - 1].residual;
}

int tsm_arch_channels(const tsm_arch *arch, int width, int stage)
{
    return (width << stage) * (arch->bottleneck ? 4 : 1);
}

/* Where the list stands. */
typedef struct lister {
    tsm_layer *layers;
    int count;
    char prefix[48]; /* "base_model.layer1.0." */
} lister;

static void add_conv(lister *l, const char *name, int in, int out, int kernel, int stride)
{
    tsm_layer *layer = &l->layers[l->count++];

    layer->kind = TSM_LAYER_CONV;
    snprintf(layer->name, sizeof layer->name, "%s%s", l->prefix, name);
    layer->in = in;
    layer->out = out;
    layer->kernel = kernel;
    layer->stride = stride;
    layer->pad = kernel / 2;
    layer->groups = 1;
}

static void add_batchnorm(lister *l, const char *name, int channels)
{
    tsm_layer *layer = &l->layers[l->count++];

    layer->kind = TSM_LAYER_BATCHNORM;
    snprintf(layer->name, sizeof layer->name, "%s%s", l->prefix, name);
    layer->in = layer->out = channels;
    layer->groups = 1;
}

/* The downsample stands before the last convolution: that one can then take the identity as its residual, while the
 * block's input has not been kept for longer than needed. */
static void add_block(lister *l, bool bottleneck, int in, int width, int stride)
{
    int out = bottleneck ? width * 4 : width;

    add_conv(l, "conv1", in, width, bottleneck ? 1 : 3, bottleneck ? 1 : stride);
    add_batchnorm(l, "bn1", width);
    if (bottleneck) {
        add_conv(l, "conv2", width, width, 3, stride);
        add_batchnorm(l, "bn2", width);
    }
    if (stride != 1 || in != out) {
        add_conv(l, "downsample.0", in, out, 1, stride);
        add_batchnorm(l, "downsample.1", out);
        l->layers[l->count - 2].identity = l->layers[l->count - 1].identity = true;
    }
    add_conv(l, bottleneck ? "conv3" : "conv2", width, out, bottleneck ? 1 : 3, 1);
    add_batchnorm(l, bottleneck ? "bn3" : "bn2", out);
}

static int add_resnet(lister *l, const tsm_model_config *config)
{
    const tsm_arch *arch = config->arch;
    int channels = config->width;

    add_conv(l, "conv1", config->in_channels, channels, 7, 2);
    add_batchnorm(l, "bn1", channels);
    for (int stage = 0; stage < TSM_STAGES; stage++)
        for (int index = 0; index < arch->blocks[stage]; index++) {
            snprintf(l->prefix, sizeof l->prefix, "base_model.layer%d.%d.", stage + 1, index);
            add_block(l, arch->bottleneck, channels, config->width << stage, stage > 0 && index == 0 ? 2 : 1);
            channels = tsm_arch_channels(arch, config->width, stage);
        }
    return channels;
}

/* Activations have numbers in the release's sequences too: a convolution is number 0, 3 or 6, its batch norm the
 * next. */
static void add_conv_norm(lister *l, int number, int in, int out, int kernel, int stride)
{
    char name[12];

    snprintf(name, sizeof name, "%d", number);
    add_conv(l, name, in, out, kernel, stride);
    snprintf(name, sizeof name, "%d", number + 1);
    add_batchnorm(l, name, out);
}

static int add_mobilenet(lister *l, const tsm_model_config *config)
{
    strcpy(l->prefix, "base_model.features.0.");
    add_conv_norm(l, 0, config->in_channels, config->width, 3, 2);
    for (int i = 0; i < TSM_INVERTED_BLOCKS; i++) {
        const tsm_inverted *block = &config->inverted[i];
        int number = block->expands ? 3 : 0;

        snprintf(l->prefix, sizeof l->prefix, "base_model.features.%d.conv.", i + 1);
        if (block->expands) add_conv_norm(l, 0, block->in, block->hidden, 1, 1);
        add_conv_norm(l, number, block->hidden, block->hidden, 3, block->stride);
        l->layers[l->count - 2].groups = block->hidden;
        add_conv_norm(l, number + 3, block->hidden, block->out, 1, 1);
    }
    snprintf(l->prefix, sizeof l->prefix, "base_model.features.%d.", TSM_INVERTED_BLOCKS + 1);
    add_conv_norm(l, 0, config->inverted[TSM_INVERTED_BLOCKS - 1].out, config->last_channels, 1, 1);
    return config->last_channels;
}

tsm_status tsm_arch_layers(const tsm_model_config *config, tsm_layer **layers, int *count, tsm_error *error)
{
    const tsm_arch *arch = config->arch;
    lister l = { .prefix = "base_model." };
    int blocks = arch->features, channels;

    for (int stage = 0; stage < TSM_STAGES; stage++) blocks += arch->blocks[stage];
    l.layers = tsm_alloc_zero((size_t)blocks * 8 + 3, sizeof *l.layers); /* at most 4 conv + 4 bn a block */
    if (!l.layers) return tsm_fail_memory(error, ((size_t)blocks * 8 + 3) * sizeof *l.layers);
    channels = arch->features ? add_mobilenet(&l, config) : add_resnet(&l, config);
    l.prefix[0] = '\0';
    add_conv(&l, "new_fc", channels, config->classes, 1, 1);
    l.layers[l.count - 1].kind = TSM_LAYER_FC;
    *layers = l.layers;
    *count = l.count;
    return TSM_OK;
}

bool tsm_layer_has(const tsm_layer *layer, int which)
{
    switch (layer->kind) {
    case TSM_LAYER_CONV: return which == TSM_WEIGHT;
    case TSM_LAYER_FC: return which == TSM_WEIGHT || which == TSM_BIAS;
    case TSM_LAYER_BATCHNORM: return true;
    }
    return false;
}

int tsm_layer_dims(const tsm_layer *layer, int which, int64_t dims[4])
{
    dims[0] = layer->out;
    dims[1] = layer->in / layer->groups;
    dims[2] = dims[3] = layer->kernel;
    if (which != TSM_WEIGHT || layer->kind == TSM_LAYER_BATCHNORM) return 1;
    return layer->kind == TSM_LAYER_FC ? 2 : 4;
}
