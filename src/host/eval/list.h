/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - lists of videos with their classes, in the forms that data sets and releases ship.
 *
 *   release    `path num_frames label` a line: the MIT release's lists, and mmaction2's of frame folders
 *   mmaction2  `path label` a line; in both, several labels have commas between them
 *   folders    `class/video` a line, the class being the name of the folder: UCF101's test lists
 *   csv        `id;class` a line, with titles or not: Something-Something V1, Jester
 *   json       [{"id":..., "template":...}, ...]: Something-Something V2
 *   kinetics   a table with the columns label, youtube_id, time_start and time_end
 *
 * Labels count from 0. A list is untrusted: what is allocated is in proportion to it. */
#ifndef TSM_EVAL_LIST_H
#define TSM_EVAL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <tsm/tsm.h>

#define LIST_MAX_BYTES  (256 << 20)
#define LIST_MAX_VIDEOS 10000000

typedef enum list_form {
    LIST_AUTO,
    LIST_RELEASE,
    LIST_MMACTION2,
    LIST_FOLDERS,
    LIST_CSV,
    LIST_JSON,
    LIST_KINETICS
} list_form;

typedef struct list_video {
    char *path;  /* as the list has it; for json and kinetics the file's name without folder and ending; owned */
    char *class; /* the name of its class, where the list has names; otherwise NULL; owned */
    int label;   /* of its class, where the list has numbers; otherwise -1, until list_resolve */
    int *others; /* further ones, `path 3,17,4` and the like; owned */
    int other_count;
    int frames; /* that the list says it has; 0: it does not say */
    int line;   /* or, of json, which entry, from 1 */
} list_video;

typedef struct video_list {
    const char *name; /* for errors; borrowed */
    list_form form;   /* found, where it was LIST_AUTO */
    list_video *videos;
    int count, room;
} video_list;

/* Understands data[0..bytes). `name` stands for the path in errors. Errors: FORMAT, naming the line (not UTF-8, no
 * videos, a line of another form, a video that is there twice, a number out of range), MEMORY. */
tsm_status list_parse(video_list *l, const void *data, size_t bytes, const char *name, list_form form,
                      tsm_error *error);
void list_clear(video_list *l);

/* Gives every video the number of its class: names are looked up by `label`, which returns the name of class i of
 * `classes` or NULL. Errors: FORMAT, naming the line, for a name that no class has and a number that is none's. */
tsm_status list_resolve(video_list *l, const char *(*label)(const void *user, int i), const void *user, int classes,
                        tsm_error *error);

/* ---- For the forms themselves -----------------------------------------------------------------------------------
 */

/* Takes over nothing: the texts are copied. `class` may be NULL. Errors: FORMAT, MEMORY. */
tsm_status list_add(video_list *l, const char *path, size_t path_bytes, const char *class, size_t class_bytes,
                    list_video video, tsm_error *error);

/* "NAME: line N: ..." in `error`; FORMAT. */
tsm_status list_fail(const video_list *l, int line, tsm_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

tsm_status list_parse_json(video_list *l, const char *text, size_t bytes, tsm_error *error);
tsm_status list_parse_lines(video_list *l, char *text, size_t bytes, tsm_error *error);

/* *found is false where the first line has not the titles of Kinetics' tables. */
tsm_status list_parse_kinetics(video_list *l, char *text, size_t bytes, bool *found, tsm_error *error);

#endif
