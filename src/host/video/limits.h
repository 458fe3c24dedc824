/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - what libtsm-video accepts; beyond it lies damage or malice rather than video. */
#ifndef TSM_VIDEO_LIMITS_H
#define TSM_VIDEO_LIMITS_H

#define TSM_MAX_SEGMENTS   1024
#define TSM_MAX_THREADS    64
#define TSM_MAX_SIDE       16384        /* pixels a side of a source frame */
#define TSM_MAX_PIXELS     (1LL << 26)  /* pixels of a source frame, or of the part of a scaled one that is needed */
#define TSM_MAX_CROP       4096         /* pixels a side of what the network reads */
#define TSM_MAX_FRAMES     (1 << 26)    /* packets of a stream: 300 hours at 60 a second */
#define TSM_MAX_KEPT_BYTES (64LL << 20) /* packets up to this are kept in memory between the passes over a file */

#endif
