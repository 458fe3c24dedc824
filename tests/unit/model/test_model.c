/* SPDX-License-Identifier: Apache-2.0 */
/* test_model.c - from a checkpoint to a model: what follows from keys, metadata and options, and what is refused. */
#include "checkpoint_writer.h"
#include "core/status.h"
#include "model/model.h"

START_TEST(test_defaults)
{
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(&writer, &(written_network){ 0 });
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.format, "safetensors");
    ck_assert_str_eq(info.layout, "MIT");
    ck_assert_str_eq(info.arch, "resnet18");
    ck_assert_str_eq(info.dtype, "F32");
    ck_assert_int_eq(info.width, 8);
    ck_assert_int_eq(info.segments, 8);
    ck_assert_int_eq(info.classes, 5);
    ck_assert_int_eq(info.shift_div, 0);
    ck_assert_int_eq(info.shifts, 0);
    ck_assert_int_eq(info.in_channels, 3);
    ck_assert_int_eq(info.input_size, 224);
    ck_assert_int_eq(info.scale_size, 256);
    ck_assert(info.mean[0] == .485f && info.mean[2] == .406f && info.std[1] == .224f);
    ck_assert(!info.has_labels);
    writer_clear(&writer);
}
END_TEST

/* The published network: 24.3M parameters less the classes' share, 33 G multiply-adds at 8 frames. */
START_TEST(test_published_size)
{
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(&writer,
                       &(written_network){ .arch = "resnet50", .width = 64, .classes = 400, .mark = "blockres" });
    for (int i = 0; i < writer.count; i++)
        if (strcmp(writer.tensors[i].dtype, "F32") == 0) writer.tensors[i].dtype = "F16";
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.dtype, "F16");
    ck_assert_uint_eq(info.parameters, 23508032u + 2048 * 400 + 400);
    ck_assert_uint_eq(info.macs, 8 * (UINT64_C(4087136256) + 2048 * 400));
    ck_assert_int_eq(info.shifts, 16);
    ck_assert_int_eq(info.shift_div, 8);
    writer_clear(&writer);
}
END_TEST

static const struct named_shift {
    const char *arch, *mark, *prefix, *fc;
    int shifts;
} named_shifts[] = {
    { "resnet18", "blockres", "", "new_fc", 8 },          { "resnet34", "blockres", "module.", "base_model.fc", 16 },
    { "resnet50", "blockres", "module.", "new_fc", 16 },  { "resnet101", "blockres", "", "new_fc", 18 },
    { "resnet152", "blockres", "", "base_model.fc", 26 }, { "resnet50", "block", "module.", "new_fc", 16 },
    { "resnet101", "block", "", "new_fc", 33 },           { "resnet152", NULL, "module.", "new_fc", 0 },
};

START_TEST(test_keys_tell_arch_and_shift)
{
    const struct named_shift *named = &named_shifts[_i];
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(
        &writer,
        &(written_network){
            .arch = named->arch, .mark = named->mark, .prefix = named->prefix, .fc = named->fc, .width = 8 });
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.arch, named->arch);
    ck_assert_int_eq(info.shifts, named->shifts);
    ck_assert_int_eq(info.shift_div, named->mark ? 8 : 0);
    ck_assert_int_eq(info.shift_place,
                     named->mark && strcmp(named->mark, "block") == 0 ? TSM_PLACE_BLOCK : TSM_PLACE_BLOCKRES);
    writer_clear(&writer);
}
END_TEST

START_TEST(test_metadata)
{
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(&writer, &(written_network){ .in_channels = 10 });
    info = writer_info(&writer, NULL);
    ck_assert_int_eq(info.in_channels, 10);
    ck_assert(info.mean[1] == .5f && info.std[1] == .226f);
    strcpy(writer.metadata, "\"arch\":\"resnet18\",\"segments\":\"16\",\"classes\":\"5\",\"shift_div\":\"4\","
                            "\"shift_place\":\"block\",\"mean\":\"0.5, 0.25,1\",\"std\":\"1,2e-1,0.3\","
                            "\"input_size\":\"112\",\"format\":\"tsm\",\"other\":\"\"");
    info = writer_info(&writer, NULL);
    ck_assert_int_eq(info.segments, 16);
    ck_assert_int_eq(info.shift_div, 4);
    ck_assert_int_eq(info.shifts, 8);
    ck_assert_int_eq(info.shift_place, TSM_PLACE_BLOCK);
    ck_assert_int_eq(info.input_size, 112);
    ck_assert_int_eq(info.scale_size, 128);
    ck_assert(info.mean[0] == .5f && info.mean[1] == .25f && info.mean[2] == 1);
    ck_assert(info.std[0] == 1 && info.std[1] == .2f && info.std[2] == .3f);
    writer_clear(&writer);
}
END_TEST

START_TEST(test_options_override)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(&writer, &(written_network){ .mark = "blockres", .width = 16 });
    strcpy(writer.metadata,
           "\"segments\":\"16\",\"shift_div\":\"4\",\"input_size\":\"112\",\"labels\":\"a\\nb\\nc\\nd\\ne\"");
    options.arch = "resnet18";
    options.segments = 4;
    options.shift_div = 16;
    options.shift_place = TSM_PLACE_BLOCK;
    options.input_size = 160;
    options.labels = "v\r\nw\nx\ny\nz\n\n";
    info = writer_info(&writer, &options);
    ck_assert_int_eq(info.segments, 4);
    ck_assert_int_eq(info.shift_div, 16);
    ck_assert_int_eq(info.shift_place, TSM_PLACE_BLOCK);
    ck_assert_int_eq(info.input_size, 160);
    ck_assert_int_eq(info.scale_size, 182);
    ck_assert(info.has_labels);
    options.no_shift = 1;
    info = writer_info(&writer, &options);
    ck_assert_int_eq(info.shift_div, 0);
    ck_assert_int_eq(info.shifts, 0);
    strcpy(writer.metadata, "\"shift_div\":\"0\"");
    info = writer_info(&writer, &options); /* the marks are dropped on request, so nothing contradicts */
    ck_assert_int_eq(info.shifts, 0);
    writer_clear(&writer);

    writer_add_network(&writer, &(written_network){ .width = 16 });
    memset(&options, 0, sizeof options);
    options.struct_size = offsetof(tsm_model_options, shift_place); /* an older program */
    options.shift_div = 8;
    options.no_shift = 1; /* beyond what that program has */
    info = writer_info(&writer, &options);
    ck_assert_int_eq(info.shift_div, 8);
    ck_assert_int_eq(info.shifts, 8);
    writer_clear(&writer);
}
END_TEST

/* The names of the release say what its files do not. */
START_TEST(test_labels)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    tsm_error error;

    writer_add_network(&writer, &(written_network){ .classes = 3 });
    strcpy(writer.metadata, "\"labels\":\"moving left\\n\\nmoving \\u00fcp\\n\"");
    assert_ok(writer_load(&writer, &model, NULL, &error), &error);
    ck_assert_str_eq(tsm_model_label(model, 0), "moving left");
    ck_assert_str_eq(tsm_model_label(model, 1), "");
    ck_assert_str_eq(tsm_model_label(model, 2), "moving \xc3\xbcp");
    ck_assert_ptr_null(tsm_model_label(model, 3));
    ck_assert_ptr_null(tsm_model_label(model, -1));
    tsm_model_destroy(&model);

    options.labels = "one\r\ntwo\r\nthree\r\n";
    assert_ok(writer_load(&writer, &model, &options, &error), &error);
    ck_assert_str_eq(tsm_model_label(model, 1), "two");
    ck_assert_str_eq(tsm_model_label(model, 2), "three");
    tsm_model_destroy(&model);
    ck_assert_ptr_null(tsm_model_label(NULL, 0));

    options.labels = "one\ntwo";
    writer_refused(&writer, &options, TSM_ERROR_MODEL, "2 labels, the network has 3 classes");
    options.labels = "";
    writer_refused(&writer, &options, TSM_ERROR_MODEL, "0 labels, the network has 3 classes");
    strcpy(writer.metadata, "\"labels\":\"a\\nb\\nc\\nd\"");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "4 labels, the network has 3 classes");
    writer_clear(&writer);
}
END_TEST

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
        writer_refused(&writer, NULL, TSM_ERROR_MODEL, others[i].name);
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
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "marks one placement of the shift");
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

/* The same network must come out of every stored type, and of data at any address. */
START_TEST(test_types_and_alignment)
{
    static const char *const types[] = { "F32", "BF16", "F64", "F16" };
    checkpoint_writer writer = { 0 };
    tsm_error error;

    writer_add_network(&writer, &(written_network){ .mark = "blockres" });
    for (int i = 0; i < writer.count; i++)
        if (strcmp(writer.tensors[i].dtype, "F32") == 0)
            for (int64_t k = 0; k < written_count(&writer.tensors[i]); k++)
                writer.tensors[i].values[k] = roundf(writer.tensors[i].values[k] * 16) / 16 + .0625f;
    for (int type = 0; type < 5; type++) {
        size_t bytes;
        uint8_t *file;
        tsm_model *model;
        tsm_graph *graph;
        const tsm_node *conv;
        float *weights;
        const written_tensor *want = writer_find(&writer, "base_model.conv1.weight");

        for (int i = 0; i < writer.count; i++)
            if (strcmp(writer.tensors[i].dtype, "I64") != 0)
                writer.tensors[i].dtype = types[type < 4 ? type : i % 4]; /* at last a mixture */
        file = writer_bytes(&writer, (size_t)type, &bytes);
        assert_ok(tsm_model_load_memory(&model, file, bytes, "x", NULL, &error), &error);
        free(file);
        assert_ok(tsm_model_build_graph(model, false, &graph, &error), &error);
        conv = tsm_graph_node(graph, 1);
        ck_assert_str_eq(conv->name, "base_model.conv1");
        ck_assert_int_eq(conv->weight.count, written_count(want));
        weights = poisoned_array((size_t)conv->weight.count);
        tsm_node_weights(conv, weights);
        for (int64_t k = 0; k < conv->weight.count; k++) { /* (O,I,7,7) to (O,7,7,I) */
            int64_t o = k / 147, tap = k % 147 / 3, c = k % 3;
            ck_assert(weights[k] == want->values[(o * 3 + c) * 49 + tap]);
        }
        free(weights);
        tsm_graph_destroy(&graph);
        tsm_model_destroy(&model);
    }
    writer_clear(&writer);
}
END_TEST

/* A tensor of odd length in front makes every later one unaligned. */
START_TEST(test_unaligned_data)
{
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add(&writer, "a.num_batches_tracked", 1, 0, 1, (int64_t[]){ 1 })->dtype = "F16";
    writer_add_network(&writer, &(written_network){ .mark = "block" });
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.dtype, "F32");
    writer.tensors[1].dtype = "F64";
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.dtype, "mixed");
    writer_clear(&writer);
}
END_TEST

START_TEST(test_out_of_memory)
{
    checkpoint_writer writer = { 0 };
    tsm_status status;
    tsm_model *model;
    tsm_error error;
    uint64_t step = 1;

    writer_add_network(&writer, &(written_network){ .mark = "blockres", .width = 4 });
    writer.tensors[0].dtype = "F64";
    strcpy(writer.metadata, "\"labels\":\"a\\nb\\nc\\nd\\ne\"");
    for (uint64_t n = 1;; n += step) {
        tsm_alloc_fail_at(n);
        status = writer_load(&writer, &model, NULL, &error);
        if (status == TSM_OK) break;
        ck_assert_int_eq(status, TSM_ERROR_MEMORY);
        ck_assert_ptr_null(model);
    }
    ck_assert_uint_gt(tsm_alloc_fail_at(0), 100);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *tests = tcase_create("load");

    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_published_size);
    tcase_add_loop_test(tests, test_keys_tell_arch_and_shift, 0, sizeof named_shifts / sizeof *named_shifts);
    tcase_add_test(tests, test_metadata);
    tcase_add_test(tests, test_options_override);
    tcase_add_test(tests, test_labels);
    tcase_add_loop_test(tests, test_bad_metadata, 0, sizeof bad_metadata / sizeof *bad_metadata);
    tcase_add_test(tests, test_bad_options);
    tcase_add_test(tests, test_missing_and_unexpected);
    tcase_add_test(tests, test_other_networks);
    tcase_add_test(tests, test_shapes_and_types);
    tcase_add_test(tests, test_weights_not_finite);
    tcase_add_test(tests, test_marks_must_follow_the_architecture);
    tcase_add_test(tests, test_types_and_alignment);
    tcase_add_test(tests, test_unaligned_data);
    tcase_add_test(tests, test_out_of_memory);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
