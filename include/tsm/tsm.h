/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsm.h - libtsm: TSM (Temporal Shift Module) video action recognition.
 *
 * Introduction
 *   A model is what a checkpoint holds; an engine is a model made ready on one device; a context runs
 *   clips through an engine, one context a thread:
 *
 *     tsm_model *model = NULL;  tsm_engine *engine = NULL;  tsm_context *context = NULL;  tsm_error error;
 *     if (tsm_model_load(&model, "tsm.safetensors", NULL, &error) != TSM_OK) ...error.text...
 *     tsm_engine_create(&engine, model, NULL, &error);
 *     tsm_context_create(&context, engine, &error);
 *     tsm_context_plan(context, &(tsm_shape){.n = 1, .t = 8, .h = 224, .w = 224}, &error);
 *     tsm_run(context, &input, &output, &error);
 *
 * Rules for every function
 *   - Returns a tsm_status. On failure the error record, where one is given (NULL is fine), holds one line that
 *     names the thing and what is wrong; on success it is left as it was. Nothing prints, aborts or exits.
 *   - Out-parameters that create an object are written only on success, otherwise set to NULL.
 *   - Destroy functions take the address of the handle, accept NULL and handles that are NULL, and set it to NULL.
 *   - Option structs begin with struct_size = sizeof(the struct) and are otherwise zero by default: start from
 *     the *_INIT macro. A NULL options pointer means all defaults. Strings are UTF-8 and borrowed for the call.
 *   - Models and engines are immutable: any number of threads may use one. A context belongs to one thread at a time.
 *   - An engine needs no model and contexts hold their engine: objects may be destroyed in any order.
 *
 * Semantics follow Lin, Gan and Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019,
 * and its release (mit-han-lab/temporal-shift-module).
 */
#ifndef TSM_TSM_H
#define TSM_TSM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TSM_API __attribute__((visibility("default")))
#else
#define TSM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TSM_VERSION_MAJOR 0
#define TSM_VERSION_MINOR 1
#define TSM_VERSION_PATCH 0

/* The version of the library that is loaded, "major.minor.patch". Static string. */
TSM_API const char *tsm_version(void);

/* ---- Status and error record ------------------------------------------------------------------------------- */

/* Values are part of the ABI; gaps are left for finer codes. */
typedef enum tsm_status {
    TSM_OK = 0,
    TSM_ERROR_ARGUMENT = 10,    /* the caller passed something invalid: NULL, wrong dims, wrong dtype */
    TSM_ERROR_MEMORY = 20,      /* host or device memory could not be allocated */
    TSM_ERROR_IO = 30,          /* a file could not be opened, read or written */
    TSM_ERROR_FORMAT = 40,      /* a file is damaged, hostile, or not of the kind it should be */
    TSM_ERROR_MODEL = 50,       /* a checkpoint was read, but it is not a network that can be built */
    TSM_ERROR_UNSUPPORTED = 60, /* understood, but not available here (precision, device, mode) */
    TSM_ERROR_DEVICE = 70,      /* a device or one of its libraries refused or failed */
    TSM_ERROR_CANCELLED = 80,   /* the caller's own cancel function asked to stop */
    TSM_ERROR_INTERNAL = 90     /* a bug in libtsm */
} tsm_status;

#define TSM_ERROR_TEXT_BYTES 500

typedef struct tsm_error {
    tsm_status code;
    int device;                      /* index of the device concerned, -1 for none */
    char text[TSM_ERROR_TEXT_BYTES]; /* one line, no newline, always terminated */
} tsm_error;

/* The name of a status, such as "format error". Static string; never NULL. */
TSM_API const char *tsm_status_name(tsm_status status);

/* ---- Limits ------------------------------------------------------------------------------------------------ */

/* The largest values that options may have; every function that takes such a number checks it against these. */
#define TSM_MAX_SEGMENTS   1024  /* frames of a clip */
#define TSM_MAX_SHIFT_DIV  8192  /* n_div */
#define TSM_MAX_INPUT_SIZE 4096  /* pixels a side of what a network reads */
#define TSM_MAX_SCALE_SIZE 8192  /* pixels of the short side that crops are cut from */
#define TSM_MAX_THREADS    1024  /* CPU threads */
#define TSM_MAX_SIDE       16384 /* pixels a side of a frame, as it comes or scaled */

/* Releases memory that a libtsm function handed to the caller (each such function says so). NULL is fine. */
TSM_API void tsm_free(void *memory);

/* ---- Tensors ----------------------------------------------------------------------------------------------- */

typedef enum tsm_dtype { TSM_FLOAT32 = 0, TSM_FLOAT16 = 1, TSM_BFLOAT16 = 2, TSM_UINT8 = 3 } tsm_dtype;

typedef enum tsm_memory {
    TSM_MEMORY_HOST = 0,
    TSM_MEMORY_PINNED = 1, /* page-locked host memory */
    TSM_MEMORY_DEVICE = 2
} tsm_memory;

/* Order of the dimensions in memory, outermost first; always dense. */
typedef enum tsm_layout {
    TSM_NTCHW = 0, /* clips, segments, channels, height, width: as PyTorch holds them */
    TSM_NTHWC = 1, /* channels last: as images are decoded */
    TSM_NC = 2,    /* clips, classes: logits */
    TSM_NTC = 3    /* clips, segments, classes: logits of every frame */
} tsm_layout;

/* A view of the caller's memory; libtsm never frees `data`. dims are listed in the order of `layout`. */
typedef struct tsm_tensor {
    void *data;
    tsm_memory memory;
    int device; /* index of the device for TSM_MEMORY_DEVICE, otherwise ignored */
    tsm_dtype dtype;
    tsm_layout layout;
    int ndim;
    int64_t dims[5];
} tsm_tensor;

/* A view of `count` clips, the first of which is clip `first` of `tensor`: *slice is `tensor` with dims[0] = count
 * and with data advanced, and is valid as long as the memory of `tensor`. Works for every dtype, memory and layout.
 * Errors: ARGUMENT (`tensor` has fewer clips than that; a dimension is negative or too large). */
TSM_API tsm_status tsm_tensor_slice(const tsm_tensor *tensor, int64_t first, int64_t count, tsm_tensor *slice,
                                    tsm_error *error);

/* ---- Model: a checkpoint, understood ----------------------------------------------------------------------- */

typedef struct tsm_model tsm_model;

typedef enum tsm_shift_place {
    TSM_PLACE_FROM_FILE = 0,
    TSM_PLACE_BLOCKRES = 1, /* before the first convolution of a block; the identity is not shifted */
    TSM_PLACE_BLOCK = 2     /* before the whole block; the identity is shifted too */
} tsm_shift_place;

/* Which frames a shift takes channels from. */
typedef enum tsm_shift_direction {
    TSM_DIRECTION_FROM_FILE = 0,
    TSM_BIDIRECTIONAL = 1,  /* first fold from the next frame, second from the one before: MIT, mmaction2 */
    TSM_UNIDIRECTIONAL = 2, /* one fold, from the frame before: networks of live streams */
    TSM_MIRRORED = 3        /* first fold from the frame before, second from the next: PaddleVideo */
} tsm_shift_direction;

/* How a non-local block turns scores into weights. */
typedef enum tsm_nonlocal {
    TSM_NONLOCAL_NONE = 0,
    TSM_NONLOCAL_EMBEDDED_GAUSSIAN = 1, /* softmax of theta phi, unscaled */
    TSM_NONLOCAL_DOT_PRODUCT = 2,       /* theta phi, divided by the number of positions */
    TSM_NONLOCAL_GAUSSIAN = 3           /* softmax of the scores of x itself */
} tsm_nonlocal;

/* Settings that override those of the file. Zero means "as the file says". */
typedef struct tsm_model_options {
    size_t struct_size;
    const char *arch; /* "resnet50": a name of docs/models.md */
    int segments;     /* T, frames of a clip, 1..TSM_MAX_SEGMENTS */
    int shift_div;    /* n_div: C / n_div channels move each way */
    tsm_shift_place shift_place;
    int no_shift;       /* non-zero: run the weights as the 2D baseline TSN */
    int input_size;     /* pixels, height and width of the centre crop that `classify` feeds */
    const char *labels; /* class names, one a line */
    tsm_shift_direction shift_direction;
    tsm_nonlocal nonlocal;   /* for networks that have non-local blocks; an error for others */
    const char *labels_name; /* where `labels` come from, such as a path, for errors about them; NULL: unknown */
    /* Key of the dictionary in a PyTorch file that holds the weights, such as "state_dict" or "model.ema". "ema_*"
     * takes the averages that mmcv stores beside the weights. NULL: "state_dict" where that
     * holds a network, otherwise the first dictionary that does and is no average. */
    const char *weights_key;
    int (*cancel)(void *user); /* asked between pieces of the file and between layers: loading ends with CANCELLED
                                  where it returns anything but 0; NULL: never */
    void *cancel_user;
} tsm_model_options;

#define TSM_MODEL_OPTIONS_INIT                                                                                       \
    {                                                                                                                \
        sizeof(tsm_model_options), 0, 0, 0, TSM_PLACE_FROM_FILE, 0, 0, 0, TSM_DIRECTION_FROM_FILE,                   \
            TSM_NONLOCAL_NONE, 0, 0, 0, 0                                                                            \
    }

/* Reads the checkpoint at `path`: safetensors, a PyTorch file (zip or legacy stream) or PaddlePaddle's (a pickle of
 * NumPy arrays), with the tensor names of the MIT release and its online demo, of mmaction2, PaddleVideo or
 * torchvision (docs/models.md). If neither options nor metadata set segments, n_div, placement or the mode of
 * non-local blocks, these are taken from the file's name, where that has the form of the MIT release or mmaction2
 * ("TSM_..._shift8_blockres_..._segment16_...pth"). Blocking; the only I/O of this library. The file is read once,
 * into memory that the model owns. Untrusted files are safe: nothing is executed, and allocation is bounded by the
 * file's size. Errors: IO, FORMAT, MODEL (a tensor is missing, unexpected, or of the wrong shape; labels do not match
 * classes; a weight is not finite), ARGUMENT, CANCELLED, MEMORY. */
TSM_API tsm_status tsm_model_load(tsm_model **model, const char *path, const tsm_model_options *options,
                                  tsm_error *error);

/* As tsm_model_load, from the buffer `data` of `bytes` bytes, which may be freed after the call. Errors name `name`
 * where they would name the path. */
TSM_API tsm_status tsm_model_load_memory(tsm_model **model, const void *data, size_t bytes, const char *name,
                                         const tsm_model_options *options, tsm_error *error);

/* Engines do not need their model: destroying it after tsm_engine_create returns its memory. */
TSM_API void tsm_model_destroy(tsm_model **model);

typedef struct tsm_model_info {
    size_t struct_size; /* set by the caller */
    const char *format; /* container: "safetensors", "PyTorch zip", "PyTorch legacy stream", "NumPy pickle" */
    const char *naming; /* whose tensor names: "MIT", "MIT online", "mmaction2", "PaddleVideo", "torchvision" */
    const char *arch;   /* "resnet50" */
    int width;          /* channels of the stem, 64 in the published networks */
    int segments;       /* T */
    int classes;
    int shift_div; /* 0: TSN, no shift */
    tsm_shift_place shift_place;
    int shifts;            /* number of temporal shifts in the network */
    int in_channels;       /* 3 for RGB */
    int input_size;        /* crop, pixels */
    int scale_size;        /* short side before the crop, pixels */
    float mean[3], std[3]; /* per channel, for pixels scaled to 0..1 */
    const char *dtype;     /* of the stored weights: "F32", "F16", "BF16", "F64", "mixed" */
    uint64_t parameters;   /* weights and biases, batch norm statistics not counted */
    uint64_t macs;         /* multiply-adds of one clip of T frames of input_size x input_size */
    int has_labels;
    int temporal_pool; /* non-zero: half of the frames are left from layer2 on */
    tsm_shift_direction shift_direction;
    tsm_nonlocal nonlocal; /* of all its non-local blocks */
    int nonlocal_blocks;
    const char
        *doubts; /* settings that neither options nor file give, and what was assumed, one a line; NULL: none */
    const char *weights;       /* key of the dictionary that holds the weights; NULL: they are in no dictionary */
    const char *other_weights; /* keys of other dictionaries that hold such a network too, one a line; NULL: none */
    const char *prefix;        /* removed from all tensor names, such as "module.model."; NULL: nothing */
    const char *left_out;      /* tensors that no network needs: "53 num_batches_tracked, 106 thop"; NULL: none */
    int groups; /* of the 3x3 convolutions in bottlenecks: 1, or 32 and more in ResNeXt; 0: no bottlenecks */
    int bottleneck_width; /* channels of these convolutions in layer1 */
} tsm_model_info;

#define TSM_MODEL_INFO_INIT                                                                                          \
    {                                                                                                                \
        sizeof(tsm_model_info), 0, 0, 0, 0, 0, 0, 0, TSM_PLACE_FROM_FILE, 0, 0, 0, 0, { 0, 0, 0 }, { 0, 0, 0 }, 0,   \
            0, 0, 0, 0, TSM_DIRECTION_FROM_FILE, TSM_NONLOCAL_NONE, 0, 0, 0, 0, 0, 0, 0, 0                           \
    }

/* Fills `info`; strings live as long as the model. Errors: ARGUMENT. */
TSM_API tsm_status tsm_model_get_info(const tsm_model *model, tsm_model_info *info);

/* The name of class `index`, or NULL where the model has no labels or no such class. Lives as long as the model. */
TSM_API const char *tsm_model_label(const tsm_model *model, int index);

/* Logits (count, classes) of pooled features (count, values), by the model's own classifier, in double precision:
 * what an engine without tsm_engine_options.features gives, up to rounding. `values` must be the classifier's inputs.
 * Errors: ARGUMENT. */
TSM_API tsm_status tsm_model_classify(const tsm_model *model, const float *features, int count, int values,
                                      float *logits, tsm_error *error);

typedef struct tsm_model_serialize_options {
    size_t struct_size;
    int half; /* non-zero: every tensor is rounded to float16, instead of keeping its type */
} tsm_model_serialize_options;

#define TSM_MODEL_SERIALIZE_OPTIONS_INIT                                                                             \
    {                                                                                                                \
        sizeof(tsm_model_serialize_options), 0                                                                       \
    }

/* Writes the model, as it was understood and as options changed it, as a safetensors file into memory: tensor names
 * of the MIT release without "module.", and metadata that says all of a tsm_model_info that names and shapes do not.
 * Loaded again it is the same network, to the bit where `half` is 0 (float64 is stored as the float32 that it was
 * loaded as), and serialises to the same bytes. On success *data is the caller's, *bytes long, to be released with
 * tsm_free: the only copy of the weights that is made. Errors: MODEL (with `half`, a value that float16 cannot hold,
 * naming the tensor; labels that are not UTF-8), ARGUMENT, MEMORY. */
TSM_API tsm_status tsm_model_serialize(const tsm_model *model, const tsm_model_serialize_options *options,
                                       void **data, size_t *bytes, tsm_error *error);

/* One clip batch: n clips of t frames of h x w pixels. t == 0 means the model's number of segments. n is 1..1048576,
 * t 0..65536, h and w 1..TSM_MAX_SIDE; a device may take less, as may its memory. */
typedef struct tsm_shape {
    int n, t, h, w;
} tsm_shape;

/* Describes the layer graph for `shape` as text, before (optimized == 0) or after the passes: one line a node, with
 * its shape, shift, fused parts and place in the arena. On success *text is the caller's, to be released with
 * tsm_free. Errors: ARGUMENT, MEMORY. */
TSM_API tsm_status tsm_model_graph_text(const tsm_model *model, const tsm_shape *shape, int optimized, char **text,
                                        tsm_error *error);

/* ---- Engine: a model made ready on a device ---------------------------------------------------------------- */

typedef struct tsm_engine tsm_engine;

typedef enum tsm_precision {
    TSM_PRECISION_FP32 = 0,
    TSM_PRECISION_TF32 = 1,
    TSM_PRECISION_FP16 = 2,
    TSM_PRECISION_BF16 = 3,
    TSM_PRECISION_INT8 = 4,
    TSM_PRECISION_FP8 = 5
} tsm_precision;

/* How a shift before a convolution is carried out. All of them give the same result, to the bit. */
typedef enum tsm_shift_method {
    TSM_SHIFT_AUTO = 0,    /* the fastest known for the device */
    TSM_SHIFT_COPY = 1,    /* one strided copy of the whole tensor */
    TSM_SHIFT_OVERLAP = 2, /* only the channels that move are copied, beside the tensor */
    TSM_SHIFT_INPLACE = 3, /* the channels that move are moved in place and moved back after the convolution */
    TSM_SHIFT_GATHER = 4   /* no copy: the convolution reads each fold at its shifted row */
} tsm_shift_method;

/* A choice with a default. */
typedef enum tsm_toggle { TSM_TOGGLE_DEFAULT = 0, TSM_TOGGLE_ON = 1, TSM_TOGGLE_OFF = 2 } tsm_toggle;

typedef struct tsm_engine_options {
    size_t struct_size;
    /* "auto" (the GPU where there is one), "cpu", "cuda", "cuda:N", "reference" (plain C, slow). NULL: "auto". */
    const char *device;
    tsm_precision precision;

    /* On a CPU, 0..TSM_MAX_THREADS; never more are used than there are CPUs that the process may use by its affinity
     * mask and control group. 0: as many as those, or as OMP_NUM_THREADS says. An engine of more than one thread
     * cannot be used inside an OpenMP parallel region, nor in a child process after a fork: ARGUMENT. */
    int threads;
    tsm_shift_method shift_method;
    int per_frame; /* non-zero: the output has the logits of every frame instead of their mean */

    /* On a GPU. By default as the environment variables TSM_CUDA_GRAPH, TSM_CUDA_TUNE and TSM_CUDA_NVTX say ("on" or
     * "off") when the engine is created; without them graphs and tuning are on, ranges off. */
    tsm_toggle cuda_graphs; /* one CUDA graph a plan; off: kernel by kernel */
    tsm_toggle cuda_tuning; /* plans time the candidates for each convolution; off: a fixed order */
    tsm_toggle cuda_ranges; /* without graphs, an NVTX range a layer for profilers */
    /* The folder in which choices are kept. NULL: the environment variable TSM_CACHE_DIR, else $XDG_CACHE_HOME/tsm,
     * else ~/.cache/tsm; "": they are not kept. */
    const char *cache_dir;

    /* The most bytes of the device's memory that the plans of one context may take; 0: no limit. Memory for frames
     * that are resized on the host is counted apart, against the same limit. A plan that needs more fails with MEMORY
     * before it allocates anything. */
    uint64_t max_bytes;

    /* Asked every few milliseconds by tsm_engine_create, tsm_context_plan and tsm_run (on a CPU between layers; on a
     * GPU not once the work is launched); a value other than 0 makes them fail with CANCELLED. Must be safe to call
     * from every thread that uses the engine, until its last context is destroyed. NULL: never. */
    int (*cancel)(void *user);
    void *cancel_user;

    /* Non-zero: the output is the features of a clip in place of its logits: what is pooled over space and time
     * before the classifier, (n, features), or with per_frame (n, t, features). tsm_model_classify makes logits of
     * them. */
    int features;
} tsm_engine_options;

#define TSM_ENGINE_OPTIONS_INIT                                                                                      \
    {                                                                                                                \
        sizeof(tsm_engine_options), 0, TSM_PRECISION_FP32, 0, TSM_SHIFT_AUTO, 0, TSM_TOGGLE_DEFAULT,                 \
            TSM_TOGGLE_DEFAULT, TSM_TOGGLE_DEFAULT, 0, 0, 0, 0, 0                                                    \
    }

/* Folds, fuses and prepacks the weights of `model` for a device. Blocking; takes tens of milliseconds on a CPU. The
 * engine keeps nothing of the model. Errors: UNSUPPORTED, DEVICE (no such device; the text says why), ARGUMENT,
 * MEMORY, CANCELLED. */
TSM_API tsm_status tsm_engine_create(tsm_engine **engine, const tsm_model *model, const tsm_engine_options *options,
                                     tsm_error *error);

/* Contexts hold their engine, so that both may be destroyed in any order. The engine's memory is released with the
 * last of them. */
TSM_API void tsm_engine_destroy(tsm_engine **engine);

typedef struct tsm_engine_info {
    size_t struct_size;  /* set by the caller */
    const char *device;  /* "cpu", "reference", "cuda:0" */
    const char *library; /* what computes, "oneDNN 2.6.3" */
    tsm_precision precision;
    int threads;
    tsm_shift_method shift_method; /* as chosen; AUTO where every plan chooses for its own shape */
    uint64_t weight_bytes;         /* prepacked weights */
    const char *note; /* one line on what was found but ignored: "cache PATH: damaged, ignored"; NULL: nothing */
    int segments;     /* T of its model */
    int values;       /* of a clip's output, or with per_frame of a frame's: classes, or features */
    int per_frame;
} tsm_engine_info;

#define TSM_ENGINE_INFO_INIT                                                                                         \
    {                                                                                                                \
        sizeof(tsm_engine_info), 0, 0, TSM_PRECISION_FP32, 0, TSM_SHIFT_AUTO, 0, 0, 0, 0, 0                          \
    }

/* Fills `info`; strings live as long as the engine. Errors: ARGUMENT. */
TSM_API tsm_status tsm_engine_get_info(const tsm_engine *engine, tsm_engine_info *info);

/* Allocates `bytes` bytes of host memory for tensors of this engine. *memory is its kind: TSM_MEMORY_PINNED where the
 * device is a GPU, which copies from there fastest, otherwise TSM_MEMORY_HOST. *data is the caller's, may be used by
 * any thread, and is to be released with tsm_engine_release while the engine lives. Page-locking takes milliseconds:
 * allocate once, and reuse the memory. Errors: MEMORY, DEVICE, ARGUMENT. */
TSM_API tsm_status tsm_engine_allocate(const tsm_engine *engine, size_t bytes, void **data, tsm_memory *memory,
                                       tsm_error *error);
TSM_API void tsm_engine_release(const tsm_engine *engine, void *data);

/* How a layer of a model would run. */
typedef struct tsm_support_row {
    const char *device; /* "cpu", "cuda:0": the same in every row */
    const char *layer;  /* "base_model.layer1.0.conv1" */
    const char *op;     /* "conv", "maxpool", "input" */
    int supported;      /* 0: it cannot run there */
    const char *how;    /* "1x1 as a matrix product, shift gathered"; where it cannot run, why not */
} tsm_support_row;

/* Tells how every layer of `model`, as the passes leave it, would run with `options`, without making anything ready:
 * one row a layer, in the order in which they run. Needs the device's libraries, but not the device; "auto" is the
 * first device whose libraries are there and that supports every layer. On success *rows, which has *count rows and
 * all their strings, is the caller's, to be released with tsm_free. Errors: ARGUMENT, DEVICE (its libraries are not
 * there), MEMORY. */
TSM_API tsm_status tsm_model_support(const tsm_model *model, const tsm_engine_options *options,
                                     tsm_support_row **rows, int *count, tsm_error *error);

/* ---- Context: workspace of one thread ---------------------------------------------------------------------- */

typedef struct tsm_context tsm_context;

/* Makes an empty context, which holds its engine. Errors: MEMORY, ARGUMENT. */
TSM_API tsm_status tsm_context_create(tsm_context **context, const tsm_engine *engine, tsm_error *error);
TSM_API void tsm_context_destroy(tsm_context **context);

/* Adds a plan: everything that runs of `shape` need. A context may have plans of any number of shapes. They share one
 * arena, which is as large as the largest of them needs; while it grows, the old one and the new one exist together.
 * A shape that is planned already costs nothing. Height and width may be any that leave at least one pixel after the
 * network's strides. Plans are dropped together, with tsm_context_drop_plans, or with the context. Errors: ARGUMENT,
 * MEMORY, DEVICE, CANCELLED; on failure the context keeps the plans that it had. */
TSM_API tsm_status tsm_context_plan(tsm_context *context, const tsm_shape *shape, tsm_error *error);

/* Drops all plans and releases their memory. NULL is fine. */
TSM_API void tsm_context_drop_plans(tsm_context *context);

/* Frames that do not have the plan's size yet: they are scaled, then cropped to shape->h x shape->w at (x, y). All in
 * pixels. */
typedef struct tsm_resize {
    size_t struct_size;
    int width, height;               /* of the frames that come in, 1..TSM_MAX_SIDE */
    int scaled_width, scaled_height; /* what they are scaled to, 1..TSM_MAX_SIDE; both 0: they keep their size */
    int x, y;                        /* left and top of the crop, which lies within the scaled frame */
    int mirror;                      /* non-zero: the crop is mirrored left to right */
} tsm_resize;

#define TSM_RESIZE_INIT                                                                                              \
    {                                                                                                                \
        sizeof(tsm_resize), 0, 0, 0, 0, 0, 0, 0                                                                      \
    }

/* As tsm_context_plan, for runs whose uint8 input is (n, t, resize->height, resize->width, 3). The frames are scaled
 * bilinearly with antialias, byte for byte as Pillow and tsm_resize_rgb (TSM_MODE_MIT) do it, and then cropped; on a
 * GPU the device does it. float32 input is of `shape`, as without a resize. The plan replaces one of the same shape
 * for frames of the same size. `resize` NULL: as tsm_context_plan. Errors: as tsm_context_plan; ARGUMENT also for a
 * crop that leaves the scaled frame, and for a network whose input does not have 3 channels. */
TSM_API tsm_status tsm_context_plan_resize(tsm_context *context, const tsm_shape *shape, const tsm_resize *resize,
                                           tsm_error *error);

/* Bytes of activations and workspace that the context holds for all of its plans; 0 without a plan. */
TSM_API uint64_t tsm_context_bytes(const tsm_context *context);

/* Runs one batch. Blocking; allocates nothing. It uses the plan that fits the dims of `input`; where several do
 * (plans with and without a resize have the same float32 input), the one that was planned last.
 *   input   float32 TSM_NTCHW (n, t, channels, h, w), already normalised; or uint8 TSM_NTHWC (n, t, h, w, 3), RGB,
 *           which is normalised with the model's mean and std. In a plan with a tsm_resize h and w of uint8 frames
 *           are the height and width of that.
 *   output  float32 TSM_NC (n, classes): logits, the mean over t of the logits of the frames. Of an engine with
 *           per_frame TSM_NTC (n, t, classes), where t is the number of frames that a temporal pool leaves.
 * Both may be in host memory, pinned or not, or in the memory of the engine's own device. What is in device memory
 * must be complete when this is called: it waits for none of the caller's streams.
 * Errors: ARGUMENT (no plan fits, naming the input's dims and those that are planned; a tensor that does not match; a
 * value of the input or a logit that is not finite, naming clip and frame), DEVICE, CANCELLED. */
TSM_API tsm_status tsm_run(tsm_context *context, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error);

/* As tsm_run, but puts the work on the caller's CUDA stream `stream` (a cudaStream_t; NULL: the default stream) and
 * returns without waiting for it. Never synchronises, never allocates, and may be captured in a CUDA graph. `input`
 * and `output` must be in pinned or device memory, and must stay valid and unchanged until the stream has done the
 * work. A context has one workspace: what it enqueues on different streams runs one after the other, and so does a
 * tsm_run after it; work that was captured is for the caller to order. Values that are not finite are not looked for.
 * Errors: as tsm_run; UNSUPPORTED on a device without streams; ARGUMENT for pageable memory. */
TSM_API tsm_status tsm_enqueue(tsm_context *context, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                               tsm_error *error);

/* A step of a run. A layer may take several steps, one after another. */
typedef struct tsm_profile_row {
    const char *layer; /* "base_model.layer1.0.conv1" */
    const char *how;   /* what does it: "oneDNN brgconv:avx512_core", "gather 1x1 AVX-512", "loop" */
    double ms;         /* median over the runs */
    uint64_t bytes;    /* of activations and weights that the layer has to read and write: in the row of its longest
                          step, 0 in its other rows */
    uint64_t macs;     /* multiply-adds of the layer: in the row of its longest step, 0 in its other rows */
} tsm_profile_row;

#define TSM_PROFILE_HOW 80 /* bytes of `how` at most, with the zero that ends it */

/* Measures each step of a run: runs `input` (NULL: zeros, float32, of the shape that was planned last) once to warm
 * up, then `runs` times, 1..1000. Time is taken by the clock on a CPU, and by events, without a CUDA graph, on a GPU.
 * Slower than tsm_run, as every step is waited for. On success *rows, which has *count rows and all their strings, is
 * the caller's, to be released with tsm_free. Errors: as tsm_run, MEMORY. */
TSM_API tsm_status tsm_context_profile(tsm_context *context, const tsm_tensor *input, int runs,
                                       tsm_profile_row **rows, int *count, tsm_error *error);

#ifdef __cplusplus
}
#endif
#endif
