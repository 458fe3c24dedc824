/* SPDX-License-Identifier: Apache-2.0 */
/* test_numpy_pickle.c - PaddlePaddle's files: what real NumPy pickled (tests/golden/make_paddle.py), pickles of every
 * protocol that it writes, and pickles that are none of that. */
#include "checkpoint/checkpoint.h"
#include "pickle_writer.h"

static tsm_error error;

/* The network of a .pdparams file is that of the safetensors file that it was made of. */
START_TEST(real_files)
{
    static const char *const files[] = { TSM_TEST_DATA "/paddle/pptsm_t16.protocol2.pdparams",
                                         TSM_TEST_DATA "/paddle/pptsm_t16.protocol4.pdparams" };
    tsm_checkpoint *made, *want;

    assert_ok(tsm_checkpoint_read_file(&want, TSM_TEST_DATA "/golden/pptsm_t16.safetensors", NULL, &error), &error);
    assert_ok(tsm_checkpoint_read_file(&made, files[_i], NULL, &error), &error);
    ck_assert_str_eq(made->container, "NumPy pickle");
    ck_assert_int_eq(made->count, want->count);
    for (int i = 0; i < want->count; i++) {
        const tsm_stored_tensor *a = &want->tensors[i], *b = tsm_checkpoint_find(made, a->name);

        ck_assert_msg(b != NULL, "%s is missing", a->name);
        ck_assert_int_eq(a->ndim, b->ndim);
        ck_assert_mem_eq(a->dims, b->dims, sizeof a->dims);
        ck_assert_int_eq(b->type, _i == 0 ? TSM_STORED_F16 : TSM_STORED_F32);
        for (int64_t k = 0; k < a->count; k++)
            ck_assert(tsm_number_at(a->data, TSM_FLOAT16, k) ==
                      tsm_number_at(b->data, _i == 0 ? TSM_FLOAT16 : TSM_FLOAT32, k));
    }
    tsm_checkpoint_destroy(&made);
    tsm_checkpoint_destroy(&want);
}
END_TEST

/* What PaddlePaddle puts beside the arrays. */
static void put_names(pickle_writer *pickle)
{
    pickle_open(pickle, "StructuredToParameterName@@");
    pickle_text(pickle, "a");
    pickle_text(pickle, "param_0.w_0");
    pickle_close(pickle);
}

static tsm_status read_made(const pickle_writer *pickle, tsm_checkpoint **checkpoint)
{
    return tsm_checkpoint_read_memory(checkpoint, pickle->bytes, pickle->count, &error);
}

START_TEST(every_protocol)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_checkpoint *checkpoint;
    const tsm_stored_tensor *tensor;

    writer_add(&writer, "a", 1, .5f, 2, (int64_t[]){ 2, 3 });
    writer_add(&writer, "empty", 0, 0, 2, (int64_t[]){ 0, 3 });
    writer_add(&writer, "scalar", 3, 0, 0, NULL);
    pickle_begin(pickle, _i);
    pickle_open(pickle, NULL);
    pickle_tensors(pickle, &writer);
    put_names(pickle);
    pickle_close(pickle);
    pickle_end(pickle);
    assert_ok(read_made(pickle, &checkpoint), &error);
    ck_assert_int_eq(checkpoint->count, 3);
    tensor = tsm_checkpoint_find(checkpoint, "a");
    ck_assert(tensor->ndim == 2 && tensor->dims[0] == 2 && tensor->dims[1] == 3);
    ck_assert_mem_eq(tensor->data, writer.tensors[0].values, 24);
    ck_assert_int_eq(tsm_checkpoint_find(checkpoint, "empty")->count, 0);
    ck_assert_int_eq(tsm_checkpoint_find(checkpoint, "scalar")->count, 1);
    tsm_checkpoint_destroy(&checkpoint);
    writer_clear(&writer);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

/* What is saved beside other things is no plain state dictionary to paddle.save: its variables are pairs of their own
 * name and their array, made by calling `tuple`. */
START_TEST(pairs_of_name_and_array)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_checkpoint *checkpoint;

    writer_add(&writer, "a", 1, .5f, 2, (int64_t[]){ 2, 3 });
    writer_add(&writer, "b", 7, .5f, 1, (int64_t[]){ 4 });
    pickle_begin(pickle, 2 + _i / 2);
    pickle->pairs = _i % 2 ? "call" : "tuple";
    pickle_open(pickle, NULL);
    pickle_text(pickle, "epoch");
    PICKLE_OP(pickle, "K\3");
    pickle_open(pickle, "model");
    pickle_tensors(pickle, &writer);
    pickle_close(pickle);
    pickle_close(pickle);
    pickle_end(pickle);
    assert_ok(read_made(pickle, &checkpoint), &error);
    ck_assert_int_eq(checkpoint->set_count, 1);
    ck_assert_str_eq(checkpoint->sets[0], "model");
    ck_assert_int_eq(checkpoint->count, 2);
    ck_assert_mem_eq(tsm_checkpoint_find(checkpoint, "a")->data, writer.tensors[0].values, 24);
    ck_assert_mem_eq(tsm_checkpoint_find(checkpoint, "b")->data, writer.tensors[1].values, 16);
    tsm_checkpoint_destroy(&checkpoint);
    writer_clear(&writer);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

/* Arrays in Fortran's order come out in C's. */
START_TEST(arrays_by_columns)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_checkpoint *checkpoint;
    const float *values;

    writer_add(&writer, "a", 1, .5f, 2, (int64_t[]){ 2, 3 });
    pickle_begin(pickle, _i);
    pickle->by_columns = true;
    pickle_open(pickle, NULL);
    pickle_tensors(pickle, &writer);
    pickle_close(pickle);
    pickle_end(pickle);
    assert_ok(read_made(pickle, &checkpoint), &error);
    values = checkpoint->tensors[0].data;
    for (int row = 0; row < 2; row++)
        for (int column = 0; column < 3; column++)
            ck_assert(values[row * 3 + column] == writer.tensors[0].values[column * 2 + row]);
    tsm_checkpoint_destroy(&checkpoint);
    writer_clear(&writer);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

/* Arrays that cannot be taken as they are. */
START_TEST(other_arrays_are_refused)
{
    static const struct {
        const char *order, *type, *says;
    } others[] = {
        { ">", "f4", "a is in big-endian order" },
        { "<", "O8", "a is an array of a type that is not read" },
        { "<", "f8", "a has 24 bytes, want the 48 of its shape" },
        { "<", "f2", "a has 24 bytes, want the 12 of its shape" },
    };
    checkpoint_writer writer = { 0 };
    pickle_writer *pickle = malloc(sizeof *pickle);
    tsm_checkpoint *checkpoint;

    writer_add(&writer, "a", 1, .5f, 2, (int64_t[]){ 2, 3 });
    pickle_begin(pickle, 3);
    pickle->order = others[_i].order;
    pickle->type = others[_i].type;
    pickle_open(pickle, NULL);
    pickle_tensors(pickle, &writer);
    pickle_close(pickle);
    pickle_end(pickle);
    assert_error(read_made(pickle, &checkpoint), &error, TSM_ERROR_FORMAT, others[_i].says);
    ck_assert_ptr_null(checkpoint);
    writer_clear(&writer);
    pickle_clear(pickle);
    free(pickle);
}
END_TEST

/* Pickles of other things, and functions that are never called. */
START_TEST(other_pickles_are_refused)
{
#define NONE "holds no NumPy arrays"
#define ARRAY                                                                                                        \
    "cnumpy.core.multiarray\n_reconstruct\n)R(K\1)cnumpy\ndtype\nX\2\0\0\0u1\x85R\x89"                               \
    "C\1xtb"
#define P(text, says)                                                                                                \
    {                                                                                                                \
        text, sizeof text - 1, says                                                                                  \
    }
    static const struct {
        const char *bytes;
        size_t count;
        const char *says;
    } others[] = {
        P("\x80\x02}q\0.", NONE),
        P("\x80\x04]\x94.", NONE),
        P("\x80\x05}\x94.", NONE),
        P("\x80\x03}X\1\0\0\0acos\nsystem\nX\2\0\0\0ls\x85Rs.", NONE),
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\nscalar\nX\2\0\0\0ls\x85Rs.", NONE),
        /* An array that is never told of what. */
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)Rs.", NONE),
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)RNbs.", "not shape, type and bytes"),
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)R(K\1)NNC\1xtbs.", "a type that is not read"),
        /* Text that is not of bytes. */
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)R(K\1)cnumpy\ndtype\nX\2\0\0\0u1\x85R\x89"
          "c_codecs\nencode\nX\3\0\0\0\xe2\x82\xacX\6\0\0\0latin1\x86Rtbs.",
          "not the 1 bytes of its shape"),
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)R(K\1)cnumpy\ndtype\nX\2\0\0\0u1\x85R\x89"
          "c_codecs\nencode\nX\1\0\0\0aX\5\0\0\0rot13\x86Rtbs.",
          "not shape, type and bytes"),
        /* Sizes below zero, and beyond 64 bits. */
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)R(K\1J\xff\xff\xff\xff\x85"
          "cnumpy\ndtype\nX\2\0\0\0u1\x85R\x89"
          "C\1xtbs.",
          "its sizes"),
        P("\x80\x03}X\1\0\0\0acnumpy.core.multiarray\n_reconstruct\n)R(K\1("
          "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ft"
          "cnumpy\ndtype\nX\2\0\0\0u1\x85R\x89"
          "C\1xtbs.",
          "its sizes"),
        /* Tuples that are no variable: of one, of three, of no name, of no array, of another function. */
        P("\x80\x03}X\1\0\0\0a" ARRAY "\x85s.", NONE),
        P("\x80\x03}X\1\0\0\0aX\1\0\0\0n" ARRAY "N\x87s.", NONE),
        P("\x80\x03}X\1\0\0\0aK\1" ARRAY "\x86s.", NONE),
        P("\x80\x03}X\1\0\0\0aX\1\0\0\0nX\1\0\0\0a\x86s.", NONE),
        P("\x80\x03}X\1\0\0\0acbuiltins\nlist\nX\1\0\0\0n" ARRAY "\x86\x85Rs.", NONE),
        P("\x80\x03}X\1\0\0\0acbuiltins\ntuple\n)Rs.", NONE),
        P("\x80\x03}X\1\0\0\0acbuiltins\ntuple\nK\1\x85Rs.", NONE),
        P("\x80\x04\x96\1\0\0\0\0\0\0\0a.", "opcode 0x96"),
    };
#undef P
#undef ARRAY
    const size_t count = sizeof others / sizeof *others;
    tsm_checkpoint *checkpoint;

    for (size_t i = 0; i < count; i++) {
        assert_error(tsm_checkpoint_read_memory(&checkpoint, others[i].bytes, others[i].count, &error), &error,
                     TSM_ERROR_FORMAT, others[i].says);
        ck_assert_ptr_null(checkpoint);
    }
}
END_TEST

/* A safetensors header of 640 bytes begins as a pickle does. */
START_TEST(a_header_that_looks_like_a_pickle)
{
    static const char text[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}";
    char header[641];
    size_t bytes;
    uint8_t *file;
    tsm_checkpoint *checkpoint;

    memset(header, ' ', 640);
    header[640] = '\0';
    memcpy(header, text, sizeof text - 1);
    file = write_raw(header, 1, &bytes);
    assert_ok(tsm_checkpoint_read_memory(&checkpoint, file, bytes, &error), &error);
    ck_assert_str_eq(checkpoint->container, "safetensors");
    tsm_checkpoint_destroy(&checkpoint);
    free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numpy_pickle");
    TCase *tests = tcase_create("all");

    tcase_add_loop_test(tests, real_files, 0, 2);
    tcase_add_loop_test(tests, every_protocol, 2, 5);
    tcase_add_loop_test(tests, pairs_of_name_and_array, 0, 6);
    tcase_add_loop_test(tests, arrays_by_columns, 2, 5);
    tcase_add_loop_test(tests, other_arrays_are_refused, 0, 4);
    tcase_add_test(tests, other_pickles_are_refused);
    tcase_add_test(tests, a_header_that_looks_like_a_pickle);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
