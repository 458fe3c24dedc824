/* SPDX-License-Identifier: Apache-2.0 */
/* test_safetensors.c - the container: every rule of the format broken one by one, and files that are something
 * else. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint_writer.h"
#include "core/status.h"
#include "checkpoint/safetensors.h"

static tsm_status read_bytes(tsm_checkpoint **checkpoint, const void *file, size_t bytes, tsm_error *error)
{
    const tsm_source source = { .fd = -1, .bytes = file, .size = bytes };

    return tsm_safetensors_read(checkpoint, &source, error);
}

#define T(name, dtype, shape, begin, end)                                                                            \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

START_TEST(test_reads_tensors_and_metadata)
{
    static const char header[] =
        "{" T("b", "F32", "[2,3]", "8", "32") ",\"__metadata__\":{\"k\":\"v\",\"e\":\"\"}," //
        T("a", "I64", "[]", "0", "8") "," T("none", "F16", "[0,7]", "32", "32") "," T("u", "U8", "[3]", "32",
                                                                                      "35") "}  ";
    tsm_checkpoint *checkpoint = NULL;
    tsm_error error;
    size_t bytes;
    uint8_t *file = write_raw(header, 35, &bytes);
    const tsm_stored_tensor *b;

    file[bytes - 35 + 8] = 0x11;
    file[bytes - 1] = 0x22;
    assert_ok(read_bytes(&checkpoint, file, bytes, &error), &error);
    free(file); /* the checkpoint has its own copy */
    ck_assert_int_eq(checkpoint->count, 4);
    b = tsm_checkpoint_find(checkpoint, "b");
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(b->ndim, 2);
    ck_assert_int_eq(b->dims[1], 3);
    ck_assert_int_eq(b->count, 6);
    ck_assert_int_eq(b->type, TSM_STORED_F32);
    ck_assert_int_eq(*(const uint8_t *)b->data, 0x11);
    ck_assert_int_eq(tsm_checkpoint_find(checkpoint, "a")->count, 1);
    ck_assert_int_eq(tsm_checkpoint_find(checkpoint, "none")->count, 0);
    ck_assert_int_eq(((const uint8_t *)tsm_checkpoint_find(checkpoint, "u")->data)[2], 0x22);
    ck_assert_ptr_null(tsm_checkpoint_find(checkpoint, "c"));
    ck_assert_str_eq(tsm_checkpoint_metadata(checkpoint, "k"), "v");
    ck_assert_str_eq(tsm_checkpoint_metadata(checkpoint, "e"), "");
    ck_assert_ptr_null(tsm_checkpoint_metadata(checkpoint, "f"));
    tsm_checkpoint_destroy(&checkpoint);
    ck_assert_ptr_null(checkpoint);
}
END_TEST

/* A header, the bytes of data after it, and words that the error must hold. */
static const struct bad_header {
    const char *header;
    size_t data;
    const char *names;
} bad_headers[] = {
    { "{", 0, "neither a safetensors nor a PyTorch" },
    { "[1,2]", 0, "neither a safetensors nor a PyTorch" },
    { "{\"a\":", 0, "damaged header" },
    { "{} x", 0, "damaged header" },
    { "{\"\xff\":1}", 0, "damaged header" },
    { "{\"a\\u0000b\":1}", 0, "damaged header" },
    { "{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "4", "8") "}", 8, "duplicate" },
    { "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "duplicate" },
    { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate" },
    { "{\"__metadata__\":[]}", 0, "__metadata__ is not" },
    { "{\"__metadata__\":\"x\"}", 0, "__metadata__ is not" },
    { "{\"__metadata__\":{\"key\":8}}", 0, "\"key\" is not a string" },
    { "{\"__metadata__\":{\"key\":null}}", 0, "\"key\" is not a string" },
    { "{\"w\":7}", 0, "w has no dtype" },
    { "{\"w\":[]}", 0, "w has no dtype" },
    { "{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "w has no dtype" },
    { "{\"w\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "w has no dtype" },
    { "{" T("w", "F33", "[1]", "0", "4") "}", 4, "unknown dtype \"F33\"" },
    { "{" T("w", "f32", "[1]", "0", "4") "}", 4, "unknown dtype \"f32\"" },
    { "{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "w: its shape" },
    { "{" T("w", "F32", "4", "0", "16") "}", 16, "w: its shape" },
    { "{" T("w", "F32", "[1.0]", "0", "4") "}", 4, "w: its shape" },
    { "{" T("w", "F32", "[-1]", "0", "4") "}", 4, "w: its shape" },
    { "{" T("w", "F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "w: its shape" },
    { "{" T("w", "F32", "[99999999999999999999]", "0", "4") "}", 4, "damaged header" },
    { "{" T("w", "F32", "[4294967296,4294967296]", "0", "4") "}", 4,
      "w has the impossible shape (4294967296,4294967296)" },
    { "{" T("w", "F32", "[2305843009213693952]", "0", "0") "}", 0, "w has the impossible shape" },
    { "{" T("w", "F32", "[4611686018427387905,0,4]", "0", "4") "}", 4, "do not hold the 0 bytes" },
    { "{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "w: its data_offsets" },
    { "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "w: its data_offsets" },
    { "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "w: its data_offsets" },
    { "{" T("w", "F32", "[1]", "-4", "0") "}", 4, "w: its data_offsets" },
    { "{" T("w", "F32", "[1]", "0", "4.0") "}", 4, "w: its data_offsets" },
    { "{" T("w", "F32", "[1]", "4", "0") "}", 4, "do not hold the 4 bytes" },
    { "{" T("w", "F32", "[1]", "0", "8") "}", 8, "w: its data_offsets [0,8] do not hold the 4 bytes" },
    { "{" T("w", "F32", "[1]", "4", "8") "}", 8, "w begins at byte 4 of the data, leaving a hole from byte 0" },
    { "{" T("v", "F32", "[1]", "0", "4") "," T("w", "F32", "[1]", "8", "12") "}", 12, "w begins at byte 8" },
    { "{" T("v", "F32", "[2]", "0", "8") "," T("w", "F32", "[2]", "4", "12") "}", 12, "inside a tensor" },
    { "{" T("v", "F32", "[1]", "0", "4") "," T("w", "F32", "[1]", "0", "4") "}", 4, "inside a tensor" },
    { "{" T("v", "F32", "[1]", "0", "4") "," T("w", "F32", "[0]", "2", "2") "}", 4, "begins at byte" },
    { "{" T("w", "F32", "[4]", "0", "16") "}", 12, "truncated: 4 of 16 bytes of tensors are missing" },
    { "{" T("w", "F32", "[1]", "0", "4") "}", 9, "5 bytes after its last tensor" },
    { "{}", 3, "3 bytes after its last tensor" },
};

START_TEST(test_bad_header)
{
    const struct bad_header *bad = &bad_headers[_i];
    tsm_checkpoint *checkpoint = (tsm_checkpoint *)(uintptr_t)1; /* must become NULL */
    tsm_error error;
    size_t bytes;
    uint8_t *file = write_raw(bad->header, bad->data, &bytes);

    assert_error(read_bytes(&checkpoint, file, bytes, &error), &error, TSM_ERROR_FORMAT, bad->names);
    ck_assert_ptr_null(checkpoint);
    free(file);
}
END_TEST

static void assert_length_refused(uint64_t length, size_t bytes, const char *names)
{
    uint8_t file[64] = { 0 };
    tsm_checkpoint *checkpoint;
    tsm_error error;

    for (int i = 0; i < 8; i++) file[i] = (uint8_t)(length >> 8 * i);
    file[8] = '{';
    file[9] = '}';
    assert_error(read_bytes(&checkpoint, file, bytes, &error), &error, TSM_ERROR_FORMAT, names);
}

START_TEST(test_header_length)
{
    assert_length_refused(2, 9, "truncated: its header takes 2 bytes, 1 are there");
    assert_length_refused(57, 64, "truncated: its header takes 57 bytes, 56 are there");
    assert_length_refused(100000000, 64, "truncated: its header takes 100000000 bytes");
    assert_length_refused(100000001, 64, "neither a safetensors nor a PyTorch");
    assert_length_refused(UINT64_MAX, 64, "neither a safetensors nor a PyTorch");
    assert_length_refused(UINT64_MAX - 7, 64, "neither a safetensors nor a PyTorch");
    assert_length_refused(1, 64, "neither a safetensors nor a PyTorch");
    assert_length_refused(0, 64, "neither a safetensors nor a PyTorch");
    assert_length_refused(2, 8, "neither a safetensors nor a PyTorch");
    assert_length_refused(2, 3, "neither a safetensors nor a PyTorch");
    assert_length_refused(2, 0, "is empty");
}
END_TEST

START_TEST(test_header_bombs)
{
    const size_t length = 2000000;
    char *header = malloc(length + 1);
    tsm_checkpoint *checkpoint;
    tsm_error error;
    size_t bytes;
    uint8_t *file;

    ck_assert_ptr_nonnull(header);
    /* A million numbers in one array: 2 MB of text, some 60 MB of objects if it were parsed. */
    for (size_t i = 0; i < length; i += 2) memcpy(header + i, "0,", 2);
    memcpy(header, "{\"\":[0", 6);
    memcpy(header + length - 4, " 0]}", 5);
    file = write_raw(header, 0, &bytes);
    assert_error(read_bytes(&checkpoint, file, bytes, &error), &error, TSM_ERROR_FORMAT, "values, more than");
    free(file);

    /* Nesting, below that limit, is the JSON parser's to refuse. */
    memset(header, ' ', length);
    for (size_t i = 4; i < length; i += 5) header[i] = '[';
    memcpy(header, "{\"\":", 4);
    header[100000] = '\0';
    file = write_raw(header, 0, &bytes);
    assert_error(read_bytes(&checkpoint, file, bytes, &error), &error, TSM_ERROR_FORMAT, "damaged header");
    free(file);
    free(header);
}
END_TEST

/* Commas and brackets inside strings are no values. */
START_TEST(test_long_strings_pass)
{
    static const char start[] = "{\"__metadata__\":{\"labels\":\"\\\"[{";
    const size_t length = 600000;
    char *header = malloc(length + 1);
    tsm_checkpoint *checkpoint;
    tsm_error error;
    size_t bytes;
    uint8_t *file;

    memset(header, ',', length);
    memcpy(header, start, sizeof start - 1);
    strcpy(header + length - 3, "\"}}");
    file = write_raw(header, 0, &bytes);
    assert_ok(read_bytes(&checkpoint, file, bytes, &error), &error);
    ck_assert_ptr_nonnull(tsm_checkpoint_metadata(checkpoint, "labels"));
    tsm_checkpoint_destroy(&checkpoint);
    free(file);
    free(header);
}
END_TEST

static const struct wrong_kind {
    const char *head;
    size_t bytes;
    const char *names;
} wrong_kinds[] = {
    { "<!DOCTYPE html><html><body>404", 30, "an HTML or XML page" },
    { "\xef\xbb\xbf\n <html>no", 14, "an HTML or XML page" },
    { "\x7f"
      "ELF\2\1\1\0\0\0\0\0",
      12, "(ELF)" },
    { "\0\0\0\x20"
      "ftypisom\0\0\2\0",
      16, "an MP4 video" },
    { "version https://git-lfs.github.com/spec/v1\noid", 46, "a Git LFS pointer" },
    { "\x93NUMPY\1\0v\0{'descr'", 18, "a NumPy array" },
    { "\x1f\x8b\x08\0\0\0\0\0\0\3", 10, "a gzip archive" },
    { "hello, world, this is text", 26, "is text, not a checkpoint" },
    { "hello, world, this is \1", 23, "is neither a safetensors nor a PyTorch checkpoint" },
};

START_TEST(test_wrong_kind)
{
    const struct wrong_kind *kind = &wrong_kinds[_i];
    tsm_checkpoint *checkpoint;
    tsm_error error;

    assert_error(read_bytes(&checkpoint, kind->head, kind->bytes, &error), &error, TSM_ERROR_FORMAT, kind->names);
}
END_TEST

START_TEST(test_tar)
{
    uint8_t file[512] = "storages/";
    tsm_checkpoint *checkpoint;
    tsm_error error;

    memcpy(file + 257, "ustar", 5);
    assert_error(read_bytes(&checkpoint, file, sizeof file, &error), &error, TSM_ERROR_FORMAT,
                 "a tar archive (as PyTorch before 0.1.10 wrote, which is not read)");
}
END_TEST

/* A header of 640 bytes begins like a pickle (0x80 0x02), and must be read nevertheless. */
START_TEST(test_lengths_that_look_like_magic)
{
    char header[641];
    tsm_checkpoint *checkpoint;
    tsm_error error;
    size_t bytes;
    uint8_t *file;

    memset(header, ' ', 640);
    memcpy(header, "{}", 2);
    header[640] = '\0';
    file = write_raw(header, 0, &bytes);
    assert_ok(read_bytes(&checkpoint, file, bytes, &error), &error);
    tsm_checkpoint_destroy(&checkpoint);
    free(file);
}
END_TEST

START_TEST(test_files_of_other_kinds)
{
    char folder[] = "/tmp/tsm-safetensors-XXXXXX", path[64];
    tsm_model *model;
    tsm_error error;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    assert_error(tsm_model_load(&model, folder, NULL, &error), &error, TSM_ERROR_IO, "is a directory");
    ck_assert_ptr_nonnull(strstr(error.text, folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_error(tsm_model_load(&model, path, NULL, &error), &error, TSM_ERROR_IO, "is a pipe");
    unlink(path);
    assert_error(tsm_model_load(&model, path, NULL, &error), &error, TSM_ERROR_IO, "cannot open");
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_error(tsm_model_load(&model, path, NULL, &error), &error, TSM_ERROR_FORMAT, "pipe: is empty");
    ck_assert_ptr_null(model);
    unlink(path);
    rmdir(folder);
}
END_TEST

/* Each allocation of a good read fails in turn: an error every time, and no leak (the leak checker's to see). */
START_TEST(test_out_of_memory)
{
    static const char header[] = "{" T("b", "F32", "[2]", "0", "8") ",\"__metadata__\":{\"k\":\"v\"}}";
    tsm_checkpoint *checkpoint;
    tsm_error error;
    size_t bytes;
    uint8_t *file = write_raw(header, 8, &bytes);
    uint64_t n = 0;
    tsm_status status;

    do {
        tsm_alloc_fail_at(++n);
        status = read_bytes(&checkpoint, file, bytes, &error);
        ck_assert(status == TSM_OK || (status == TSM_ERROR_MEMORY && !checkpoint));
    } while (status != TSM_OK);
    tsm_alloc_fail_at(0);
    ck_assert_uint_gt(n, 5);
    tsm_checkpoint_destroy(&checkpoint);
    free(file);
}
END_TEST

static int json_allocations_left;

static void *short_malloc(size_t bytes)
{
    if (--json_allocations_left != 0) return malloc(bytes);
    errno = ENOMEM;
    return NULL;
}

/* The same for those of jansson, which takes some failures for damage. */
START_TEST(test_json_out_of_memory)
{
    static const char header[] = "{" T("b", "F32", "[2]", "0", "8") ",\"__metadata__\":{\"k\":\"v\"}}";
    tsm_checkpoint *checkpoint;
    tsm_error error;
    size_t bytes;
    uint8_t *file = write_raw(header, 8, &bytes);
    int n = 0;
    tsm_status status;

    json_set_alloc_funcs(short_malloc, free);
    do {
        json_allocations_left = ++n;
        status = read_bytes(&checkpoint, file, bytes, &error);
        ck_assert_msg(status == TSM_OK || status == TSM_ERROR_MEMORY, "allocation %d: %s", n, error.text);
    } while (status != TSM_OK);
    json_set_alloc_funcs(malloc, free);
    ck_assert_int_gt(n, 10);
    tsm_checkpoint_destroy(&checkpoint);
    free(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = tcase_create("container");

    tcase_add_test(tests, test_reads_tensors_and_metadata);
    tcase_add_loop_test(tests, test_bad_header, 0, sizeof bad_headers / sizeof *bad_headers);
    tcase_add_test(tests, test_header_length);
    tcase_add_test(tests, test_header_bombs);
    tcase_add_test(tests, test_long_strings_pass);
    tcase_add_loop_test(tests, test_wrong_kind, 0, sizeof wrong_kinds / sizeof *wrong_kinds);
    tcase_add_test(tests, test_tar);
    tcase_add_test(tests, test_lengths_that_look_like_magic);
    tcase_add_test(tests, test_files_of_other_kinds);
    tcase_add_test(tests, test_out_of_memory);
    tcase_add_test(tests, test_json_out_of_memory);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
