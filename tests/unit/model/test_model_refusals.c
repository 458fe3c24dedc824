/* SPDX-License-Identifier: Apache-2.0 */
/* test_model_refusals.c - checkpoints and options that make no network, and what is said of them. */
#include "checkpoint_writer.h"
#include "core/status.h"

static const struct bad_metadata {
    const char *metadata, *names;
} bad_metadata[] = {
    { "\"classes\":\"174\"", "metadata says 174 classes, base_model.fc.weight has 5" },
    { "\"classes\":\"0\"", "metadata classes is \"0\"" },
    { "\"classes\":\"five\"", "metadata classes is \"five\"" },
    { "\"classes\":\"5 \"", "metadata classes" },
    { "\"classes\":\"\"", "metadata classes" },
    { "\"classes\":\"-5\"", "metadata classes" },
    { "\"arch\":\"resnet50\"", "metadata says arch resnet50, the tensors make resnet18" },
    { "\"arch\":\"vgg16\"", "metadata says arch \"vgg16\"" },
    { "\"segments\":\"0\"", "metadata segments is \"0\", want a number from 1 to 1024" },
    { "\"segments\":\"1025\"", "metadata segments is \"1025\"" },
    { "\"segments\":\"99999999999999999999\"", "metadata segments" },
    { "\"shift_div\":\"0\"", "metadata says shift_div 0 (no shift), base_model.layer1.0.conv1.net.weight is marked" },
    { "\"shift_div\":\"8193\"", "metadata shift_div is \"8193\", want a number from 0 to 8192" },
    { "\"shift_place\":\"block\"", "metadata says shift_place block, base_model.layer" },
    { "\"shift_place\":\"inplace\"", "metadata shift_place is \"inplace\"" },
    { "\"mean\":\"0.5,0.5\"", "metadata mean is \"0.5,0.5\"" },
    { "\"mean\":\"0.5,0.5,x\"", "metadata mean" },
    { "\"mean\":\"0.5,0.5,1e999\"", "metadata mean" },
    { "\"mean\":\"0.5,0.5,1e39\"", "metadata mean" },
    { "\"mean\":\"[1],2,3\"", "metadata mean" },
    { "\"std\":\"0.5,0,0.5\"", "metadata std is \"0.5,0,0.5\", want three positive numbers" },
    { "\"std\":\"0.5,-1,0.5\"", "metadata std" },
    { "\"input_size\":\"0\"", "metadata input_size" },
    { "\"input_size\":\"5000\"", "metadata input_size is \"5000\", want a number from 1 to 4096" },
};

START_TEST(test_bad_metadata)
{
    checkpoint_writer writer = { 0 };

    writer_add_network(&writer, &(written_network){ .mark = "blockres", .fc = "base_model.fc" });
    strcpy(writer.metadata, bad_metadata[_i].metadata);
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, bad_metadata[_i].names);
    writer_clear(&writer);
}
END_TEST

START_TEST(test_bad_options)
{
    const tsm_model_options zero = TSM_MODEL_OPTIONS_INIT;
    tsm_model_options options = zero;
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    tsm_error error;

    writer_add_network(&writer, &(written_network){ 0 });
    options.arch = "resnet5";
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "arch \"resnet5\"");
    options.arch = "resnet34";
    writer_refused(&writer, &options, TSM_ERROR_MODEL, "the option says arch resnet34, the tensors make resnet18");
    options = zero;
    options.segments = 1025;
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "option segments is 1025, want 1 to 1024");
    options.segments = -1;
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "option segments is -1");
    options = zero;
    options.shift_div = -1;
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "option shift_div is -1, want 1 to 8192");
    options = zero;
    options.shift_place = (tsm_shift_place)7;
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "option shift_place is 7");
    options = zero;
    options.input_size = 4097;
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "option input_size is 4097");
    options = zero;
    options.struct_size = 3;
    assert_error(writer_load(&writer, &model, &options, &error), &error, TSM_ERROR_ARGUMENT, "struct_size");
    writer_clear(&writer);

    assert_error(tsm_model_load(NULL, "x", NULL, &error), &error, TSM_ERROR_ARGUMENT, "model is NULL");
    assert_error(tsm_model_load(&model, NULL, NULL, &error), &error, TSM_ERROR_ARGUMENT, "path is NULL");
    assert_error(tsm_model_load_memory(&model, NULL, 1, "x", NULL, &error), &error, TSM_ERROR_ARGUMENT,
                 "data is NULL");
    assert_error(tsm_model_load_memory(&model, NULL, 0, NULL, NULL, &error), &error, TSM_ERROR_FORMAT, "is empty");
    ck_assert_int_eq(tsm_model_load(&model, "/nonexistent", NULL, NULL), TSM_ERROR_IO);
    ck_assert_int_eq(tsm_model_get_info(NULL, NULL), TSM_ERROR_ARGUMENT);
    tsm_model_destroy(&model);
    tsm_model_destroy(NULL);
}
END_TEST

START_TEST(test_missing_and_unexpected)
{
    checkpoint_writer writer = { 0 };

    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "holds no tensors");
    writer_add_network(&writer, &(written_network){ .arch = "resnet50", .prefix = "module." });
    writer_remove(&writer, "module.base_model.layer2.1.bn2.running_var");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer2.1.bn2.running_var (16) is missing");
    writer_add(&writer, "module.base_model.layer2.1.bn2.running_variance", 1, 0, 1, (int64_t[]){ 16 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "base_model.layer2.1.bn2.running_var (16) is missing, and "
                   "module.base_model.layer2.1.bn2.running_variance (16) has no place in the network");
    strcpy(writer.tensors[writer.count - 1].name, "module.base_model.layer2.1.bn2.running_var");
    writer_add(&writer, "module.base_model.conv1.bias", 0, 0, 1, (int64_t[]){ 8 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "module.base_model.conv1.bias (8) has no place in the network");
    writer_remove(&writer, "module.base_model.conv1.bias");
    writer_info(&writer, NULL);

    writer_remove(&writer, "module.base_model.layer3.2.conv1.weight"); /* the block's other tensors still count it */
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer3.2.conv1.weight (32,128,1,1) is missing");
    writer_remove(&writer, "module.new_fc.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "new_fc.weight is missing");
    writer_remove(&writer, "module.base_model.conv1.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.conv1.weight is missing");
    writer_clear(&writer);
}
END_TEST

START_TEST(test_other_networks)
{
    static const struct {
        const char *name, *says;
    } others[] = {
        { "backbone.conv1.conv.weight", "its names look like those of mmaction2" },
        { "module.base_model.layer2.0.nl.theta.weight", "its names look like those of MIT" },
        { "fc.weight", "its names look like those of torchvision" },
        { "backbone.conv1_1._conv.weight", "its names look like those of PaddleVideo" },
        { "base_model.inception_3a_1x1.weight", "BNInception" },
        { "optimizer.exp_avg", "the state of an optimizer" },
    };
    checkpoint_writer writer = { 0 };
    int64_t one = 1;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        writer_add(&writer, others[i].name, 0, 0, 1, &one);
        writer_refused(&writer, NULL, TSM_ERROR_MODEL, others[i].says);
        /* A tensor is blamed only where no network that is read could have it. */
        writer_refused(&writer, NULL, TSM_ERROR_MODEL, i < 4 ? "conv1.weight is missing; " : others[i].name);
        writer_clear(&writer);
    }
    writer_add_network(&writer, &(written_network){ 0 });
    writer_add(&writer, "base_model.layer4.2.conv1.weight", 0, 0, 4, (int64_t[]){ 1, 1, 1, 1 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "2, 2, 2 and 3 basic blocks");
    strcpy(writer.metadata, "\"arch\":\"resnet18\"");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer4.2.conv1.weight (1,1,1,1) has no place");
    writer_clear(&writer);
}
END_TEST

START_TEST(test_shapes_and_types)
{
    checkpoint_writer writer = { 0 };
    written_tensor *tensor;

    writer_add_network(&writer, &(written_network){ 0 });
    tensor = writer_find(&writer, "base_model.layer2.0.conv2.weight");
    tensor->dims[2] = 9;
    tensor->dims[3] = 1;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "base_model.layer2.0.conv2.weight is (16,16,9,1), want (16,16,3,3)");
    tensor->dims[2] = tensor->dims[3] = 3;
    tensor = writer_find(&writer, "base_model.bn1.bias");
    tensor->dims[tensor->ndim++] = 1;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.bn1.bias is (8,1), want (8)");
    tensor->ndim--;
    tensor->dtype = "I64";
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.bn1.bias is of type I64, want F32, F16, BF16 or F64");
    tensor->dtype = "F32";
    tensor = writer_find(&writer, "base_model.conv1.weight");
    tensor->ndim = 3;
    tensor->dims[2] *= tensor->dims[3];
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.conv1.weight is (8,3,49), want 4 dimensions");
    tensor->ndim = 4;
    tensor->dims[0] = tensor->dims[2] = 0;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.conv1.weight has 0 output channels");
    writer_clear(&writer);

    writer_add_network(&writer, &(written_network){ 0 });
    tensor = writer_find(&writer, "new_fc.weight");
    tensor->dims[0] = 64;
    tensor->dims[1] = 5;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "new_fc.weight is (64,5), want (64,64)");
    writer_add(&writer, "base_model.fc.weight", 0, 0, 2, (int64_t[]){ 5, 64 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "are the same tensor");
    writer_clear(&writer);
}
END_TEST

START_TEST(test_weights_not_finite)
{
    static const char *const types[] = { "F32", "F16", "BF16", "F64" };
    checkpoint_writer writer = { 0 };
    written_tensor *tensor;
    float *last;

    writer_add_network(&writer, &(written_network){ 0 });
    tensor = writer_find(&writer, "base_model.layer4.1.conv2.weight");
    last = &tensor->values[written_count(tensor) - 1];
    for (size_t i = 0; i < 4; i++) {
        tensor->dtype = types[i];
        *last = NAN;
        writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer4.1.conv2.weight holds NaN or infinity");
        *last = -INFINITY;
        writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer4.1.conv2.weight holds NaN or infinity");
        *last = 60000; /* finite in every type */
        writer_info(&writer, NULL);
    }
    tensor = writer_find(&writer, "base_model.layer1.0.bn1.running_var");
    tensor->values[3] = 0;
    writer_info(&writer, NULL);
    tensor->values[3] = -1e-9f;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer1.0.bn1.running_var holds a negative variance");
    writer_clear(&writer);
}
END_TEST

START_TEST(test_marks_must_follow_the_architecture)
{
    checkpoint_writer writer = { 0 };
    written_tensor *tensor;

    writer_add_network(&writer, &(written_network){ .mark = "blockres" });
    tensor = writer_find(&writer, "base_model.layer3.1.conv1.net.weight");
    strcpy(tensor->name, "base_model.layer3.1.conv1.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "base_model.layer3.1.conv1.weight is not marked as shifted, which is not how resnet18 shifts");
    strcpy(tensor->name, "base_model.layer3.1.net.conv1.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "the names disagree on where blocks shift");
    strcpy(tensor->name, "base_model.layer3.1.conv1.net.net.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.layer3.1.conv1.net.net.weight");
    writer_clear(&writer);

    writer_add_network(&writer, &(written_network){ .arch = "resnet101", .mark = "blockres" });
    tensor = writer_find(&writer, "base_model.layer3.1.conv1.weight");
    strcpy(tensor->name, "base_model.layer3.1.conv1.net.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "base_model.layer3.1.conv1.net.weight is marked as shifted, which is not how resnet101 shifts");
    writer_clear(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_refusals");
    TCase *tests = tcase_create("refused");

    tcase_add_loop_test(tests, test_bad_metadata, 0, sizeof bad_metadata / sizeof *bad_metadata);
    tcase_add_test(tests, test_bad_options);
    tcase_add_test(tests, test_missing_and_unexpected);
    tcase_add_test(tests, test_other_networks);
    tcase_add_test(tests, test_shapes_and_types);
    tcase_add_test(tests, test_weights_not_finite);
    tcase_add_test(tests, test_marks_must_follow_the_architecture);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
