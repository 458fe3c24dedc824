/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - what libtsm-video accepts of a source; beyond it lies damage or malice rather than video. What options
 * may ask for is limited in tsm.h. */
#ifndef TSM_VIDEO_LIMITS_H
#define TSM_VIDEO_LIMITS_H

#define TSM_MAX_DECODER_THREADS 64           /* more are taken as this many: a codec has no use for them */
#define TSM_MAX_PIXELS          (1LL << 26)  /* of a source frame, or of the part of a scaled one that is needed */
#define TSM_MAX_FRAMES          (1 << 26)    /* packets of a stream: 300 hours at 60 a second */
#define TSM_MAX_KEPT_BYTES      (64LL << 20) /* packets up to this are kept in memory between the passes over a file */

#endif
