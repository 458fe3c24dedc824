/* SPDX-License-Identifier: Apache-2.0 */
/* label_title.c - what people call the columns of a list of classes. */
#include "label_list.h"

#include <string.h>

/* In small letters, without what stands between words. */
static const struct {
    const char *name;
    label_title title;
} titles[] = {
    { "name", TITLE_NAME },      { "label", TITLE_NAME },       { "classname", TITLE_NAME },
    { "labelname", TITLE_NAME }, { "action", TITLE_NAME },      { "actionname", TITLE_NAME },
    { "category", TITLE_NAME },  { "class", TITLE_NAME },       { "template", TITLE_NAME },
    { "id", TITLE_INDEX },       { "index", TITLE_INDEX },      { "idx", TITLE_INDEX },
    { "classid", TITLE_INDEX },  { "labelid", TITLE_INDEX },    { "classindex", TITLE_INDEX },
    { "classidx", TITLE_INDEX }, { "labelindex", TITLE_INDEX }, { "actionid", TITLE_INDEX },
    { "number", TITLE_INDEX },   { "youtubeid", TITLE_VIDEO },
};

static bool is_between_words(char c)
{
    return c == ' ' || c == '_' || c == '-';
}

static bool is_title(const char *text, size_t length, const char *title)
{
    for (size_t i = 0; i < length; i++) {
        const char small = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];

        if (is_between_words(text[i])) continue;
        if (small != *title++) return false;
    }
    return *title == '\0';
}

label_title label_title_of(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (is_title(text, length, titles[i].name)) return titles[i].title;
    return TITLE_NONE;
}

bool label_title_pair(const char *a, size_t a_length, const char *b, size_t b_length)
{
    label_title first = label_title_of(a, a_length), second = label_title_of(b, b_length);

    return (first == TITLE_NAME && second == TITLE_INDEX) || (first == TITLE_INDEX && second == TITLE_NAME);
}
