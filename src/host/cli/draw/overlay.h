/* SPDX-License-Identifier: Apache-2.0 */
/* overlay.h - a video of a stream's frames with what they were taken for drawn on them. */
#ifndef TSM_CLI_DRAW_OVERLAY_H
#define TSM_CLI_DRAW_OVERLAY_H

#include <stdint.h>
#include <tsm/tsm.h>

typedef struct overlay overlay;

/* Opens `path`; its size is that of the first frame. Errors: IO, UNSUPPORTED (a build that draws no text), MEMORY. */
tsm_status overlay_open(overlay **out, const char *path, tsm_error *error);

/* Draws `label` and its score on the frame (height, width, 3), and adds it. Errors: IO, UNSUPPORTED (a frame of
 * another size than the first; no encoder), MEMORY. */
tsm_status overlay_add(overlay *o, uint8_t *rgb, int width, int height, double time_s, const char *label,
                       double score, tsm_error *error);

/* Completes the file, which appears only where there was a frame; the overlay is gone either way. Errors: IO. */
tsm_status overlay_commit(overlay **o, tsm_error *error);

/* Drops it and what it has written; NULL is fine. */
void overlay_abort(overlay **o);

#endif
