/* SPDX-License-Identifier: Apache-2.0 */
/* label_list.h - names on their way from a file of labels to classes, and the forms that such files take. */
#ifndef TSM_EVAL_LABEL_LIST_H
#define TSM_EVAL_LABEL_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <tsm/tsm.h>

#define LABEL_LIST_MAX 1000000 /* names; no network has more classes */

typedef struct label_name {
    const char *text; /* not terminated; borrowed */
    size_t length;
    int64_t index; /* as the file gives it; 0 where it gives none */
    int line;      /* 0: not known */
    char quote;    /* inside, this is written twice; 0: nothing is */
} label_name;

typedef struct label_list {
    const char *path; /* for errors; borrowed */
    label_name *items;
    size_t count, room;
} label_list;

void label_list_clear(label_list *list);

/* Appends a name without the white space around it. Errors: FORMAT (empty, holds a line break, too many), MEMORY. */
tsm_status label_list_add(label_list *list, label_name name, tsm_error *error);

/* Brings the names into the order of their indices. Errors: FORMAT, naming the line whose index is there twice, or
 * the first beyond one that is missing. */
tsm_status label_list_order(label_list *list, tsm_error *error);

/* Brings equal names together, in the order of their bytes. */
void label_list_sort_names(label_list *list);

/* Joins the names with '\n'; *text is released with free. Errors: FORMAT where there are none, MEMORY. */
tsm_status label_list_text(const label_list *list, char **text, tsm_error *error);

/* "PATH: line N: ..." in `error`; FORMAT. Without a line where it is 0. */
tsm_status label_list_fail(const label_list *list, int line, tsm_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- Forms: each fills the list; the names point into the text, or into *root, which is the caller's to drop ---- */

/* A piece of text, and its line. */
typedef struct label_line {
    char *text;
    size_t length;
    int number;
} label_line;

/* The next line that is neither blank nor a comment, from *at on, without the white space around it; false at the
 * end of the text. *number counts all lines. */
bool label_next_line(char **at, const char *end, int *number, label_line *line);

/* What the title of a column says of it. */
typedef enum label_title { TITLE_NONE, TITLE_NAME, TITLE_INDEX, TITLE_VIDEO } label_title;
label_title label_title_of(const char *text, size_t length);

/* Whether two titles are those of a name and an index, in either order. */
bool label_title_pair(const char *a, size_t a_length, const char *b, size_t b_length);

/* The number that the text is, of up to nine digits; -1 where it is anything else. */
int64_t label_index(const char *text, size_t length);

tsm_status label_parse_lines(label_list *list, char *text, size_t bytes, tsm_error *error);

/* *found is false, and the text is unchanged, where its first line is not the header of a known table. */
tsm_status label_parse_csv(label_list *list, char *text, size_t bytes, bool *found, tsm_error *error);

/* *found is false, and nothing has happened, where the text begins like a list but is no JSON: a name in brackets. */
tsm_status label_parse_json(label_list *list, const char *text, size_t bytes, json_t **root, bool *found,
                            tsm_error *error);

#endif
