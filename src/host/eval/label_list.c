/* SPDX-License-Identifier: Apache-2.0 */
/* label_list.c - see label_list.h. */
#include "label_list.h"

#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void label_list_clear(label_list *list)
{
    free(list->items);
    list->items = NULL;
    list->count = list->room = 0;
}

tsm_status label_list_fail(const label_list *list, int line, tsm_error *error, const char *format, ...)
{
    char text[TSM_ERROR_TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (line) return eval_fail(error, TSM_ERROR_FORMAT, "%s: line %d %s", list->path, line, text);
    return eval_fail(error, TSM_ERROR_FORMAT, "%s: %s", list->path, text);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_blank((*text)[*length - 1])) --*length;
    while (*length > 0 && is_blank(**text)) {
        ++*text;
        --*length;
    }
}

bool label_next_line(char **at, const char *end, int *number, label_line *line)
{
    while (*at < end) {
        char *stop = memchr(*at, '\n', (size_t)(end - *at));
        const char *text = *at;
        size_t length = (size_t)((stop ? stop : end) - *at);

        trim(&text, &length);
        line->text = *at + (text - *at);
        line->length = length;
        line->number = ++*number;
        *at += stop ? stop + 1 - *at : end - *at;
        if (length > 0 && text[0] != '#') return true;
    }
    return false;
}

int64_t label_index(const char *text, size_t length)
{
    int64_t index = 0;

    if (length < 1 || length > 9) return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        index = index * 10 + (text[i] - '0');
    }
    return index;
}

static tsm_status grow(label_list *list, tsm_error *error)
{
    size_t room = list->room ? list->room * 2 : 64;
    label_name *larger = realloc(list->items, room * sizeof *larger);

    if (!larger) return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", list->path);
    list->items = larger;
    list->room = room;
    return TSM_OK;
}

tsm_status label_list_add(label_list *list, label_name name, tsm_error *error)
{
    trim(&name.text, &name.length);
    if (name.length == 0) return label_list_fail(list, name.line, error, "has an empty name");
    if (memchr(name.text, '\n', name.length))
        return label_list_fail(list, name.line, error, "has a name with a line break");
    if (list->count == LABEL_LIST_MAX)
        return label_list_fail(list, name.line, error, "is beyond the %d names that can be", LABEL_LIST_MAX);
    if (list->count == list->room) {
        tsm_status status = grow(list, error);

        if (status != TSM_OK) return status;
    }
    list->items[list->count++] = name;
    return TSM_OK;
}

static int compare_indices(const void *a, const void *b)
{
    const label_name *x = a, *y = b;

    if (x->index != y->index) return x->index < y->index ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static int compare_names(const void *a, const void *b)
{
    const label_name *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);

    if (order != 0) return order;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

void label_list_sort_names(label_list *list)
{
    if (list->count > 0) qsort(list->items, list->count, sizeof *list->items, compare_names);
}

/* Names without a line are named themselves. */
static tsm_status fail_index(const label_list *list, const label_name *name, tsm_error *error, const char *why)
{
    int length = (int)(name->length < 80 ? name->length : 80);

    if (name->line)
        return label_list_fail(list, name->line, error, "has index %lld, %s", (long long)name->index, why);
    return label_list_fail(list, 0, error, "'%.*s' has index %lld, %s", length, name->text, (long long)name->index,
                           why);
}

tsm_status label_list_order(label_list *list, tsm_error *error)
{
    const label_name *items = list->items;
    int64_t first;

    if (list->count == 0) return TSM_OK;
    qsort(list->items, list->count, sizeof *list->items, compare_indices);
    first = items[0].index == 0 ? 0 : 1;
    for (size_t i = 0; i < list->count; i++) {
        int64_t wanted = first + (int64_t)i;
        char why[128];

        if (i > 0 && items[i].index == items[i - 1].index) {
            snprintf(why, sizeof why, "as has '%.*s'", (int)(items[i - 1].length < 80 ? items[i - 1].length : 80),
                     items[i - 1].text);
            return fail_index(list, &items[i], error, why);
        }
        if (items[i].index != wanted) {
            snprintf(why, sizeof why, "but no name has index %lld", (long long)wanted);
            return fail_index(list, &items[i], error, why);
        }
    }
    return TSM_OK;
}

/* Returns where the copy ends. */
static char *copy_name(char *out, const label_name *name)
{
    for (size_t i = 0; i < name->length; i++) {
        *out++ = name->text[i];
        if (name->quote && name->text[i] == name->quote && i + 1 < name->length && name->text[i + 1] == name->quote)
            i++;
    }
    return out;
}

tsm_status label_list_text(const label_list *list, char **text, tsm_error *error)
{
    size_t bytes = 0;
    char *at;

    if (list->count == 0) return label_list_fail(list, 0, error, "holds no labels");
    for (size_t i = 0; i < list->count; i++) bytes += list->items[i].length + 1;
    at = *text = malloc(bytes);
    if (!at) return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", list->path);
    for (size_t i = 0; i < list->count; i++) {
        at = copy_name(at, &list->items[i]);
        *at++ = '\n';
    }
    at[-1] = '\0';
    return TSM_OK;
}
