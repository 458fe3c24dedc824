#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the small videos of tests/data/video with the `ffmpeg` command (libx264, libx265, libvpx, libaom).

    python3 make_media.py ../data/video

Each file is there for one property that a reader can get wrong; its name says which. The tests compare against a
plain decoder on the same file, so another version of ffmpeg may make other bytes without harm.
"""
import pathlib
import subprocess
import sys

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "../data/video")


def moving(frames, size="96x64", rate=25):
    """A picture in which every frame differs from every other. testsrc2 makes even sizes only, hence the scaling."""
    return ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate},scale={size.replace('x', ':')}", "-frames:v", str(frames)]


def ffmpeg(*arguments):
    plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    command = ["ffmpeg", "-v", "error", "-y", *arguments[:-1], *plain, str(OUT / arguments[-1])]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)


def x264(parameters=""):
    return ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "30", "-threads", "1", "-x264-params", parameters or "bframes=3"]


def h264():
    ffmpeg(*moving(60), *x264("keyint=250:bframes=3:b-pyramid=normal"), "h264_b_frames.mp4")
    ffmpeg(*moving(120), *x264("keyint=12:bframes=2:scenecut=0"), "h264_short_gops.mp4")
    ffmpeg(*moving(96), *x264("keyint=12:bframes=3:b-pyramid=normal:open-gop=1:scenecut=0"), "h264_open_gops.mkv")
    ffmpeg(*moving(60), *x264("keyint=24:intra-refresh=1:bframes=0"), "h264_intra_refresh.ts")
    ffmpeg(*moving(40), *x264("keyint=10:bframes=2:interlaced=1"), "h264_interlaced.mkv")
    ffmpeg(*moving(80), "-vf", "select='not(mod(n,3))+gt(n,50)'", "-vsync", "vfr", *x264(), "h264_variable_rate.mp4")
    ffmpeg(*moving(40), *x264("bframes=2"), "-f", "h264", "h264_no_times.h264")
    ffmpeg(*moving(1), *x264(), "h264_one_frame.mp4")
    ffmpeg(*moving(40, "98x66"), *x264("keyint=8:bframes=2"), "-movflags", "+faststart", "whole.mp4")


def cut_and_turned():
    """Edit lists, rotation, and files that end early."""
    source = str(OUT / "h264_short_gops.mp4")
    ffmpeg("-ss", "0.68", "-i", source, "-c", "copy", "-frames:v", "50", "h264_edit_list.mp4")
    for angle in (90, 180, 270):
        ffmpeg("-i", str(OUT / "h264_one_frame.mp4"), "-c", "copy", "-metadata:s:v:0", f"rotate={angle}",
               f"turned_{angle}.mp4")
    whole = (OUT / "whole.mp4").read_bytes()
    (OUT / "truncated.mp4").write_bytes(whole[:len(whole) * 3 // 5])
    (OUT / "zeros_at_end.mp4").write_bytes(whole[:len(whole) * 3 // 5] + bytes(len(whole) - len(whole) * 3 // 5))
    (OUT / "whole.mp4").unlink()
    index_last = (OUT / "h264_b_frames.mp4").read_bytes()
    (OUT / "index_missing.mp4").write_bytes(index_last[:len(index_last) // 2])


def other_codecs():
    ffmpeg(*moving(60), "-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params",
           "log-level=none:keyint=16:bframes=4:b-pyramid=1:temporal-layers=1:open-gop=1:scenecut=0:pools=1",
           "-crf", "34", "-tag:v", "hvc1", "hevc_temporal_layers.mp4")
    ffmpeg(*moving(48), "-c:v", "mpeg4", "-bf", "2", "-g", "12", "-q:v", "12", "mpeg4_b_frames.avi")
    ffmpeg(*moving(48), "-c:v", "mpeg4", "-bf", "2", "-g", "12", "-q:v", "12", "mpeg4_b_frames.mp4")
    ffmpeg(*moving(48), "-c:v", "mpeg1video", "-bf", "2", "-g", "10", "-q:v", "12", "-f", "mpeg", "mpeg1_program_stream.mpg")
    ffmpeg(*moving(40), "-c:v", "mpeg2video", "-bf", "2", "-g", "10", "-q:v", "12", "-f", "mpegts", "mpeg2_transport_stream.ts")
    ffmpeg(*moving(60, "97x65"), "-c:v", "libvpx-vp9", "-g", "20", "-b:v", "60k", "-auto-alt-ref", "1", "-lag-in-frames", "16",
           "vp9_odd_size.webm")
    ffmpeg("-i", str(OUT / "vp9_odd_size.webm"), "-c", "copy", "-bsf:v", "noise=amount=eq(n\\,26)", "vp9_damaged.webm")
    ffmpeg(*moving(60), "-c:v", "libvpx", "-g", "60", "-b:v", "60k", "-auto-alt-ref", "1", "-lag-in-frames", "16",
           "vp8_hidden_frames.webm")
    ffmpeg(*moving(12), "-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "45", "-g", "6", "av1.mp4")
    ffmpeg(*moving(20, "97x65"), "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "12", "mjpeg_odd_size.avi")
    ffmpeg(*moving(10, "64x48"), "-c:v", "gif", "animated.gif")


def not_videos():
    tone = ["-f", "lavfi", "-i", "sine=d=0.5"]
    ffmpeg(*tone, "-c:a", "aac", "-b:a", "16k", "audio_only.m4a")
    ffmpeg(*tone, *moving(1), "-map", "0", "-map", "1", "-c:a", "aac", "-b:a", "16k", "-c:v", "mjpeg", "-disposition:v",
           "attached_pic", "-t", "0.5", "audio_with_cover.m4a")
    (OUT / "playlist.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nh264_b_frames.mp4\n#EXT-X-ENDLIST\n")
    (OUT / "concat.txt").write_text("ffconcat version 1.0\nfile h264_b_frames.mp4\n")
    (OUT / "empty.mp4").write_bytes(b"")
    (OUT / "text.mp4").write_text("This is no video at all.\n" * 40)


OUT.mkdir(parents=True, exist_ok=True)
h264()
cut_and_turned()
other_codecs()
not_videos()
