/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - the flags that subcommands share, and the option structs that they become. */
#ifndef TSM_CLI_SETTINGS_H
#define TSM_CLI_SETTINGS_H

#include "options.h"

#include <stdbool.h>
#include <tsm/tsm.h>
#include <tsm/video.h>

/* As the flags leave it; zero or NULL is "not given". */
typedef struct settings {
    const char *model, *labels;
    const char *weights; /* key of a dictionary in the checkpoint */
    const char *arch;
    int segments, shift_div, shift_place, shift_direction, no_shift, nonlocal, input_size;
    int features; /* the engine gives features in place of logits */
    int online;   /* every clip a live stream: shifts look back only, and every frame has its logits */
    const char *device;
    int precision, threads, shift;
    int mode, sampling, views, full_res, scale_size;
    const char *frames;
    int max_pixels, max_frames, max_megabytes, max_memory, timeout;
    int json;
} settings;

extern const option_choice settings_places[], settings_directions[], settings_nonlocals[], settings_precisions[],
    settings_shifts[], settings_modes[], settings_samplings[], settings_views[];

/* What an input may cost unless an option says otherwise: more than any clip takes, less than a machine notices. */
enum {
    SETTINGS_MAX_FRAMES = 10000000,
    SETTINGS_MAX_MEGABYTES = 65536,
    SETTINGS_MAX_MEMORY = 16384, /* megabytes */
    SETTINGS_TIMEOUT = 600       /* seconds */
};

/* Entries for a table of option_spec; `s` is a settings. */
#define SETTINGS_SPECS_NETWORK(s)                                                                                    \
    OPTION_SPEC_TEXT("labels", "FILE", &(s).labels, "class names, over those of the checkpoint"),                    \
        OPTION_SPEC_TEXT("weights", "KEY", &(s).weights, "which of a file's dictionaries: state_dict, ema, ..."),    \
        OPTION_SPEC_TEXT("arch", "NAME", &(s).arch, "resnet50, ...: refuse anything else"),                          \
        OPTION_SPEC_NUMBER("segments", &(s).segments, 1, TSM_MAX_SEGMENTS, "frames a clip, over the file's"),        \
        OPTION_SPEC_NUMBER("shift-div", &(s).shift_div, 2, TSM_MAX_SHIFT_DIV, "1/N of the channels move each way"),  \
        OPTION_SPEC_CHOICE("shift-place", &(s).shift_place, settings_places, "where blocks shift"),                  \
        OPTION_SPEC_CHOICE("shift-direction", &(s).shift_direction, settings_directions,                             \
                           "which frames channels come from"),                                                       \
        OPTION_SPEC_FLAG("no-shift", &(s).no_shift, "take the weights as those of a TSN, for comparison"),           \
        OPTION_SPEC_CHOICE("nonlocal", &(s).nonlocal, settings_nonlocals, "what non-local blocks compute"),          \
        OPTION_SPEC_NUMBER("input-size", &(s).input_size, 1, TSM_MAX_INPUT_SIZE, "pixels of the centre crop")

#define SETTINGS_SPECS_MODEL(s)                                                                                      \
    OPTION_SPEC_TEXT("model", "FILE", &(s).model, "checkpoint; else $TSM_MODEL, else the demo network"),             \
        SETTINGS_SPECS_NETWORK(s)

#define SETTINGS_SPECS_MEMORY(s)                                                                                     \
    OPTION_SPEC_NUMBER("max-memory", &(s).max_memory, 1, 1 << 30,                                                    \
                       "megabytes of an input's clips, and of a plan, 16384 by default")

#define SETTINGS_SPECS_ENGINE(s)                                                                                     \
    OPTION_SPEC_TEXT("device", "NAME", &(s).device, "auto|cpu|cuda[:N]|reference"),                                  \
        OPTION_SPEC_CHOICE("precision", &(s).precision, settings_precisions, "arithmetic"),                          \
        OPTION_SPEC_NUMBER("threads", &(s).threads, 1, TSM_MAX_THREADS,                                              \
                           "CPU threads, of the network and the decoder"),                                           \
        OPTION_SPEC_CHOICE("shift", &(s).shift, settings_shifts, "how the shift is realised"),                       \
        SETTINGS_SPECS_MEMORY(s)

#define SETTINGS_SPECS_TIMEOUT(s)                                                                                    \
    OPTION_SPEC_NUMBER("timeout", &(s).timeout, 1, 1000000,                                                          \
                       "seconds that an input, and loading the network, may take, 600 by default")

#define SETTINGS_SPECS_VIDEO(s)                                                                                      \
    OPTION_SPEC_CHOICE("sampling", &(s).sampling, settings_samplings, "1, 2 or 10 clips a view"),                    \
        OPTION_SPEC_CHOICE("views", &(s).views, settings_views, "crops of each frame"),                              \
        OPTION_SPEC_FLAG("full-res", &(s).full_res, "crops of the whole scaled short side"),                         \
        OPTION_SPEC_NUMBER("scale-size", &(s).scale_size, 1, TSM_MAX_SCALE_SIZE, "pixels of the short side"),        \
        OPTION_SPEC_CHOICE("mode", &(s).mode, settings_modes, "whose pixels and scores to equal"),                   \
        OPTION_SPEC_TEXT("frames", "PATTERN", &(s).frames,                                                           \
                         "of a folder, such as img_#.jpg: which files are frames"),                                  \
        OPTION_SPEC_NUMBER("max-pixels", &(s).max_pixels, 1, 1 << 26,                                                \
                           "of a frame as it comes, 67108864 by default"),                                           \
        OPTION_SPEC_NUMBER("max-frames", &(s).max_frames, 1, 1 << 26, "of an input, 10000000 by default"),           \
        OPTION_SPEC_NUMBER("max-megabytes", &(s).max_megabytes, 1, 1 << 30, "of a file, 65536 by default"),          \
        SETTINGS_SPECS_TIMEOUT(s)

#define SETTINGS_SPECS_JSON(s) OPTION_SPEC_FLAG("json", &(s).json, "JSON on standard output, an object a line")

/* `labels` is the text of the labels, or NULL; it and the settings must outlive the options. */
tsm_model_options settings_model(const settings *s, const char *labels);
tsm_engine_options settings_engine(const settings *s);

/* Bytes that a file, and that clips and plans may have, and the seconds that an input may take. */
int64_t settings_max_bytes(const settings *s);
int64_t settings_max_memory(const settings *s);
int settings_timeout(const settings *s);

/* Frames and pixels as the model (NULL where there is none) wants them, flags first. */
tsm_video_options settings_video(const settings *s, const tsm_model_info *info);

/* The name of `value` among `choices`. Static string. */
const char *settings_name(const option_choice *choices, int value);

/* A number from 0 to 1 into *value; false where the text is anything else. */
bool settings_fraction(const char *text, double *value);

/* Says on stderr, in one line, which settings of a model nothing gives and were assumed; nothing where there are
 * none. */
void settings_report_doubts(const tsm_model_info *info, const char *path);

/* Loads the model that --model, $TSM_MODEL or the installation names, with the labels of --labels; `segments` is used
 * where it is not 0. *path, for reports, is released with free. */
tsm_status settings_load_model(const settings *s, int segments, tsm_model **model, char **path, tsm_error *error);

#endif
