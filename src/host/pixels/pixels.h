/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pixels.h - arithmetic on frames, without files and codecs: which frames are sampled (sampling.c), where views are
 * cut (views.c), both public in tsm/video.h; scaling with antialias as Pillow does it (resample.h), which the engine
 * and the GPU share; and scaling in either mode, with tables that are kept (resize.h).
 */
#ifndef TSM_PIXELS_PIXELS_H
#define TSM_PIXELS_PIXELS_H

#include "resample.h"
#include "resize.h"

#endif
