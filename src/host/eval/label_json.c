/* SPDX-License-Identifier: Apache-2.0 */
/* label_json.c - a JSON object from names to indices, {"Folding something": "40"}, or from indices to names. */
#include "label_list.h"

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

tsm_status label_parse_json(label_list *list, const char *text, size_t bytes, json_t **root, tsm_error *error)
{
    size_t pairs, from_names, from_indices;
    const char *key, *odd, *unused;
    json_error_t why;
    json_t *value;
    tsm_status status = TSM_OK;

    if (bytes > MAX_BYTES) return label_list_fail(list, 0, error, "is too long for a JSON object of labels");
    *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
    if (!*root) return label_list_fail(list, why.line > 0 ? why.line : 0, error, "is not JSON: %s", why.text);
    pairs = json_object_size(*root);
    from_names = count_pairs(*root, true, &odd);
    from_indices = count_pairs(*root, false, &unused);
    if (pairs > 0 && from_names == pairs && from_indices == pairs)
        return label_list_fail(list, 0, error, "maps numbers to numbers: which are the names?");
    if (from_names != pairs && from_indices != pairs)
        return label_list_fail(list, 0, error, "'%.80s' is not mapped to an index", odd);
    json_object_foreach(*root, key, value)
    {
        status = label_list_add(list, read_pair(key, value, from_names == pairs), error);
        if (status != TSM_OK) return status;
    }
    return label_list_order(list, error);
}
