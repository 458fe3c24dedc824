/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h - a folder of JPEG or PNG frames as a video. */
#ifndef TSM_VIDEO_FOLDER_H
#define TSM_VIDEO_FOLDER_H

#include "clips.h"

/* Plans the clips for the frames of the folder, in the order of their names, and reads those they need. */
tsm_status tsm_folder_load(tsm_clips *clips, const char *path, tsm_error *error);

#endif
