/* SPDX-License-Identifier: Apache-2.0 */
/* mobileone_writer.h - MobileOnes of few channels for tests, with the tensor names of mmaction2, as they are trained
 * and as they are deployed. */
#ifndef TSM_TESTS_MOBILEONE_WRITER_H
#define TSM_TESTS_MOBILEONE_WRITER_H

#include "checkpoint_writer.h"
#include "model/model.h"

#define MOBILEONE_BLOCKS 43

static const int mobileone_pairs[5] = { 0, 2, 8, 10, 1 };

/* A network to write; its tensors have the names of mmaction2. */
typedef struct written_mobileone {
    int channels[5]; /* of the stages */
    int branches;
    int squeezing; /* pairs at the end of stage3 and stage4 that squeeze and excite, at most */
    bool plain;    /* nothing is marked as shifted */
} written_mobileone;

/* In stages 1 to 3 a 1x1 block keeps its channels, and so has a batch norm alone. */
static const written_mobileone small = { { 5, 6, 6, 6, 9 }, 1, 5, false };
static const written_mobileone like_s0 = { { 4, 4, 7, 6, 8 }, 4, 0, false };

typedef struct mobileone_block {
    char name[64];  /* "backbone.stage1.0.net" */
    char layer[64]; /* "base_model.stage1.0" */
    int in, out, kernel, stride, groups;
    bool squeezes;
} mobileone_block;

static inline void list_blocks(const written_mobileone *net, mobileone_block blocks[MOBILEONE_BLOCKS])
{
    const char *mark = net->plain ? "" : ".net";
    int channels = net->channels[0], count = 1;

    blocks[0] = (mobileone_block){ .in = 3, .out = channels, .kernel = 3, .stride = 2, .groups = 1 };
    snprintf(blocks[0].name, sizeof blocks[0].name, "backbone.stage0%s", mark);
    strcpy(blocks[0].layer, "base_model.stage0");
    for (int stage = 1; stage <= 4; stage++)
        for (int i = 0; i < 2 * mobileone_pairs[stage]; i++) {
            mobileone_block *b = &blocks[count++];

            *b = (mobileone_block){
                .in = channels, .out = channels, .kernel = 3, .stride = i ? 1 : 2, .groups = channels
            };
            if (i % 2) {
                b->kernel = b->groups = 1;
                b->out = channels = net->channels[stage];
            }
            b->squeezes = stage >= 3 && mobileone_pairs[stage] - i / 2 <= net->squeezing;
            snprintf(b->name, sizeof b->name, "backbone.stage%d.%d%s", stage, i, mark);
            snprintf(b->layer, sizeof b->layer, "base_model.stage%d.%d", stage, i);
        }
    ck_assert_int_eq(count, MOBILEONE_BLOCKS);
}

/* ---- Writing ----------------------------------------------------------------------------------------------- */

static inline void add_branch(checkpoint_writer *writer, const mobileone_block *b, const char *branch, int kernel)
{
    char name[128];

    written_name(name, "%s.%s.conv", b->name, branch);
    writer_add_conv(writer, name, b->out, b->in / b->groups, kernel);
    written_name(name, "%s.%s.norm", b->name, branch);
    writer_add_batchnorm(writer, name, b->out);
}

static inline void add_biased(checkpoint_writer *writer, const char *name, int64_t out, int64_t in)
{
    char bias[128];

    writer_add_conv(writer, name, out, in, 1);
    written_name(bias, "%s.bias", name);
    writer_add(writer, bias, 0, .5f, 1, &out);
}

static inline void add_squeeze(checkpoint_writer *writer, const mobileone_block *b)
{
    const int squeezed = b->out / 4 + 1;
    char name[128];

    if (!b->squeezes) return;
    written_name(name, "%s.se.conv1.conv", b->name);
    add_biased(writer, name, squeezed, b->out);
    written_name(name, "%s.se.conv2.conv", b->name);
    add_biased(writer, name, b->out, squeezed);
}

static inline void add_trained(checkpoint_writer *writer, const written_mobileone *net, const mobileone_block *b)
{
    char name[128];

    if (b->in == b->out && b->stride == 1) {
        written_name(name, "%s.branch_norm", b->name);
        writer_add_batchnorm(writer, name, b->out);
    }
    if (b->kernel == 3) add_branch(writer, b, "branch_scale", 1);
    for (int i = 0; i < net->branches; i++) {
        snprintf(name, sizeof name, "branch_conv_list.%d", i);
        add_branch(writer, b, name, b->kernel);
    }
    add_squeeze(writer, b);
}

static inline void add_classifier(checkpoint_writer *writer, const written_mobileone *net)
{
    writer_add(writer, "cls_head.fc_cls.weight", 0, 1, 2, (int64_t[]){ 7, net->channels[4] });
    writer_add(writer, "cls_head.fc_cls.bias", 0, 1, 1, (int64_t[]){ 7 });
}

static inline checkpoint_writer write_trained(const written_mobileone *net)
{
    checkpoint_writer writer = { .metadata = "\"shift_div\":\"4\"" };
    mobileone_block blocks[MOBILEONE_BLOCKS];

    list_blocks(net, blocks);
    for (int i = 0; i < MOBILEONE_BLOCKS; i++) add_trained(&writer, net, &blocks[i]);
    add_classifier(&writer, net);
    return writer;
}

static inline tsm_model *load(const checkpoint_writer *writer, const tsm_model_options *options)
{
    tsm_error error;
    tsm_model *model = NULL;

    assert_ok(writer_load(writer, &model, options, &error), &error);
    return model;
}

static inline tsm_model *load_network(const written_mobileone *net)
{
    checkpoint_writer writer = write_trained(net);
    tsm_model *model = load(&writer, NULL);

    writer_clear(&writer);
    return model;
}

static const tsm_layer *find_layer(const tsm_model *model, const char *prefix, const char *layer)
{
    char name[128];

    written_name(name, "%s.%s", prefix, layer);
    for (int i = 0; i < model->layer_count; i++)
        if (strcmp(model->layers[i].name, name) == 0) return &model->layers[i];
    ck_abort_msg("the model has no layer %s", name);
    return NULL;
}

static inline void add_weight(checkpoint_writer *writer, const char *name, const tsm_weight *weight, int ndim,
                              const int64_t *dims)
{
    written_tensor *tensor = writer_add(writer, name, 0, 0, ndim, dims);

    ck_assert_int_eq(written_count(tensor), weight->count);
    tsm_numbers_to_float(weight->data, weight->dtype, weight->count, tensor->values);
}

static inline void add_merged(checkpoint_writer *writer, const tsm_model *model, const char *name, const char *layer)
{
    const tsm_layer *l = find_layer(model, layer, "branch_reparam");
    char full[128];

    written_name(full, "%s.branch_reparam.weight", name);
    add_weight(writer, full, &l->tensors[TSM_WEIGHT], 4,
               (int64_t[]){ l->out, l->in / l->groups, l->kernel, l->kernel });
    written_name(full, "%s.branch_reparam.bias", name);
    add_weight(writer, full, &l->tensors[TSM_BIAS], 1, (int64_t[]){ l->out });
}

/* As mmaction2 deploys a network. */
static inline checkpoint_writer write_merged(const written_mobileone *net, const tsm_model *model)
{
    checkpoint_writer writer = { .metadata = "\"shift_div\":\"4\"" };
    mobileone_block blocks[MOBILEONE_BLOCKS];

    list_blocks(net, blocks);
    for (int i = 0; i < MOBILEONE_BLOCKS; i++) {
        add_merged(&writer, model, blocks[i].name, blocks[i].layer);
        add_squeeze(&writer, &blocks[i]);
    }
    add_classifier(&writer, net);
    return writer;
}

#endif
