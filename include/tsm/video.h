/* SPDX-License-Identifier: Apache-2.0 */
/*
 * video.h - libtsm-video: from a video file, or a folder of frames, to the clips that a network reads.
 *
 *   tsm_clips *clips = NULL;  tsm_error error;
 *   tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;
 *   options.segments = 8;
 *   tsm_video_load(&clips, "clip.mp4", &options, &error);
 *   tsm_tensor frames = tsm_clips_tensor(clips);            uint8 (V,T,H,W,3), ready for tsm_run
 *
 * Rules for every function are those of tsm.h. This library does all the I/O; it prints nothing and may be used
 * from several threads at once. Frame choice and pixels equal those of the reference pipelines: the MIT release
 * (PIL) by default, mmaction2 (OpenCV-style resize, its own frame formula) as a named mode.
 */
#ifndef TSM_VIDEO_H
#define TSM_VIDEO_H

#include <tsm/tsm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tsm_sampling {
    TSM_SAMPLING_UNIFORM = 0, /* one clip: the middle frame of each of T equal segments */
    TSM_SAMPLING_TWICE = 1,   /* two clips: those, and the first frame of each segment */
    TSM_SAMPLING_DENSE = 2    /* ten clips of T frames spread over 64 consecutive ones */
} tsm_sampling;

/* Whose frame choice and pixels are followed. */
typedef enum tsm_video_mode { TSM_MODE_MIT = 0, TSM_MODE_MMACTION2 = 1 } tsm_video_mode;

/* Where the memory for pixels comes from. The functions are called from the thread that loads, and `release` from the
 * one that destroys the clips. */
typedef struct tsm_allocator {
    void *(*allocate)(void *user, size_t bytes); /* returns NULL when out of memory */
    void (*release)(void *user, void *memory);
    void *user;
    tsm_memory memory; /* the kind that it returns: TSM_MEMORY_HOST, or TSM_MEMORY_PINNED (tsm_engine_allocate) */
} tsm_allocator;

typedef struct tsm_video_options {
    size_t struct_size;
    tsm_video_mode mode;
    tsm_sampling sampling;
    int segments;   /* T, 1..TSM_MAX_SEGMENTS, 0: 8 */
    int views;      /* spatial views a clip, 1, 3, 5 or 10; 0: 1 */
    int full_res;   /* non-zero: crops of scale_size instead of input_size */
    int input_size; /* crop, pixels, 1..TSM_MAX_INPUT_SIZE, 0: 224 */
    int scale_size; /* short side before the crop, pixels, up to TSM_MAX_SCALE_SIZE, 0: input_size * 256 / 224 */
    int threads;    /* decoder threads, 1..TSM_MAX_THREADS, 0: 1; no codec is given more than 64, or than
                       CPUs that the process may use */
    int raw;        /* non-zero: frames are neither scaled nor cut; tsm_clips_get_resize says how they become views */
    const tsm_allocator *allocator; /* of the clips' pixels, copied; NULL: ordinary memory */

    /* Of a folder: which of its files are frames. "img_#.jpg", where # (or %d, %05d, ...) is any whole number, or
     * with the wildcards * and ? of a shell. NULL: all JPEG and PNG files, which must then follow one pattern. */
    const char *frames;

    /* Limits on what a source may cost; 0: the largest that is possible. */
    int64_t max_pixels;     /* of a frame as it is stored, up to 2^26 */
    int64_t max_frames;     /* of the source, up to 2^26 */
    int64_t max_bytes;      /* of the file, or of each file of a folder */
    double max_seconds;     /* that loading may take */
    int64_t max_clip_bytes; /* of the pixels of all clips together, which follow from views, segments and sizes */

    /* Asked now and then while loading, from the thread that loads; a value other than 0 ends it with CANCELLED.
     * NULL: never asked. */
    int (*cancel)(void *user);
    void *cancel_user;
} tsm_video_options;

#define TSM_VIDEO_OPTIONS_INIT                                                                                       \
    {                                                                                                                \
        sizeof(tsm_video_options), TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  \
            0                                                                                                        \
    }

/* ---- Sampling and geometry: pure functions ------------------------------------------------------------------ */

/* How many clips a sampling takes: 1, 2 or 10. */
TSM_API int tsm_sampling_clips(tsm_sampling sampling);

/* Frame numbers, 1-based, clip after clip: fills tsm_sampling_clips(sampling) * segments ints.
 *   frames  number of frames of the video, >= 1; shorter videos than T repeat frames
 *   span    frames that one input takes: 1 for RGB, 5 for stacked flow
 * Errors: ARGUMENT. Source: test-time sampling of the MIT release, trunc(i N / T + N / (2 T)) for frame i, as in
 * mmaction2 0.x and 1.x. */
TSM_API tsm_status tsm_sample_frames(tsm_video_mode mode, tsm_sampling sampling, int frames, int segments, int span,
                                     int *numbers, tsm_error *error);

/* A square cut out of an image. */
typedef struct tsm_view {
    int x, y;   /* left and top, pixels */
    int size;   /* pixels a side */
    int mirror; /* non-zero: mirrored left to right */
} tsm_view;

/* View `index`, 0..views-1, of `views` (1, 3, 5 or 10) that are `crop` pixels a side, in an image of width x height
 * pixels. Errors: ARGUMENT (an unknown mode, another number of views, a crop that does not fit). */
TSM_API tsm_status tsm_view_get(tsm_video_mode mode, int views, int index, int width, int height, int crop,
                                tsm_view *view, tsm_error *error);

/* The size, in pixels, of a width x height image once its short side is scaled to `scale`, rounded as in `mode`. */
TSM_API void tsm_scaled_size(tsm_video_mode mode, int width, int height, int scale, int *out_width, int *out_height);

/* Scales RGB bytes `in` (height, width, 3) to `out` (out_height, out_width, 3), both with dense rows: in TSM_MODE_MIT
 * as PIL's bilinear filter with antialias, byte for byte; in TSM_MODE_MMACTION2 as OpenCV's INTER_LINEAR. Errors:
 * ARGUMENT, MEMORY. */
TSM_API tsm_status tsm_resize_rgb(tsm_video_mode mode, const uint8_t *in, int width, int height, uint8_t *out,
                                  int out_width, int out_height, tsm_error *error);

/* ---- Clips: what the network reads -------------------------------------------------------------------------- */

typedef struct tsm_clips tsm_clips;

/* Decodes the frames that `options` ask for, scales and crops them.
 *   path  any video that FFmpeg reads, or a folder of JPEG or PNG frames. Their names follow one pattern (see
 *         tsm_video_options.frames) and are sorted by the numbers in them, the leftmost number first
 * Only frames that are needed are converted; the container's frame count is never trusted. Blocking.
 * Errors: IO (also in the middle of a file), FORMAT (undecodable, no video stream, no frames, frames of several
 * patterns), UNSUPPORTED (beyond a limit; a pipe or a device), CANCELLED, ARGUMENT, MEMORY. */
TSM_API tsm_status tsm_video_load(tsm_clips **clips, const char *path, const tsm_video_options *options,
                                  tsm_error *error);

/* As tsm_video_load, from a video file that is open: `descriptor` is of a regular file, or of memory as memfd_create
 * makes it. It stays the caller's; its position is neither used nor moved. Errors name `name` where they would name
 * the path. */
TSM_API tsm_status tsm_video_load_descriptor(tsm_clips **clips, int descriptor, const char *name,
                                             const tsm_video_options *options, tsm_error *error);
TSM_API void tsm_clips_destroy(tsm_clips **clips);

typedef struct tsm_clips_info {
    size_t struct_size;           /* set by the caller */
    int width, height;            /* of the source, after rotation, pixels */
    int frames;                   /* decodable frames of the source */
    double duration_s;            /* 0 for a folder of frames */
    const char *codec;            /* "h264", "jpeg", ... */
    int views, samples, segments; /* V = views * samples clips of `segments` frames */
    const int *numbers;           /* (samples, segments) frame numbers, 1-based */
    double decode_ms, preprocess_ms;
    int crop;            /* pixels a side of a view */
    const char *pattern; /* of the names of a folder's frames, "img_#.jpg"; NULL: a video */
    const char *note;    /* one line on what a folder holds besides its frames; NULL: nothing */
} tsm_clips_info;

#define TSM_CLIPS_INFO_INIT                                                                                          \
    {                                                                                                                \
        sizeof(tsm_clips_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                                             \
    }

/* Fills `info`; pointers live as long as the clips. Errors: ARGUMENT. */
TSM_API tsm_status tsm_clips_get_info(const tsm_clips *clips, tsm_clips_info *info);

/* All clips as one tensor, uint8 TSM_NTHWC (V,T,H,W,3), RGB: ordered by view, then by sample, then by segment. With
 * tsm_video_options.raw it is (samples,T,H,W,3), with the source's height and width. The memory stays the clips'. */
TSM_API tsm_tensor tsm_clips_tensor(const tsm_clips *clips);

/* Fills `resize` for tsm_context_plan_resize, so that the network gets view `view`, 0..views-1, of the clips' raw
 * frames with the same pixels as without tsm_video_options.raw. resize->struct_size is set by the caller. Errors:
 * ARGUMENT, UNSUPPORTED (TSM_MODE_MMACTION2, or a frame so narrow that it cannot be scaled there). */
TSM_API tsm_status tsm_clips_get_resize(const tsm_clips *clips, int view, tsm_resize *resize, tsm_error *error);

/* Normalises into `out`, float32 (V,T,3,H,W), V*T*3*H*W values: (pixel / 255 - mean) / std per channel.
 * Errors: ARGUMENT, also for raw frames. */
TSM_API tsm_status tsm_clips_normalize(const tsm_clips *clips, const float mean[3], const float std[3], float *out,
                                       tsm_error *error);

/* ---- Windows: labels along time -------------------------------------------------------------------------------- */

typedef struct tsm_windows_options {
    size_t struct_size;
    const tsm_video_options *video; /* of every window's clips; NULL: the defaults. `raw` must be 0 */

    /* How long a window is and how far the next one is from it: in seconds, or in frames where these are not 0. A
     * stride of 0 is the length. */
    double seconds, stride_seconds;
    int frames, stride_frames;
} tsm_windows_options;

#define TSM_WINDOWS_OPTIONS_INIT                                                                                     \
    {                                                                                                                \
        sizeof(tsm_windows_options), 0, 0, 0, 0, 0                                                                   \
    }

/* Where a window lies. Times are those of an even rate: frames of the source over its duration. */
typedef struct tsm_window {
    int index;             /* from 0 */
    int first, frames;     /* its first frame, from 1, and how many it has */
    double start_s, end_s; /* 0 where the source has no duration */
} tsm_window;

typedef struct tsm_windows tsm_windows;

/* Opens a video file, by path or as a descriptor (otherwise -1) that stays open as long as the windows, for clips
 * that are sampled out of windows along it. Reads through the packets once; decodes nothing yet. The last window is
 * the one that reaches the end, and ends there. Errors: those of tsm_video_load; ARGUMENT (no length, a stride or
 * length of less than a frame); UNSUPPORTED (a folder; seconds in a video that has no duration). */
TSM_API tsm_status tsm_windows_open(tsm_windows **windows, int descriptor, const char *path,
                                    const tsm_windows_options *options, tsm_error *error);

/* The clips of the next window, the caller's, to be released with tsm_clips_destroy; *clips is NULL behind the last
 * one. All windows together take one pass of decoding, and no more memory than those that overlap. Errors: those of
 * tsm_video_load; there are no more windows then. */
TSM_API tsm_status tsm_windows_next(tsm_windows *windows, tsm_clips **clips, tsm_window *where, tsm_error *error);
TSM_API void tsm_windows_close(tsm_windows **windows);

#ifdef __cplusplus
}
#endif
#endif
