/* SPDX-License-Identifier: Apache-2.0 */
/* .npy headers, sound and hostile; files written and read back; outputs that appear whole or not at all. */
#include "support.h"
#include "cli/npy.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tsm-npy-XXXXXX";
static char path[64];
static tsm_error error;

static void make_folder(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.npy", folder);
    memset(&error, 0, sizeof error);
}

static void remove_folder(void)
{
    unlink(path);
    ck_assert_msg(rmdir(folder) == 0, "something was left in %s: %s", folder, strerror(errno));
}

/* A version 1 file: `text` as the header, and `payload` zero bytes. Its size goes to *bytes. */
static char *file_of(const char *text, size_t payload, size_t *bytes)
{
    size_t length = strlen(text);
    char *data = calloc(1, 10 + length + payload);

    ck_assert_ptr_nonnull(data);
    memcpy(data, "\x93NUMPY\x01\x00", 8);
    data[8] = (char)(length & 0xff);
    data[9] = (char)(length >> 8);
    memcpy(data + 10, text, length);
    *bytes = 10 + length + payload;
    return data;
}

static tsm_status parse(const char *text, size_t payload, npy_array *array)
{
    size_t bytes;
    char *data = file_of(text, payload, &bytes);
    tsm_status status = npy_parse(data, bytes, "x.npy", array, &error);

    free(data);
    return status;
}

START_TEST(parse_accepts)
{
    static const struct {
        const char *text;
        size_t payload;
        tsm_dtype dtype;
        int ndim;
        size_t count;
    } cases[] = {
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", 24, TSM_FLOAT32, 2, 6 },
        { "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n", 6, TSM_UINT8, 2, 6 },
        { "{\"shape\":(5,),\"descr\":\"<f4\",\"fortran_order\":False}", 20, TSM_FLOAT32, 1, 5 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", 4, TSM_FLOAT32, 0, 1 },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807), }\n", 0, TSM_FLOAT32, 2, 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        npy_array array;

        assert_ok(parse(cases[i].text, cases[i].payload, &array), &error);
        ck_assert_int_eq(array.dtype, cases[i].dtype);
        ck_assert_int_eq(array.ndim, cases[i].ndim);
        ck_assert_uint_eq(array.count, cases[i].count);
        ck_assert_uint_eq(array.offset, 10 + strlen(cases[i].text));
    }
}
END_TEST

START_TEST(parse_refuses)
{
    static const struct {
        const char *text;
        size_t payload;
        const char *names;
    } cases[] = {
        { "", 0, "dictionary" },
        { "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", 16, "'<f8'" },
        { "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8, "'>f4'" },
        { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8, "dtype" },
        { "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8, "Fortran" },
        { "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }", 8, "order" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, "shorter" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, "longer" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", 8, "longer" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8, "shape" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", 8, "tuple" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2), }", 8, "comma" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': 2, }", 8, "tuple" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 8, "64 bits" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 8, "shorter" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }", 0, "shorter" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4, "dimensions" },
        { "{'descr': '<f4', 'fortran_order': False, }", 8, "lacks" },
        { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8, "repeats" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8, "unknown key" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } os.system('true')", 8, "follows" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,", 8, "shape" },
        { "{'descr': '<f4", 8, "dtype" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        npy_array array;
        tsm_status status = parse(cases[i].text, cases[i].payload, &array);

        ck_assert_msg(status == TSM_ERROR_FORMAT, "case %zu was accepted: %s", i, cases[i].text);
        assert_error(status, &error, TSM_ERROR_FORMAT, cases[i].names);
        ck_assert_ptr_nonnull(strstr(error.text, "x.npy: "));
    }
}
END_TEST

/* Every prefix of a sound file is refused, and read within its bounds. */
START_TEST(parse_refuses_prefixes)
{
    size_t bytes;
    char *data = file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24, &bytes);
    npy_array array;

    for (size_t length = 0; length < bytes; length++) {
        char *copy = malloc(length ? length : 1);

        memcpy(copy, data, length);
        ck_assert_int_eq(npy_parse(copy, length, "x.npy", &array, &error), TSM_ERROR_FORMAT);
        free(copy);
    }
    data[6] = 3;
    assert_error(npy_parse(data, bytes, "x.npy", &array, &error), &error, TSM_ERROR_FORMAT, "version");
    data[6] = 2; /* four bytes of length, of which two are text: far too long */
    assert_error(npy_parse(data, bytes, "x.npy", &array, &error), &error, TSM_ERROR_FORMAT, "too long");
    free(data);
}
END_TEST

START_TEST(parses_version_2)
{
    static const char text[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }\n";
    char data[12 + sizeof text - 1 + 4] = "\x93NUMPY\x02";
    npy_array array;

    data[8] = sizeof text - 1;
    memcpy(data + 12, text, sizeof text - 1);
    assert_ok(npy_parse(data, sizeof data, "x.npy", &array, &error), &error);
    ck_assert_uint_eq(array.offset, 12 + sizeof text - 1);
    ck_assert_uint_eq(array.count, 4);
}
END_TEST

START_TEST(written_files_read_back)
{
    const int64_t dims[3] = { 2, 3, 5 };
    float *values = hashed_array(30, 7), got[30];
    output_file output;
    npy_reader reader;
    char text[64];

    assert_ok(output_open(&output, path, &error), &error);
    assert_ok(npy_begin(&output, TSM_FLOAT32, dims, 3, &error), &error);
    ck_assert_msg(access(path, F_OK) != 0, "the file is there before it is complete");
    assert_ok(npy_append(&output, TSM_FLOAT32, values, 12, &error), &error);
    assert_ok(npy_append(&output, TSM_FLOAT32, values + 12, 18, &error), &error);
    assert_ok(output_commit(&output, &error), &error);

    assert_ok(npy_open(&reader, path, &error), &error);
    ck_assert_str_eq(npy_shape_text(&reader.array, text, sizeof text), "(2, 3, 5)");
    ck_assert_uint_eq(reader.array.offset % 64, 0);
    assert_ok(npy_read(&reader, 20, 10, got + 20, &error), &error);
    assert_ok(npy_read(&reader, 0, 20, got, &error), &error);
    ck_assert_mem_eq(got, values, sizeof got);
    assert_error(npy_read(&reader, 29, 2, got, &error), &error, TSM_ERROR_IO, path);
    npy_close(&reader);
    free(values);
}
END_TEST

START_TEST(open_refuses)
{
    npy_reader reader = NPY_READER_INIT;
    FILE *file;

    assert_error(npy_open(&reader, path, &error), &error, TSM_ERROR_IO, path);
    assert_error(npy_open(&reader, folder, &error), &error, TSM_ERROR_IO, "directory");
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    assert_error(npy_open(&reader, path, &error), &error, TSM_ERROR_FORMAT, "empty");
    npy_close(&reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_npy");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, parse_accepts);
    tcase_add_test(tests, parse_refuses);
    tcase_add_test(tests, parse_refuses_prefixes);
    tcase_add_test(tests, parses_version_2);
    tcase_add_test(tests, written_files_read_back);
    tcase_add_test(tests, open_refuses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
