/* SPDX-License-Identifier: Apache-2.0 */
/* test_naming.c - the namings of other releases, and MobileNetV2: names, shapes and what is said of wrong ones. */
#include "checkpoint_writer.h"
#include "core/status.h"
#include "names/keys.h"
#include "model/model.h"

/* ---- Patterns ---------------------------------------------------------------------------------------------- */

static const struct renamed {
    const char *from, *to, *name, *want; /* NULL: does not match */
} renames[] = {
    { "a.*", "b.*", "a.weight", "b.weight" },
    { "a.*", "*", "a.", "" },
    { "a.*", "b.*", "a", NULL },
    { "a.*", "b.*", "ba.weight", NULL },
    { "a", "b", "a", "b" },
    { "a", "b", "ab", NULL },
    { "x#.#.y#", "#-#-#", "x1.22.y3", "1-22-3" },
    { "x#.*", "y#+4.*", "x9996.*", "y10000.*" },
    { "x#.*", "y#+17.*", "x0.z", "y17.z" },
    { "x#.*", "y#.*", "x9999.z", "y9999.z" },
    { "x#.*", "y#.*", "x10000.z", NULL },
    { "x#.*", "y#.*", "x.z", NULL },
    { "x#.*", "y#.*", "x-1.z", NULL },
    { "x#.*", "y#.*", "", NULL },
};

START_TEST(test_renames)
{
    const struct renamed *r = &renames[_i];
    const tsm_rename rules[] = { { r->from, r->to, TSM_MARK_NONE }, { NULL, NULL, TSM_MARK_NONE } };
    tsm_marks marks = { 0 };
    char *name = tsm_alloc_zero(strlen(r->name) + 1, 1);

    strcpy(name, r->name);
    ck_assert(tsm_rename_apply(rules, &name, &marks));
    ck_assert_str_eq(name, r->want ? r->want : r->name);
    ck_assert(!marks.shift && !marks.tpool);
    tsm_free(name);
}
END_TEST

/* A pattern may capture no more numbers than there is room for, and a replacement take no more than were captured. */
static void check_rule(const tsm_rename *rule)
{
    int captured = 0, taken = 0;
    const char *star = strchr(rule->from, '*'), *put = strchr(rule->to, '*');

    for (const char *at = rule->from; *at; at++) captured += *at == '#';
    for (const char *at = rule->to; *at; at++) taken += *at == '#';
    ck_assert_int_le(captured, TSM_PATTERN_NUMBERS);
    ck_assert_msg(taken <= captured && !star == !put, "%s to %s", rule->from, rule->to);
    ck_assert_msg((!star || !star[1]) && (!put || !put[1]), "%s to %s", rule->from, rule->to);
}

START_TEST(test_tables)
{
    for (const tsm_naming *naming = tsm_namings; naming->name; naming++)
        for (const tsm_rename *rule = naming->renames; rule->from; rule++) check_rule(rule);
}
END_TEST

/* ---- ResNets ----------------------------------------------------------------------------------------------- */

/* Replaces the first `from` in `name`; false where there is none. */
static bool replace(char name[128], const char *from, const char *to)
{
    char *at = strstr(name, from), rest[128];

    if (!at) return false;
    strcpy(rest, at + strlen(from));
    ck_assert_uint_lt((size_t)(at - name) + strlen(to) + strlen(rest), 128);
    sprintf(at, "%s%s", to, rest);
    return true;
}

/* From the names of the MIT release to those of mmaction2. */
static void name_mmaction2(char name[128])
{
    char from[24], to[24];

    for (int i = 1; i <= 3; i++) {
        sprintf(from, "conv%d.", i);
        sprintf(to, "conv%d.conv.", i);
        if (replace(name, from, to)) break;
        sprintf(from, "bn%d.", i);
        sprintf(to, "conv%d.bn.", i);
        if (replace(name, from, to)) break;
    }
    replace(name, "downsample.0.", "downsample.conv.");
    replace(name, "downsample.1.", "downsample.bn.");
    replace(name, "base_model.", "backbone.");
    replace(name, "new_fc.", "cls_head.fc_cls.");
}

static void name_torchvision(char name[128])
{
    replace(name, "base_model.", "");
    replace(name, "new_fc.", "fc.");
}

static void rename_tensors(checkpoint_writer *writer, void (*rename)(char name[128]))
{
    for (int i = 0; i < writer->count; i++) rename(writer->tensors[i].name);
}

static const struct named_network {
    written_network network;
    void (*rename)(char name[128]);
    const char *naming;
    int shifts;
    tsm_shift_place place;
} named_networks[] = {
    { { .arch = "resnet50", .mark = "blockres" }, name_mmaction2, "mmaction2", 16, TSM_PLACE_BLOCKRES },
    { { .arch = "resnet101", .mark = "blockres" }, name_mmaction2, "mmaction2", 18, TSM_PLACE_BLOCKRES },
    { { .arch = "resnet18", .mark = "block" }, name_mmaction2, "mmaction2", 8, TSM_PLACE_BLOCK },
    { { .arch = "resnet34", .prefix = "module." }, name_mmaction2, "mmaction2", 0, TSM_PLACE_BLOCKRES },
    { { .arch = "resnet50" }, name_torchvision, "torchvision", 0, TSM_PLACE_BLOCKRES },
    { { .arch = "resnet18", .prefix = "module." }, name_torchvision, "torchvision", 0, TSM_PLACE_BLOCKRES },
};

START_TEST(test_resnets)
{
    const struct named_network *want = &named_networks[_i];
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(&writer, &want->network);
    rename_tensors(&writer, want->rename);
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.naming, want->naming);
    ck_assert_str_eq(info.arch, want->network.arch);
    ck_assert_int_eq(info.shifts, want->shifts);
    ck_assert_int_eq(info.shift_place, want->place);
    ck_assert_int_eq(info.classes, 5);
    writer_clear(&writer);
}
END_TEST

static void pool_layer2(char name[128])
{
    replace(name, "layer2.", "layer2.net.");
}

START_TEST(test_temporal_pool)
{
    static const char *const marks[] = { "blockres", "block", NULL };
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    writer_add_network(&writer, &(written_network){ .mark = marks[_i / 2], .prefix = "module." });
    ck_assert_int_eq(writer_info(&writer, NULL).temporal_pool, 0);
    rename_tensors(&writer, pool_layer2);
    if (_i % 2) rename_tensors(&writer, name_mmaction2);
    info = writer_info(&writer, NULL);
    ck_assert_int_eq(info.temporal_pool, 1);
    ck_assert_int_eq(info.shifts, marks[_i / 2] ? 8 : 0);
    ck_assert_str_eq(info.naming, _i % 2 ? "mmaction2" : "MIT");
    options.segments = 7;
    writer_refused(&writer, &options, TSM_ERROR_MODEL,
                   "marks a temporal pool, which halves the number of segments: 7 is odd");
    for (int i = 0; i < writer.count; i++)
        if (strstr(writer.tensors[i].name, "layer2.net.1.") &&
            replace(writer.tensors[i].name, "layer2.net.", "layer2."))
            break;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "marks a temporal pool before layer2, ");
    writer_clear(&writer);
}
END_TEST

/* An ImageNet network is a TSN; what it lacks to be a TSM can be asked for. */
START_TEST(test_imagenet_as_tsm)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };

    writer_add_network(&writer, &(written_network){ .classes = 10 });
    rename_tensors(&writer, name_torchvision);
    options.shift_div = 8;
    ck_assert_int_eq(writer_info(&writer, &options).shifts, 8);
    writer_clear(&writer);
}
END_TEST

START_TEST(test_wrong_names)
{
    checkpoint_writer writer = { 0 };

    writer_add_network(&writer, &(written_network){ .arch = "resnet50", .mark = "blockres" });
    rename_tensors(&writer, name_mmaction2);
    strcpy(writer_find(&writer, "backbone.layer2.1.conv2.bn.running_var")->name, "backbone.layer2.1.conv2.norm.var");
    writer_refused(
        &writer, NULL, TSM_ERROR_MODEL,
        "base_model.layer2.1.bn2.running_var (16) is missing, and backbone.layer2.1.conv2.norm.var (16) has "
        "no place in the network; this looks like mmaction2 resnet50 without non-local blocks");
    strcpy(writer_find(&writer, "backbone.layer2.1.conv2.norm.var")->name, "backbone.layer2.1.conv2.bn.running_var");
    writer_add(&writer, "backbone.layer3.0.non_local_block.theta.conv.bias", 0, 0, 1, (int64_t[]){ 8 });
    writer_refused(
        &writer, NULL, TSM_ERROR_MODEL,
        "base_model.layer3.0.nl.g.0.weight (64,128,1,1,1) is missing, and "
        "backbone.layer3.0.non_local_block.theta.conv.bias (8) has no place in the network; this looks like "
        "mmaction2 resnet50 with non-local blocks");
    writer_clear(&writer);

    writer_add_network(&writer, &(written_network){ .fc = "base_model.fc" });
    rename_tensors(&writer, name_torchvision);
    writer_add(&writer, "layer1.0.conv3.weight", 0, 0, 4, (int64_t[]){ 1, 1, 1, 1 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "2, 2, 2 and 2 bottleneck blocks");
    writer_clear(&writer);

    /* Nothing of it is known. */
    writer_add(&writer, "encoder.weight", 0, 0, 1, (int64_t[]){ 1 });
    writer_refused(
        &writer, NULL, TSM_ERROR_MODEL,
        "encoder.weight (1) has no place in the network; none of its 1 tensors has a name that a release of "
        "TSM gives");
    writer_clear(&writer);

    writer_add(&writer, "backbone.layer1.0.conv1.weight", 0, 0, 4, (int64_t[]){ 1, 1, 1, 1 });
    writer_add(&writer, "rpn_head.rpn_conv.weight", 0, 0, 1, (int64_t[]){ 1 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "holds a detection model, which is not read here (rpn_head.rpn_conv.weight); "
                   "base_model.layer1.0.conv1.weight is missing; its names look like those of mmaction2");
    writer_clear(&writer);
}
END_TEST

/* ---- MobileNetV2 ------------------------------------------------------------------------------------------- */

/* Blocks and channels of a stage at width 1. */
static const struct {
    int blocks, channels;
} mobile_stages[] = { { 1, 16 }, { 2, 24 }, { 3, 32 }, { 4, 64 }, { 3, 96 }, { 3, 160 }, { 1, 320 } };

static const int shifted_features[] = { 3, 5, 6, 8, 9, 10, 12, 13, 15, 16, 0 };

static bool is_shifted(int feature)
{
    for (const int *at = shifted_features; *at; at++)
        if (*at == feature) return true;
    return false;
}

static void add_conv_norm(checkpoint_writer *writer, int feature, const char *conv, int number, const char *net,
                          int64_t out, int64_t in, int64_t kernel)
{
    char name[128];

    written_name(name, "base_model.features.%d.%s%d%s", feature, conv, number, net);
    writer_add_conv(writer, name, out, in, kernel);
    written_name(name, "base_model.features.%d.%s%d", feature, conv, number + 1);
    writer_add_batchnorm(writer, name, out);
}

/* Channels of the published network divided by `divisor`. */
static void add_mobilenet(checkpoint_writer *writer, int divisor, int classes, bool marked)
{
    int in = 32 / divisor, feature = 1;

    add_conv_norm(writer, 0, "", 0, "", in, 3, 3);
    for (size_t stage = 0; stage < sizeof mobile_stages / sizeof *mobile_stages; stage++)
        for (int i = 0; i < mobile_stages[stage].blocks; i++, feature++) {
            int hidden = feature > 1 ? in * 6 : in, out = mobile_stages[stage].channels / divisor, number = 0;

            if (feature > 1) {
                add_conv_norm(writer, feature, "conv.", 0, marked && is_shifted(feature) ? ".net" : "", hidden, in,
                              1);
                number = 3;
            }
            add_conv_norm(writer, feature, "conv.", number, "", hidden, 1, 3);
            add_conv_norm(writer, feature, "conv.", number + 3, "", out, hidden, 1);
            in = out;
        }
    add_conv_norm(writer, 18, "", 0, "", 1280 / divisor, in, 1);
    writer_add(writer, "new_fc.weight", 0, .1f, 2, (int64_t[]){ classes, 1280 / divisor });
    writer_add(writer, "new_fc.bias", 0, .1f, 1, (int64_t[]){ classes });
}

/* The published counts: 3.50M parameters, 300.8M multiply-adds a frame. */
START_TEST(test_mobilenet)
{
    checkpoint_writer writer = { 0 };
    tsm_model_info info;

    add_mobilenet(&writer, 1, 1000, true);
    info = writer_info(&writer, NULL);
    ck_assert_str_eq(info.arch, "mobilenetv2");
    ck_assert_str_eq(info.naming, "MIT");
    ck_assert_int_eq(info.width, 32);
    ck_assert_int_eq(info.shifts, 10);
    ck_assert_int_eq(info.shift_div, 8);
    ck_assert_uint_eq(info.parameters, 3504872);
    ck_assert_uint_eq(info.macs, UINT64_C(8) * 300774272);
    writer_clear(&writer);

    add_mobilenet(&writer, 4, 5, false);
    ck_assert_int_eq(writer_info(&writer, NULL).shifts, 0);
    strcpy(writer.metadata, "\"shift_div\":\"4\",\"arch\":\"mobilenetv2\"");
    ck_assert_int_eq(writer_info(&writer, NULL).shifts, 10);
    writer_clear(&writer);
}
END_TEST

START_TEST(test_mobilenet_graph)
{
    checkpoint_writer writer = { 0 };
    tsm_model *model;
    tsm_graph *graph;
    tsm_error error;
    int shifts = 0, depthwise = 0, acts = 0;

    add_mobilenet(&writer, 2, 5, true);
    assert_ok(writer_load(&writer, &model, NULL, &error), &error);
    assert_ok(tsm_model_build_graph(model, false, &graph, &error), &error);
    for (int i = 0; i < graph->count; i++) {
        const tsm_node *node = &graph->nodes[i];
        int feature;

        depthwise += node->op == TSM_OP_CONV && node->groups > 1;
        acts += node->op == TSM_OP_ACT;
        if (node->op == TSM_OP_ACT) ck_assert_int_eq(node->act, TSM_ACT_RELU6);
        if (node->op != TSM_OP_SHIFT) continue;
        ck_assert_int_eq(sscanf(node->name, "base_model.features.%d.conv.0.shift", &feature), 1);
        ck_assert_int_eq(feature, shifted_features[shifts++]);
    }
    ck_assert_int_eq(shifts, 10);
    ck_assert_int_eq(depthwise, 17);
    ck_assert_int_eq(acts, 2 + 1 + 2 * 16);
    tsm_graph_destroy(&graph);
    tsm_model_destroy(&model);
    writer_clear(&writer);
}
END_TEST

START_TEST(test_mobilenet_refused)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    checkpoint_writer writer = { 0 };
    written_tensor *tensor;

    add_mobilenet(&writer, 4, 5, true);
    options.shift_place = TSM_PLACE_BLOCK;
    writer_refused(&writer, &options, TSM_ERROR_ARGUMENT, "mobilenetv2 shifts in blockres only");
    strcpy(writer.metadata, "\"arch\":\"resnet18\"");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "metadata says arch resnet18, the tensors make mobilenetv2");
    writer.metadata[0] = '\0';
    tensor = writer_find(&writer, "base_model.features.4.conv.0.weight");
    strcpy(tensor->name, "base_model.features.4.conv.0.net.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.features.4.conv.0.net.weight is marked as shifted");
    strcpy(tensor->name, "base_model.features.4.conv.0.weight");
    tensor = writer_find(&writer, "base_model.features.9.conv.3.weight"); /* depthwise */
    tensor->dims[1] = 3;
    tensor->dims[2] = 1;
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "base_model.features.9.conv.3.weight is (96,3,1,3), want (96,1,3,3)");
    tensor->dims[1] = 1;
    tensor->dims[2] = 3;
    writer_remove(&writer, "base_model.features.7.conv.6.weight");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "base_model.features.7.conv.6.weight is missing");
    writer_clear(&writer);

    add_mobilenet(&writer, 4, 5, false);
    writer_add(&writer, "base_model.features.19.0.weight", 0, 0, 1, (int64_t[]){ 1 });
    writer_refused(&writer, NULL, TSM_ERROR_MODEL, "has 20 features: no MobileNetV2, which has 19");
    writer_remove(&writer, "base_model.features.19.0.weight");
    for (int i = 0; i < writer.count; i++) replace(writer.tensors[i].name, "base_model.", "");
    writer_remove(&writer, "new_fc.weight");
    writer_remove(&writer, "new_fc.bias");
    writer_refused(&writer, NULL, TSM_ERROR_MODEL,
                   "new_fc.weight is missing; this looks "
                   "like MIT online mobilenetv2");
    writer_clear(&writer);
}
END_TEST

START_TEST(test_out_of_memory)
{
    void (*const made[])(char name[128]) = { name_mmaction2, name_torchvision, NULL };

    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        checkpoint_writer writer = { 0 };
        tsm_status status = TSM_ERROR_MEMORY;
        tsm_model *model;
        tsm_error error;

        if (made[i]) {
            writer_add_network(&writer, &(written_network){ .width = 2 });
            rename_tensors(&writer, made[i]);
        } else {
            add_mobilenet(&writer, 8, 5, true);
        }
        for (uint64_t n = 1; status != TSM_OK; n++) {
            tsm_alloc_fail_at(n);
            status = writer_load(&writer, &model, NULL, &error);
            ck_assert(status == TSM_OK || (status == TSM_ERROR_MEMORY && !model));
        }
        tsm_alloc_fail_at(0);
        tsm_model_destroy(&model);
        writer_clear(&writer);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("naming");
    TCase *tests = tcase_create("names");

    tcase_add_loop_test(tests, test_renames, 0, sizeof renames / sizeof *renames);
    tcase_add_test(tests, test_tables);
    tcase_add_loop_test(tests, test_resnets, 0, sizeof named_networks / sizeof *named_networks);
    tcase_add_loop_test(tests, test_temporal_pool, 0, 6);
    tcase_add_test(tests, test_imagenet_as_tsm);
    tcase_add_test(tests, test_wrong_names);
    tcase_add_test(tests, test_mobilenet);
    tcase_add_test(tests, test_mobilenet_graph);
    tcase_add_test(tests, test_mobilenet_refused);
    tcase_add_test(tests, test_out_of_memory);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
