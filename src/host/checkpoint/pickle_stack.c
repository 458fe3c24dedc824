/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_stack.c - the stack of the machine, and the lists, tuples and dictionaries that are made of what lies on
 * it. */
#include <string.h>

#include "pickle_machine.h"

/* ---- Values and the stack ---- */

tsm_status tsm_pickle_damaged(tsm_error *error, const char *what)
{
    tsm_fail(error, TSM_ERROR_FORMAT, "its pickle is damaged: %s", what);
    return TSM_ERROR_FORMAT; /* a constant, so that compilers see that outputs are set wherever they are used */
}

/* Makes room for one more element of an array that grows by doubling. */
tsm_status tsm_pickle_grow(void **array, size_t count, size_t *room, size_t size, tsm_error *error)
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
    const size_t read = p->before + (size_t)(p->at - p->begin);

    *value = 0;
    if (p->value_count > TSM_PICKLE_FIRST + read / 2)
        return tsm_fail(error, TSM_ERROR_FORMAT,
                        "its pickle is damaged: it makes more values than %zu bytes describe", read);
    TSM_TRY_RETURN(tsm_pickle_grow((void **)&p->values, p->value_count, &p->value_room, sizeof *p->values, error));
    memset(&p->values[p->value_count], 0, sizeof *p->values);
    p->values[p->value_count].kind = kind;
    *value = (uint32_t)p->value_count++;
    return TSM_OK;
}

tsm_status tsm_pickle_push(tsm_pickle *p, uint32_t value, tsm_error *error)
{
    TSM_TRY_RETURN(tsm_pickle_grow((void **)&p->stack, p->stack_count, &p->stack_room, sizeof *p->stack, error));
    p->stack[p->stack_count++] = value;
    return TSM_OK;
}

tsm_status tsm_pickle_push_new(tsm_pickle *p, tsm_pickle_kind kind, tsm_error *error)
{
    uint32_t value;

    TSM_TRY_RETURN(tsm_pickle_new(p, kind, &value, error));
    return tsm_pickle_push(p, value, error);
}

/* Takes `count` values off the stack; the deepest comes first. Marks may not be among them. */
tsm_status tsm_pickle_pop(tsm_pickle *p, uint32_t *values, size_t count, tsm_error *error)
{
    if (p->stack_count < count) return tsm_pickle_damaged(error, "an instruction needs a value that is not there");
    p->stack_count -= count;
    for (size_t i = 0; i < count; i++) {
        values[i] = p->stack[p->stack_count + i];
        if (values[i] == TSM_PICKLE_MARK) return tsm_pickle_damaged(error, "a mark stands where a value should be");
    }
    return TSM_OK;
}

/* The position after the topmost mark. */
static tsm_status find_mark(const tsm_pickle *p, size_t *first, tsm_error *error)
{
    for (size_t i = p->stack_count; i > 0; i--)
        if (p->stack[i - 1] == TSM_PICKLE_MARK) {
            *first = i;
            return TSM_OK;
        }
    return tsm_pickle_damaged(error, "the beginning of a list or dictionary is not marked");
}

/* ---- Containers ---- */

static tsm_status append_item(tsm_pickle *p, uint32_t container, uint32_t item, tsm_error *error)
{
    tsm_pickle_value *value;
    uint32_t cell;

    TSM_TRY_RETURN(tsm_pickle_grow((void **)&p->cells, p->cell_count, &p->cell_room, sizeof *p->cells, error));
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
        return tsm_pickle_damaged(error, "items are added to what is neither a list nor a dictionary");
    if (kind == TSM_PICKLE_DICT && (p->stack_count - first) % 2 != 0)
        return tsm_pickle_damaged(error, "a key has no value");
    for (size_t i = first; found == kind && i < p->stack_count; i++) {
        if (p->stack[i] == TSM_PICKLE_MARK) return tsm_pickle_damaged(error, "a mark stands where a value should be");
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
    return tsm_pickle_push(p, tuple, error);
}

tsm_status tsm_pickle_marked_tuple(tsm_pickle *p, tsm_error *error)
{
    uint32_t tuple;
    size_t first;

    TSM_TRY_RETURN(find_mark(p, &first, error));
    TSM_TRY_RETURN(tsm_pickle_new(p, TSM_PICKLE_TUPLE, &tuple, error));
    TSM_TRY_RETURN(append_items(p, tuple, TSM_PICKLE_TUPLE, first, error));
    p->stack[first - 1] = tuple; /* in the mark's place */
    return TSM_OK;
}

tsm_status tsm_pickle_short_tuple(tsm_pickle *p, size_t count, tsm_error *error)
{
    if (p->stack_count < count) return tsm_pickle_damaged(error, "an instruction needs a value that is not there");
    return push_tuple(p, p->stack_count - count, error);
}

/* APPENDS, SETITEMS: the container lies below the mark. */
tsm_status tsm_pickle_marked_items(tsm_pickle *p, tsm_pickle_kind kind, tsm_error *error)
{
    size_t first;

    TSM_TRY_RETURN(find_mark(p, &first, error));
    if (first < 2 || p->stack[first - 2] == TSM_PICKLE_MARK)
        return tsm_pickle_damaged(error, "items are added, but to no list or dictionary");
    TSM_TRY_RETURN(append_items(p, p->stack[first - 2], kind, first, error));
    p->stack_count--;
    return TSM_OK;
}

/* APPEND, SETITEM: the container lies below one or two values. */
tsm_status tsm_pickle_single_items(tsm_pickle *p, tsm_pickle_kind kind, size_t count, tsm_error *error)
{
    if (p->stack_count < count + 1 || p->stack[p->stack_count - count - 1] == TSM_PICKLE_MARK)
        return tsm_pickle_damaged(error, "items are added, but to no list or dictionary");
    return append_items(p, p->stack[p->stack_count - count - 1], kind, p->stack_count - count, error);
}
