/*
 * filename.h - what the MIT release says of a network in its file's name only:
 *   TSM_{dataset}_{modality}_{arch}[_shift{div}_{place}][_tpool]_{consensus}_segment{T}_e{epochs}...
 */
#ifndef TSM_MODEL_FILENAME_H
#define TSM_MODEL_FILENAME_H

#include <tsm/tsm.h>

typedef struct tsm_filename {
    int segments;          /* 0: not said */
    int shift_div;         /* 0: not said */
    tsm_shift_place place; /* TSM_PLACE_FROM_FILE: not said */
} tsm_filename;

/* Reads the last part of `path`; all zero where that is no name of the release. */
tsm_filename tsm_filename_parse(const char *path);

#endif
