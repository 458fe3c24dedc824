/* SPDX-License-Identifier: Apache-2.0 */
/* test_mobileone_refusals.c - what is said of MobileOnes whose tensors are not those of their blocks. */
#include "mobileone_writer.h"

static tsm_error error;

typedef enum edit { REMOVE, ADD, SHAPE, TYPE, VALUE, RENAME } edit;

#define STAGE "backbone.stage"

static const struct refusal {
    edit edit;
    const char *tensor; /* where it ends with '*', all whose names begin so */
    int dims[4];        /* ADD, SHAPE */
    double value;       /* VALUE: of the last element */
    const char *text;   /* TYPE, RENAME */
    const char *says;
} refusals[] = {
    { .tensor = STAGE "1.0.net.branch_scale.norm.bias",
      .says = "base_model.stage1.0.branch_scale.norm.bias (5) is missing; " },
    { .tensor = STAGE "1.2.net.branch_norm.*", .says = "base_model.stage1.2.branch_norm.weight (6) is missing; " },
    { .tensor = STAGE "2.1.net.branch_norm.*", .says = "base_model.stage2.1.branch_norm.weight (6) is missing; " },
    { .tensor = STAGE "0.net.branch_scale.*",
      .says = "base_model.stage0.branch_scale.conv.weight (5,3,1,1) is missing; " },
    { .tensor = STAGE "1.1.net.branch_conv_list.0.conv.weight",
      .says = "base_model.stage1.1.branch_conv_list.0.conv.weight is missing; this looks like" },
    { .tensor = STAGE "1.2.net.branch_conv_list.0.conv.weight",
      .says = "base_model.stage1.2.branch_conv_list.0.conv.weight (6,1,3,3) is missing; " },
    { .tensor = STAGE "4.0.net.se.conv2.conv.bias",
      .says = "base_model.stage4.0.se.conv2.conv.bias (6) is missing; " },
    { .tensor = STAGE "4.0.net.se.conv1.conv.weight",
      .says = "base_model.stage4.0.se.conv1.conv.weight is missing; this looks like" },
    { .tensor = STAGE "4.*", .says = "its stages have 4, 16, 20 and 0 blocks: no MobileOne" },
    { .tensor = STAGE "0.*", .says = "base_model.stage0.branch_conv_list.0.conv.weight is missing; this looks like" },

    { ADD, STAGE "2.0.net.branch_norm.weight", .dims = { 6 },
      .says = "backbone.stage2.0.net.branch_norm.weight (6) has no place in the network; " },
    { ADD, STAGE "2.1.net.branch_scale.conv.weight", .dims = { 6, 6, 1, 1 },
      .says = "backbone.stage2.1.net.branch_scale.conv.weight (6,6,1,1) has no place in the network; " },
    { ADD, STAGE "2.1.net.branch_conv_list.0.conv.bias", .dims = { 6 },
      .says = "backbone.stage2.1.net.branch_conv_list.0.conv.bias (6) has no place in the network; " },
    { ADD, STAGE "2.1.net.branch_conv_list.1.conv.weight", .dims = { 6, 6, 1, 1 },
      .says = "base_model.stage2.1.branch_conv_list.1.norm.weight (6) is missing; " },
    { ADD, STAGE "2.1.net.branch_conv_list.2.conv.weight", .dims = { 6, 6, 1, 1 },
      .says = "base_model.stage2.1.branch_conv_list.1.conv.weight (6,6,1,1) is missing; " },
    { ADD, STAGE "2.1.net.branch_conv_list.64.conv.weight", .dims = { 6, 6, 1, 1 },
      .says = "backbone.stage2.1.net.branch_conv_list.64.conv.weight belongs to branch 64 of a block, which can have "
              "at most 64" },
    { ADD, STAGE "1.0.net.branch_reparam.weight", .dims = { 5, 1, 3, 3 },
      .says =
          "base_model.stage1.0.branch_reparam.bias (5) is missing, and backbone.stage1.0.net.branch_scale.conv." },
    { ADD, STAGE "1.0.net.branch_reparam.bias", .dims = { 5 },
      .says =
          "base_model.stage1.0.branch_reparam.weight (5,1,3,3) is missing, and backbone.stage1.0.net.branch_scale" },

    { SHAPE, STAGE "1.0.net.branch_scale.conv.weight", .dims = { 1, 5, 1, 1 },
      .says = "backbone.stage1.0.net.branch_scale.conv.weight is (1,5,1,1), want (5,1,1,1)" },
    { SHAPE, STAGE "1.2.net.branch_norm.running_mean", .dims = { 2, 3 },
      .says = "backbone.stage1.2.net.branch_norm.running_mean is (2,3), want (6)" },
    { SHAPE, STAGE "2.1.net.branch_conv_list.0.conv.weight", .dims = { 36 },
      .says = "backbone.stage2.1.net.branch_conv_list.0.conv.weight is (36), want 4 dimensions" },
    { SHAPE, STAGE "4.1.net.branch_conv_list.0.conv.weight", .dims = { 3, 18, 1, 1 },
      .says = "backbone.stage4.1.net.branch_conv_list.0.conv.weight is (3,18,1,1), want (3,6,1,1)" },

    { TYPE, STAGE "1.2.net.branch_norm.bias", .text = "I64",
      .says = "backbone.stage1.2.net.branch_norm.bias is of type I64, want F32, F16, BF16 or F64" },
    { VALUE, STAGE "1.2.net.branch_norm.bias", .value = NAN,
      .says = "backbone.stage1.2.net.branch_norm.bias holds NaN or infinity" },
    { VALUE, STAGE "3.3.net.branch_conv_list.0.conv.weight", .value = -INFINITY,
      .says = "backbone.stage3.3.net.branch_conv_list.0.conv.weight holds NaN or infinity" },
    { VALUE, STAGE "1.2.net.branch_scale.norm.running_var", .value = -.25,
      .says = "backbone.stage1.2.net.branch_scale.norm.running_var holds a negative variance, -0.25" },
    { RENAME, STAGE "3.3.net.branch_conv_list.0.conv.weight", .text = STAGE "3.3.branch_conv_list.0.conv.weight",
      .says = "backbone.stage3.3.branch_conv_list.0.conv.weight is not marked as shifted" },
};

static void remove_tensors(checkpoint_writer *writer, const char *pattern)
{
    const size_t length = strcspn(pattern, "*");
    int removed = 0;

    for (int i = 0; i < writer->count;) {
        const char *name = writer->tensors[i].name;

        if (strncmp(name, pattern, length) != 0 || (!pattern[length] && name[length])) {
            i++;
            continue;
        }
        writer_remove(writer, name);
        removed++;
    }
    ck_assert_int_gt(removed, 0);
}

static void edit_tensor(checkpoint_writer *writer, const struct refusal *r)
{
    written_tensor *tensor = r->edit == ADD || r->edit == REMOVE ? NULL : writer_find(writer, r->tensor);
    int64_t dims[4], ndim = 0;

    for (; ndim < 4 && r->dims[ndim]; ndim++) dims[ndim] = r->dims[ndim];
    switch (r->edit) {
    case REMOVE: remove_tensors(writer, r->tensor); break;
    case ADD: writer_add(writer, r->tensor, 1, 0, (int)ndim, dims); break;
    case SHAPE:
        tensor->ndim = (int)ndim;
        memcpy(tensor->dims, dims, (size_t)ndim * sizeof *dims);
        break;
    case TYPE: tensor->dtype = r->text; break;
    case VALUE: tensor->values[written_count(tensor) - 1] = (float)r->value; break;
    case RENAME: strcpy(tensor->name, r->text); break;
    }
}

static void assert_refused(checkpoint_writer *writer, const tsm_model_options *options, tsm_status want,
                           const char *says)
{
    char full[300];
    tsm_model *model;

    snprintf(full, sizeof full, "made.safetensors: %s", says);
    assert_error(writer_load(writer, &model, options, &error), &error, want, full);
    ck_assert_ptr_null(model);
}

START_TEST(wrong_branches_are_refused)
{
    checkpoint_writer writer = write_trained(&small);

    edit_tensor(&writer, &refusals[_i]);
    assert_refused(&writer, NULL, TSM_ERROR_MODEL, refusals[_i].says);
    writer_clear(&writer);
}
END_TEST

START_TEST(both_forms_are_refused)
{
    checkpoint_writer writer = write_trained(&small);
    tsm_model *model = load(&writer, NULL);

    add_merged(&writer, model, "backbone.stage1.0.net", "base_model.stage1.0");
    assert_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "backbone.stage1.0.net.branch_scale.conv.weight (5,1,1,1) has no place in the network");
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

START_TEST(sums_beyond_float_are_refused)
{
    checkpoint_writer writer = write_trained(&small);

    writer_find(&writer, "backbone.stage1.2.net.branch_scale.norm.weight")->values[3] = 3e38f;
    writer_find(&writer, "backbone.stage1.2.net.branch_scale.norm.running_var")->values[3] = 0;
    writer_find(&writer, "backbone.stage1.2.net.branch_scale.conv.weight")->values[3] = 1;
    assert_refused(
        &writer, NULL, TSM_ERROR_MODEL,
        "the branches of base_model.stage1.2.branch_reparam make 9.48683e+40, beyond the range of float32");
    writer_clear(&writer);
}
END_TEST

/* From a name of mmaction2 to that of the MIT release. */
static void name_mit(char name[128])
{
    static const char *const renames[][2] = { { "backbone.", "base_model." }, { "cls_head.fc_cls.", "new_fc." } };
    char rest[128];

    for (int i = 0; i < 2; i++) {
        const size_t length = strlen(renames[i][0]);

        if (strncmp(name, renames[i][0], length) != 0) continue;
        strcpy(rest, name + length);
        written_name(name, "%s%.100s", renames[i][1], rest);
    }
}

START_TEST(only_whole_blocks_shift)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = write_trained(&small);

    options.shift_place = TSM_PLACE_BLOCKRES;
    assert_refused(&writer, &options, TSM_ERROR_ARGUMENT,
                   "shift_place is blockres, but mobileone shifts in block only");
    /* The mark of another network, and an option that agrees with this one. */
    writer_clear(&writer);
    writer = write_trained(&(written_mobileone){ .channels = { 5, 6, 6, 6, 9 }, .branches = 1, .plain = true });
    writer_add(&writer, "base_model.layer1.0.conv1.net.weight", 0, 1, 1, (int64_t[]){ 1 });
    for (int i = 0; i < writer.count; i++) name_mit(writer.tensors[i].name);
    options.shift_place = TSM_PLACE_BLOCK;
    assert_refused(&writer, &options, TSM_ERROR_MODEL,
                   "base_model.layer1.0.conv1.net.weight is marked as shifted, which is not how mobileone shifts");
    writer_clear(&writer);
}
END_TEST

#define COUNT(array) (int)(sizeof array / sizeof *array)

int main(void)
{
    Suite *suite = suite_create("mobileone_refusals");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, wrong_branches_are_refused, 0, COUNT(refusals));
    tcase_add_test(tests, both_forms_are_refused);
    tcase_add_test(tests, sums_beyond_float_are_refused);
    tcase_add_test(tests, only_whole_blocks_shift);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
