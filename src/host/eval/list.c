/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - see list.h: which form a list has, and what must hold of all of them. */
#include "list.h"

#include "failure.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static tsm_status fail_memory(const video_list *l, tsm_error *error)
{
    return eval_fail(error, TSM_ERROR_MEMORY, "%s: out of memory", l->name);
}

/* ---- What must hold ----------------------------------------------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
    const list_video *const *left = a, *const *right = b;
    int order = strcmp((*left)->path, (*right)->path);

    return order ? order : ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

static tsm_status check_twice(const video_list *l, tsm_error *error)
{
    const list_video **sorted;
    tsm_status status = TSM_OK;

    if (l->count < 2) return TSM_OK;
    sorted = malloc((size_t)l->count * sizeof *sorted);
    if (!sorted) return fail_memory(l, error);
    for (int i = 0; i < l->count; i++) sorted[i] = &l->videos[i];
    qsort(sorted, (size_t)l->count, sizeof *sorted, compare_paths);
    for (int i = 1; i < l->count && status == TSM_OK; i++)
        if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0)
            status = list_fail(l, sorted[i]->line, error, "%.200s is there already, in %d", sorted[i]->path,
                               sorted[i - 1]->line);
    free(sorted);
    return status;
}

static tsm_status parse_form(video_list *l, char *text, size_t bytes, tsm_error *error)
{
    size_t blank = strspn(text, " \t\r\n"); /* the text is terminated, and holds no NUL */
    bool found = false;
    tsm_status status;

    if (l->form == LIST_JSON || (l->form == LIST_AUTO && text[blank] == '[')) {
        l->form = LIST_JSON;
        return list_parse_json(l, text, bytes, error);
    }
    if (l->form == LIST_KINETICS || l->form == LIST_AUTO) {
        status = list_parse_kinetics(l, text, bytes, &found, error);
        if (found || status != TSM_OK) return status;
        if (l->form == LIST_KINETICS)
            return list_fail(l, 1, error, "has not the columns label, youtube_id, time_start and time_end");
    }
    return list_parse_lines(l, text, bytes, error);
}

tsm_status list_parse(video_list *l, const void *data, size_t bytes, const char *name, list_form form,
                      tsm_error *error)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t skip = bytes >= 3 && memcmp(data, mark, 3) == 0 ? 3 : 0;
    tsm_status status;
    char *copy;

    *l = (video_list){ .name = name, .form = form };
    if (bytes > LIST_MAX_BYTES) return list_fail(l, 0, error, "too long for a list of videos");
    if (!utf8_is_text(data, bytes)) return list_fail(l, 0, error, "is not UTF-8 text");
    copy = malloc(bytes - skip + 1);
    if (!copy) return fail_memory(l, error);
    memcpy(copy, (const char *)data + skip, bytes - skip);
    copy[bytes - skip] = '\0';
    status = parse_form(l, copy, bytes - skip, error);
    free(copy);
    if (status == TSM_OK && l->count == 0) status = list_fail(l, 0, error, "holds no videos");
    if (status == TSM_OK) status = check_twice(l, error);
    if (status != TSM_OK) list_clear(l);
    return status;
}

/* ---- Classes by name ---------------------------------------------------------------------------------------- */

typedef struct class_entry {
    const char *name;
    int index;
} class_entry;

static int compare_classes(const void *a, const void *b)
{
    return strcmp(((const class_entry *)a)->name, ((const class_entry *)b)->name);
}

static tsm_status find_names(video_list *l, const class_entry *entries, int count, tsm_error *error)
{
    for (int i = 0; i < l->count; i++) {
        list_video *video = &l->videos[i];
        const class_entry wanted = { video->class, 0 }, *found;

        if (!video->class) continue;
        found = bsearch(&wanted, entries, (size_t)count, sizeof *entries, compare_classes);
        if (!found) return list_fail(l, video->line, error, "no class is called '%.200s'", video->class);
        video->label = found->index;
    }
    return TSM_OK;
}

static tsm_status resolve_names(video_list *l, const char *(*label)(const void *user, int i), const void *user,
                                int classes, tsm_error *error)
{
    class_entry *entries = malloc((size_t)classes * sizeof *entries);
    tsm_status status = TSM_OK;
    int named = 0;

    if (!entries) return fail_memory(l, error);
    for (int i = 0; i < classes; i++) {
        const char *name = label(user, i);

        if (name) entries[named++] = (class_entry){ name, i };
    }
    if (named == 0)
        status = list_fail(l, l->videos[0].line, error,
                           "the class '%.100s' is a name, and the network has none: --labels", l->videos[0].class);
    qsort(entries, (size_t)named, sizeof *entries, compare_classes);
    if (status == TSM_OK) status = find_names(l, entries, named, error);
    free(entries);
    return status;
}

static tsm_status check_labels(const video_list *l, const list_video *video, int classes, tsm_error *error)
{
    int label = video->label;

    for (int k = 0; k < video->other_count && label >= 0 && label < classes; k++) label = video->others[k];
    if (label >= 0 && label < classes) return TSM_OK;
    return list_fail(l, video->line, error, "label %d: the network has classes 0 to %d", label, classes - 1);
}

tsm_status list_resolve(video_list *l, const char *(*label)(const void *user, int i), const void *user, int classes,
                        tsm_error *error)
{
    if (l->count > 0 && l->videos[0].class) {
        tsm_status status = resolve_names(l, label, user, classes, error);

        if (status != TSM_OK) return status;
    }
    for (int i = 0; i < l->count; i++) {
        tsm_status status = check_labels(l, &l->videos[i], classes, error);

        if (status != TSM_OK) return status;
    }
    return TSM_OK;
}
