/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to the frames against a plain decoder: open, read every packet, decode every frame, count. */
#include <libavformat/avformat.h>

#include "video/convert.h"
#include "video/decode.h"
#include "video/limits.h"
#include "video_support.h"

typedef struct video {
    const char *name;
    bool indexed; /* its time stamps can be relied upon */
} video;

static const tsm_limits limits = { .pixels = TSM_MAX_PIXELS, .frames = TSM_MAX_FRAMES, .bytes = INT64_MAX };

static const video videos[] = {
    { "h264_b_frames.mp4", true },
    { "h264_short_gops.mp4", true },
    { "h264_open_gops.mkv", true },
    { "h264_intra_refresh.ts", true }, /* without jumps: its key packets are no pictures on their own */
    { "h264_interlaced.mkv", true },
    { "h264_variable_rate.mp4", true },
    { "h264_edit_list.mp4", true },
    { "h264_one_frame.mp4", true },
    { "h264_no_times.h264", false },
    { "hevc_temporal_layers.mp4", true },
    { "vp9_odd_size.webm", true },
    { "av1.mp4", true },
    { "mjpeg_odd_size.avi", true },
    { "mpeg4_b_frames.avi", false },
    { "mpeg4_b_frames.mp4", false },
    { "mpeg1_program_stream.mpg", false },
    { "mpeg2_transport_stream.ts", false },
    { "vp8_hidden_frames.webm", false },
    { "animated.gif", false },
    { "turned_90.mp4", true },
    { "truncated.mp4", false },
    { "zeros_at_end.mp4", false },
};
enum { VIDEOS = sizeof videos / sizeof *videos };

static const char *path_of(const char *name)
{
    static char path[600];

    snprintf(path, sizeof path, VIDEO_DATA "%s", name);
    return path;
}

/* ---- The plain decoder -------------------------------------------------------------------------------------- */

/* Calls `each` with the number of every frame. Returns how many there are. */
static int decode_plainly(const char *path, void (*each)(void *self, int number, const AVFrame *frame), void *self)
{
    AVFormatContext *format = NULL;
    AVCodecContext *codec;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    const AVCodec *kind;
    int stream, count = 0, more = 1;

    ck_assert_int_eq(avformat_open_input(&format, path, NULL, NULL), 0);
    ck_assert_int_ge(avformat_find_stream_info(format, NULL), 0);
    stream = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &kind, 0);
    ck_assert_int_ge(stream, 0);
    codec = avcodec_alloc_context3(kind);
    ck_assert_int_ge(avcodec_parameters_to_context(codec, format->streams[stream]->codecpar), 0);
    codec->pkt_timebase = format->streams[stream]->time_base;
    ck_assert_int_eq(avcodec_open2(codec, kind, NULL), 0);
    while (more) {
        more = av_read_frame(format, packet) >= 0;
        if (!more || packet->stream_index == stream) avcodec_send_packet(codec, more ? packet : NULL);
        av_packet_unref(packet);
        while (avcodec_receive_frame(codec, frame) >= 0) each(self, ++count, frame);
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    avformat_close_input(&format);
    return count;
}

static void just_count(void *self, int number, const AVFrame *frame)
{
    (void)self;
    (void)number;
    (void)frame;
}

typedef struct collector {
    tsm_clips *clips;
    tsm_converter converter;
} collector;

static void collect(void *self, int number, const AVFrame *frame)
{
    collector *c = self;
    tsm_error error;
    tsm_rgb image;

    if (!tsm_clips_want(c->clips, number)) return;
    assert_ok(tsm_convert(&c->converter, frame, &image, &error), &error);
    assert_ok(tsm_clips_put(c->clips, number, &image, &error), &error);
}

static tsm_clips *clips_by_plain_decoder(const char *path, const tsm_video_options *options, tsm_turn turn)
{
    collector c = { .converter = { .turn = turn } };
    tsm_error error;
    int count = decode_plainly(path, just_count, NULL);

    assert_ok(tsm_clips_create(&c.clips, options, &error), &error);
    assert_ok(tsm_clips_plan(c.clips, count, &error), &error);
    ck_assert_int_eq(decode_plainly(path, collect, &c), count);
    tsm_converter_free(&c.converter);
    return c.clips;
}

/* ---- Comparing ---------------------------------------------------------------------------------------------- */

static void assert_same_clips(const char *name, const tsm_clips *got, const tsm_clips *want)
{
    size_t numbers = (size_t)want->samples * (size_t)want->segments;
    size_t frame = (size_t)want->crop * (size_t)want->crop * 3;

    ck_assert_msg(got->frames == want->frames, "%s: %d frames, want %d", name, got->frames, want->frames);
    ck_assert_msg(got->width == want->width && got->height == want->height, "%s: %d x %d, want %d x %d", name,
                  got->width, got->height, want->width, want->height);
    ck_assert_mem_eq(got->numbers, want->numbers, numbers * sizeof(int));
    for (size_t i = 0; i < numbers; i++)
        ck_assert_msg(memcmp(got->pixels + i * frame, want->pixels + i * frame, frame) == 0,
                      "%s: frame %d of %d is another one", name, got->numbers[i], got->frames);
}

static tsm_video_options small_options(tsm_sampling sampling, int segments)
{
    tsm_video_options options = TSM_VIDEO_OPTIONS_INIT;

    options.sampling = sampling;
    options.segments = segments;
    options.input_size = options.scale_size = 64;
    return options;
}

static void check_video(const char *name, const tsm_video_options *options, tsm_turn turn)
{
    tsm_clips *want = clips_by_plain_decoder(path_of(name), options, turn);

    for (int way = TSM_DECODE_AUTO; way <= TSM_DECODE_ALL_FRAMES; way++) {
        tsm_clips *got;
        tsm_error error;
        assert_ok(tsm_clips_create(&got, options, &error), &error);
        assert_ok(tsm_decode_video(got, -1, path_of(name), way, &error), &error);
        assert_same_clips(name, got, want);
        tsm_clips_destroy(&got);
    }
    tsm_clips_destroy(&want);
}

/* Sparse sampling leaves most frames out and jumps; dense sampling takes frames in several orders; as many segments
 * as frames takes each one. */
START_TEST(test_equals_plain_decoder)
{
    static const int segments[] = { 1, 2, 3, 5, 8, 13, 200 };
    tsm_turn turn = { 0 };
    tsm_video_options options;

    if (strcmp(videos[_i].name, "turned_90.mp4") == 0) turn = (tsm_turn){ .transpose = true, .mirror_y = true };
    for (size_t i = 0; i < sizeof segments / sizeof *segments; i++) {
        options = small_options(TSM_SAMPLING_UNIFORM, segments[i]);
        check_video(videos[_i].name, &options, turn);
    }
    options = small_options(TSM_SAMPLING_TWICE, 4);
    check_video(videos[_i].name, &options, turn);
    options = small_options(TSM_SAMPLING_DENSE, 8);
    check_video(videos[_i].name, &options, turn);
    options = small_options(TSM_SAMPLING_UNIFORM, 6);
    options.threads = 3;
    check_video(videos[_i].name, &options, turn);
}
END_TEST

/* ---- The way that is taken ---------------------------------------------------------------------------------- */

typedef struct effort {
    bool indexed, done;
    int packets, sent, jumps;
} effort;

static effort measure(const char *name, int segments, bool keep_packets)
{
    tsm_video_options options = small_options(TSM_SAMPLING_UNIFORM, segments);
    tsm_file file;
    tsm_decoder decoder = { .file = &file, .frame = av_frame_alloc() };
    effort found = { 0 };
    tsm_error error;

    assert_ok(tsm_file_open(&file, -1, path_of(name), &limits, &error), &error);
    assert_ok(tsm_clips_create(&decoder.clips, &options, &error), &error);
    assert_ok(tsm_packets_index(&decoder.packets, &file, keep_packets ? TSM_MAX_KEPT_BYTES : 0, &error), &error);
    ck_assert_int_eq(decoder.packets.kept != NULL, keep_packets);
    assert_ok(tsm_decoder_open(&decoder, &error), &error);
    found.indexed = decoder.packets.indexed;
    if (found.indexed)
        assert_ok(tsm_decode_indexed(&decoder, &found.done, &error), &error);
    else
        assert_ok(tsm_decode_all(&decoder, &error), &error);
    if (found.done || !found.indexed) {
        tsm_clips *want = clips_by_plain_decoder(path_of(name), &options, decoder.converter.turn);
        assert_same_clips(name, decoder.clips, want);
        tsm_clips_destroy(&want);
    }
    found.packets = (int)decoder.packets.count;
    found.sent = decoder.sent;
    found.jumps = decoder.jumps;
    tsm_clips_destroy(&decoder.clips);
    tsm_decoder_close(&decoder);
    tsm_file_close(&file);
    return found;
}

/* The index is used where it can be, and only there; with packets kept in memory and read again alike. */
START_TEST(test_index)
{
    for (int keep = 0; keep < 2; keep++) {
        effort e = measure(videos[_i].name, 4, keep);
        ck_assert_msg(e.indexed == videos[_i].indexed, "%s: indexed %d", videos[_i].name, e.indexed);
        ck_assert_msg(e.done == e.indexed, "%s: done %d", videos[_i].name, e.done);
    }
}
END_TEST

START_TEST(test_effort)
{
    effort b_frames = measure("h264_b_frames.mp4", 4, true), gops = measure("h264_short_gops.mp4", 3, true);
    effort open_gops = measure("h264_open_gops.mkv", 3, true), mjpeg = measure("mjpeg_odd_size.avi", 3, true);

    ck_assert_int_lt(b_frames.sent, b_frames.packets * 6 / 10);
    ck_assert_int_gt(gops.jumps, 0);
    ck_assert_int_lt(gops.sent, 3 * 12);
    ck_assert_int_gt(open_gops.jumps, 0);
    ck_assert_int_lt(open_gops.sent, open_gops.packets / 2);
    ck_assert_int_eq(mjpeg.sent, 3);
}
END_TEST

/* A damaged packet on the way shows, and all frames are decoded instead, of which there is one less. */
START_TEST(test_damage)
{
    tsm_video_options options = small_options(TSM_SAMPLING_UNIFORM, 5);
    effort e = measure("vp9_damaged.webm", 5, true);

    ck_assert(e.indexed && !e.done);
    check_video("vp9_damaged.webm", &options, (tsm_turn){ 0 });
}
END_TEST

/* ---- Orientation and colour --------------------------------------------------------------------------------- */

static tsm_clips *load(const char *name)
{
    tsm_video_options options = small_options(TSM_SAMPLING_UNIFORM, 1);
    tsm_clips *clips;
    tsm_error error;

    options.full_res = 1;
    assert_ok(tsm_video_load(&clips, path_of(name), &options, &error), &error);
    return clips;
}

/* The centre crop is square, so turned videos show it turned: by 90, 180 and 270 degrees, counter-clockwise, which is
 * what the display matrices of these files say, and how ffmpeg itself turns them. */
START_TEST(test_rotation)
{
    tsm_clips *upright = load("h264_one_frame.mp4"),
              *turned[3] = { load("turned_90.mp4"), load("turned_180.mp4"), load("turned_270.mp4") };
    const uint8_t *u = upright->pixels;
    int n = upright->crop;

    ck_assert_int_eq(turned[0]->width, upright->height);
    ck_assert_int_eq(turned[1]->width, upright->width);
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            const uint8_t *pixel = u + 3 * (y * n + x);
            ck_assert_mem_eq(turned[0]->pixels + 3 * ((n - 1 - x) * n + y), pixel, 3);
            ck_assert_mem_eq(turned[1]->pixels + 3 * ((n - 1 - y) * n + (n - 1 - x)), pixel, 3);
            ck_assert_mem_eq(turned[2]->pixels + 3 * (x * n + (n - 1 - y)), pixel, 3);
        }
    }
    for (int i = 0; i < 3; i++) tsm_clips_destroy(&turned[i]);
    tsm_clips_destroy(&upright);
}
END_TEST

/* One colour through matrix and range, against the equations of the standards. */
static void check_colour(int format, int space, int range, const int yuv[3], const int want[3])
{
    AVFrame *frame = av_frame_alloc();
    tsm_converter converter = { 0 };
    tsm_rgb image;
    tsm_error error;

    frame->format = format;
    frame->width = 15;
    frame->height = 9;
    frame->colorspace = space;
    frame->color_range = range;
    ck_assert_int_eq(av_frame_get_buffer(frame, 0), 0);
    for (int p = 0; p < 3; p++) memset(frame->data[p], yuv[p], (size_t)frame->linesize[p] * (size_t)(p ? 5 : 9));
    assert_ok(tsm_convert(&converter, frame, &image, &error), &error);
    for (int i = 0; i < 15 * 9 * 3; i++)
        ck_assert_msg(abs(image.data[i] - want[i % 3]) <= 1, "space %d range %d: channel %d is %d, want %d", space,
                      range, i % 3, image.data[i], want[i % 3]);
    tsm_converter_free(&converter);
    av_frame_free(&frame);
}

START_TEST(test_colours)
{
    static const int yuv[3] = { 120, 90, 180 };
    static const int bt601[3] = { 204, 94, 44 }, bt709[3] = { 214, 101, 41 }, full[3] = { 193, 96, 53 };

    check_colour(AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, yuv, bt601);
    check_colour(AV_PIX_FMT_YUV420P, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, yuv, bt601);
    check_colour(AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, yuv, bt709);
    check_colour(AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG, yuv, full);
    check_colour(AV_PIX_FMT_YUVJ420P, AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, yuv, full);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("video_decode");
    TCase *tests = tcase_create("all");

    av_log_set_level(AV_LOG_QUIET);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_equals_plain_decoder, 0, VIDEOS);
    tcase_add_loop_test(tests, test_index, 0, VIDEOS);
    tcase_add_test(tests, test_effort);
    tcase_add_test(tests, test_damage);
    tcase_add_test(tests, test_rotation);
    tcase_add_test(tests, test_colours);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
