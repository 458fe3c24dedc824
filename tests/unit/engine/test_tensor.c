/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor.c - slices of tensors, and memory for them. */
#include "engines.h"

static const struct {
    tsm_dtype dtype;
    size_t bytes;
} dtypes[] = { { TSM_FLOAT32, 4 }, { TSM_FLOAT16, 2 }, { TSM_BFLOAT16, 2 }, { TSM_UINT8, 1 } };

START_TEST(slices_move_on_by_whole_clips)
{
    char data[4 * 5 * 2 * 3];
    tsm_tensor tensor = { data, TSM_MEMORY_PINNED, 3, dtypes[_i].dtype, TSM_NTC, 3, { 5, 2, 3 } }, slice;
    tsm_error error;

    for (int64_t first = 0; first < 5; first++) {
        assert_ok(tsm_tensor_slice(&tensor, first, 5 - first, &slice, &error), &error);
        ck_assert_ptr_eq(slice.data, data + (size_t)first * 6 * dtypes[_i].bytes);
        ck_assert_int_eq(slice.dims[0], 5 - first);
        ck_assert_int_eq(slice.dims[1], 2);
        ck_assert_int_eq(slice.dims[2], 3);
        ck_assert_int_eq(slice.memory, TSM_MEMORY_PINNED);
        ck_assert_int_eq(slice.device, 3);
        ck_assert_int_eq(slice.dtype, dtypes[_i].dtype);
    }
    /* In place. */
    assert_ok(tsm_tensor_slice(&tensor, 1, 2, &tensor, &error), &error);
    ck_assert_int_eq(tensor.dims[0], 2);
}
END_TEST

START_TEST(refuses_what_is_not_there)
{
    float data[12];
    const tsm_tensor good = { data, TSM_MEMORY_HOST, 0, TSM_FLOAT32, TSM_NC, 2, { 4, 3 } };
    tsm_tensor slice, bad = good;
    tsm_error error;

    assert_error(tsm_tensor_slice(&good, 3, 2, &slice, &error), &error, TSM_ERROR_ARGUMENT, "2 clips from clip 3");
    assert_error(tsm_tensor_slice(&good, -1, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "slice");
    assert_error(tsm_tensor_slice(&good, 0, 0, &slice, &error), &error, TSM_ERROR_ARGUMENT, "0 clips");
    assert_error(tsm_tensor_slice(&good, INT64_MAX, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "slice");
    assert_error(tsm_tensor_slice(&good, 1, INT64_MAX, &slice, &error), &error, TSM_ERROR_ARGUMENT, "slice");
    assert_error(tsm_tensor_slice(NULL, 0, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "NULL");
    ck_assert_int_eq(tsm_tensor_slice(&good, 0, 1, NULL, NULL), TSM_ERROR_ARGUMENT);
    bad.ndim = 6;
    assert_error(tsm_tensor_slice(&bad, 0, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "6 dimensions");
    bad = good;
    bad.dtype = 9;
    assert_error(tsm_tensor_slice(&bad, 0, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "dtype 9");
    bad = good;
    bad.dims[1] = -1;
    assert_error(tsm_tensor_slice(&bad, 1, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "dimension 1 is -1");
    bad.dims[1] = INT64_MAX;
    assert_error(tsm_tensor_slice(&bad, 1, 1, &slice, &error), &error, TSM_ERROR_ARGUMENT, "dimension 1");
}
END_TEST

/* Without a GPU it is ordinary memory, that can be written from end to end. */
START_TEST(engines_give_memory)
{
    tsm_engine *engine = make_engine(GOLDEN("r18"), _i ? "cpu" : "reference");
    tsm_memory memory = TSM_MEMORY_DEVICE;
    void *data = NULL;
    tsm_error error;

    assert_ok(tsm_engine_allocate(engine, 1000, &data, &memory, &error), &error);
    ck_assert_int_eq(memory, TSM_MEMORY_HOST);
    memset(data, 1, 1000);
    tsm_engine_release(engine, data);
    tsm_engine_release(engine, NULL);
    assert_error(tsm_engine_allocate(engine, SIZE_MAX, &data, &memory, &error), &error, TSM_ERROR_MEMORY, "memory");
    ck_assert_ptr_null(data);
    ck_assert_int_eq(tsm_engine_allocate(NULL, 1, &data, &memory, NULL), TSM_ERROR_ARGUMENT);
    tsm_engine_destroy(&engine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensor");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, slices_move_on_by_whole_clips, 0, (int)(sizeof dtypes / sizeof *dtypes));
    tcase_add_test(tests, refuses_what_is_not_there);
    tcase_add_loop_test(tests, engines_give_memory, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
