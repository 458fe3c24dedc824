/* SPDX-License-Identifier: Apache-2.0 */
/* list_json.c - Something-Something V2's annotations: objects with an id and the template of their class. */
#include "label_list.h"
#include "list.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* "Putting [something] on [something]" is the class "Putting something on something". Returns the new length. */
static size_t drop_brackets(char *text)
{
    size_t length = 0;

    for (const char *at = text; *at; at++)
        if (*at != '[' && *at != ']') text[length++] = *at;
    text[length] = '\0';
    return length;
}

static tsm_status add_entry(video_list *l, const json_t *entry, int number, tsm_error *error)
{
    const json_t *id = json_object_get(entry, "id"), *name = json_object_get(entry, "template");
    list_video video = { .label = -1, .line = number };
    tsm_status status;
    char *class;

    if (!name) name = json_object_get(entry, "label");
    if (!json_is_string(id) || !json_is_string(name))
        return list_fail(l, number, error, "is not an object with the texts id and template");
    class = strdup(json_string_value(name));
    if (!class) return list_fail(l, number, error, "out of memory");
    status = list_add(l, json_string_value(id), json_string_length(id), class, drop_brackets(class), video, error);
    free(class);
    return status;
}

tsm_status list_parse_json(video_list *l, const char *text, size_t bytes, tsm_error *error)
{
    json_error_t reason;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &reason);
    tsm_status status = TSM_OK;

    if (!root) return list_fail(l, 0, error, "is no JSON: line %d: %.200s", reason.line, reason.text);
    if (!json_is_array(root)) status = list_fail(l, 0, error, "is not a JSON list of videos");
    for (size_t i = 0; status == TSM_OK && i < json_array_size(root); i++)
        status = add_entry(l, json_array_get(root, i), i < LIST_MAX_VIDEOS ? (int)i + 1 : LIST_MAX_VIDEOS, error);
    json_decref(root);
    return status;
}
