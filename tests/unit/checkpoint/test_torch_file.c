/* SPDX-License-Identifier: Apache-2.0 */
/* test_torch_file.c - PyTorch's files: what real PyTorch wrote (tests/golden/make_pytorch.py), and what was done to
 * it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"
#include "model/model.h"
#include "checkpoint/torch_file.h"
#include "support.h"

#define DATA TSM_TEST_DATA "/pytorch/"

typedef struct bytes {
    uint8_t *data;
    size_t count;
} bytes;

static bytes read_file(const char *path)
{
    bytes all = { 0 };
    struct stat info;
    FILE *file = fopen(path, "rb");

    ck_assert_msg(file != NULL, "%s is missing", path);
    ck_assert_int_eq(fstat(fileno(file), &info), 0);
    all.count = (size_t)info.st_size;
    all.data = malloc(all.count);
    ck_assert_uint_eq(fread(all.data, 1, all.count, file), all.count);
    fclose(file);
    return all;
}

static tsm_status read_bytes(tsm_checkpoint **checkpoint, const void *data, size_t count, tsm_error *error)
{
    const tsm_source source = { .fd = -1, .bytes = data, .size = count };

    return tsm_torch_read(checkpoint, &source, error);
}

static tsm_checkpoint *read_good(const char *path)
{
    bytes all = read_file(path);
    tsm_checkpoint *checkpoint;
    tsm_error error;

    ck_assert(tsm_torch_recognise(all.data, all.count));
    assert_ok(read_bytes(&checkpoint, all.data, all.count, &error), &error);
    free(all.data);
    return checkpoint;
}

/* ---- Tensors of every kind ---- */

static double element(const tsm_stored_tensor *tensor, int64_t i)
{
    const char *at = (const char *)tensor->data + i * (int64_t)tsm_stored_bytes(tensor->type);
    int64_t wide = 0;
    double d;
    float f;
    uint16_t half;

    switch (tensor->type) {
    case TSM_STORED_F64: return memcpy(&d, at, 8), d;
    case TSM_STORED_F32: return memcpy(&f, at, 4), (double)f;
    case TSM_STORED_F16: return memcpy(&half, at, 2), (double)tsm_half_to_float(half);
    case TSM_STORED_BF16: return memcpy(&half, at, 2), (double)tsm_bfloat_to_float(half);
    default:
        return memcpy(&wide, at, tsm_stored_bytes(tensor->type)), (double)wide; /* small, positive, little-endian */
    }
}

static const struct typed {
    const char *name;
    tsm_stored_type type;
    int ndim;
    int64_t dims[4];
    double first, step; /* of the elements, in order; step NAN: see the test */
} typed[] = {
    { "f32", TSM_STORED_F32, 2, { 2, 3 }, 0, .125 },
    { "f16", TSM_STORED_F16, 2, { 2, 3 }, 0, .125 },
    { "bf16", TSM_STORED_BF16, 2, { 2, 3 }, 0, .125 },
    { "f64", TSM_STORED_F64, 2, { 2, 3 }, 0, .125 },
    { "i64", TSM_STORED_I64, 1, { 5 }, 0, 1 },
    { "i32", TSM_STORED_I32, 1, { 5 }, 0, 1 },
    { "u8", TSM_STORED_U8, 1, { 3 }, 0, 1 },
    { "bool", TSM_STORED_BOOL, 1, { 2 }, 0, 1 },
    { "scalar", TSM_STORED_F32, 0, { 0 }, 0, 0 },
    { "empty", TSM_STORED_F32, 2, { 0, 3 }, 0, 0 },
    { "parameter", TSM_STORED_F32, 1, { 7 }, 0, .125 },
    { "transposed", TSM_STORED_F32, 2, { 3, 2 }, 0, .125 },
    { "permuted", TSM_STORED_F32, 4, { 2, 3, 4, 5 }, 0, .125 },
    { "shared", TSM_STORED_F32, 2, { 4, 6 }, 0, .125 },
    { "rows", TSM_STORED_F32, 2, { 2, 6 }, .75, .125 },
    { "column", TSM_STORED_F32, 1, { 4 }, .25, .75 },
    { "flat", TSM_STORED_F32, 1, { 6 }, .75, .125 },
    { "expanded", TSM_STORED_F32, 1, { 3 }, .25, 0 },
    { "one_of_strange_stride", TSM_STORED_F32, 2, { 1, 6 }, 0, .125 },
};

static const char *const type_files[] = { DATA "types.legacy.pth",           DATA "types.zip.pth",
                                          DATA "types.protocol4.pth",        DATA "types.zip64.pth",
                                          DATA "types.protocol4.legacy.pth", DATA "types.protocol5.legacy.pth",
                                          DATA "types.protocol5.pth" };
#define TYPE_FILES (int)(sizeof type_files / sizeof *type_files)

START_TEST(test_types)
{
    tsm_checkpoint *checkpoint = read_good(type_files[_i]);
    const int count = (int)(sizeof typed / sizeof *typed);
    const tsm_stored_tensor *stepped;

    ck_assert_int_eq(checkpoint->count, count + 1);
    for (int i = 0; i < count; i++) {
        const tsm_stored_tensor *tensor = tsm_checkpoint_find(checkpoint, typed[i].name);

        ck_assert_msg(tensor != NULL, "%s is missing", typed[i].name);
        ck_assert_msg(tensor->type == typed[i].type, "%s is %s", tensor->name, tsm_stored_name(tensor->type));
        ck_assert_int_eq(tensor->ndim, typed[i].ndim);
        for (int d = 0; d < tensor->ndim; d++) ck_assert_int_eq(tensor->dims[d], typed[i].dims[d]);
        for (int64_t k = 0; k < tensor->count; k++)
            ck_assert_msg(element(tensor, k) == typed[i].first + typed[i].step * (double)k, "%s: element %d is %g",
                          tensor->name, (int)k, element(tensor, k));
    }
    stepped = tsm_checkpoint_find(checkpoint, "stepped"); /* shared[::2, 1::3] */
    ck_assert(stepped->dims[0] == 2 && stepped->dims[1] == 2);
    ck_assert(element(stepped, 0) == 1 / 8. && element(stepped, 1) == 4 / 8. && element(stepped, 2) == 13 / 8. &&
              element(stepped, 3) == 16 / 8.);
    tsm_checkpoint_destroy(&checkpoint);
}
END_TEST

/* ---- Networks ---- */

static void assert_same_graph(const char *path, const tsm_model *want, bool half)
{
    tsm_model *model;
    tsm_graph *a, *b;
    tsm_error error;

    assert_ok(tsm_model_load(&model, path, NULL, &error), &error);
    assert_ok(tsm_model_build_graph(model, false, &a, &error), &error);
    assert_ok(tsm_model_build_graph(want, false, &b, &error), &error);
    ck_assert_int_eq(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const tsm_node *x = &a->nodes[i], *y = &b->nodes[i];
        float *got, *expected;

        ck_assert_str_eq(x->name, y->name);
        ck_assert_int_eq(x->shift.fold, y->shift.fold);
        ck_assert_int_eq(x->weight.count, y->weight.count);
        if (y->op == TSM_OP_BATCHNORM)
            assert_close(x->variance, y->variance, (size_t)y->out_channels, half ? 1e-3 : 0, x->name);
        if (!y->weight.data) continue;
        got = poisoned_array((size_t)x->weight.count);
        expected = poisoned_array((size_t)x->weight.count);
        tsm_node_weights(x, got);
        tsm_node_weights(y, expected);
        assert_close(got, expected, (size_t)x->weight.count, half ? 1e-3 : 0, x->name);
        free(got);
        free(expected);
    }
    tsm_graph_destroy(&a);
    tsm_graph_destroy(&b);
    tsm_model_destroy(&model);
}

START_TEST(test_network)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *want, *model;
    tsm_error error;

    assert_ok(tsm_model_load(&want, DATA "network.safetensors", NULL, &error), &error);
    assert_same_graph(DATA "network.legacy.pth", want, false);
    assert_same_graph(DATA "network.zip.pth", want, false);
    assert_same_graph(DATA "bare_half.zip.pth", want, true);
    tsm_model_destroy(&want);

    assert_ok(tsm_model_load(&model, DATA "network.legacy.pth", NULL, &error), &error);
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    ck_assert_str_eq(info.format, "PyTorch legacy stream");
    ck_assert_str_eq(info.arch, "resnet18");
    ck_assert_str_eq(info.dtype, "F32");
    ck_assert_int_eq(info.classes, 3);
    tsm_model_destroy(&model);
    assert_ok(tsm_model_load(&model, DATA "bare_half.zip.pth", NULL, &error), &error);
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    ck_assert_str_eq(info.format, "PyTorch zip");
    ck_assert_str_eq(info.dtype, "F16");
    tsm_model_destroy(&model);
}
END_TEST

/* ---- What is no checkpoint ---- */

static const struct other {
    const char *file, *names;
} others[] = {
    { DATA "optimizer.legacy.pth", "with the state of an optimizer, but holds no tensors" },
    { DATA "optimizer.zip.pth", "with the state of an optimizer, but holds no tensors" },
    { DATA "whole_model.legacy.pth", "a whole model or another object was saved" },
    { DATA "whole_model.zip.pth", "a whole model or another object was saved" },
    { DATA "list.legacy.pth", "holds no dictionary" },
    { DATA "list.zip.pth", "holds no dictionary" },
    { DATA "script.zip.pth", "is a TorchScript program" },
};

START_TEST(test_other_files)
{
    tsm_model *model;
    tsm_error error;

    assert_error(tsm_model_load(&model, others[_i].file, NULL, &error), &error, TSM_ERROR_FORMAT, others[_i].names);
    ck_assert_ptr_nonnull(strstr(error.text, others[_i].file));
    ck_assert_ptr_null(model);
}
END_TEST

/* Python would run what these files name; here it is an object that nobody looks at. */
START_TEST(test_nothing_is_executed)
{
    static const char *const files[] = { DATA "attack.legacy.pth", DATA "attack.zip.pth" };
    tsm_checkpoint *checkpoint = read_good(files[_i]);

    ck_assert_int_eq(checkpoint->count, 1);
    ck_assert_str_eq(checkpoint->tensors[0].name, "w");
    ck_assert_int_ne(access("tsm_was_attacked", F_OK), 0);
    tsm_checkpoint_destroy(&checkpoint);
}
END_TEST

/* Every prefix of a file must be refused, or read as if the rest did not matter: never read past. */
START_TEST(test_truncated)
{
    bytes all = read_file(type_files[_i]);
    tsm_checkpoint *checkpoint;
    tsm_error error;

    for (size_t count = 16; count < all.count; count++) {
        uint8_t *prefix = malloc(count);

        memcpy(prefix, all.data, count);
        assert_error(read_bytes(&checkpoint, prefix, count, &error), &error, TSM_ERROR_FORMAT, "");
        ck_assert_ptr_null(checkpoint);
        free(prefix);
    }
    read_bytes(&checkpoint, all.data, all.count - 1, &error);
    ck_assert_ptr_nonnull(strstr(error.text, "truncated"));
    free(all.data);
}
END_TEST

/* One byte after the other turned over: whatever comes out, comes out in order. */
START_TEST(test_damaged)
{
    bytes all = read_file(type_files[_i]);
    int refused = 0;

    for (size_t i = 0; i < all.count; i++)
        for (int bit = 1; bit < 256; bit *= 4) {
            tsm_checkpoint *checkpoint;
            tsm_error error;
            tsm_status status;

            all.data[i] ^= (uint8_t)bit;
            status = read_bytes(&checkpoint, all.data, all.count, &error);
            ck_assert((status == TSM_OK) == (checkpoint != NULL));
            if (status != TSM_OK) assert_error(status, &error, TSM_ERROR_FORMAT, "");
            refused += status != TSM_OK;
            tsm_checkpoint_destroy(&checkpoint);
            all.data[i] ^= (uint8_t)bit;
        }
    ck_assert_int_gt(refused, 1000);
    free(all.data);
}
END_TEST

START_TEST(test_out_of_memory)
{
    static const char *const files[] = { DATA "types.legacy.pth", DATA "types.zip.pth" };
    bytes all = read_file(files[_i]);
    tsm_checkpoint *checkpoint;
    tsm_error error;
    tsm_status status;
    uint64_t n = 0;

    do {
        tsm_alloc_fail_at(++n);
        status = read_bytes(&checkpoint, all.data, all.count, &error);
        ck_assert(status == TSM_OK || (status == TSM_ERROR_MEMORY && !checkpoint));
    } while (status != TSM_OK);
    tsm_alloc_fail_at(0);
    ck_assert_uint_gt(n, 30);
    tsm_checkpoint_destroy(&checkpoint);
    free(all.data);
}
END_TEST

/* ---- Pickles made by hand ---- */

static const struct by_hand {
    const char *bytes;
    size_t count;
    const char *names; /* NULL: it is read */
} by_hand[] = {
#define P(text, names)                                                                                               \
    {                                                                                                                \
        text, sizeof text - 1, names                                                                                 \
    }
    P("\x80\x02}.", NULL),
    P("\x80\x02(K\1K\2t.", NULL),
    P("\x80\x02]q\0h\0a.", NULL), /* a list that holds itself */
    P("N", "ends too soon"),
    P("", "ends too soon"),
    P(".", "needs a value that is not there"),
    P("NN.", "values are left over"),
    P("(.", "a mark stands where a value should be"),
    P("((\x85.", "a mark stands where a value should be"),
    P("t.", "the beginning of a list or dictionary is not marked"),
    P("(e.", "items are added, but to no list or dictionary"),
    P("N(e.", "items are added to what is neither a list nor a dictionary"),
    P("(K\1u.", "items are added, but to no list or dictionary"),
    P("}(K\1u.", "a key has no value"),
    P("}NNs(.", "a mark stands"),
    P("Na.", "items are added, but to no list or dictionary"),
    P("\x87.", "needs a value that is not there"),
    P("h\0.", "it never kept"),
    P("Nr\xff\xff\xff\xff.", "not numbered in order"),
    P("q\0.", "it keeps a value that is not there"),
    P("X\xff\xff\xff\xffg.", "ends too soon"),
    P("X\4\0\0\0ab.", "ends too soon"),
    P("\x8a\x09"
      "12345678.",
      "ends too soon"),
    P("cos\nsystem.", "ends too soon"),
    P("cos\nsystem\nX\2\0\0\0ls\x85R.", NULL),
    P("cbuiltins\neval\n)\x81}b.", NULL),
    P("K\1Q.", NULL),
    P("X\7\0\0\0storage\x85Q.", "the description of a storage is not complete"),
    P("(X\7\0\0\0storageccollections\nOrderedDict\nX\1\0\0\0000X\3\0\0\0cpuK\1tQ.", "unknown element type"),
    P("(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuJ\xff\xff\xff\xfftQ.",
      "description of a storage is not complete"),
    P("ctorch._utils\n_rebuild_tensor\n(K\1K\1))tR.", "the description of a tensor"),
    P("ctorch._utils\n_rebuild_parameter\n)R.", "a parameter has no tensor"),
    P("\x93.", "needs a value that is not there"),
    P("NN\x93.", "the name of a function or class"),
    P("i.", "opcode 0x69"),
    P("\x8f.", "opcode 0x8f"),
#undef P
};

START_TEST(test_pickles_by_hand)
{
    tsm_pickle pickle = { 0 };
    uint8_t *copy = malloc(by_hand[_i].count + 1);
    uint32_t root;
    size_t used;
    tsm_error error;
    tsm_status status;

    memcpy(copy, by_hand[_i].bytes, by_hand[_i].count);
    status = tsm_pickle_read(&pickle, copy, by_hand[_i].count, &root, &used, &error);
    if (by_hand[_i].names)
        assert_error(status, &error, TSM_ERROR_FORMAT, by_hand[_i].names);
    else
        assert_ok(status, &error);
    if (status == TSM_OK) ck_assert_uint_eq(used, by_hand[_i].count);
    tsm_pickle_clear(&pickle);
    free(copy);
}
END_TEST

START_TEST(test_integers)
{
    static const char text[] =
        "(\x8a\0\x8a\1\xff\x8a\x08\0\0\0\0\0\0\0\x80J\xfe\xff\xff\xffM\xff\xffK\xff\x8a\2\0\x80t.";
    static const int64_t want[] = { 0, -1, INT64_MIN, -2, 65535, 255, -32768 };
    tsm_pickle pickle = { 0 };
    int64_t got[8];
    uint32_t root;
    size_t used;
    tsm_error error;

    assert_ok(tsm_pickle_read(&pickle, (const uint8_t *)text, sizeof text - 1, &root, &used, &error), &error);
    ck_assert_int_eq(tsm_pickle_integers(&pickle, root, got, 8), 7);
    ck_assert_mem_eq(got, want, sizeof want);
    ck_assert_int_eq(tsm_pickle_integers(&pickle, root, got, 6), -1);
    tsm_pickle_clear(&pickle);
}
END_TEST

/* Millions of values are refused before they take much memory. */
START_TEST(test_too_many_values)
{
    size_t count = 3000000;
    uint8_t *ones = malloc(count);
    tsm_pickle pickle = { 0 };
    uint32_t root;
    size_t used;
    tsm_error error;

    memset(ones, 'N', count);
    assert_error(tsm_pickle_read(&pickle, ones, count, &root, &used, &error), &error, TSM_ERROR_FORMAT,
                 "more than 1000000 values");
    tsm_pickle_clear(&pickle);
    memset(ones, '(', count);
    assert_error(tsm_pickle_read(&pickle, ones, count, &root, &used, &error), &error, TSM_ERROR_FORMAT,
                 "more than 1000000 values");
    tsm_pickle_clear(&pickle);
    free(ones);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("torch_file");
    TCase *tests = tcase_create("files"), *machine = tcase_create("pickles");

    tcase_add_loop_test(tests, test_types, 0, TYPE_FILES);
    tcase_add_test(tests, test_network);
    tcase_add_loop_test(tests, test_other_files, 0, sizeof others / sizeof *others);
    tcase_add_loop_test(tests, test_nothing_is_executed, 0, 2);
    tcase_add_loop_test(tests, test_truncated, 0, TYPE_FILES);
    tcase_add_loop_test(tests, test_damaged, 0, 4);
    tcase_add_loop_test(tests, test_out_of_memory, 0, 2);
    tcase_add_loop_test(machine, test_pickles_by_hand, 0, sizeof by_hand / sizeof *by_hand);
    tcase_add_test(machine, test_integers);
    tcase_add_test(machine, test_too_many_values);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, machine);
    return run_suite(suite);
}
