/* SPDX-License-Identifier: Apache-2.0 */
/* golden.h - the entries of tests/data/golden/golden.json: a network, an input, and what PyTorch made of it in
 * float64. */
#ifndef TSM_TESTS_GOLDEN_H
#define TSM_TESTS_GOLDEN_H

#include <jansson.h>
#include <stdbool.h>

#include "support.h"

typedef struct golden {
    const char *name;
    tsm_model *model;
    tsm_shape shape;
    int channels, classes;
    int rows;       /* of logits: a clip, or a frame */
    bool per_frame; /* they are of frames */
    float *data, *logits;
} golden;

/* The list of entries, to be released with json_decref; NULL, and a line on stderr, where there is none. */
static inline json_t *golden_list(void)
{
    json_error_t why;
    json_t *list = json_load_file(TSM_TEST_DATA "/golden/golden.json", 0, &why);

    if (json_is_array(list) && json_array_size(list) > 0) return list;
    fprintf(stderr, "golden.json: %s\n", list ? "no entries" : why.text);
    json_decref(list);
    return NULL;
}

static inline int golden_int(const json_t *entry, const char *key)
{
    const json_t *value = json_object_get(entry, key);

    ck_assert_msg(json_is_integer(value), "golden.json: no integer %s", key);
    return (int)json_integer_value(value);
}

/* The innermost lists one after another; returns where the next one goes. */
static inline float *golden_numbers(const json_t *list, float *out)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item)
    {
        if (json_is_array(item))
            out = golden_numbers(item, out);
        else
            *out++ = (float)json_real_value(item);
    }
    return out;
}

static inline tsm_model *golden_model(const json_t *entry)
{
    const char *direction = json_string_value(json_object_get(entry, "direction"));
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model *model = NULL;
    tsm_error error;
    char path[512];

    if (direction) {
        ck_assert_str_eq(direction, "unidirectional");
        options.shift_direction = TSM_UNIDIRECTIONAL;
    }
    snprintf(path, sizeof path, "%s/golden/%s", TSM_TEST_DATA, json_string_value(json_object_get(entry, "file")));
    assert_ok(tsm_model_load(&model, path, &options, &error), &error);
    return model;
}

static inline golden golden_open(const json_t *entry)
{
    const json_t *logits = json_object_get(entry, "logits"), *row = json_array_get(logits, 0);
    golden g = { .name = json_string_value(json_object_get(entry, "name")) };
    float *end;

    g.shape =
        (tsm_shape){ golden_int(entry, "n"), golden_int(entry, "t"), golden_int(entry, "h"), golden_int(entry, "w") };
    g.channels = golden_int(entry, "c");
    g.per_frame = json_is_true(json_object_get(entry, "frames"));
    g.rows = g.per_frame ? g.shape.n * g.shape.t : g.shape.n;
    ck_assert_uint_eq(json_array_size(logits), (size_t)g.shape.n);
    g.classes = (int)json_array_size(g.per_frame ? json_array_get(row, 0) : row);
    ck_assert_int_gt(g.classes, 1);
    g.logits = poisoned_array((size_t)g.rows * g.classes);
    end = golden_numbers(logits, g.logits);
    ck_assert_int_eq((int)(end - g.logits), g.rows * g.classes);
    g.data = hashed_array((size_t)g.shape.n * g.shape.t * g.channels * g.shape.h * g.shape.w,
                          (uint32_t)golden_int(entry, "seed"));
    g.model = golden_model(entry);
    return g;
}

static inline void golden_close(golden *g)
{
    tsm_model_destroy(&g->model);
    free(g->logits);
    free(g->data);
}

/* Logits as the entry has them. */
static inline tsm_tensor golden_output(const golden *g, float *logits)
{
    const tsm_shape *s = &g->shape;
    tsm_tensor output = {
        .data = logits, .dtype = TSM_FLOAT32, .layout = TSM_NC, .ndim = 2, .dims = { s->n, g->classes }
    };

    if (!g->per_frame) return output;
    output.layout = TSM_NTC;
    output.ndim = 3;
    output.dims[1] = s->t;
    output.dims[2] = g->classes;
    return output;
}

#endif
