/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.c - the stack machine of pickle.h: protocol 2, and the few opcodes of 3 and 4 that carry strings. */
#include "pickle.h"

#include <string.h>

#include "pickle_machine.h"

#define MARK UINT32_MAX /* on the stack: where a container's items begin */

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

static tsm_status damaged(tsm_error *error, const char *what)
{
    tsm_fail(error, TSM_ERROR_FORMAT, "its pickle is damaged: %s", what);
    return TSM_ERROR_FORMAT; /* a constant, so that compilers see that outputs are set wherever they are used */
}

/* Downloads that were cut off end here. */
static tsm_status too_short(tsm_error *error)
{
    tsm_fail(error, TSM_ERROR_FORMAT, "is truncated: its pickle ends too soon");
    return TSM_ERROR_FORMAT;
}

/* Makes room for one more element of an array that grows by doubling. */
static tsm_status grow(void **array, size_t count, size_t *room, size_t size, tsm_error *error)
{
    size_t wanted = *room ? *room * 2 : 256;
    void *larger;

    if (count < *room) return TSM_OK;
    if (count >= TSM_PICKLE_MAX_VALUES)
        return tsm_fail(error, TSM_ERROR_FORMAT, "its pickle has more than %u values", TSM_PICKLE_MAX_VALUES);
    larger = tsm_realloc(*array, wanted, size);
    if (!larger) return tsm_fail_memory(error, wanted * size);
    *array = larger;
    *room = wanted;
    return TSM_OK;
}

tsm_status tsm_pickle_new(tsm_pickle *p, tsm_pickle_kind kind, uint32_t *value, tsm_error *error)
{
    TSM_TRY_RETURN(grow((void **)&p->values, p->value_count, &p->value_room, sizeof *p->values, error));
    memset(&p->values[p->value_count], 0, sizeof *p->values);
    p->values[p->value_count].kind = kind;
    *value = (uint32_t)p->value_count++;
    return TSM_OK;
}

static tsm_status push(tsm_pickle *p, uint32_t value, tsm_error *error)
{
    TSM_TRY_RETURN(grow((void **)&p->stack, p->stack_count, &p->stack_room, sizeof *p->stack, error));
    p->stack[p->stack_count++] = value;
    return TSM_OK;
}

static tsm_status push_new(tsm_pickle *p, tsm_pickle_kind kind, tsm_error *error)
{
    uint32_t value;

    TSM_TRY_RETURN(tsm_pickle_new(p, kind, &value, error));
    return push(p, value, error);
}

static tsm_status push_integer(tsm_pickle *p, tsm_pickle_kind kind, int64_t number, tsm_error *error)
{
    TSM_TRY_RETURN(push_new(p, kind, error));
    p->values[p->value_count - 1].as.integer = number;
    return TSM_OK;
}

/* Takes `count` values off the stack; the deepest comes first. Marks may not be among them. */
static tsm_status pop(tsm_pickle *p, uint32_t *values, size_t count, tsm_error *error)
{
    if (p->stack_count < count) return damaged(error, "an instruction needs a value that is not there");
    p->stack_count -= count;
    for (size_t i = 0; i < count; i++) {
        values[i] = p->stack[p->stack_count + i];
        if (values[i] == MARK) return damaged(error, "a mark stands where a value should be");
    }
    return TSM_OK;
}

/* The position after the topmost mark. */
static tsm_status find_mark(const tsm_pickle *p, size_t *first, tsm_error *error)
{
    for (size_t i = p->stack_count; i > 0; i--)
        if (p->stack[i - 1] == MARK) {
            *first = i;
            return TSM_OK;
        }
    return damaged(error, "the beginning of a list or dictionary is not marked");
}

/* ---- Reading operands ---- */

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

static tsm_status push_string(tsm_pickle *p, size_t length_bytes, tsm_error *error)
{
    uint64_t length;
    tsm_pickle_value *value;

    TSM_TRY_RETURN(read_number(p, length_bytes, &length, error));
    TSM_TRY_RETURN(skip(p, length, error));
    TSM_TRY_RETURN(push_new(p, TSM_PICKLE_STRING, error));
    value = &p->values[p->value_count - 1];
    value->as.string.bytes = (const char *)p->at - length;
    value->as.string.length = (size_t)length;
    return TSM_OK;
}

static tsm_status push_small(tsm_pickle *p, size_t size, tsm_error *error)
{
    uint64_t number;

    TSM_TRY_RETURN(read_number(p, size, &number, error));
    return push_integer(p, TSM_PICKLE_INTEGER, size == 4 ? (int32_t)(uint32_t)number : (int64_t)number, error);
}

/* A two's complement number of any length; one that does not fit 64 bits becomes inert. */
static tsm_status push_long(tsm_pickle *p, tsm_error *error)
{
    uint64_t length, number = 0;

    TSM_TRY_RETURN(read_number(p, 1, &length, error));
    if (length > 8) {
        TSM_TRY_RETURN(skip(p, length, error));
        return push_new(p, TSM_PICKLE_OBJECT, error);
    }
    if (length > 0) {
        TSM_TRY_RETURN(read_number(p, (size_t)length, &number, error));
        if (length < 8 && p->at[-1] & 0x80) number |= UINT64_MAX << 8 * length;
    }
    return push_integer(p, TSM_PICKLE_INTEGER, (int64_t)number, error);
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

/* ---- Containers ---- */

static tsm_status append_item(tsm_pickle *p, uint32_t container, uint32_t item, tsm_error *error)
{
    tsm_pickle_value *value;
    uint32_t cell;

    TSM_TRY_RETURN(grow((void **)&p->cells, p->cell_count, &p->cell_room, sizeof *p->cells, error));
    cell = (uint32_t)p->cell_count++;
    p->cells[cell] = (tsm_pickle_cell){ item, 0 };
    value = &p->values[container];
    if (value->as.items.last)
        p->cells[value->as.items.last].next = cell;
    else
        value->as.items.first = cell;
    value->as.items.last = cell;
    value->as.items.count++;
    return TSM_OK;
}

/* Moves what lies on the stack from `first` on into a container, and takes it off. Items given to an inert object are
 * dropped; a dictionary takes pairs. */
static tsm_status append_items(tsm_pickle *p, uint32_t container, tsm_pickle_kind kind, size_t first,
                               tsm_error *error)
{
    tsm_pickle_kind found = p->values[container].kind;

    if (found != kind && found != TSM_PICKLE_OBJECT)
        return damaged(error, "items are added to what is neither a list nor a dictionary");
    if (kind == TSM_PICKLE_DICT && (p->stack_count - first) % 2 != 0) return damaged(error, "a key has no value");
    for (size_t i = first; found == kind && i < p->stack_count; i++) {
        if (p->stack[i] == MARK) return damaged(error, "a mark stands where a value should be");
        TSM_TRY_RETURN(append_item(p, container, p->stack[i], error));
    }
    p->stack_count = first;
    return TSM_OK;
}

static tsm_status push_tuple(tsm_pickle *p, size_t first, tsm_error *error)
{
    uint32_t tuple;

    TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_TUPLE, &tuple, error));
    TSM_TRY_RETURN(append_items(p, tuple, TSM_PICKLE_TUPLE, first, error));
    return push(p, tuple, error);
}

static tsm_status marked_tuple(tsm_pickle *p, tsm_error *error)
{
    uint32_t tuple;
    size_t first;

    TSM_TRY_RETURN(find_mark(p, &first, error));
    TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_TUPLE, &tuple, error));
    TSM_TRY_RETURN(append_items(p, tuple, TSM_PICKLE_TUPLE, first, error));
    p->stack[first - 1] = tuple; /* in the mark's place */
    return TSM_OK;
}

static tsm_status short_tuple(tsm_pickle *p, size_t count, tsm_error *error)
{
    if (p->stack_count < count) return damaged(error, "an instruction needs a value that is not there");
    return push_tuple(p, p->stack_count - count, error);
}

/* APPENDS, SETITEMS: the container lies below the mark. */
static tsm_status marked_items(tsm_pickle *p, tsm_pickle_kind kind, tsm_error *error)
{
    size_t first;

    TSM_TRY_RETURN(find_mark(p, &first, error));
    if (first < 2 || p->stack[first - 2] == MARK)
        return damaged(error, "items are added, but to no list or dictionary");
    TSM_TRY_RETURN(append_items(p, p->stack[first - 2], kind, first, error));
    p->stack_count--;
    return TSM_OK;
}

/* APPEND, SETITEM: the container lies below one or two values. */
static tsm_status single_items(tsm_pickle *p, tsm_pickle_kind kind, size_t count, tsm_error *error)
{
    if (p->stack_count < count + 1 || p->stack[p->stack_count - count - 1] == MARK)
        return damaged(error, "items are added, but to no list or dictionary");
    return append_items(p, p->stack[p->stack_count - count - 1], kind, p->stack_count - count, error);
}

/* ---- Memo and objects ---- */

/* Picklers number their entries in order; so the memo grows no faster than the pickle is long. */
static tsm_status memo_put(tsm_pickle *p, uint64_t index, tsm_error *error)
{
    if (p->stack_count == 0 || p->stack[p->stack_count - 1] == MARK)
        return damaged(error, "it keeps a value that is not there");
    if (index > p->memo_count) return damaged(error, "the values that it keeps are not numbered in order");
    if (index == p->memo_count) {
        TSM_TRY_RETURN(grow((void **)&p->memo, p->memo_count, &p->memo_room, sizeof *p->memo, error));
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
    if (index >= p->memo_count) return damaged(error, "it uses a kept value that it never kept");
    return push(p, p->memo[index], error);
}

static tsm_status push_global(tsm_pickle *p, tsm_error *error)
{
    const char *module = NULL, *name = NULL;
    size_t module_length = 0, name_length = 0;

    TSM_TRY_RETURN(read_line(p, &module, &module_length, error));
    TSM_TRY_RETURN(read_line(p, &name, &name_length, error));
    TSM_TRY_RETURN(push_new(p, TSM_PICKLE_GLOBAL, error));
    p->values[p->value_count - 1].as.global = tsm_pickle_global(module, module_length, name, name_length);
    return TSM_OK;
}

static tsm_status push_stack_global(tsm_pickle *p, tsm_error *error)
{
    const tsm_pickle_value *module, *name;
    uint32_t values[2];

    TSM_TRY_RETURN(pop(p, values, 2, error));
    TSM_TRY_RETURN(push_new(p, TSM_PICKLE_GLOBAL, error));
    module = tsm_pickle_at(p, values[0]);
    name = tsm_pickle_at(p, values[1]);
    if (module->kind != TSM_PICKLE_STRING || name->kind != TSM_PICKLE_STRING)
        return damaged(error, "the name of a function or class is not text");
    p->values[p->value_count - 1].as.global = tsm_pickle_global(module->as.string.bytes, module->as.string.length,
                                                                name->as.string.bytes, name->as.string.length);
    return TSM_OK;
}

static tsm_status call(tsm_pickle *p, tsm_error *error)
{
    uint32_t values[2], result;

    TSM_TRY_RETURN(pop(p, values, 2, error));
    TSM_TRY_RETURN(tsm_pickle_call(p, values[0], values[1], &result, error));
    return push(p, result, error);
}

static tsm_status persistent(tsm_pickle *p, tsm_error *error)
{
    uint32_t id, result;

    TSM_TRY_RETURN(pop(p, &id, 1, error));
    TSM_TRY_RETURN(tsm_pickle_storage(p, id, &result, error));
    return push(p, result, error);
}

/* A class is never made: its instance is inert, whatever its arguments were. */
static tsm_status new_object(tsm_pickle *p, tsm_error *error)
{
    uint32_t values[2];

    TSM_TRY_RETURN(pop(p, values, 2, error));
    return push_new(p, TSM_PICKLE_OBJECT, error);
}

/* BUILD sets attributes, none of which is wanted. */
static tsm_status drop(tsm_pickle *p, tsm_error *error)
{
    uint32_t value;

    return pop(p, &value, 1, error);
}

/* ---- The machine ---- */

static tsm_status step_container(tsm_pickle *p, uint8_t op, tsm_error *error)
{
    switch (op) {
    case OP_MARK: return push(p, MARK, error);
    case OP_EMPTY_DICT: return push_new(p, TSM_PICKLE_DICT, error);
    case OP_EMPTY_LIST: return push_new(p, TSM_PICKLE_LIST, error);
    case OP_EMPTY_TUPLE: return push_new(p, TSM_PICKLE_TUPLE, error);
    case OP_TUPLE: return marked_tuple(p, error);
    case OP_TUPLE1: return short_tuple(p, 1, error);
    case OP_TUPLE2: return short_tuple(p, 2, error);
    case OP_TUPLE3: return short_tuple(p, 3, error);
    case OP_APPEND: return single_items(p, TSM_PICKLE_LIST, 1, error);
    case OP_APPENDS: return marked_items(p, TSM_PICKLE_LIST, error);
    case OP_SETITEM: return single_items(p, TSM_PICKLE_DICT, 2, error);
    case OP_SETITEMS: return marked_items(p, TSM_PICKLE_DICT, error);
    case OP_GLOBAL: return push_global(p, error);
    case OP_STACK_GLOBAL: return push_stack_global(p, error);
    case OP_BINPERSID: return persistent(p, error);
    case OP_REDUCE: return call(p, error);
    case OP_NEWOBJ: return new_object(p, error);
    case OP_POP:
    case OP_BUILD: return drop(p, error);
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
    case OP_NONE: return push_new(p, TSM_PICKLE_NONE, error);
    case OP_TRUE: return push_integer(p, TSM_PICKLE_BOOL, 1, error);
    case OP_FALSE: return push_integer(p, TSM_PICKLE_BOOL, 0, error);
    case OP_BININT: return push_small(p, 4, error);
    case OP_BININT1: return push_small(p, 1, error);
    case OP_BININT2: return push_small(p, 2, error);
    case OP_LONG1: return push_long(p, error);
    case OP_BINFLOAT: TSM_TRY_RETURN(skip(p, 8, error)); return push_new(p, TSM_PICKLE_REAL, error);
    case OP_SHORT_BINUNICODE:
    case OP_SHORT_BINSTRING:
    case OP_SHORT_BINBYTES: return push_string(p, 1, error);
    case OP_BINUNICODE:
    case OP_BINSTRING:
    case OP_BINBYTES: return push_string(p, 4, error);
    case OP_BINPUT: return memo_put_read(p, 1, error);
    case OP_LONG_BINPUT: return memo_put_read(p, 4, error);
    case OP_MEMOIZE: return memo_put(p, p->memo_count, error);
    case OP_BINGET: return memo_get(p, 1, error);
    case OP_LONG_BINGET: return memo_get(p, 4, error);
    default: return step_container(p, op, error);
    }
}

/* Index 0 of values and cells stands for "nothing". */
static tsm_status begin(tsm_pickle *p, tsm_error *error)
{
    uint32_t none;

    p->stack_count = p->memo_count = 0;
    if (p->value_count > 0) return TSM_OK;
    TSM_TRY_RETURN(grow((void **)&p->cells, 0, &p->cell_room, sizeof *p->cells, error));
    p->cells[0] = (tsm_pickle_cell){ 0, 0 };
    p->cell_count = 1;
    return tsm_pickle_new(p, TSM_PICKLE_NONE, &none, error);
}

tsm_status tsm_pickle_read(tsm_pickle *p, const uint8_t *data, size_t bytes, uint32_t *root, size_t *used,
                           tsm_error *error)
{
    TSM_TRY_RETURN(begin(p, error));
    p->at = data;
    p->end = data + bytes;
    while (p->at < p->end) {
        uint8_t op = *p->at++;

        if (op == OP_STOP) {
            TSM_TRY_RETURN(pop(p, root, 1, error));
            *used = (size_t)(p->at - data);
            return p->stack_count == 0 ? TSM_OK : damaged(error, "values are left over at its end");
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
