/* SPDX-License-Identifier: Apache-2.0 */
/* label_title.c - what people call the columns of a list of classes. */
#include "label_list.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    label_title title;
} titles[] = {
    { "name", TITLE_NAME },        { "label", TITLE_NAME },        { "class_name", TITLE_NAME },
    { "classname", TITLE_NAME },   { "class name", TITLE_NAME },   { "label_name", TITLE_NAME },
    { "action", TITLE_NAME },      { "category", TITLE_NAME },     { "class", TITLE_NAME },
    { "template", TITLE_NAME },    { "id", TITLE_INDEX },          { "index", TITLE_INDEX },
    { "idx", TITLE_INDEX },        { "class_id", TITLE_INDEX },    { "classid", TITLE_INDEX },
    { "class id", TITLE_INDEX },   { "label_id", TITLE_INDEX },    { "class_index", TITLE_INDEX },
    { "class_idx", TITLE_INDEX },  { "label_index", TITLE_INDEX }, { "number", TITLE_INDEX },
    { "youtube_id", TITLE_VIDEO },
};

label_title label_title_of(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strlen(titles[i].name) == length && strncasecmp(titles[i].name, text, length) == 0)
            return titles[i].title;
    return TITLE_NONE;
}

bool label_title_pair(const char *a, size_t a_length, const char *b, size_t b_length)
{
    label_title first = label_title_of(a, a_length), second = label_title_of(b, b_length);

    return (first == TITLE_NAME && second == TITLE_INDEX) || (first == TITLE_INDEX && second == TITLE_NAME);
}
