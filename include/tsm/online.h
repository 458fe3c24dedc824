/* SPDX-License-Identifier: Apache-2.0 */
/*
 * online.h - live streams: recognition frame by frame, with the uni-directional temporal shift.
 *
 * Introduction
 *   In a network whose shifts take channels from the frame before alone, a frame needs nothing of the past but those
 *   channels. They are the state of a stream, a few hundred kilobytes, and every frame costs what it costs a 2D
 *   network. A tsm_online holds the states of many streams, one a slot, and takes a frame of any of them at a time:
 *
 *     tsm_model_options model_options = TSM_MODEL_OPTIONS_INIT;  model_options.shift_direction = TSM_UNIDIRECTIONAL;
 *     ... tsm_model_load, tsm_engine_create ...
 *     tsm_online_options options = TSM_ONLINE_OPTIONS_INIT;
 *     options.slots = 16;  options.height = options.width = 224;
 *     tsm_online_create(&online, engine, &options, &error);
 *     const int slots[] = { 3, 0, 7 };   three cameras have a frame: frames (3, 1, 224, 224, 3), logits (3, classes)
 *     tsm_online_push(online, slots, 3, &frames, &logits, NULL, &error);
 *
 * Rules are those of tsm.h. A tsm_online belongs to one thread at a time; it holds its engine, of which there may be
 * any number of others. A slot begins as before the first frame of a stream: its state is zero.
 *
 * Semantics follow section 3.3 of the paper that tsm.h names, and the online demo of its release.
 */
#ifndef TSM_ONLINE_H
#define TSM_ONLINE_H

#include <tsm/tsm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TSM_MAX_SLOTS 65536 /* streams of a tsm_online */

typedef struct tsm_online tsm_online;

/* How the logits of a stream's frames are combined. */
typedef enum tsm_consensus {
    TSM_CONSENSUS_NONE = 0,
    TSM_CONSENSUS_MEAN = 1,       /* of all frames since the stream began */
    TSM_CONSENSUS_WINDOW = 2,     /* mean of the last `window` frames, of fewer while there are no more */
    TSM_CONSENSUS_EXPONENTIAL = 3 /* weight * logits + (1 - weight) * what it was; the first frame is taken whole */
} tsm_consensus;

typedef struct tsm_online_options {
    size_t struct_size;
    int slots;         /* streams, 1..TSM_MAX_SLOTS */
    int batch;         /* frames that run in one go at most, 1..slots; 0: slots, but not above 16 */
    int height, width; /* pixels that the network reads, 1..TSM_MAX_SIDE */
    tsm_consensus consensus;
    int window;               /* frames, 1..TSM_MAX_SEGMENTS; of WINDOW alone */
    float weight;             /* 0 < weight <= 1; of EXPONENTIAL alone */
    const tsm_resize *resize; /* how uint8 frames are made height x width, as in tsm_context_plan_resize; NULL: they
                                 have that size */
} tsm_online_options;

#define TSM_ONLINE_OPTIONS_INIT                                                                                      \
    {                                                                                                                \
        sizeof(tsm_online_options), 1, 0, 0, 0, TSM_CONSENSUS_NONE, 0, 0, 0                                          \
    }

/* Makes the states of options->slots streams, zero, and everything that a push needs: plans for 1, 2, 4, ... and
 * `batch` frames. Blocking, as long as tsm_context_plan for each. The network must not look at frames to come: its
 * shifts are uni-directional, or it has none. Errors: UNSUPPORTED (the network looks ahead: by its shifts, by a
 * temporal pool or by non-local blocks; the text names the layer and says what to do), ARGUMENT, MEMORY (also more
 * than the engine's max_bytes, for the states or for the plans), DEVICE, CANCELLED. */
TSM_API tsm_status tsm_online_create(tsm_online **online, const tsm_engine *engine, const tsm_online_options *options,
                                     tsm_error *error);
TSM_API void tsm_online_destroy(tsm_online **online);

typedef struct tsm_online_info {
    size_t struct_size; /* set by the caller */
    int slots, batch, classes;
    uint64_t cache_bytes;     /* of the device, a slot: exactly its caches */
    uint64_t consensus_bytes; /* of the host, a slot */
    uint64_t saved_bytes;     /* of what tsm_online_save writes */
    uint64_t workspace_bytes; /* activations and workspace of all plans, as tsm_context_bytes */
} tsm_online_info;

#define TSM_ONLINE_INFO_INIT                                                                                         \
    {                                                                                                                \
        sizeof(tsm_online_info), 0, 0, 0, 0, 0, 0, 0                                                                 \
    }

/* Fills `info`. Errors: ARGUMENT. */
TSM_API tsm_status tsm_online_get_info(const tsm_online *online, tsm_online_info *info);

/* Takes one frame of each of `count` streams, those in slots[0..count-1], all different and in any order; the other
 * streams stay as they are. Blocking; allocates nothing. More than `batch` frames, and numbers of frames that are not
 * planned, run in several goes.
 *   frames     (count, 1, ...) as tsm_run takes them: uint8 TSM_NTHWC of the resize's size or of height x width, or
 *              float32 TSM_NTCHW
 *   logits     float32 TSM_NC (count, classes): of each frame by itself. NULL: not wanted
 *   consensus  float32 TSM_NC (count, classes), in host memory: of each stream as of this frame; NULL: not wanted
 * With a consensus logits must be in host memory. Streams in one batch get what each gets alone: the same bits where
 * a device sums in an order that does not depend on the number of frames, else as close as its precision is (a CPU:
 * 2e-5 of the largest logit in float32). Errors: ARGUMENT (a slot that does not exist, or is there twice; tensors as
 * for tsm_run; a stream that failed before), DEVICE, CANCELLED. What fails while it runs (CANCELLED, DEVICE, numbers
 * that are not finite) leaves the streams of that call between two frames: they take no frame until tsm_online_reset,
 * _copy or _restore makes them whole. What is refused before it runs changes nothing. */
TSM_API tsm_status tsm_online_push(tsm_online *online, const int *slots, int count, const tsm_tensor *frames,
                                   const tsm_tensor *logits, const tsm_tensor *consensus, tsm_error *error);

/* The number of frames that the stream has taken since it began; 0 for a slot that does not exist. */
TSM_API uint64_t tsm_online_frames(const tsm_online *online, int slot);

/* A new stream begins in `slot`; where that is -1, in every slot. Errors: ARGUMENT, DEVICE. */
TSM_API tsm_status tsm_online_reset(tsm_online *online, int slot, tsm_error *error);

/* Slot `to` becomes what slot `from` is, consensus and number of frames included. Errors: ARGUMENT, DEVICE. */
TSM_API tsm_status tsm_online_copy(tsm_online *online, int to, int from, tsm_error *error);

/* Writes the stream to `data`, which has `bytes` bytes, the saved_bytes of tsm_online_info: a version, the identity
 * of network and weights, sizes, number of frames, caches, consensus, and a checksum (docs/online.md). It can be
 * restored by any tsm_online of the same network, sizes, consensus and number format, on any device and in any slot.
 * Errors: ARGUMENT, DEVICE. */
TSM_API tsm_status tsm_online_save(tsm_online *online, int slot, void *data, size_t bytes, tsm_error *error);

/* Continues in `slot` the stream that was saved. The bytes need not be trusted: they are refused in one line, before
 * anything is changed, where they are damaged, of another version, network, size or consensus, or hold numbers that
 * are not finite. Errors: FORMAT, ARGUMENT, DEVICE. */
TSM_API tsm_status tsm_online_restore(tsm_online *online, int slot, const void *data, size_t bytes, tsm_error *error);

#ifdef __cplusplus
}
#endif
#endif
