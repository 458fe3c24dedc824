/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - libtsm-video: frames to an MP4 file, such as those of a feed with something drawn on them.
 *
 * Rules for every function are those of tsm.h. A recorder belongs to one thread at a time. The codec is H.264 where
 * FFmpeg has an encoder for it, else MPEG-4.
 */
#ifndef TSM_RECORD_H
#define TSM_RECORD_H

#include <tsm/tsm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsm_recorder tsm_recorder;

/* Begins a video of width x height pixels, 2..TSM_MAX_SIDE, of which an odd last column or row is left out.
 *   descriptor  open for writing, the caller's. One that can be sought in gets an ordinary MP4, complete with
 *               tsm_recorder_finish; another, such as a pipe, a fragmented one
 *   name        stands for it in errors
 * Errors: ARGUMENT, UNSUPPORTED (no encoder), IO, MEMORY. */
TSM_API tsm_status tsm_recorder_open(tsm_recorder **recorder, int descriptor, const char *name, int width, int height,
                                     tsm_error *error);

/* Adds a frame, RGB (height, width, 3), which is shown from `time_s` on, in seconds; times rise, and one that does
 * not is taken as a millisecond after the one before. Errors: IO, MEMORY, ARGUMENT. */
TSM_API tsm_status tsm_recorder_put(tsm_recorder *recorder, const uint8_t *rgb, double time_s, tsm_error *error);

/* Writes what is left. Errors: IO, MEMORY. */
TSM_API tsm_status tsm_recorder_finish(tsm_recorder *recorder, tsm_error *error);

/* Without tsm_recorder_finish what was written is no video. */
TSM_API void tsm_recorder_close(tsm_recorder **recorder);

#ifdef __cplusplus
}
#endif
#endif
