/* SPDX-License-Identifier: Apache-2.0 */
/* frame_names.c - see frame_names.h. */
#include "frame_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

enum { SHOWN_PATTERNS = 4 }; /* in an error */

tsm_status tsm_frame_names_add(tsm_frame_names *names, const char *name, tsm_error *error)
{
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 256;
        char **items = tsm_realloc(names->items, room, sizeof *items);

        if (!items) return tsm_fail_memory(error, room * sizeof *items);
        names->items = items;
        names->room = room;
    }
    names->items[names->count] = tsm_strdup(name);
    if (!names->items[names->count]) return tsm_fail_memory(error, strlen(name) + 1);
    names->count++;
    return TSM_OK;
}

void tsm_frame_names_clear(tsm_frame_names *names)
{
    for (size_t i = 0; i < names->count; i++) tsm_free(names->items[i]);
    tsm_free(names->items);
    *names = (tsm_frame_names){ 0 };
}

bool tsm_frame_name_is_image(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot || name[0] == '.') return false;
    return strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 || strcasecmp(dot, ".png") == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- Order -------------------------------------------------------------------------------------------------- */

/* A run of digits at *at, without leading zeros; moves *at behind it. */
static size_t take_number(const char **at, const char **digits)
{
    while (**at == '0') ++*at;
    *digits = *at;
    while (is_digit(**at)) ++*at;
    return (size_t)(*at - *digits);
}

int tsm_frame_name_compare(const char *left, const char *right)
{
    const char *a = left, *b = right;

    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            const char *a_digits, *b_digits;
            size_t a_length = take_number(&a, &a_digits), b_length = take_number(&b, &b_digits);
            int order = a_length == b_length ? memcmp(a_digits, b_digits, a_length) : a_length < b_length ? -1 : 1;

            if (order) return order;
        } else {
            if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
        }
    }
    if (*a || *b) return *a ? 1 : -1;
    return strcmp(left, right); /* "1" and "01" */
}

static int compare_items(const void *a, const void *b)
{
    return tsm_frame_name_compare(*(char *const *)a, *(char *const *)b);
}

void tsm_frame_names_sort(tsm_frame_names *names)
{
    if (names->count) qsort(names->items, names->count, sizeof *names->items, compare_items);
}

/* ---- Patterns ----------------------------------------------------------------------------------------------- */

/* Writes the pattern of a name, which is no longer than that; capitals of the ending do not count. */
static void write_pattern(const char *name, char *pattern)
{
    const char *dot = strrchr(name, '.');

    for (const char *c = name; *c;) {
        if (is_digit(*c)) {
            while (is_digit(*c)) c++;
            *pattern++ = '#';
        } else {
            *pattern++ = dot && c > dot ? (char)tolower((unsigned char)*c) : *c;
            c++;
        }
    }
    *pattern = '\0';
}

typedef enum token { LITERAL, NUMBER, ANY_TEXT, ANY_BYTE } token;

/* The next part of a caller's pattern; moves *at behind it. */
static token next_token(const char **at, char *literal)
{
    const char *c = *at;

    *literal = *c;
    *at = c + 1;
    if (*c == '*') return ANY_TEXT;
    if (*c == '?') return ANY_BYTE;
    if (*c == '#') return NUMBER;
    if (*c != '%') return LITERAL;
    for (c++; is_digit(*c);) c++;
    if (*c != 'd') return LITERAL;
    *at = c + 1;
    return NUMBER;
}

/* reached[i]: the pattern so far fits the first i bytes of the name. Goes one part of the pattern on. */
static void advance(bool *reached, const char *name, size_t length, token kind, char literal)
{
    bool number = false; /* the byte before may end a number that began where we had got to */
    bool before = false; /* reached[i - 1] as it was */

    for (size_t i = 0; i <= length; i++) {
        bool was = reached[i], now = false;

        if (kind == ANY_TEXT) now = was || (i > 0 && reached[i - 1]);
        if (kind == ANY_BYTE) now = before;
        if (kind == LITERAL) now = before && name[i - 1] == literal;
        if (kind == NUMBER) {
            number = i > 0 && is_digit(name[i - 1]) && (number || before);
            now = number || (before && name[i - 1] == literal); /* a '#' in the name itself */
        }
        reached[i] = now;
        before = was;
    }
}

bool tsm_frame_name_matches(const char *name, const char *pattern)
{
    char own[256];
    bool reached[256] = { true };
    size_t length = strlen(name);

    if (length >= sizeof own) return false; /* no file system has such names */
    if (name[0] == '.' && pattern[0] != '.') return false;
    write_pattern(name, own);
    if (strcmp(own, pattern) == 0) return true;
    while (*pattern) {
        char literal;
        token kind = next_token(&pattern, &literal);

        advance(reached, name, length, kind, literal);
    }
    return reached[length];
}

/* ---- Choosing ----------------------------------------------------------------------------------------------- */

typedef struct named {
    char *name, *pattern;
} named;

/* Names of one pattern stand together, in their order. */
static int compare_named(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int order = strcmp(x->pattern, y->pattern);

    return order ? order : tsm_frame_name_compare(x->name, y->name);
}

typedef struct groups {
    named *items; /* sorted */
    size_t count;
    size_t patterns, several; /* how many patterns there are, and how many that more than one name has */
    size_t first, frames;     /* the group that the frames are, if any is */
} groups;

static size_t group_end(const groups *g, size_t first)
{
    size_t end = first + 1;

    while (end < g->count && strcmp(g->items[end].pattern, g->items[first].pattern) == 0) end++;
    return end;
}

static void count_groups(groups *g)
{
    for (size_t at = 0, end; at < g->count; at = end) {
        end = group_end(g, at);
        g->patterns++;
        if (end - at > 1) g->several++;
        if (end - at > 1 || g->patterns == 1) {
            g->first = at;
            g->frames = end - at;
        }
    }
}

static tsm_status fail_ambiguous(const groups *g, tsm_error *error)
{
    char list[320] = "";
    size_t used = 0, shown = 0;

    for (size_t at = 0, end; at < g->count && shown < SHOWN_PATTERNS; at = end, shown++) {
        int wrote;

        end = group_end(g, at);
        wrote = snprintf(list + used, sizeof list - used, "%s%.60s (%zu)", at ? ", " : "", g->items[at].pattern,
                         end - at);
        if (wrote < 0 || (size_t)wrote >= sizeof list - used) break;
        used += (size_t)wrote;
    }
    return tsm_fail(error, TSM_ERROR_FORMAT, "files of %zu patterns, %s%s: the option frames chooses the one to read",
                    g->patterns, list, g->patterns > shown ? ", ..." : "");
}

static tsm_status make_note(const groups *g, const char *stranger, size_t strangers, char **note, tsm_error *error)
{
    char text[400];

    if (strangers == 1)
        snprintf(text, sizeof text, "left out %.120s, which is not named %.120s", stranger,
                 g->items[g->first].pattern);
    else
        snprintf(text, sizeof text, "left out %.120s and %zu more, which are not named %.120s", stranger,
                 strangers - 1, g->items[g->first].pattern);
    *note = tsm_strdup(text);
    return *note ? TSM_OK : tsm_fail_memory(error, strlen(text) + 1);
}

/* Gives the list the frames alone, in their order. */
static tsm_status keep_frames(groups *g, tsm_frame_names *names, char **note, tsm_error *error)
{
    size_t kept = 0, strangers = 0;
    const char *stranger = NULL;
    tsm_status status = TSM_OK;

    for (size_t i = 0; i < g->count; i++)
        if ((i < g->first || i >= g->first + g->frames) && strangers++ == 0) stranger = g->items[i].name;
    if (strangers) status = make_note(g, stranger, strangers, note, error);
    for (size_t i = 0; i < g->count; i++)
        if (i >= g->first && i < g->first + g->frames)
            names->items[kept++] = g->items[i].name;
        else
            tsm_free(g->items[i].name);
    names->count = kept;
    return status;
}

static tsm_status fill_groups(groups *g, const tsm_frame_names *names, tsm_error *error)
{
    g->items = tsm_alloc_zero(names->count, sizeof *g->items);
    if (!g->items) return tsm_fail_memory(error, names->count * sizeof *g->items);
    for (; g->count < names->count; g->count++) {
        named *item = &g->items[g->count];

        item->name = names->items[g->count];
        item->pattern = tsm_alloc_zero(strlen(item->name) + 1, 1);
        if (!item->pattern) return tsm_fail_memory(error, strlen(item->name) + 1);
        write_pattern(item->name, item->pattern);
    }
    qsort(g->items, g->count, sizeof *g->items, compare_named);
    return TSM_OK;
}

tsm_status tsm_frame_names_choose(tsm_frame_names *names, char **pattern, char **note, tsm_error *error)
{
    groups g = { 0 };
    tsm_status status = TSM_OK;

    *pattern = *note = NULL;
    if (!names->count) return TSM_OK;
    TSM_TRY(fill_groups(&g, names, error));
    count_groups(&g);
    if (g.several > 1 || (g.several == 0 && g.patterns > 1)) {
        status = fail_ambiguous(&g, error);
        goto fail;
    }
    *pattern = tsm_strdup(g.items[g.first].pattern);
    status = *pattern ? TSM_OK : tsm_fail_memory(error, strlen(g.items[g.first].pattern) + 1);
    if (status == TSM_OK) status = keep_frames(&g, names, note, error);
fail:
    for (size_t i = 0; i < g.count; i++) tsm_free(g.items[i].pattern);
    tsm_free(g.items);
    return status;
}
