/* SPDX-License-Identifier: Apache-2.0 */
/* label_json.c - a JSON object from names to indices, {"Folding something": "40"}, or from indices to names; or a
 * list of names, of [name, index] in either order, or of objects with both, [{"id": 0, "name": "Folding
 * something"}]. */
#include "label_list.h"

#include "failure.h"

#include <errno.h>
#include <string.h>

#define MAX_BYTES (1 << 20) /* a parsed value takes many times its text */

static int64_t value_index(const json_t *value)
{
    json_int_t number = json_integer_value(value);

    if (json_is_string(value)) return label_index(json_string_value(value), json_string_length(value));
    return json_is_integer(value) && number >= 0 && number < 1000000000 ? number : -1;
}

/* A pair in either direction; an index of -1 is none. */
static label_name read_pair(const char *key, const json_t *value, bool by_name)
{
    label_name name = { .index = by_name ? value_index(value) : label_index(key, strlen(key)) };

    name.text = by_name ? key : json_string_value(value);
    if (name.text)
        name.length = by_name ? strlen(key) : json_string_length(value);
    else
        name.index = -1;
    return name;
}

/* How many pairs have an index, and where the first is that has none. */
static size_t count_pairs(json_t *root, bool by_name, const char **odd)
{
    const char *key;
    json_t *value;
    size_t count = 0;

    *odd = "";
    json_object_foreach(root, key, value)
    {
        if (read_pair(key, value, by_name).index >= 0)
            count++;
        else if (!**odd)
            *odd = key;
    }
    return count;
}

static tsm_status parse_object(label_list *list, json_t *root, tsm_error *error)
{
    size_t pairs = json_object_size(root), from_names, from_indices;
    const char *key, *odd, *unused;
    json_t *value;

    from_names = count_pairs(root, true, &odd);
    from_indices = count_pairs(root, false, &unused);
    if (pairs > 0 && from_names == pairs && from_indices == pairs)
        return label_list_fail(list, 0, error, "maps numbers to numbers: which are the names?");
    if (from_names != pairs && from_indices != pairs)
        return label_list_fail(list, 0, error, "'%.80s' is not mapped to an index", odd);
    json_object_foreach(root, key, value)
    {
        tsm_status status = label_list_add(list, read_pair(key, value, from_names == pairs), error);

        if (status != TSM_OK) return status;
    }
    return label_list_order(list, error);
}

/* ---- Lists -------------------------------------------------------------------------------------------------- */

/* A string is a name, unless the other of a pair is one that is no number. */
static bool read_two(const json_t *a, const json_t *b, label_name *name)
{
    const json_t *text = json_is_string(a) && value_index(b) >= 0 ? a : b, *index = text == a ? b : a;

    if (!json_is_string(text) || value_index(index) < 0) return false;
    /* Two strings that are numbers: which is the name? */
    if (value_index(text) >= 0 && json_is_string(index)) return false;
    *name = (label_name){ .text = json_string_value(text),
                          .length = json_string_length(text),
                          .index = value_index(index) };
    return true;
}

static bool read_members(json_t *entry, label_name *name)
{
    const json_t *text = NULL, *index = NULL;
    const char *key;
    json_t *value;

    json_object_foreach(entry, key, value)
    {
        label_title title = label_title_of(key, strlen(key));

        if (title == TITLE_NAME && !text) text = value;
        if (title == TITLE_INDEX && !index) index = value;
    }
    if (!json_is_string(text) || !index || value_index(index) < 0) return false;
    *name = (label_name){ .text = json_string_value(text),
                          .length = json_string_length(text),
                          .index = value_index(index) };
    return true;
}

static bool read_entry(json_t *entry, label_name *name)
{
    *name = (label_name){ 0 };
    if (json_is_string(entry)) {
        name->text = json_string_value(entry);
        name->length = json_string_length(entry);
        return true;
    }
    if (json_is_object(entry)) return read_members(entry, name);
    return json_array_size(entry) == 2 && read_two(json_array_get(entry, 0), json_array_get(entry, 1), name);
}

static tsm_status parse_list(label_list *list, json_t *root, tsm_error *error)
{
    bool names = json_is_string(json_array_get(root, 0));
    json_t *entry;
    size_t i;

    json_array_foreach(root, i, entry)
    {
        label_name name;
        tsm_status status;

        if (!read_entry(entry, &name) || json_is_string(entry) != names)
            return label_list_fail(list, 0, error, "entry %zu of the list is not %s", i + 1,
                                   names ? "a name" : "a name with an index");
        status = label_list_add(list, name, error);
        if (status != TSM_OK) return status;
    }
    return names ? TSM_OK : label_list_order(list, error);
}

tsm_status label_parse_json(label_list *list, const char *text, size_t bytes, json_t **root, bool *found,
                            tsm_error *error)
{
    bool is_list = text[strspn(text, " \t\r\n")] == '[';
    json_error_t why;

    *found = bytes <= MAX_BYTES || !is_list;
    if (bytes > MAX_BYTES)
        return is_list ? TSM_OK : label_list_fail(list, 0, error, "is too long for a JSON object of labels");
    errno = 0;
    *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
    if (!*root && (errno == ENOMEM || !*why.text)) {
        *found = true;
        return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", list->path);
    }
    *found = *root || !is_list;
    if (!*found) return TSM_OK;
    if (!*root) return label_list_fail(list, why.line > 0 ? why.line : 0, error, "is not JSON: %s", why.text);
    return is_list ? parse_list(list, *root, error) : parse_object(list, *root, error);
}
