/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_bounds.c - what a hostile file can make of few bytes: allocation and time are held against the size of the
 * file, for every container, whether it is refused or read.
 */
#include <jansson.h>
#include <time.h>

#include "model/model.h"
#include "pickle_writer.h"

#define FACTOR 64         /* bytes asked for, freed ones included, a byte of the file */
#define SLACK  (1u << 20) /* what the smallest network takes anyway */

static tsm_error error;

/* ---- What is counted ---- */

static uint64_t json_bytes;

static void *count_json(size_t bytes)
{
    json_bytes += bytes;
    return malloc(bytes);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Loads the bytes as a model; two microseconds a byte are a hundred times what a real file takes. */
static tsm_status load_bounded(const void *data, size_t bytes, const char *what)
{
    const double start = seconds();
    tsm_model *model;
    tsm_status status;
    uint64_t asked;
    double taken;

    json_bytes = 0;
    tsm_alloc_fail_at(0);
    status = tsm_model_load_memory(&model, data, bytes, what, NULL, &error);
    asked = tsm_alloc_bytes() + json_bytes;
    taken = seconds() - start;
    tsm_model_destroy(&model);
    ck_assert_msg(asked <= FACTOR * (uint64_t)bytes + SLACK, "%s: %zu bytes ask for %llu", what, bytes,
                  (unsigned long long)asked);
    ck_assert_msg(taken <= .05 + 2e-6 * (double)bytes, "%s: %zu bytes take %.3f s", what, bytes, taken);
    ck_assert(status == TSM_OK || status == TSM_ERROR_FORMAT || status == TSM_ERROR_MODEL);
    return status;
}

/* ---- Pickles ---- */

/* `text` over and over, behind the beginning of a pickle and before its end. */
static void repeat(pickle_writer *p, int protocol, const char *before, const char *text, size_t length, size_t bytes,
                   const char *after)
{
    pickle_begin(p, protocol);
    pickle_put(p, before, strlen(before));
    while (p->count < bytes) pickle_put(p, text, length);
    pickle_put(p, after, strlen(after));
}

START_TEST(floods)
{
#define T(before, text, after)                                                                                       \
    {                                                                                                                \
        before, text, sizeof text - 1, after                                                                         \
    }
    static const struct {
        const char *before, *text;
        size_t length;
        const char *after;
    } texts[] = {
        T("(", "N", "t."),
        T("(", "]", "t."),
        T("(", "}", "t."),
        T("N", "\x85", "."),
        T("(", "(", "t."),
        T("N", "\x94", "."),
        T("](", "K\x07", "e."),
        T("](", "M\x07\x07", "e."),
        T("}(",
          "U\x01"
          "aN",
          "u."),
        T("](",
          "}U\x01"
          "aNs",
          "e."),
        T("](", "cx\ny\n)R", "e."),
        T("(", "cx\ny\n", "t."),
        T("(", "NQ", "t."),
        T("]", "(NNe", "."),
        T("N\x94(", "h\0\x94", "t."),
        T("}",
          "U\x01"
          "a}s",
          "."),
    };
    const size_t bytes = 1 << 20;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int protocol = 0; protocol <= 4; protocol += 4) {
            pickle_writer *p = malloc(sizeof *p);

            repeat(p, protocol, texts[i].before, texts[i].text, texts[i].length, bytes, texts[i].after);
            load_bounded(p->bytes, p->count, texts[i].text);
            pickle_clear(p);
            free(p);
        }
#undef T
}
END_TEST

/* One long name used thousands of times, in one dictionary and in many. */
START_TEST(one_name_many_times)
{
    const size_t length = 1 << 20;
    checkpoint_writer writer = { 0 };
    pickle_writer *p = malloc(sizeof *p);
    char *name = malloc(length + 1);

    memset(name, 'n', length);
    name[length] = '\0';
    writer_add(&writer, "w", 1, 0, 1, (int64_t[]){ 1 });
    pickle_begin(p, _i);
    PICKLE_OP(p, "}(");
    pickle_text(p, name);
    PICKLE_OP(p, "q\0");
    if (_i)
        pickle_array(p, &writer.tensors[0]);
    else
        pickle_torch_tensor(p, &writer.tensors[0]);
    PICKLE_OP(p, "q\1");
    for (int k = 0; k < 4000; k++) PICKLE_OP(p, "h\0h\1");
    for (int k = 0; k < 400; k++) {
        char key[20];

        snprintf(key, sizeof key, "set%d", k);
        pickle_text(p, key);
        PICKLE_OP(p, "}h\0h\1s");
    }
    PICKLE_OP(p, "u");
    pickle_end(p);
    ck_assert_int_eq(load_bounded(p->bytes, p->count, "one name"), TSM_ERROR_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "one name many times"));
    pickle_clear(p);
    free(p);
    free(name);
    writer_clear(&writer);
}
END_TEST

/* Names of their own, as short as they can be: the most tensors that a pickle can have for its size. */
START_TEST(short_names)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *p = malloc(sizeof *p);

    writer_add(&writer, "w", 1, 0, 1, (int64_t[]){ 1 });
    pickle_begin(p, 0);
    PICKLE_OP(p, "}(U\1a");
    pickle_torch_tensor(p, &writer.tensors[0]);
    PICKLE_OP(p, "q\0");
    for (int k = 0; k < 65536; k++) {
        const char entry[] = { 'U', 4, 'b', (char)('!' + k % 64), (char)('!' + k / 64 % 64), (char)('!' + k / 4096),
                               'h', 0 };

        pickle_put(p, entry, sizeof entry);
    }
    PICKLE_OP(p, "u");
    pickle_end(p);
    load_bounded(p->bytes, p->count, "short names");
    pickle_clear(p);
    free(p);
    writer_clear(&writer);
}
END_TEST

/* Names of as many parts as there is room for: prefixes to be looked through. */
START_TEST(names_of_many_parts)
{
    checkpoint_writer writer = { 0 };
    pickle_writer *p = malloc(sizeof *p);
    char name[301];

    for (int i = 0; i < 300; i++) name[i] = i % 2 ? '.' : 'a';
    writer_add(&writer, "w", 1, 0, 1, (int64_t[]){ 1 });
    pickle_begin(p, 0);
    PICKLE_OP(p, "}(U\1a");
    pickle_torch_tensor(p, &writer.tensors[0]);
    PICKLE_OP(p, "q\0");
    for (int k = 0; k < 3000; k++) {
        snprintf(name + 280, 21, "%d", k);
        pickle_text(p, name);
        PICKLE_OP(p, "h\0");
    }
    PICKLE_OP(p, "u");
    pickle_end(p);
    load_bounded(p->bytes, p->count, "many parts");
    pickle_clear(p);
    free(p);
    writer_clear(&writer);
}
END_TEST

/* ---- Safetensors ---- */

START_TEST(headers)
{
    static const char *const texts[] = { "[],",    "[] , ", "{},",      "{} ,    ", "1,",
                                         "\"a\",", "[[",    "\"\":{},", "null,   " };
    const size_t bytes = 1 << 20;
    char *header = malloc(bytes + 100);

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t count, used = (size_t)sprintf(header, "{\"a\":[");
        uint8_t *file;

        while (used < bytes) used += (size_t)sprintf(header + used, "%s", texts[i]);
        sprintf(header + used, "0]}");
        file = write_raw(header, 0, &count);
        load_bounded(file, count, texts[i]);
        free(file);
    }
    free(header);
}
END_TEST

/* Metadata that is as much as it can be, and names that are as many. */
START_TEST(headers_that_are_read)
{
    const int count = 12000;
    char *header = malloc((size_t)count * 80);
    size_t used = (size_t)sprintf(header, "{\"__metadata__\":{\"a\":\"b\""), bytes;
    uint8_t *file;

    for (int i = 0; i < count; i++) used += (size_t)sprintf(header + used, ",\"%d\":\"\"", i);
    used += (size_t)sprintf(header + used, "}");
    for (int i = 0; i < count; i++)
        used += (size_t)sprintf(header + used, ",\"%d\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[%d,%d]}", i,
                                i, i + 1);
    sprintf(header + used, "}");
    file = write_raw(header, (size_t)count, &bytes);
    ck_assert_int_eq(load_bounded(file, bytes, "header"), TSM_ERROR_MODEL);
    free(file);
    free(header);
}
END_TEST

/* A network that is read stays within the same bounds. */
START_TEST(a_real_network)
{
    checkpoint_writer writer = { 0 };
    size_t bytes;
    uint8_t *file;

    writer_add_network(&writer, &(written_network){ .arch = "resnet50", .mark = "blockres" });
    file = writer_bytes(&writer, 0, &bytes);
    ck_assert_int_eq(load_bounded(file, bytes, "resnet50"), TSM_OK);
    free(file);
    writer_clear(&writer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bounds");
    TCase *tests = tcase_create("all");

    json_set_alloc_funcs(count_json, free);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, floods);
    tcase_add_loop_test(tests, one_name_many_times, 0, 1);
    tcase_add_loop_test(tests, one_name_many_times, 2, 5);
    tcase_add_test(tests, short_names);
    tcase_add_test(tests, names_of_many_parts);
    tcase_add_test(tests, headers);
    tcase_add_test(tests, headers_that_are_read);
    tcase_add_test(tests, a_real_network);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
