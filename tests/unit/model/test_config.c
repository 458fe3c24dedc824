/* SPDX-License-Identifier: Apache-2.0 */
/* test_config.c - what a network is taken for, by its names, its metadata, its file's name and options: who wins,
 * what contradicts, and what is doubted. */
#include "checkpoint_writer.h"

/* A file of tests/data/golden, to be loaded under another name and without some of its metadata. */
typedef struct disguise {
    const char *file, *name;
    const char *without[3]; /* metadata keys that are renamed to something unknown */
} disguise;

static char *read_file(const char *file, size_t *bytes)
{
    char path[512], *data;
    FILE *in;

    snprintf(path, sizeof path, "%s/golden/%s", TSM_TEST_DATA, file);
    in = fopen(path, "rb");
    ck_assert_msg(in != NULL, "%s", path);
    ck_assert_int_eq(fseek(in, 0, SEEK_END), 0);
    *bytes = (size_t)ftell(in);
    rewind(in);
    data = malloc(*bytes);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, *bytes, in), *bytes);
    fclose(in);
    return data;
}

static tsm_status load(const disguise *d, const tsm_model_options *options, tsm_model **model, tsm_error *error)
{
    size_t bytes;
    char *data = read_file(d->file, &bytes);
    tsm_status status;

    for (int i = 0; i < 3 && d->without[i]; i++) {
        char quoted[40], *at;

        snprintf(quoted, sizeof quoted, "\"%s\"", d->without[i]);
        at = memmem(data, bytes, quoted, strlen(quoted));
        ck_assert_msg(at != NULL, "%s has no metadata %s", d->file, d->without[i]);
        at[1] = '?';
    }
    status = tsm_model_load_memory(model, data, bytes, d->name ? d->name : d->file, options, error);
    free(data);
    return status;
}

static tsm_model_info info_of(const disguise *d, const tsm_model_options *options, tsm_model **model)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_error error;

    assert_ok(load(d, options, model, &error), &error);
    ck_assert_int_eq(tsm_model_get_info(*model, &info), TSM_OK);
    return info;
}

static void assert_refused(const disguise *d, const tsm_model_options *options, tsm_status want, const char *says)
{
    tsm_model *model;
    tsm_error error;

    assert_error(load(d, options, &model, &error), &error, want, says);
    ck_assert_ptr_null(model);
}

START_TEST(mit_file_names)
{
    static const struct {
        const char *name, *metadata;
        int segments, div, place;
    } names[] = {
        { "a/TSM_kinetics_RGB_resnet18_shift8_blockres_avg_segment16_e100_dense.pth", "", 16, 8, TSM_PLACE_BLOCKRES },
        { "TSM_x_RGB_resnet18_shift4_blockres_avg_segment8_e45.pth", "", 8, 4, TSM_PLACE_BLOCKRES },
        { "TSM_x_RGB_resnet18_shift4_blockres_avg_segment32.pth", "\"segments\":\"5\",\"shift_div\":\"2\"", 5, 2,
          TSM_PLACE_BLOCKRES },
        { "TSM_segment16_b/TSM_x_segment99999_shiftx_block_.pth", "", 8, 8, TSM_PLACE_BLOCKRES },
        { "my_shift4_block_segment16.pth", "", 8, 8, TSM_PLACE_BLOCKRES },
        { "TSM_x_segment16_/plain.pth", "", 8, 8, TSM_PLACE_BLOCKRES },
    };
    checkpoint_writer writer = { 0 };
    uint8_t *file;
    size_t bytes;
    tsm_model *model;
    tsm_error error;

    writer_add_network(&writer, &(written_network){ .mark = "blockres" });
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tsm_model_info info = TSM_MODEL_INFO_INIT;

        strcpy(writer.metadata, names[i].metadata);
        file = writer_bytes(&writer, 0, &bytes);
        assert_ok(tsm_model_load_memory(&model, file, bytes, names[i].name, NULL, &error), &error);
        tsm_model_get_info(model, &info);
        ck_assert_int_eq(info.segments, names[i].segments);
        ck_assert_int_eq(info.shift_div, names[i].div);
        ck_assert_int_eq(info.shift_place, names[i].place);
        tsm_model_destroy(&model);
        free(file);
    }
    file = writer_bytes(&writer, 0, &bytes);
    assert_error(tsm_model_load_memory(&model, file, bytes, "TSM_x_shift8_block_avg.pth", NULL, &error), &error,
                 TSM_ERROR_MODEL,
                 "the file's name says shift_place block, base_model.layer1.0.conv1.net.weight marks blockres");
    free(file);
    writer_clear(&writer);
}
END_TEST

#define EMBEDDED "r50_nl_mmaction2.safetensors"
#define GAUSSIAN "r50_nl_gaussian_mmaction2.safetensors"
#define UNNAMED                                                                                                      \
    {                                                                                                                \
        "nonlocal", "segments", NULL                                                                                 \
    }
#define OLD_NAME "x/tsm_nl_dot_product_r50_1x1x16_50e_kinetics400_rgb_20200724-d8ad84d2.pth"
#define NEW_NAME "tsm_imagenet-pretrained-r50-nl-dot-product_8xb16-1x1x16-50e_kinetics400-rgb_20220831-108bfde5.pth"
#define EG_NAME                                                                                                      \
    "tsm_imagenet-pretrained-r50-nl-embedded-gaussian_8xb16-1x1x8-50e_kinetics400-rgb_20220831-35eddb57.pth"
#define G_NAME "tsm_nl_gaussian_r50_1x1x8_50e_kinetics400_rgb_20200816-b93fd297.pth"

START_TEST(mmaction2_file_names)
{
    static const struct {
        disguise file;
        int segments;
        tsm_nonlocal mode;
    } names[] = {
        { { EMBEDDED, OLD_NAME, UNNAMED }, 16, TSM_NONLOCAL_DOT_PRODUCT },
        { { EMBEDDED, NEW_NAME, UNNAMED }, 16, TSM_NONLOCAL_DOT_PRODUCT },
        { { EMBEDDED, EG_NAME, UNNAMED }, 8, TSM_NONLOCAL_EMBEDDED_GAUSSIAN },
        { { GAUSSIAN, G_NAME, UNNAMED }, 8, TSM_NONLOCAL_GAUSSIAN },
        /* Metadata comes first, and folders say nothing. */
        { { EMBEDDED, NEW_NAME, { NULL } }, 8, TSM_NONLOCAL_EMBEDDED_GAUSSIAN },
        { { EMBEDDED, "tsm_nl_dot_product_1x1x16/plain.pth", UNNAMED }, 8, TSM_NONLOCAL_EMBEDDED_GAUSSIAN },
        { { EMBEDDED, "my_tsm_nl_dot_product_1x1x16.pth", UNNAMED }, 8, TSM_NONLOCAL_EMBEDDED_GAUSSIAN },
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tsm_model *model;
        tsm_model_info info = info_of(&names[i].file, NULL, &model);

        ck_assert_int_eq(info.segments, names[i].segments);
        ck_assert_int_eq(info.nonlocal, names[i].mode);
        ck_assert_int_eq(info.nonlocal_blocks, 5);
        ck_assert_str_eq(info.arch, "resnet50");
        tsm_model_destroy(&model);
    }
}
END_TEST

START_TEST(contradictions)
{
    static const struct {
        disguise file;
        const char *says;
    } wrong[] = {
        { { "r18.safetensors", "TSM_x_RGB_resnet50_shift8_blockres_avg_segment8_e1.pth", { "arch" } },
          "the file's name says arch resnet50, the tensors make resnet18" },
        { { "r18.safetensors", "TSM_x_RGB_resnet18_shift8_blockres_avg_segment8_e1_nl.pth", { NULL } },
          "the file's name says non-local blocks of mode embedded_gaussian, the tensors make none" },
        { { "r18.safetensors", "TSM_x_RGB_resnet18_shift8_blockres_tpool_avg_segment8_e1.pth", { NULL } },
          "the file's name says that there is a temporal pool, but no tensor name of layer2 marks one" },
        { { GAUSSIAN, OLD_NAME, UNNAMED },
          "the file's name says non-local blocks of mode dot_product, the tensors make gaussian ones" },
        { { EMBEDDED, G_NAME, UNNAMED },
          "the file's name says non-local blocks of mode gaussian, the tensors make embedded ones" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(&wrong[i].file, NULL, TSM_ERROR_MODEL, wrong[i].says);
}
END_TEST

START_TEST(options_for_nonlocal)
{
    const disguise embedded = { EMBEDDED, NULL, { NULL } }, gaussian = { GAUSSIAN, NULL, { NULL } };
    const disguise none = { "r18.safetensors", NULL, { NULL } };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model;

    options.nonlocal = TSM_NONLOCAL_DOT_PRODUCT;
    ck_assert_int_eq(info_of(&embedded, &options, &model).nonlocal, TSM_NONLOCAL_DOT_PRODUCT);
    tsm_model_destroy(&model);
    assert_refused(&gaussian, &options, TSM_ERROR_ARGUMENT, "the option says non-local blocks of mode dot_product");
    assert_refused(&none, &options, TSM_ERROR_ARGUMENT, "the tensors make none");
    options.nonlocal = (tsm_nonlocal)4;
    assert_refused(&embedded, &options, TSM_ERROR_ARGUMENT, "option nonlocal is 4, want 0 to 3");
}
END_TEST

START_TEST(wrong_metadata)
{
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    tsm_error error;

    writer_add_network(&writer, &(written_network){ .mark = "blockres" });
    strcpy(writer.metadata, "\"shift_direction\":\"sideways\"");
    assert_error(writer_load(&writer, &model, NULL, &error), &error, TSM_ERROR_MODEL,
                 "metadata shift_direction is \"sideways\", want bidirectional, unidirectional or mirrored");
    strcpy(writer.metadata, "\"nonlocal\":\"none\"");
    assert_error(writer_load(&writer, &model, NULL, &error), &error, TSM_ERROR_MODEL,
                 "metadata nonlocal is \"none\", want embedded_gaussian, dot_product or gaussian");
    strcpy(writer.metadata, "\"nonlocal\":\"gaussian\"");
    assert_error(writer_load(&writer, &model, NULL, &error), &error, TSM_ERROR_MODEL,
                 "metadata says non-local blocks of mode gaussian, the tensors make none");
    strcpy(writer.metadata, "\"shift_place\":\"blocks\"");
    assert_error(writer_load(&writer, &model, NULL, &error), &error, TSM_ERROR_MODEL,
                 "metadata shift_place is \"blocks\", want blockres or block");
    writer_clear(&writer);
}
END_TEST

START_TEST(directions)
{
    static const struct {
        disguise file;
        tsm_shift_direction option, want;
        const char *naming;
        int div, shifts;
    } networks[] = {
        { { "r18.safetensors", NULL, { NULL } }, 0, TSM_BIDIRECTIONAL, "MIT", 8, 8 },
        { { "r18.safetensors", NULL, { NULL } }, TSM_UNIDIRECTIONAL, TSM_UNIDIRECTIONAL, "MIT", 8, 8 },
        { { "mbv2_online.safetensors", NULL, { NULL } }, 0, TSM_UNIDIRECTIONAL, "MIT online", 3, 10 },
        /* The release's own has an eighth; channels of the narrow network are too few for that in all but some. */
        { { "mbv2_online.safetensors", NULL, { "shift_div", "segments" } },
          0,
          TSM_UNIDIRECTIONAL,
          "MIT online",
          8,
          -1 },
        { { "mbv2_online.safetensors", NULL, { NULL } }, TSM_BIDIRECTIONAL, TSM_BIDIRECTIONAL, "MIT online", 3, 10 },
        /* The ratio of PaddleVideo is one over the number of segments. */
        { { "pptsm.safetensors", NULL, { NULL } }, 0, TSM_MIRRORED, "PaddleVideo", 8, -1 },
        { { "pptsm_t16.safetensors", NULL, { NULL } }, 0, TSM_MIRRORED, "PaddleVideo", 16, -1 },
        { { "pptsm_t3.safetensors", NULL, { NULL } }, 0, TSM_MIRRORED, "PaddleVideo", 3, 16 },
        /* Looking back only does not change how many channels were trained to move. */
        { { "pptsm_t16.safetensors", NULL, { NULL } },
          TSM_UNIDIRECTIONAL,
          TSM_UNIDIRECTIONAL,
          "PaddleVideo",
          16,
          -1 },
    };

    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
        tsm_model_info info;
        tsm_model *model;

        options.shift_direction = networks[i].option;
        info = info_of(&networks[i].file, &options, &model);
        ck_assert_int_eq(info.shift_direction, networks[i].want);
        ck_assert_str_eq(info.naming, networks[i].naming);
        ck_assert_int_eq(info.shift_div, networks[i].div);
        if (networks[i].shifts >= 0) ck_assert_int_eq(info.shifts, networks[i].shifts);
        tsm_model_destroy(&model);
    }
}
END_TEST

/* A convolution and its batch norm, as PaddlePaddle names them. */
static void add_paddle(checkpoint_writer *writer, int out, int in, int kernel, const char *format, ...)
{
    static const char *const parts[] = { "weight", "bias", "_mean", "_variance" };
    char layer[80], name[128];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(layer, sizeof layer, format, arguments);
    va_end(arguments);
    written_name(name, "%s._conv.weight", layer);
    writer_add(writer, name, 0, .5f, 4, (int64_t[]){ out, in, kernel, kernel });
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        written_name(name, "%s._batch_norm.%s", layer, parts[i]);
        writer_add(writer, name, 1, .1f, 1, (int64_t[]){ out });
    }
}

/* PP-TSM of 101 layers shifts every block, where other networks of 23 blocks in layer3 shift every second. */
START_TEST(deep_pptsm)
{
    static const int blocks[] = { 3, 4, 23, 3 };
    checkpoint_writer writer = { 0 };
    int channels = 2;
    tsm_model_info info;

    add_paddle(&writer, 1, 3, 3, "backbone.conv1_1");
    add_paddle(&writer, 1, 1, 3, "backbone.conv1_2");
    add_paddle(&writer, channels, 1, 3, "backbone.conv1_3");
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < blocks[stage]; block++) {
            const int width = 2 << stage;

            add_paddle(&writer, width, channels, 1, "backbone.bb_%d_%d.conv0", stage, block);
            add_paddle(&writer, width, width, 3, "backbone.bb_%d_%d.conv1", stage, block);
            add_paddle(&writer, 4 * width, width, 1, "backbone.bb_%d_%d.conv2", stage, block);
            if (block == 0) add_paddle(&writer, 4 * width, channels, 1, "backbone.bb_%d_0.short", stage);
            channels = 4 * width;
        }
    writer_add(&writer, "head.fc.weight", 0, .5f, 2, (int64_t[]){ channels, 5 });
    writer_add(&writer, "head.fc.bias", 0, .5f, 1, (int64_t[]){ 5 });
    strcpy(writer.metadata, "\"segments\":\"2\"");
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.arch, "resnet101_vd");
    ck_assert_int_eq(info.shifts, 33);
    ck_assert_int_eq(info.classes, 5);
    writer_clear(&writer);
}
END_TEST

START_TEST(direction_out_of_range)
{
    const disguise file = { "r18.safetensors", NULL, { NULL } };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;

    options.shift_direction = (tsm_shift_direction)4;
    assert_refused(&file, &options, TSM_ERROR_ARGUMENT, "option shift_direction is 4, want 0 to 3");
}
END_TEST

static const struct {
    disguise file;
    int segments, no_shift; /* options */
    const char *doubts;
} doubted[] = {
    { { "r18.safetensors", NULL, { NULL } }, 0, 0, NULL },
    { { "r18.safetensors", NULL, { "segments", "shift_div" } },
      0,
      0,
      "segments: not given, 8 assumed\nshift_div: not given, 8 assumed" },
    { { "r18.safetensors", NULL, { "segments", "shift_div" } }, 8, 1, NULL },
    { { "r18.safetensors", "TSM_x_RGB_resnet18_shift8_blockres_avg_segment8_e1.pth", { "segments", "shift_div" } },
      0,
      0,
      NULL },
    { { "r18_torchvision.safetensors", NULL, { NULL } }, 0, 0, "segments: not given, 8 assumed" },
    { { "mbv2_online.safetensors", NULL, { "segments", "shift_div" } }, 0, 0, "segments: not given, 8 assumed" },
    { { "pptsm.safetensors", NULL, { NULL } }, 0, 0, NULL },
    { { EMBEDDED, NULL, { "nonlocal" } },
      0,
      0,
      "nonlocal: not given, embedded_gaussian assumed; dot_product would fit too" },
    { { EMBEDDED, EG_NAME, { "nonlocal" } }, 0, 0, NULL },
    { { GAUSSIAN, NULL, { "nonlocal" } }, 0, 0, NULL },
    /* The MIT release has one mode. */
    { { "r50_nl.safetensors", NULL, { NULL } }, 0, 0, NULL },
};

START_TEST(doubts)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info;
    tsm_model *model;

    options.segments = doubted[_i].segments;
    options.no_shift = doubted[_i].no_shift;
    info = info_of(&doubted[_i].file, &options, &model);
    if (doubted[_i].doubts) {
        ck_assert_ptr_nonnull(info.doubts);
        ck_assert_str_eq(info.doubts, doubted[_i].doubts);
    } else {
        ck_assert_msg(!info.doubts, "%s", info.doubts);
    }
    tsm_model_destroy(&model);
}
END_TEST

START_TEST(doubts_of_channels)
{
    static const struct {
        int channels;
        bool doubts;
    } inputs[] = { { 3, false }, { 10, false }, { 4, true } };

    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        checkpoint_writer writer = { 0 };
        tsm_model_info info = TSM_MODEL_INFO_INIT;
        tsm_model *model;
        tsm_error error;

        writer_add_network(&writer, &(written_network){ .in_channels = inputs[i].channels });
        strcpy(writer.metadata, "\"segments\":\"8\"");
        assert_ok(writer_load(&writer, &model, NULL, &error), &error);
        ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
        ck_assert_int_eq(info.doubts != NULL, inputs[i].doubts);
        if (info.doubts) ck_assert_ptr_nonnull(strstr(info.doubts, "4 channels"));
        tsm_model_destroy(&model);
        writer_clear(&writer);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");

    tcase_add_test(tests, mit_file_names);
    tcase_add_test(tests, mmaction2_file_names);
    tcase_add_test(tests, contradictions);
    tcase_add_test(tests, options_for_nonlocal);
    tcase_add_test(tests, wrong_metadata);
    tcase_add_test(tests, directions);
    tcase_add_test(tests, deep_pptsm);
    tcase_add_test(tests, direction_out_of_range);
    tcase_add_loop_test(tests, doubts, 0, (int)(sizeof doubted / sizeof *doubted));
    tcase_add_test(tests, doubts_of_channels);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
