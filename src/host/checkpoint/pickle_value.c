/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_value.c - see pickle_value.h. */
#include "pickle_value.h"

#include <string.h>

bool tsm_pickle_equals(const tsm_pickle_value *value, const char *text)
{
    size_t length = strlen(text);

    return value->kind == TSM_PICKLE_STRING && value->as.string.length == length &&
           memcmp(value->as.string.bytes, text, length) == 0;
}

uint32_t tsm_pickle_lookup(const tsm_pickle *p, uint32_t dict, const char *key)
{
    const tsm_pickle_value *value = tsm_pickle_at(p, dict);
    uint32_t cell = value->kind == TSM_PICKLE_DICT ? value->as.items.first : 0;

    while (cell) {
        uint32_t next = p->cells[cell].next; /* a key's cell is always followed by its value's */

        if (tsm_pickle_equals(tsm_pickle_at(p, p->cells[cell].value), key)) return p->cells[next].value;
        cell = p->cells[next].next;
    }
    return 0;
}

uint32_t tsm_pickle_item(const tsm_pickle *p, uint32_t container, uint32_t index)
{
    const tsm_pickle_value *value = tsm_pickle_at(p, container);
    uint32_t cell;

    if ((value->kind != TSM_PICKLE_TUPLE && value->kind != TSM_PICKLE_LIST) || index >= value->as.items.count)
        return 0;
    for (cell = value->as.items.first; index > 0; index--) cell = p->cells[cell].next;
    return p->cells[cell].value;
}

int tsm_pickle_integers(const tsm_pickle *p, uint32_t container, int64_t *out, int limit)
{
    const tsm_pickle_value *value = tsm_pickle_at(p, container);
    int count = 0;

    if (value->kind != TSM_PICKLE_TUPLE && value->kind != TSM_PICKLE_LIST) return -1;
    if (value->as.items.count > (uint32_t)limit) return -1;
    for (uint32_t cell = value->as.items.first; cell; cell = p->cells[cell].next) {
        const tsm_pickle_value *item = tsm_pickle_at(p, p->cells[cell].value);

        if (item->kind != TSM_PICKLE_INTEGER) return -1;
        out[count++] = item->as.integer;
    }
    return count;
}
