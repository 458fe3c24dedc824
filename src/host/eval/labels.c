/* SPDX-License-Identifier: Apache-2.0 */
/* labels.c - see labels.h: whether a file is text, and which form it has. */
#include "labels.h"

#include "failure.h"
#include "label_list.h"
#include "utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Fills the list from text, which it may change, in whichever form that is. */
static tsm_status parse_form(label_list *list, char *text, size_t bytes, json_t **root, tsm_error *error)
{
    size_t blank = strspn(text, " \t\r\n"); /* the text is terminated, and holds no NUL */
    bool found = false;
    tsm_status status = TSM_OK;

    if (text[blank] == '{' || text[blank] == '[') status = label_parse_json(list, text, bytes, root, &found, error);
    if (!found && status == TSM_OK) status = label_parse_csv(list, text, bytes, &found, error);
    return found || status != TSM_OK ? status : label_parse_lines(list, text, bytes, error);
}

/* Lines that end as on old Macs, in a carriage return alone. */
static void mend_line_ends(char *text)
{
    if (strchr(text, '\n')) return;
    for (char *at = text; (at = strchr(at, '\r')) != NULL;) *at = '\n';
}

static tsm_status parse_copy(char *copy, size_t bytes, const char *name, char **text, int *count, tsm_error *error)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t skip = strncmp(copy, mark, sizeof mark - 1) == 0 ? sizeof mark - 1 : 0;
    label_list list = { .path = name };
    json_t *root = NULL;
    tsm_status status;

    mend_line_ends(copy);
    status = parse_form(&list, copy + skip, bytes - skip, &root, error);
    if (status == TSM_OK) status = label_list_text(&list, text, error);
    if (status == TSM_OK) *count = (int)list.count;
    label_list_clear(&list);
    json_decref(root);
    return status;
}

/* By its byte order mark. */
static bool is_utf16(const unsigned char *data, size_t bytes)
{
    return bytes >= 2 && (data[0] ^ data[1]) == 1 && data[0] + data[1] == 0xfe + 0xff;
}

tsm_status labels_parse(const void *data, size_t bytes, const char *name, char **text, int *count, tsm_error *error)
{
    tsm_status status;
    char *copy;

    *text = NULL;
    *count = 0;
    if (bytes == 0) return eval_fail(error, TSM_ERROR_FORMAT, "%s: holds no labels", name);
    if (bytes > LABELS_MAX_BYTES)
        return eval_fail(error, TSM_ERROR_FORMAT, "%s: too long for a list of labels", name);
    if (!utf8_is_text(data, bytes))
        return eval_fail(error, TSM_ERROR_FORMAT, "%s: is %s UTF-8 text", name,
                         is_utf16(data, bytes) ? "UTF-16, not" : "not");
    copy = malloc(bytes + 1);
    if (!copy) return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", name);
    memcpy(copy, data, bytes);
    copy[bytes] = '\0';
    status = parse_copy(copy, bytes, name, text, count, error);
    free(copy);
    return status;
}
