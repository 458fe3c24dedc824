/* SPDX-License-Identifier: Apache-2.0 */
/* test_resnext.c - ResNets whose bottlenecks have groups (ResNeXt) or more channels (wide ResNets), as torchvision
 * and the MIT release would name them, as TSM and as TSN. */
#include "checkpoint_writer.h"
#include "engines.h"
#include "model/model.h"

#define T    4
#define SIDE 40

static tsm_error error;

static const written_network networks[] = {
    { .arch = "resnet50", .inner = 16, .groups = 4, .mark = "blockres" },
    { .arch = "resnet50", .inner = 16, .groups = 8, .mark = "block" },
    { .arch = "resnet101", .width = 4, .inner = 16, .groups = 4, .mark = "blockres" },
    { .arch = "resnet50", .inner = 16, .mark = "blockres" },
    { .arch = "resnet50", .inner = 12, .groups = 12 },
    { .arch = "resnet50", .inner = 16, .groups = 4 },
};

/* To the names of torchvision. */
static void rename_all(checkpoint_writer *writer)
{
    for (int i = 0; i < writer->count; i++) {
        char *name = writer->tensors[i].name;

        if (strncmp(name, "base_model.", 11) == 0)
            memmove(name, name + 11, strlen(name + 11) + 1);
        else if (strncmp(name, "new_fc", 6) == 0)
            memmove(name, name + 4, strlen(name + 4) + 1);
    }
}

/* The logits of one clip, malloc'ed. */
static float *logits_of(const tsm_model *model, const char *device)
{
    const tsm_shape shape = { 1, T, SIDE, SIDE };
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    float *pixels = hashed_array((size_t)T * 3 * SIDE * SIDE, 5), *logits = poisoned_array(5);
    tsm_tensor input = planes_tensor(pixels, 1, T, 3, SIDE, SIDE), output = logits_tensor(logits, 1, 5);
    tsm_engine *engine;
    tsm_context *context;

    options.device = device;
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    context = make_context(engine, &shape);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(pixels);
    return logits;
}

static tsm_model *load(const checkpoint_writer *writer)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model;

    options.segments = T;
    options.shift_div = 4;
    assert_ok(writer_load(writer, &model, &options, &error), &error);
    return model;
}

static tsm_model_info info_of(const tsm_model *model)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;

    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    return info;
}

START_TEST(sizes_follow_from_shapes)
{
    const written_network *network = &networks[_i];
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    tsm_model_info info;

    writer_add_network(&writer, network);
    model = load(&writer);
    info = info_of(model);
    ck_assert_str_eq(info.arch, network->arch);
    ck_assert_int_eq(info.width, network->width ? network->width : 8);
    ck_assert_int_eq(info.groups, network->groups ? network->groups : 1);
    ck_assert_int_eq(info.bottleneck_width, network->inner);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

/* Every backend, and the file that is written. */
START_TEST(same_logits_everywhere)
{
    checkpoint_writer writer = { 0 };
    tsm_model *model, *again;
    float *want, *got;
    void *data;
    size_t bytes;

    writer_add_network(&writer, &networks[_i]);
    model = load(&writer);
    want = logits_of(model, "reference");
    got = logits_of(model, "cpu");
    assert_close(got, want, 5, 2e-4, "cpu");
    assert_ok(tsm_model_serialize(model, NULL, &data, &bytes, &error), &error);
    assert_ok(tsm_model_load_memory(&again, data, bytes, "again", NULL, &error), &error);
    free(got);
    got = logits_of(again, "reference");
    ck_assert_mem_eq(got, want, 5 * sizeof *want);
    ck_assert_int_eq(info_of(again).groups, info_of(model).groups);
    free(want);
    free(got);
    tsm_free(data);
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    writer_clear(&writer);
}
END_TEST

/* The 3x3 of every block as one without groups, whose taps from other groups are zero. */
static void ungroup(checkpoint_writer *writer, int groups)
{
    for (int i = 0; i < writer->count; i++) {
        written_tensor *tensor = &writer->tensors[i];
        const int64_t out = tensor->dims[0], depth = tensor->dims[1];
        float *values;

        if (!strstr(tensor->name, ".conv2.weight")) continue;
        values = calloc((size_t)(out * out * 9), sizeof *values);
        for (int64_t o = 0; o < out; o++)
            memcpy(values + (o * out + o / (out / groups) * depth) * 9, tensor->values + o * depth * 9,
                   (size_t)depth * 9 * sizeof *values);
        free(tensor->values);
        tensor->values = values;
        tensor->dims[1] = out;
    }
}

START_TEST(groups_are_blocks_of_a_kernel)
{
    checkpoint_writer writer = { 0 };
    tsm_model *grouped, *whole;
    float *a, *b;

    writer_add_network(&writer, &networks[_i]);
    grouped = load(&writer);
    ungroup(&writer, networks[_i].groups);
    whole = load(&writer);
    ck_assert_int_eq(info_of(whole).groups, 1);
    a = logits_of(grouped, "reference");
    b = logits_of(whole, "reference");
    assert_close(a, b, 5, 1e-6, "without groups");
    free(a);
    free(b);
    tsm_model_destroy(&grouped);
    tsm_model_destroy(&whole);
    writer_clear(&writer);
}
END_TEST

/* torchvision's networks mark no shift: a TSN, or with the option a TSM like the marked one. */
START_TEST(names_of_torchvision)
{
    checkpoint_writer writer = { 0 };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *tsn, *tsm, *marked;
    float *a, *b;

    writer_add_network(&writer, &(written_network){ .arch = "resnet50", .inner = 16, .groups = 4 });
    rename_all(&writer);
    assert_ok(writer_load(&writer, &tsn, NULL, &error), &error);
    ck_assert_str_eq(info_of(tsn).naming, "torchvision");
    ck_assert_int_eq(info_of(tsn).shifts, 0);
    options.segments = T;
    options.shift_div = 4;
    assert_ok(writer_load(&writer, &tsm, &options, &error), &error);
    ck_assert_int_eq(info_of(tsm).shifts, 16);
    writer_clear(&writer);
    writer_add_network(&writer, &networks[0]);
    marked = load(&writer);
    a = logits_of(tsm, "reference");
    b = logits_of(marked, "reference");
    ck_assert_mem_eq(a, b, 5 * sizeof *a);
    free(a);
    free(b);
    tsm_model_destroy(&tsn);
    tsm_model_destroy(&tsm);
    tsm_model_destroy(&marked);
    writer_clear(&writer);
}
END_TEST

/* The shape of another block must follow. */
START_TEST(other_groups_are_refused)
{
    checkpoint_writer writer = { 0 };
    written_tensor *tensor;

    writer_add_network(&writer, &networks[5]);
    tensor = writer_find(&writer, "base_model.layer2.1.conv2.weight");
    tensor->dims[1] = 4; /* of 8; half of the values are written */
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer2.1.conv2.weight is (32,4,3,3), want (32,8,3,3)");
    tensor->dims[1] = 8;
    tensor = writer_find(&writer, "base_model.layer1.0.conv2.weight");
    tensor->dims[1] = 3; /* 16 channels do not come in groups of 3: as if it were an ordinary ResNet */
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "conv1.weight is (16,8,1,1), want (8,8,1,1)");
    writer_clear(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resnext");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, sizes_follow_from_shapes, 0, 6);
    tcase_add_loop_test(tests, same_logits_everywhere, 0, 6);
    tcase_add_loop_test(tests, groups_are_blocks_of_a_kernel, 0, 3);
    tcase_add_test(tests, names_of_torchvision);
    tcase_add_test(tests, other_groups_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
