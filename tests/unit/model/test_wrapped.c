/* SPDX-License-Identifier: Apache-2.0 */
/* test_wrapped.c - networks that came wrapped: names behind prefixes, weights under keys of dictionaries, bookkeeping
 * of tools beside them; and what stays in doubt. */
#include "model/model.h"
#include "pickle_writer.h"

static tsm_error error;

static const written_network marked = { .mark = "blockres" };

static tsm_model_info info_of(const tsm_model *model)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;

    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    return info;
}

static void assert_text(const char *got, const char *want)
{
    if (want)
        ck_assert_str_eq(got ? got : "(nothing)", want);
    else
        ck_assert_msg(!got, "'%s', want nothing", got);
}

/* The weights of the first convolution tell networks apart. */
static float first_weight(const tsm_model *model)
{
    const tsm_weight *weight = &model->layers[0].tensors[TSM_WEIGHT];

    return tsm_number_at(weight->data, weight->dtype, 0);
}

/* ---- Prefixes ---- */

START_TEST(prefixes_are_stripped)
{
    static const char *const prefixes[] = { "module.",        "model.",
                                            "_orig_mod.",     "module.module.",
                                            "a.b.c.d.e.f.g.", "model.backbone.",
                                            "base_model.",    "net._orig_mod.module." };
    checkpoint_writer plain = { 0 }, wrapped = { 0 };
    tsm_model *a, *b;
    void *bytes[2];
    size_t counts[2];

    writer_add_network(&plain, &marked);
    writer_add_network(&wrapped, &(written_network){ .mark = "blockres", .prefix = prefixes[_i] });
    assert_ok(writer_load(&plain, &a, NULL, &error), &error);
    assert_ok(writer_load(&wrapped, &b, NULL, &error), &error);
    assert_text(info_of(a).prefix, NULL);
    assert_text(info_of(b).prefix, prefixes[_i]);
    assert_ok(tsm_model_serialize(a, NULL, &bytes[0], &counts[0], &error), &error);
    assert_ok(tsm_model_serialize(b, NULL, &bytes[1], &counts[1], &error), &error);
    ck_assert_uint_eq(counts[0], counts[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], counts[0]);
    tsm_free(bytes[0]);
    tsm_free(bytes[1]);
    tsm_model_destroy(&a);
    tsm_model_destroy(&b);
    writer_clear(&plain);
    writer_clear(&wrapped);
}
END_TEST

/* A tensor that is not of the network is what is wrong, whatever prefix the others have. */
START_TEST(what_is_unknown_is_refused)
{
    static const char *const unknown[] = { "extra.weight", "model.extra.weight", "total_opss", "model.emaa" };
    checkpoint_writer writer = { 0 };
    char says[60];
    int64_t one = 1;

    writer_add_network(&writer, &(written_network){ .prefix = "model." });
    writer_add(&writer, unknown[_i], 0, 0, 1, &one);
    snprintf(says, sizeof says, "%s (1) has no place in the network; this looks like MIT", unknown[_i]);
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, says);
    writer_clear(&writer);
}
END_TEST

/* DataParallel's prefix before some of the names only. */
START_TEST(a_prefix_of_most_names)
{
    checkpoint_writer writer = { 0 };

    writer_add_network(&writer, &(written_network){ .prefix = "module." });
    memmove(writer.tensors[0].name, writer.tensors[0].name + 7, strlen(writer.tensors[0].name + 7) + 1);
    ck_assert_str_eq(writer_info(&writer, NULL).naming, "MIT");
    writer_clear(&writer);
}
END_TEST

/* ---- Bookkeeping ---- */

START_TEST(bookkeeping_is_left_out)
{
    static const char *const names[] = { "total_ops",
                                         "total_params",
                                         "base_model.conv1.total_ops",
                                         "n_averaged",
                                         "ema_base_model_conv1_weight",
                                         "criterion.weight",
                                         "train_accuracy.tp" };
    checkpoint_writer writer = { 0 };
    tsm_model_info info;
    tsm_model *model;
    int64_t one = 1;

    writer_add_network(&writer, &(written_network){ .mark = "blockres", .prefix = "module." });
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) writer_add(&writer, names[i], 0, 0, 1, &one);
    assert_ok(writer_load(&writer, &model, NULL, &error), &error);
    info = info_of(model);
    assert_text(info.left_out, "20 num_batches_tracked, 3 thop, 2 EMA, 1 loss, 1 metrics");
    assert_text(info.prefix, "module.");
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

/* mmcv's averages are left out, offered, and taken where they are asked for. */
START_TEST(averages_beside_the_weights)
{
    checkpoint_writer writer = { 0 };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    written_tensor plain;
    tsm_model *model;
    int count;

    writer_add_network(&writer, &marked);
    count = writer.count;
    for (int i = 0; i < count; i++) {
        char name[128];

        snprintf(name, sizeof name, "ema_%.100s", writer.tensors[i].name);
        for (char *at = name; *at; at++)
            if (*at == '.') *at = '_';
        plain = writer.tensors[i]; /* the array moves when it grows */
        writer_add(&writer, name, 1, .1f, plain.ndim, plain.dims);
    }
    assert_ok(writer_load(&writer, &model, NULL, &error), &error);
    assert_text(info_of(model).other_weights, "ema_*");
    assert_text(info_of(model).left_out, "20 num_batches_tracked, 122 EMA");
    ck_assert(first_weight(model) == writer.tensors[0].values[0]);
    tsm_model_destroy(&model);
    options.weights_key = "ema_*";
    assert_ok(writer_load(&writer, &model, &options, &error), &error);
    assert_text(info_of(model).other_weights, NULL);
    ck_assert(first_weight(model) == writer.tensors[count].values[0]);
    tsm_model_destroy(&model);
    writer_remove(&writer, "ema_base_model_bn1_bias");
    writer_refused(&writer, &options, TSM_ERROR_MODEL, "holds no average of base_model.bn1.bias");
    writer_clear(&writer);
}
END_TEST

/* ---- Dictionaries ---- */

/* Opens a dictionary in a dictionary for every part of the key, puts the network in, and closes them. */
static void put_set(pickle_writer *pickle, const char *key, const checkpoint_writer *network)
{
    char part[40];
    const char *dot = strchr(key, '.');

    snprintf(part, sizeof part, "%.*s", dot ? (int)(dot - key) : (int)strlen(key), key);
    pickle_open(pickle, part);
    if (dot)
        put_set(pickle, dot + 1, network);
    else
        pickle_tensors(pickle, network);
    pickle_close(pickle);
}

/* The network of the first key has 1, 2, ... where the others differ. */
typedef struct dictionaries {
    const char *keys[4]; /* "-small": a set that is no network */
    const char *option, *weights, *others;
    int taken;        /* which one; -1: refused */
    const char *says; /* the doubt, or the error */
} dictionaries;

static const dictionaries cases[] = {
    { { "state_dict" }, NULL, "state_dict", NULL, 0, NULL },
    { { "model" }, NULL, "model", NULL, 0, NULL },
    { { "model_state" }, NULL, "model_state", NULL, 0, NULL },
    { { "a.net" }, NULL, "a.net", NULL, 0, NULL },
    { { "net", "-optimizer" }, NULL, "net", NULL, 0, NULL },
    { { "-scalars", "model" }, NULL, "model", NULL, 1, NULL },
    { { "ema", "state_dict" }, NULL, "state_dict", "ema", 1, NULL },
    { { "state_dict_ema", "model" }, NULL, "model", "state_dict_ema", 1, NULL },
    { { "state_dict", "ema.module" }, "ema.module", "ema.module", NULL, 1, NULL },
    { { "teacher", "student", "EMA" },
      NULL,
      "teacher",
      "student\nEMA",
      0,
      "weights: several fit, those under \"teacher\"" },
    { { "teacher", "student" }, "student", "student", NULL, 1, NULL },
    { { "state_dict", "other" }, NULL, "state_dict", "other", 0, NULL },
    { { "state_dict", "other" },
      "third",
      NULL,
      NULL,
      -1,
      "has no weights under the key \"third\", but under: state_dict, other" },
    { { "-one", "-two" }, NULL, NULL, NULL, -1, "scalar" },
};

START_TEST(the_one_that_fits)
{
    const dictionaries *c = &cases[_i];
    checkpoint_writer networks[4] = { { 0 } };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_model *model;
    tsm_status status;

    pickle_begin(pickle, 0);
    pickle_open(pickle, NULL);
    for (int i = 0; i < 4 && c->keys[i]; i++) {
        if (*c->keys[i] == '-')
            writer_add(&networks[i], "scalar", (float)i, 0, 1, (int64_t[]){ 1 });
        else
            writer_add_network(&networks[i], &marked);
        networks[i].tensors[0].values[0] = (float)i + 1;
        put_set(pickle, c->keys[i] + (*c->keys[i] == '-'), &networks[i]);
    }
    pickle_close(pickle);
    pickle_end(pickle);
    options.weights_key = c->option;
    options.segments = options.shift_div = 8;
    status = pickle_load(pickle, "made.pth", &model, &options, &error);
    if (c->taken < 0) {
        assert_error(status, &error, c->option ? TSM_ERROR_ARGUMENT : TSM_ERROR_MODEL, c->says);
    } else {
        assert_ok(status, &error);
        assert_text(info_of(model).weights, c->weights);
        assert_text(info_of(model).other_weights, c->others);
        ck_assert(first_weight(model) == (float)c->taken + 1);
        if (c->says)
            ck_assert_ptr_nonnull(strstr(info_of(model).doubts, c->says));
        else
            assert_text(info_of(model).doubts, NULL);
        tsm_model_destroy(&model);
    }
    for (int i = 0; i < 4; i++) writer_clear(&networks[i]);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

/* What was saved as (weights, epoch), or as [{"state_dict": weights}, weights]. */
static const struct {
    bool tuple, keyed, two;
    const char *weights, *others;
} sequences[] = { { true, false, false, "0", NULL }, { false, true, true, "0.state_dict", "1" } };

START_TEST(items_of_lists)
{
    checkpoint_writer networks[2] = { { 0 } };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_model *model;

    pickle_begin(pickle, 0);
    pickle_put(pickle, sequences[_i].tuple ? "(" : "](", sequences[_i].tuple ? 1 : 2);
    for (int i = 0; i <= (int)sequences[_i].two; i++) {
        writer_add_network(&networks[i], &marked);
        networks[i].tensors[0].values[0] = (float)i + 1;
        pickle_open(pickle, NULL);
        if (sequences[_i].keyed && i == 0)
            put_set(pickle, "state_dict", &networks[i]);
        else
            pickle_tensors(pickle, &networks[i]);
        pickle_close(pickle);
    }
    pickle_put(pickle, "K\7", 2);
    pickle_put(pickle, sequences[_i].tuple ? "t" : "e", 1);
    pickle_end(pickle);
    options.segments = options.shift_div = 8;
    assert_ok(pickle_load(pickle, "made.pth", &model, &options, &error), &error);
    assert_text(info_of(model).weights, sequences[_i].weights);
    assert_text(info_of(model).other_weights, sequences[_i].others);
    ck_assert(first_weight(model) == 1);
    tsm_model_destroy(&model);
    for (int i = 0; i < 2; i++) writer_clear(&networks[i]);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

START_TEST(a_key_needs_a_dictionary)
{
    checkpoint_writer writer = { 0 };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;

    options.weights_key = "ema";
    writer_add_network(&writer, &marked);
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "one set of weights, without a key");
    writer_clear(&writer);
}
END_TEST

/* ---- Doubts ---- */

/* What nothing says stays in doubt in the file that is written, until an option settles it. */
START_TEST(doubts_are_kept)
{
    checkpoint_writer writer = { 0 };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model, *again;
    void *data;
    size_t bytes;

    writer_add_network(&writer, &marked);
    if (_i == 1) options.segments = 16;
    if (_i == 2) options.shift_div = 4;
    assert_ok(writer_load(&writer, &model, &options, &error), &error);
    assert_ok(tsm_model_serialize(model, NULL, &data, &bytes, &error), &error);
    assert_ok(tsm_model_load_memory(&again, data, bytes, "again", NULL, &error), &error);
    assert_text(info_of(again).doubts, info_of(model).doubts);
    ck_assert_int_eq(info_of(again).segments, _i == 1 ? 16 : 8);
    ck_assert_int_eq(info_of(again).shift_div, _i == 2 ? 4 : 8);
    ck_assert_int_eq(strstr(info_of(again).doubts, "segments") != NULL, _i != 1);
    ck_assert_int_eq(strstr(info_of(again).doubts, "shift_div") != NULL, _i != 2);
    ck_assert_int_eq(memmem(data, bytes, "\"segments\":", 11) != NULL, _i == 1);
    ck_assert_int_eq(memmem(data, bytes, "\"shift_div\":", 12) != NULL, _i == 2);
    tsm_model_destroy(&again);
    options.segments = options.shift_div = 8;
    assert_ok(tsm_model_load_memory(&again, data, bytes, "again", &options, &error), &error);
    assert_text(info_of(again).doubts, NULL);
    tsm_model_destroy(&again);
    tsm_free(data);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

/* Which of several sets was meant is not known any better in a file of one of them. */
START_TEST(the_choice_stays_in_doubt)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_model *model, *again;
    void *data, *data_again;
    size_t bytes, bytes_again;

    writer_add_network(&writer, &marked);
    pickle_begin(pickle, 0);
    pickle_open(pickle, NULL);
    put_set(pickle, "left", &writer);
    put_set(pickle, "right", &writer);
    pickle_close(pickle);
    pickle_end(pickle);
    assert_ok(pickle_load(pickle, "made.pth", &model, NULL, &error), &error);
    assert_ok(tsm_model_serialize(model, NULL, &data, &bytes, &error), &error);
    assert_ok(tsm_model_load_memory(&again, data, bytes, "again", NULL, &error), &error);
    ck_assert_ptr_nonnull(strstr(info_of(again).doubts, "weights: there were several that fit, \"left\" taken"));
    assert_ok(tsm_model_serialize(again, NULL, &data_again, &bytes_again, &error), &error);
    ck_assert_uint_eq(bytes, bytes_again);
    ck_assert_mem_eq(data, data_again, bytes);
    tsm_free(data);
    tsm_free(data_again);
    tsm_model_destroy(&model);
    tsm_model_destroy(&again);
    writer_clear(&writer);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

/* ---- What is said of a network that is not whole ---- */

START_TEST(fitting_tensors_are_not_blamed)
{
    static const char *const prefixes[] = { "", "module." };
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    char name[40];

    writer_add_network(&writer, &(written_network){ .prefix = prefixes[_i] });
    snprintf(name, sizeof name, "%snew_fc.weight", prefixes[_i]);
    writer_remove(&writer, name);
    snprintf(name, sizeof name, "%snew_fc.bias", prefixes[_i]);
    writer_remove(&writer, name);
    assert_error(writer_load(&writer, &model, NULL, &error), &error, TSM_ERROR_MODEL,
                 "new_fc.weight is missing; this looks like MIT resnet18");
    ck_assert_ptr_null(strstr(error.text, "no place"));
    writer_clear(&writer);
}
END_TEST

/* ---- Allocation failures ---- */

START_TEST(every_allocation_may_fail)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_model *model;
    tsm_status status;

    writer_add_network(&writer, &(written_network){ .mark = "blockres", .width = 1, .prefix = "model." });
    pickle_begin(pickle, _i ? 2 : 0);
    pickle_open(pickle, NULL);
    put_set(pickle, "a.net", &writer);
    put_set(pickle, "ema", &writer);
    pickle_close(pickle);
    pickle_end(pickle);
    for (uint64_t n = 1;; n++) {
        tsm_alloc_fail_at(n);
        status = pickle_load(pickle, "made.pth", &model, NULL, &error);
        if (status == TSM_OK) break;
        assert_error(status, &error, TSM_ERROR_MEMORY, "memory");
        ck_assert_ptr_null(model);
    }
    tsm_alloc_fail_at(0);
    tsm_model_destroy(&model);
    writer_clear(&writer);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wrapped");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, prefixes_are_stripped, 0, 8);
    tcase_add_loop_test(tests, what_is_unknown_is_refused, 0, 4);
    tcase_add_test(tests, a_prefix_of_most_names);
    tcase_add_test(tests, bookkeeping_is_left_out);
    tcase_add_test(tests, averages_beside_the_weights);
    tcase_add_loop_test(tests, the_one_that_fits, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tests, items_of_lists, 0, sizeof sequences / sizeof *sequences);
    tcase_add_test(tests, a_key_needs_a_dictionary);
    tcase_add_loop_test(tests, doubts_are_kept, 0, 3);
    tcase_add_test(tests, the_choice_stays_in_doubt);
    tcase_add_loop_test(tests, fitting_tensors_are_not_blamed, 0, 2);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
