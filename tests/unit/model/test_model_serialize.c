/* SPDX-License-Identifier: Apache-2.0 */
/* test_model_serialize.c - a model written as safetensors: names, metadata and bits; the same network when it is read
 * again, and the same bytes when that is written. */
#include "checkpoint_writer.h"
#include "core/status.h"
#include "engines.h"
#include "model/model.h"

#include <glob.h>

/* Every golden network, in whichever naming its file is. */
static glob_t golden;

typedef struct file {
    void *data;
    size_t bytes;
} file;

static tsm_error error;

static file serialize(const tsm_model *model, int half)
{
    tsm_model_serialize_options options = TSM_MODEL_SERIALIZE_OPTIONS_INIT;
    file made;

    options.half = half;
    assert_ok(tsm_model_serialize(model, &options, &made.data, &made.bytes, &error), &error);
    ck_assert_ptr_nonnull(made.data);
    return made;
}

static tsm_model *load_file(const file *from, const tsm_model_options *options)
{
    tsm_model *model = NULL;

    assert_ok(tsm_model_load_memory(&model, from->data, from->bytes, "serialised", options, &error), &error);
    return model;
}

static tsm_model *load_writer(const checkpoint_writer *writer, const tsm_model_options *options)
{
    tsm_model *model = NULL;

    assert_ok(writer_load(writer, &model, options, &error), &error);
    return model;
}

/* What a writer's checkpoint becomes. */
static file rewrite(const checkpoint_writer *writer, const tsm_model_options *options, int half)
{
    tsm_model *model = load_writer(writer, options);
    file made = serialize(model, half);

    tsm_model_destroy(&model);
    return made;
}

static bool header_has(const file *made, const char *text)
{
    return memmem(made->data, made->bytes, text, strlen(text)) != NULL;
}

static void assert_header(const file *made, const char *text, bool wanted)
{
    ck_assert_msg(header_has(made, text) == wanted, "the header %s %s", wanted ? "lacks" : "has", text);
}

static void assert_same_file(const file *a, const file *b)
{
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert_int_eq(memcmp(a->data, b->data, a->bytes), 0);
}

/* Logits of one small clip; freed by the caller. */
static float *logits_of(const tsm_model *model, int *classes)
{
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_engine *engine = NULL;
    tsm_context *context;
    tsm_shape shape = { 1, 0, 32, 32 };
    tsm_tensor input, output;
    float *pixels, *logits;

    options.device = "cpu";
    options.threads = 1;
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    shape.t = info.segments;
    pixels = hashed_array((size_t)info.segments * info.in_channels * 32 * 32, 7);
    logits = poisoned_array((size_t)info.classes);
    assert_ok(tsm_engine_create(&engine, model, &options, &error), &error);
    context = make_context(engine, &shape);
    input = planes_tensor(pixels, 1, info.segments, info.in_channels, 32, 32);
    output = logits_tensor(logits, 1, info.classes);
    assert_ok(tsm_run(context, &input, &output, &error), &error);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(pixels);
    *classes = info.classes;
    return logits;
}

static void assert_same_logits(const tsm_model *a, const tsm_model *b)
{
    int classes, others;
    float *x = logits_of(a, &classes), *y = logits_of(b, &others);

    ck_assert_int_eq(classes, others);
    ck_assert_int_eq(memcmp(x, y, (size_t)classes * sizeof *x), 0);
    free(x);
    free(y);
}

/* Are weights made of others, as float32 whatever those are? */
static bool merges(const tsm_model *model)
{
    for (int i = 0; i < model->layer_count; i++)
        if (model->layers[i].merged) return true;
    return false;
}

static void assert_same_info(const tsm_model *a, const tsm_model *b)
{
    tsm_model_info x = TSM_MODEL_INFO_INIT, y = TSM_MODEL_INFO_INIT;

    ck_assert_int_eq(tsm_model_get_info(a, &x), TSM_OK);
    ck_assert_int_eq(tsm_model_get_info(b, &y), TSM_OK);
    ck_assert_str_eq(x.arch, y.arch);
    if (!merges(a)) ck_assert_str_eq(x.dtype, y.dtype);
    ck_assert_int_eq(x.segments, y.segments);
    ck_assert_int_eq(x.shift_div, y.shift_div);
    ck_assert_int_eq(x.shift_place, y.shift_place);
    ck_assert_int_eq(x.shifts, y.shifts);
    ck_assert_int_eq(x.input_size, y.input_size);
    ck_assert_int_eq(memcmp(x.mean, y.mean, sizeof x.mean), 0);
    ck_assert_int_eq(memcmp(x.std, y.std, sizeof x.std), 0);
    ck_assert_uint_eq(x.parameters, y.parameters);
    ck_assert_uint_eq(x.macs, y.macs);
}

START_TEST(same_network_same_bytes)
{
    tsm_model *model = load_model(golden.gl_pathv[_i]), *again;
    file first = serialize(model, 0), second;

    again = load_file(&first, NULL);
    second = serialize(again, 0);
    assert_same_file(&first, &second);
    assert_same_info(model, again);
    assert_same_logits(model, again);
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    tsm_free(first.data);
    tsm_free(second.data);
}
END_TEST

START_TEST(half_is_stable)
{
    tsm_model *model = load_model(golden.gl_pathv[_i]), *again;
    file first = serialize(model, 1), second;

    again = load_file(&first, NULL);
    second = serialize(again, 0); /* keeps the type */
    assert_same_file(&first, &second);
    tsm_free(second.data);
    second = serialize(again, 1);
    assert_same_file(&first, &second);
    assert_header(&first, "\"F32\"", false);
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    tsm_free(first.data);
    tsm_free(second.data);
}
END_TEST

START_TEST(names_of_the_release)
{
    checkpoint_writer writer = { 0 };
    file made;

    writer_add_network(&writer, &(written_network){ .mark = "blockres", .prefix = "module.", .fc = "base_model.fc" });
    made = rewrite(&writer, NULL, 0);
    assert_header(&made, "\"module.", false);
    assert_header(&made, "num_batches", false);
    assert_header(&made, "\"new_fc.weight\"", true);
    assert_header(&made, "\"base_model.layer1.0.conv1.net.weight\"", true);
    assert_header(&made, "\"base_model.layer4.1.conv2.weight\"", true);
    assert_header(&made, "\"base_model.layer2.0.downsample.1.running_var\"", true);
    tsm_free(made.data);
    writer_clear(&writer);
}
END_TEST

START_TEST(marks_follow_options)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    file made;

    writer_add_network(&writer, &(written_network){ .arch = "resnet101", .mark = "blockres" });
    made = rewrite(&writer, NULL, 0);
    assert_header(&made, "layer3.2.conv1.net.weight", true);
    assert_header(&made, "layer3.1.conv1.weight", true); /* every second block */
    tsm_free(made.data);

    options.shift_place = TSM_PLACE_BLOCK;
    made = rewrite(&writer, &options, 0);
    assert_header(&made, "layer3.1.net.conv1.weight", true);
    assert_header(&made, "layer3.0.net.downsample.1.bias", true);
    assert_header(&made, "layer3.10.net.bn3.running_mean", true);
    assert_header(&made, "conv1.net", false);
    assert_header(&made, "\"shift_place\":\"block\"", true);
    tsm_free(made.data);

    options.no_shift = 1;
    made = rewrite(&writer, &options, 0);
    assert_header(&made, ".net.", false);
    assert_header(&made, "\"shift_div\":\"0\"", true);
    tsm_free(made.data);
    writer_clear(&writer);
}
END_TEST

START_TEST(a_tsn_can_be_marked)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model *model, *again;
    file made;

    writer_add_network(&writer, &(written_network){ .width = 4 });
    options.shift_div = 8; /* a fold of nothing in the first stages: marked all the same */
    options.segments = 5;
    options.input_size = 112;
    model = load_writer(&writer, &options);
    made = serialize(model, 0);
    assert_header(&made, "layer1.0.conv1.net.weight", true);
    assert_header(&made, "\"segments\":\"5\"", true);
    assert_header(&made, "\"input_size\":\"112\"", true);
    again = load_file(&made, NULL);
    assert_same_info(model, again);
    assert_same_logits(model, again);
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    tsm_free(made.data);
    writer_clear(&writer);
}
END_TEST

START_TEST(types_are_kept)
{
    checkpoint_writer writer = { 0 };
    tsm_model *model, *again;
    file made;

    writer_add_network(&writer, &(written_network){ .mark = "block", .width = 3, .classes = 7 });
    writer_find(&writer, "base_model.conv1.weight")->dtype = "F16";
    writer_find(&writer, "base_model.bn1.weight")->dtype = "BF16";
    writer_find(&writer, "base_model.bn1.bias")->dtype = "BF16"; /* 447 narrow values in all: an odd number */
    writer_find(&writer, "new_fc.weight")->dtype = "F64";
    model = load_writer(&writer, NULL);
    made = serialize(model, 0);
    assert_header(&made, "\"base_model.conv1.weight\":{\"dtype\":\"F16\",\"shape\":[3,3,7,7]", true);
    assert_header(&made, "\"base_model.bn1.weight\":{\"dtype\":\"BF16\",\"shape\":[3]", true);
    assert_header(&made, "\"new_fc.weight\":{\"dtype\":\"F32\",\"shape\":[7,24]", true);
    again = load_file(&made, NULL);
    assert_same_logits(model, again);
    /* Nothing needed a copy to be aligned. */
    for (int i = 0; i < again->layer_count; i++)
        for (int which = 0; which < TSM_LAYER_TENSORS; which++) ck_assert_ptr_null(again->layers[i].owned[which]);
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    tsm_free(made.data);
    writer_clear(&writer);
}
END_TEST

/* The float16 nearest to |value| <= 65504, even where two are, found among all of them. */
static uint16_t nearest_half(float value)
{
    uint16_t best = 0;

    for (uint32_t i = 1; i < 0x7c00; i++) {
        double distance = fabs((double)tsm_half_to_float((uint16_t)i) - fabs((double)value));
        double record = fabs((double)tsm_half_to_float(best) - fabs((double)value));

        if (distance < record || (distance == record && (i & 1) == 0)) best = (uint16_t)i;
    }
    return best | (signbit(value) ? 0x8000 : 0);
}

START_TEST(rounds_to_nearest_even)
{
    static const float chosen[] = { 0,        -0.f,       1,          1.00048828125f, 1.00146484375f, 65504,
                                    -65504,   65519.f,    0x1p-14f,   0x1.ffcp-15f,   0x1.ffep-15f,   0x1p-24f,
                                    0x1p-25f, 0x1.8p-24f, 0x1p-30f,   -0x1p-149f,     0x1.8p-25f,     0x1.004p-14f,
                                    2049,     2051,       -3.1415927f };
    const int count = (int)(sizeof chosen / sizeof *chosen);
    checkpoint_writer writer = { 0 };
    written_tensor *tensor;
    const uint16_t *halves = NULL;
    tsm_model *model;
    file made;

    writer_add_network(&writer, &(written_network){ 0 });
    tensor = writer_find(&writer, "new_fc.weight");
    ck_assert_int_gt(written_count(tensor), count);
    memcpy(tensor->values, chosen, sizeof chosen);
    made = rewrite(&writer, NULL, 1);
    model = load_file(&made, NULL);
    for (int i = 0; i < model->layer_count; i++)
        if (strcmp(model->layers[i].name, "new_fc") == 0) halves = model->layers[i].tensors[TSM_WEIGHT].data;
    ck_assert_ptr_nonnull(halves);
    for (int i = 0; i < written_count(tensor); i++)
        ck_assert_msg(halves[i] == nearest_half(tensor->values[i]), "%a became %04x, want %04x",
                      (double)tensor->values[i], halves[i], nearest_half(tensor->values[i]));
    tsm_model_destroy(&model);
    tsm_free(made.data);
    writer_clear(&writer);
}
END_TEST

START_TEST(beyond_half_is_refused)
{
    static const float values[] = { 65520, -65520, 1e30f };
    tsm_model_serialize_options options = TSM_MODEL_SERIALIZE_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    file made = { &made, 5 };

    writer_add_network(&writer, &(written_network){ .mark = "blockres" });
    writer_find(&writer, "base_model.layer2.0.conv1.net.weight")->values[3] = values[_i];
    model = load_writer(&writer, NULL);
    options.half = 1;
    assert_error(tsm_model_serialize(model, &options, &made.data, &made.bytes, &error), &error, TSM_ERROR_MODEL,
                 "base_model.layer2.0.conv1.net.weight holds");
    ck_assert_ptr_null(made.data);
    ck_assert_uint_eq(made.bytes, 0);
    made = serialize(model, 0);
    tsm_free(made.data);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

START_TEST(metadata_is_complete)
{
    checkpoint_writer writer = { 0 };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model, *again;
    file made;

    snprintf(writer.metadata, sizeof writer.metadata, "\"mean\":\"0.1,0.33333333,-1e-20\",\"std\":\"1.25e-5,3,0.7\"");
    writer_add_network(&writer, &(written_network){ .mark = "blockres" });
    options.segments = options.shift_div = 8; /* else they would be in doubt, and not said as facts */
    options.labels = "one\r\n\"two\"\n\\three\ncaf\xc3\xa9\n\xe6\x97\xa5\n";
    model = load_writer(&writer, &options);
    made = serialize(model, 0);
    assert_header(&made,
                  "{\"__metadata__\":{\"format\":\"tsm\",\"arch\":\"resnet18\",\"segments\":\"8\",\"classes\":\"5\","
                  "\"shift_div\":\"8\",\"input_size\":\"224\",\"shift_place\":\"blockres\",",
                  true);
    again = load_file(&made, NULL);
    assert_same_info(model, again);
    for (int i = 0; i < 5; i++) ck_assert_str_eq(tsm_model_label(again, i), tsm_model_label(model, i));
    ck_assert_str_eq(tsm_model_label(again, 3), "caf\xc3\xa9");
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    tsm_free(made.data);
    writer_clear(&writer);
}
END_TEST

START_TEST(labels_are_text)
{
    static const struct {
        const char *labels, *names;
    } cases[] = { { "a\nb\nc\nd\n\xff", "UTF-8" }, { "a\nb\nc\nd\n\r\r", "empty" }, { "a\nb\nc\nd\n\r", "empty" } };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    file made;

    writer_add_network(&writer, &(written_network){ 0 });
    options.labels = cases[_i].labels;
    model = load_writer(&writer, &options);
    assert_error(tsm_model_serialize(model, NULL, &made.data, &made.bytes, &error), &error, TSM_ERROR_MODEL,
                 cases[_i].names);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

START_TEST(arguments)
{
    struct {
        tsm_model_serialize_options known;
        int newer;
    } larger = { TSM_MODEL_SERIALIZE_OPTIONS_INIT, 1 };
    tsm_model *model = load_model(GOLDEN("r18_t1"));
    file made;

    assert_error(tsm_model_serialize(NULL, NULL, &made.data, &made.bytes, &error), &error, TSM_ERROR_ARGUMENT,
                 "model");
    assert_error(tsm_model_serialize(model, NULL, NULL, &made.bytes, &error), &error, TSM_ERROR_ARGUMENT, "data");
    assert_error(tsm_model_serialize(model, NULL, &made.data, NULL, &error), &error, TSM_ERROR_ARGUMENT, "bytes");
    larger.known.struct_size = sizeof larger;
    assert_error(tsm_model_serialize(model, &larger.known, &made.data, &made.bytes, &error), &error,
                 TSM_ERROR_ARGUMENT, "tsm_model_serialize_options");
    assert_ok(tsm_model_serialize(model, NULL, &made.data, &made.bytes, NULL), &error);
    tsm_free(made.data);
    tsm_model_destroy(&model);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model = NULL;
    file made;
    uint64_t needed;

    options.labels = "a\nb\nc\nd\ne\nf\ng";
    assert_ok(tsm_model_load(&model, GOLDEN("r18"), &options, &error), &error);
    tsm_alloc_fail_at(0);
    made = serialize(model, 0);
    needed = tsm_alloc_fail_at(0);
    ck_assert_uint_gt(needed, 4);
    tsm_free(made.data);
    for (uint64_t n = 1; n <= needed; n++) {
        tsm_alloc_fail_at(n);
        assert_error(tsm_model_serialize(model, NULL, &made.data, &made.bytes, &error), &error, TSM_ERROR_MEMORY,
                     "memory");
        tsm_alloc_fail_at(0);
        ck_assert_ptr_null(made.data);
    }
    tsm_model_destroy(&model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model_serialize");
    TCase *tests = tcase_create("all");
    int count, failed;

    if (glob(TSM_TEST_DATA "/golden/*.safetensors", 0, NULL, &golden) != 0) return EXIT_FAILURE;
    count = (int)golden.gl_pathc;
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, same_network_same_bytes, 0, count);
    tcase_add_loop_test(tests, half_is_stable, 0, count);
    tcase_add_test(tests, names_of_the_release);
    tcase_add_test(tests, marks_follow_options);
    tcase_add_test(tests, a_tsn_can_be_marked);
    tcase_add_test(tests, types_are_kept);
    tcase_add_test(tests, rounds_to_nearest_even);
    tcase_add_loop_test(tests, beyond_half_is_refused, 0, 3);
    tcase_add_test(tests, metadata_is_complete);
    tcase_add_loop_test(tests, labels_are_text, 0, 3);
    tcase_add_test(tests, arguments);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    failed = run_suite(suite);
    globfree(&golden);
    return failed;
}
