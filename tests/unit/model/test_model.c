/* SPDX-License-Identifier: Apache-2.0 */
/* test_model.c - from a checkpoint to a model: what follows from keys, metadata and options. */
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
    ck_assert_str_eq(info.naming, "MIT");
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

typedef struct patience {
    int asked, most;
} patience;

static int is_over(void *user)
{
    patience *p = user;

    return ++p->asked >= p->most;
}

/* Whenever the caller has had enough: an error, nothing made. */
START_TEST(loading_is_cancelled)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    patience p = { 0 };
    tsm_model *model;
    tsm_error error;
    tsm_status status;

    options.cancel = is_over;
    options.cancel_user = &p;
    do {
        p = (patience){ .most = p.most + 1 };
        status = tsm_model_load(&model, TSM_TEST_DATA "/golden/r18.safetensors", &options, &error);
        if (status != TSM_OK) {
            assert_error(status, &error, TSM_ERROR_CANCELLED, "r18.safetensors: cancelled");
            ck_assert_ptr_null(model);
        }
    } while (status != TSM_OK);
    ck_assert_int_gt(p.most, 20); /* by the file, and by layer */
    tsm_model_destroy(&model);
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
    tcase_add_test(tests, test_types_and_alignment);
    tcase_add_test(tests, test_unaligned_data);
    tcase_add_test(tests, test_out_of_memory);
    tcase_add_test(tests, loading_is_cancelled);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
