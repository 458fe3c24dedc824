/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.c - the stack machine of pickle.h: protocol 2, and those opcodes of 3 and 4 that checkpoints have. */
#include "pickle.h"

#include <string.h>

#include "pickle_machine.h"

enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_NONE = 'N',
    OP_TRUE = 0x88,
    OP_FALSE = 0x89,
    OP_PROTO = 0x80,
    OP_FRAME = 0x95,
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_LONG1 = 0x8a,
    OP_BINFLOAT = 'G',
    OP_BINUNICODE = 'X',
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_DICT = '}',
    OP_EMPTY_LIST = ']',
    OP_EMPTY_TUPLE = ')',
    OP_TUPLE = 't',
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_APPEND = 'a',
    OP_APPENDS = 'e',
    OP_SETITEM = 's',
    OP_SETITEMS = 'u',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_MEMOIZE = 0x94,
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_GLOBAL = 'c',
    OP_STACK_GLOBAL = 0x93,
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_NEWOBJ = 0x81,
    OP_BUILD = 'b'
};

/* ---- Reading operands ---- */

/* Downloads that were cut off end here. */
static tsm_status too_short(tsm_error *error)
{
    tsm_fail(error, TSM_ERROR_FORMAT, "is truncated: its pickle ends too soon");
    return TSM_ERROR_FORMAT;
}

/* A little-endian number of `size` bytes, 1 to 8. */
static tsm_status read_number(tsm_pickle *p, size_t size, uint64_t *number, tsm_error *error)
{
    if ((size_t)(p->end - p->at) < size) return too_short(error);
    *number = 0;
    for (size_t i = size; i > 0; i--) *number = *number << 8 | p->at[i - 1];
    p->at += size;
    return TSM_OK;
}

static tsm_status skip(tsm_pickle *p, uint64_t bytes, tsm_error *error)
{
    if ((uint64_t)(p->end - p->at) < bytes) return too_short(error);
    p->at += bytes;
    return TSM_OK;
}

static tsm_status push_integer(tsm_pickle *p, int64_t number, tsm_error *error)
{
    if (number >= 0 && number < 256) return tsm_pickle_push(p, TSM_PICKLE_SMALL + (uint32_t)number, error);
    TSM_TRY_RETURN(tsm_pickle_push_new(p, TSM_PICKLE_INTEGER, error));
    p->values[p->value_count - 1].as.integer = number;
    return TSM_OK;
}

static tsm_status push_string(tsm_pickle *p, size_t length_bytes, tsm_error *error)
{
    uint64_t length;
    tsm_pickle_value *value;

    TSM_TRY_RETURN(read_number(p, length_bytes, &length, error));
    TSM_TRY_RETURN(skip(p, length, error));
    TSM_TRY_RETURN(tsm_pickle_push_new(p, TSM_PICKLE_STRING, error));
    value = &p->values[p->value_count - 1];
    value->as.string.bytes = (const char *)p->at - length;
    value->as.string.length = (size_t)length;
    return TSM_OK;
}

static tsm_status push_small(tsm_pickle *p, size_t size, tsm_error *error)
{
    uint64_t number;

    TSM_TRY_RETURN(read_number(p, size, &number, error));
    return push_integer(p, size == 4 ? (int32_t)(uint32_t)number : (int64_t)number, error);
}

/* A two's complement number of any length; one that does not fit 64 bits becomes inert. */
static tsm_status push_long(tsm_pickle *p, tsm_error *error)
{
    uint64_t length, number = 0;

    TSM_TRY_RETURN(read_number(p, 1, &length, error));
    if (length > 8) {
        TSM_TRY_RETURN(skip(p, length, error));
        return tsm_pickle_push_new(p, TSM_PICKLE_OBJECT, error);
    }
    if (length > 0) {
        TSM_TRY_RETURN(read_number(p, (size_t)length, &number, error));
        if (length < 8 && p->at[-1] & 0x80) number |= UINT64_MAX << 8 * length;
    }
    return push_integer(p, (int64_t)number, error);
}

/* A line of text, as GLOBAL has two of. */
static tsm_status read_line(tsm_pickle *p, const char **text, size_t *length, tsm_error *error)
{
    const uint8_t *end = memchr(p->at, '\n', (size_t)(p->end - p->at));

    if (!end) return too_short(error);
    *text = (const char *)p->at;
    *length = (size_t)(end - p->at);
    p->at = end + 1;
    return TSM_OK;
}

/* ---- Memo and objects ---- */

/* Picklers number their entries in order; so the memo grows no faster than the pickle is long. */
static tsm_status memo_put(tsm_pickle *p, uint64_t index, tsm_error *error)
{
    if (p->stack_count == 0 || p->stack[p->stack_count - 1] == TSM_PICKLE_MARK)
        return tsm_pickle_damaged(error, "it keeps a value that is not there");
    if (index > p->memo_count) return tsm_pickle_damaged(error, "the values that it keeps are not numbered in order");
    if (index == p->memo_count) {
        TSM_TRY_RETURN(tsm_pickle_grow((void **)&p->memo, p->memo_count, &p->memo_room, sizeof *p->memo, error));
        p->memo_count++;
    }
    p->memo[index] = p->stack[p->stack_count - 1];
    return TSM_OK;
}

static tsm_status memo_put_read(tsm_pickle *p, size_t size, tsm_error *error)
{
    uint64_t index;

    TSM_TRY_RETURN(read_number(p, size, &index, error));
    return memo_put(p, index, error);
}

static tsm_status memo_get(tsm_pickle *p, size_t size, tsm_error *error)
{
    uint64_t index;

    TSM_TRY_RETURN(read_number(p, size, &index, error));
    if (index >= p->memo_count) return tsm_pickle_damaged(error, "it uses a kept value that it never kept");
    return tsm_pickle_push(p, p->memo[index], error);
}

static tsm_status push_global(tsm_pickle *p, tsm_error *error)
{
    const char *module = NULL, *name = NULL;
    size_t module_length = 0, name_length = 0;

    TSM_TRY_RETURN(read_line(p, &module, &module_length, error));
    TSM_TRY_RETURN(read_line(p, &name, &name_length, error));
    TSM_TRY_RETURN(tsm_pickle_push_new(p, TSM_PICKLE_GLOBAL, error));
    p->values[p->value_count - 1].as.global = tsm_pickle_global(module, module_length, name, name_length);
    return TSM_OK;
}

static tsm_status push_stack_global(tsm_pickle *p, tsm_error *error)
{
    const tsm_pickle_value *module, *name;
    uint32_t values[2];

    TSM_TRY_RETURN(tsm_pickle_pop(p, values, 2, error));
    TSM_TRY_RETURN(tsm_pickle_push_new(p, TSM_PICKLE_GLOBAL, error));
    module = tsm_pickle_at(p, values[0]);
    name = tsm_pickle_at(p, values[1]);
    if (module->kind != TSM_PICKLE_STRING || name->kind != TSM_PICKLE_STRING)
        return tsm_pickle_damaged(error, "the name of a function or class is not text");
    p->values[p->value_count - 1].as.global = tsm_pickle_global(module->as.string.bytes, module->as.string.length,
                                                                name->as.string.bytes, name->as.string.length);
    return TSM_OK;
}

static tsm_status call(tsm_pickle *p, tsm_error *error)
{
    uint32_t values[2], result;

    TSM_TRY_RETURN(tsm_pickle_pop(p, values, 2, error));
    TSM_TRY_RETURN(tsm_pickle_call(p, values[0], values[1], &result, error));
    return tsm_pickle_push(p, result, error);
}

static tsm_status persistent(tsm_pickle *p, tsm_error *error)
{
    uint32_t id, result;

    TSM_TRY_RETURN(tsm_pickle_pop(p, &id, 1, error));
    TSM_TRY_RETURN(tsm_pickle_storage(p, id, &result, error));
    return tsm_pickle_push(p, result, error);
}

/* A class is never made: its instance is inert, whatever its arguments were. */
static tsm_status new_object(tsm_pickle *p, tsm_error *error)
{
    uint32_t values[2];

    TSM_TRY_RETURN(tsm_pickle_pop(p, values, 2, error));
    return tsm_pickle_push_new(p, TSM_PICKLE_OBJECT, error);
}

static tsm_status drop(tsm_pickle *p, tsm_error *error)
{
    uint32_t value;

    return tsm_pickle_pop(p, &value, 1, error);
}

/* BUILD sets attributes of the object below: those of arrays and their types are wanted. */
static tsm_status build(tsm_pickle *p, tsm_error *error)
{
    uint32_t values[2];

    TSM_TRY_RETURN(tsm_pickle_pop(p, values, 2, error));
    TSM_TRY_RETURN(tsm_pickle_build(p, values[0], values[1], error));
    return tsm_pickle_push(p, values[0], error);
}

/* ---- The machine ---- */

static tsm_status step_container(tsm_pickle *p, uint8_t op, tsm_error *error)
{
    switch (op) {
    case OP_MARK: return tsm_pickle_push(p, TSM_PICKLE_MARK, error);
    case OP_EMPTY_DICT: return tsm_pickle_push_new(p, TSM_PICKLE_DICT, error);
    case OP_EMPTY_LIST: return tsm_pickle_push_new(p, TSM_PICKLE_LIST, error);
    case OP_EMPTY_TUPLE: return tsm_pickle_push(p, TSM_PICKLE_EMPTY_TUPLE, error);
    case OP_TUPLE: return tsm_pickle_marked_tuple(p, error);
    case OP_TUPLE1: return tsm_pickle_short_tuple(p, 1, error);
    case OP_TUPLE2: return tsm_pickle_short_tuple(p, 2, error);
    case OP_TUPLE3: return tsm_pickle_short_tuple(p, 3, error);
    case OP_APPEND: return tsm_pickle_single_items(p, TSM_PICKLE_LIST, 1, error);
    case OP_APPENDS: return tsm_pickle_marked_items(p, TSM_PICKLE_LIST, error);
    case OP_SETITEM: return tsm_pickle_single_items(p, TSM_PICKLE_DICT, 2, error);
    case OP_SETITEMS: return tsm_pickle_marked_items(p, TSM_PICKLE_DICT, error);
    case OP_GLOBAL: return push_global(p, error);
    case OP_STACK_GLOBAL: return push_stack_global(p, error);
    case OP_BINPERSID: return persistent(p, error);
    case OP_REDUCE: return call(p, error);
    case OP_NEWOBJ: return new_object(p, error);
    case OP_POP: return drop(p, error);
    case OP_BUILD: return build(p, error);
    default:
        return tsm_fail(error, TSM_ERROR_FORMAT, "its pickle uses opcode 0x%02x, which checkpoints do not",
                        (unsigned)op);
    }
}

static tsm_status step(tsm_pickle *p, uint8_t op, tsm_error *error)
{
    switch (op) {
    case OP_PROTO: return skip(p, 1, error);
    case OP_FRAME: return skip(p, 8, error);
    case OP_NONE: return tsm_pickle_push(p, TSM_PICKLE_NONE_VALUE, error);
    case OP_TRUE: return tsm_pickle_push(p, TSM_PICKLE_TRUE_VALUE, error);
    case OP_FALSE: return tsm_pickle_push(p, TSM_PICKLE_FALSE_VALUE, error);
    case OP_BININT: return push_small(p, 4, error);
    case OP_BININT1: return push_small(p, 1, error);
    case OP_BININT2: return push_small(p, 2, error);
    case OP_LONG1: return push_long(p, error);
    case OP_BINFLOAT: TSM_TRY_RETURN(skip(p, 8, error)); return tsm_pickle_push_new(p, TSM_PICKLE_REAL, error);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINBYTES: return push_string(p, 1, error);
    case OP_BINUNICODE:
    case OP_BINSTRING:
    case OP_BINBYTES: return push_string(p, 4, error);
    case OP_BINUNICODE8:
    case OP_BINBYTES8: return push_string(p, 8, error);
    case OP_BINPUT: return memo_put_read(p, 1, error);
    case OP_LONG_BINPUT: return memo_put_read(p, 4, error);
    case OP_MEMOIZE: return memo_put(p, p->memo_count, error);
    case OP_BINGET: return memo_get(p, 1, error);
    case OP_LONG_BINGET: return memo_get(p, 4, error);
    default: return step_container(p, op, error);
    }
}

/* Index 0 of values and cells stands for "nothing"; behind it are the values that are there once. */
static tsm_status begin(tsm_pickle *p, tsm_error *error)
{
    static const tsm_pickle_kind once[] = { TSM_PICKLE_NONE, TSM_PICKLE_NONE, TSM_PICKLE_BOOL, TSM_PICKLE_BOOL,
                                            TSM_PICKLE_TUPLE };
    uint32_t value;

    p->stack_count = p->memo_count = 0;
    if (p->value_count > 0) return TSM_OK;
    TSM_TRY_RETURN(tsm_pickle_grow((void **)&p->cells, 0, &p->cell_room, sizeof *p->cells, error));
    p->cells[0] = (tsm_pickle_cell){ 0, 0 };
    p->cell_count = 1;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) TSM_TRY_RETURN(tsm_pickle_new(p, once[i], &value, error));
    p->values[TSM_PICKLE_TRUE_VALUE].as.integer = 1;
    for (int i = 0; i < 256; i++) {
        TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_INTEGER, &value, error));
        p->values[value].as.integer = i;
    }
    return TSM_OK;
}

tsm_status tsm_pickle_read(tsm_pickle *p, const uint8_t *data, size_t bytes, uint32_t *root, size_t *used,
                           tsm_error *error)
{
    p->before += (size_t)(p->at - p->begin);
    p->at = p->begin = data;
    p->end = data + bytes;
    TSM_TRY_RETURN(begin(p, error));
    while (p->at < p->end) {
        uint8_t op = *p->at++;

        if (op == OP_STOP) {
            TSM_TRY_RETURN(tsm_pickle_pop(p, root, 1, error));
            *used = (size_t)(p->at - data);
            return p->stack_count == 0 ? TSM_OK : tsm_pickle_damaged(error, "values are left over at its end");
        }
        TSM_TRY_RETURN(step(p, op, error));
    }
    return too_short(error);
}

void tsm_pickle_clear(tsm_pickle *p)
{
    tsm_free(p->values);
    tsm_free(p->cells);
    tsm_free(p->stack);
    tsm_free(p->memo);
    *p = (tsm_pickle){ 0 };
}
