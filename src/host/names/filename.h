/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filename.h - what the releases say of a network in its file's name only:
 *   MIT        TSM_{dataset}_{modality}_{arch}[_shift{div}_{place}][_tpool]_{consensus}_segment{T}_e{epochs}...[_nl]
 *   mmaction2  tsm_[nl_{mode}_]{arch}_1x1x{T}_...; since 1.0 tsm_..-{arch}[-nl-{mode}]_{gpus}xb{batch}-1x1x{T}-...
 */
#ifndef TSM_NAMES_FILENAME_H
#define TSM_NAMES_FILENAME_H

#include <stdbool.h>
#include <tsm/tsm.h>

typedef struct tsm_filename {
    int segments;          /* 0: not said */
    int shift_div;         /* 0: not said */
    tsm_shift_place place; /* TSM_PLACE_FROM_FILE: not said */
    char arch[16];         /* "resnet50"; "": not said */
    bool tpool;
    tsm_nonlocal nonlocal; /* TSM_NONLOCAL_NONE: not said */
} tsm_filename;

/* Reads the last part of `path`; all zero where that is no name of a release. mmaction2's architecture is not kept:
 * published files carry that of another. */
tsm_filename tsm_filename_parse(const char *path);

#endif
