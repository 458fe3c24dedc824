/* SPDX-License-Identifier: Apache-2.0 */
/* frame_names.h - which files of a folder are the frames of a video, and in which order, by their names alone.
 *
 * The pattern of a name is the name with # for every whole number: "img_00017.jpg" is of "img_#.jpg". */
#ifndef TSM_VIDEO_FRAME_NAMES_H
#define TSM_VIDEO_FRAME_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <tsm/tsm.h>

typedef struct tsm_frame_names {
    char **items; /* each owned */
    size_t count, room;
} tsm_frame_names;

/* Copies a name to the end of the list. Errors: MEMORY. */
tsm_status tsm_frame_names_add(tsm_frame_names *names, const char *name, tsm_error *error);
void tsm_frame_names_clear(tsm_frame_names *names);

/* Whether a name ends as those of JPEG and PNG files do, and is not hidden. */
bool tsm_frame_name_is_image(const char *name);

/* Whether a name is of the pattern that a caller gave: # or %d, %05d and the like is a whole number, * any text and ?
 * any one byte. */
bool tsm_frame_name_matches(const char *name, const char *pattern);

/* As people sort: text by its bytes, and every whole number by its value, from the left. Never 0 for two names. */
int tsm_frame_name_compare(const char *a, const char *b);

/* Sorts the list and leaves the frames in it: those of the one pattern that several names have; files that are alone
 * with theirs are strangers. *pattern and *note, a line on what was left out or NULL, are the caller's to tsm_free.
 * Errors: FORMAT where several patterns could be meant, naming them with their counts; MEMORY. */
tsm_status tsm_frame_names_choose(tsm_frame_names *names, char **pattern, char **note, tsm_error *error);

/* Sorts the list. */
void tsm_frame_names_sort(tsm_frame_names *names);

#endif
