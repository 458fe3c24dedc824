/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_value.h - the values that a pickle makes, and looking at them.
 *
 * Values live in one array and refer to each other by index, strings point into the pickle. None, booleans, the empty
 * tuple and numbers of one byte are there once; two bytes of pickle make at most one value more, and one byte at most
 * one cell. Both are capped.
 */
#ifndef TSM_CHECKPOINT_PICKLE_VALUE_H
#define TSM_CHECKPOINT_PICKLE_VALUE_H

#include "checkpoint.h"

#define TSM_PICKLE_MAX_VALUES 1000000u /* a checkpoint of ResNet-152 with its optimizer has some 50,000 */

typedef enum tsm_pickle_kind {
    TSM_PICKLE_NONE,
    TSM_PICKLE_BOOL,
    TSM_PICKLE_INTEGER,
    TSM_PICKLE_REAL, /* its number is never needed, and not kept */
    TSM_PICKLE_STRING,
    TSM_PICKLE_TUPLE,
    TSM_PICKLE_LIST,
    TSM_PICKLE_DICT, /* items: key, value, key, value */
    TSM_PICKLE_GLOBAL,
    TSM_PICKLE_STORAGE,
    TSM_PICKLE_TENSOR,
    TSM_PICKLE_DTYPE, /* of NumPy */
    TSM_PICKLE_ARRAY, /* of NumPy */
    TSM_PICKLE_TEXT8, /* bytes, written as text whose characters they are */
    TSM_PICKLE_OBJECT /* anything else, inert */
} tsm_pickle_kind;

typedef struct tsm_pickle_value {
    tsm_pickle_kind kind;
    union {
        int64_t integer; /* INTEGER, BOOL */
        struct {
            const char *bytes;
            size_t length;
        } string;
        struct {
            uint32_t first, last; /* cells; 0: none */
            uint32_t count;       /* of cells */
        } items;
        uint32_t global; /* which name, see pickle_machine.h */
        struct {
            tsm_stored_type type;
            uint32_t key;  /* value: STRING */
            uint32_t size; /* value: INTEGER, elements of the whole storage */
            uint32_t view; /* value: INTEGER, elements before the part that is meant; 0: none */
        } storage;
        struct {
            uint32_t storage;      /* value */
            uint32_t offset;       /* value: INTEGER, elements */
            uint32_t dims, stride; /* values: TUPLE of INTEGER */
        } tensor;
        struct {
            tsm_stored_type type;
            bool big_endian;
        } dtype;
        struct {
            uint32_t dtype, dims, data; /* values: DTYPE, TUPLE of INTEGER, STRING or TEXT8; 0: not said yet */
            bool by_columns;            /* the first dimension is the densest, not the last */
        } array;
        uint32_t text; /* TEXT8: value, STRING */
    } as;
} tsm_pickle_value;

/* A link of a container's chain. */
typedef struct tsm_pickle_cell {
    uint32_t value, next;
} tsm_pickle_cell;

typedef struct tsm_pickle {
    tsm_pickle_value *values; /* [0] is never a result: index 0 stands for "nothing" */
    tsm_pickle_cell *cells;   /* [0] is unused */
    uint32_t *stack, *memo;
    size_t value_count, value_room, cell_count, cell_room, stack_count, stack_room, memo_count, memo_room;
    const uint8_t *at, *begin, *end; /* the pickle: next byte, first, end */
    size_t before;                   /* bytes of the pickles before this one */
} tsm_pickle;

static inline const tsm_pickle_value *tsm_pickle_at(const tsm_pickle *pickle, uint32_t value)
{
    return &pickle->values[value];
}

/* The value of a string key of a DICT; 0 where there is none, or `dict` is none. */
uint32_t tsm_pickle_lookup(const tsm_pickle *pickle, uint32_t dict, const char *key);

/* Item `index` of a TUPLE or LIST; 0 where there is none. */
uint32_t tsm_pickle_item(const tsm_pickle *pickle, uint32_t container, uint32_t index);

/* Copies up to `limit` integers of a TUPLE or LIST; returns how many, -1 where it is anything else. */
int tsm_pickle_integers(const tsm_pickle *pickle, uint32_t value, int64_t *out, int limit);

bool tsm_pickle_equals(const tsm_pickle_value *value, const char *text);

#endif
