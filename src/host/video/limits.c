/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - see limits.h. */
#include "limits.h"

#include <math.h>

#include "core/status.h"

static tsm_status read_one(int64_t *limit, const char *name, int64_t given, int64_t most, tsm_error *error)
{
    if (given < 0 || given > most)
        return tsm_fail(error, TSM_ERROR_ARGUMENT, "%s %lld: 1 to %lld are possible, 0 for the default", name,
                        (long long)given, (long long)most);
    *limit = given ? given : most;
    return TSM_OK;
}

tsm_status tsm_limits_read(tsm_limits *limits, const tsm_video_options *options, tsm_error *error)
{
    *limits = (tsm_limits){ .seconds = options->max_seconds, .started_ms = tsm_now_ms() };
    limits->cancel = options->cancel;
    limits->user = options->cancel_user;
    TSM_TRY_RETURN(read_one(&limits->pixels, "max_pixels", options->max_pixels, TSM_MAX_PIXELS, error));
    TSM_TRY_RETURN(read_one(&limits->frames, "max_frames", options->max_frames, TSM_MAX_FRAMES, error));
    TSM_TRY_RETURN(read_one(&limits->bytes, "max_bytes", options->max_bytes, INT64_MAX, error));
    TSM_TRY_RETURN(read_one(&limits->clip_bytes, "max_clip_bytes", options->max_clip_bytes, INT64_MAX, error));
    if (isfinite(limits->seconds) && limits->seconds >= 0) return TSM_OK;
    return tsm_fail(error, TSM_ERROR_ARGUMENT, "max_seconds %g: must be 0 (no limit) or more", limits->seconds);
}

tsm_status tsm_limits_check(const tsm_limits *limits, const char *path, tsm_error *error)
{
    if (limits->cancel && limits->cancel(limits->user))
        return tsm_fail_file(error, TSM_ERROR_CANCELLED, path, "cancelled");
    if (limits->seconds > 0 && tsm_now_ms() - limits->started_ms > limits->seconds * 1e3)
        return tsm_fail_file(error, TSM_ERROR_CANCELLED, path, "stopped after the %g seconds that it may take",
                             limits->seconds);
    return TSM_OK;
}

tsm_status tsm_limits_check_frame(const tsm_limits *limits, int64_t width, int64_t height, const char *path,
                                  tsm_error *error)
{
    if (width < 1 || height < 1) return tsm_fail_file(error, TSM_ERROR_FORMAT, path, "the image has no pixels");
    if (width <= TSM_MAX_SIDE && height <= TSM_MAX_SIDE && width * height <= limits->pixels) return TSM_OK;
    return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path,
                         "frames of %lld x %lld pixels: at most %d a side and %lld in all are read", (long long)width,
                         (long long)height, TSM_MAX_SIDE, (long long)limits->pixels);
}

tsm_status tsm_limits_check_bytes(const tsm_limits *limits, int64_t bytes, const char *path, tsm_error *error)
{
    if (bytes <= limits->bytes) return TSM_OK;
    return tsm_fail_file(error, TSM_ERROR_UNSUPPORTED, path, "%lld bytes: at most %lld are read", (long long)bytes,
                         (long long)limits->bytes);
}

int tsm_decoder_threads(int wanted)
{
    const int cpus = wanted > 1 ? tsm_cpu_count() : 1;

    if (wanted > TSM_MAX_DECODER_THREADS) wanted = TSM_MAX_DECODER_THREADS;
    return wanted < cpus ? wanted : cpus;
}
