/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint_writer.h - makes safetensors files in memory: whole networks with the key names of the MIT release,
 * whose tensors a test can then change, drop or add to before the bytes are made.
 */
#ifndef TSM_TESTS_CHECKPOINT_WRITER_H
#define TSM_TESTS_CHECKPOINT_WRITER_H

#include <stdarg.h>
#include <stdbool.h>

#include "support.h"

typedef struct written_tensor {
    char name[128];
    const char *dtype; /* "F32" (the default), "F16", "BF16", "F64", "I64" */
    int ndim;
    int64_t dims[5];
    float *values; /* as many as dims make; owned */
} written_tensor;

typedef struct checkpoint_writer {
    written_tensor *tensors;
    int count;
    char metadata[4000]; /* the inside of the JSON object, "\"segments\":\"8\""; empty: no metadata */
} checkpoint_writer;

/* Which network to write; what is zero takes the default in brackets. */
typedef struct written_network {
    const char *arch;   /* [resnet18] */
    int width;          /* [8] */
    int in_channels;    /* [3] */
    int classes;        /* [5] */
    const char *mark;   /* ".net." marks: NULL [none], "blockres", "block" */
    const char *prefix; /* [""], "module." */
    const char *fc;     /* ["new_fc"], "base_model.fc" */
    int inner, groups;  /* of the 3x3 in bottlenecks: channels in layer1 [width], groups [1] */
} written_network;

/* snprintf into the room of a name, which must be enough. */
__attribute__((format(printf, 2, 3))) static inline void written_name(char name[128], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(name, 128, format, arguments), 128);
    va_end(arguments);
}

static inline int64_t written_count(const written_tensor *tensor)
{
    int64_t count = 1;

    for (int i = 0; i < tensor->ndim; i++) count *= tensor->dims[i];
    return count;
}

/* Appends a tensor of `value` +- a little hashed noise. */
static inline written_tensor *writer_add(checkpoint_writer *writer, const char *name, float value, float noise,
                                         int ndim, const int64_t *dims)
{
    written_tensor *tensor;
    int64_t count;

    writer->tensors = realloc(writer->tensors, (size_t)(writer->count + 1) * sizeof *writer->tensors);
    ck_assert_ptr_nonnull(writer->tensors);
    tensor = &writer->tensors[writer->count];
    memset(tensor, 0, sizeof *tensor);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->dtype = "F32";
    tensor->ndim = ndim;
    for (int i = 0; i < ndim; i++) tensor->dims[i] = dims[i];
    count = written_count(tensor);
    tensor->values = malloc((size_t)(count ? count : 1) * sizeof(float));
    ck_assert_ptr_nonnull(tensor->values);
    for (int64_t i = 0; i < count; i++)
        tensor->values[i] = value + noise * hashed_value((uint32_t)i, (uint32_t)writer->count + 1);
    writer->count++;
    return tensor;
}

static inline written_tensor *writer_find(checkpoint_writer *writer, const char *name)
{
    for (int i = 0; i < writer->count; i++)
        if (strcmp(writer->tensors[i].name, name) == 0) return &writer->tensors[i];
    ck_abort_msg("the writer has no tensor %s", name);
    return NULL;
}

static inline void writer_remove(checkpoint_writer *writer, const char *name)
{
    written_tensor *tensor = writer_find(writer, name);

    free(tensor->values);
    *tensor = writer->tensors[--writer->count];
}

static inline void writer_clear(checkpoint_writer *writer)
{
    for (int i = 0; i < writer->count; i++) free(writer->tensors[i].values);
    free(writer->tensors);
    memset(writer, 0, sizeof *writer);
}

static inline void writer_add_conv(checkpoint_writer *writer, const char *name, int64_t out, int64_t in,
                                   int64_t kernel)
{
    char full[128];

    written_name(full, "%s.weight", name);
    writer_add(writer, full, 0, 1.f / (float)sqrt((double)(in * kernel * kernel)), 4,
               (int64_t[]){ out, in, kernel, kernel });
}

static inline void writer_add_batchnorm(checkpoint_writer *writer, const char *name, int64_t channels)
{
    static const struct {
        const char *suffix;
        float value, noise;
    } parts[] = { { "weight", 1, .2f }, { "bias", 0, .2f }, { "running_mean", 0, .2f }, { "running_var", 1, .2f } };
    char full[128];

    for (int i = 0; i < 4; i++) {
        written_name(full, "%s.%s", name, parts[i].suffix);
        writer_add(writer, full, parts[i].value, parts[i].noise, 1, &channels);
    }
    written_name(full, "%s.num_batches_tracked", name);
    writer_add(writer, full, 7, 0, 0, NULL)->dtype = "I64";
}

/* A block of `width` channels inside, in so many groups; `mark` marks its shift. Returns the channels that leave
 * it. */
static inline int64_t writer_add_block(checkpoint_writer *writer, const char *prefix, bool bottleneck, int64_t in,
                                       int64_t width, int64_t out, int64_t groups, bool strided, const char *mark)
{
    const char *net = mark && strcmp(mark, "block") == 0 ? "net." : "";
    const char *conv_net = mark && strcmp(mark, "blockres") == 0 ? ".net" : "";
    char name[128];

    for (int i = 1; i <= (bottleneck ? 3 : 2); i++) {
        bool last = i == (bottleneck ? 3 : 2);

        written_name(name, "%s%sconv%d%s", prefix, net, i, i == 1 ? conv_net : "");
        writer_add_conv(writer, name, last ? out : width,
                        i == 1                 ? in
                        : bottleneck && i == 2 ? width / groups
                                               : width,
                        bottleneck && i != 2 ? 1 : 3);
        written_name(name, "%s%sbn%d", prefix, net, i);
        writer_add_batchnorm(writer, name, last ? out : width);
    }
    if (strided || in != out) {
        written_name(name, "%s%sdownsample.0", prefix, net);
        writer_add_conv(writer, name, out, in, 1);
        written_name(name, "%s%sdownsample.1", prefix, net);
        writer_add_batchnorm(writer, name, out);
    }
    return out;
}

static inline void writer_add_network(checkpoint_writer *writer, const written_network *network)
{
    static const struct {
        const char *name;
        int blocks[4];
        bool bottleneck;
    } archs[] = { { "resnet18", { 2, 2, 2, 2 }, false },
                  { "resnet34", { 3, 4, 6, 3 }, false },
                  { "resnet50", { 3, 4, 6, 3 }, true },
                  { "resnet101", { 3, 4, 23, 3 }, true },
                  { "resnet152", { 3, 8, 36, 3 }, true } };
    const char *prefix = network->prefix ? network->prefix : "", *fc = network->fc ? network->fc : "new_fc";
    int width = network->width ? network->width : 8, inner = network->inner ? network->inner : width, arch = 0;
    int64_t channels = width, classes = network->classes ? network->classes : 5;
    char name[128];

    while (network->arch && strcmp(archs[arch].name, network->arch) != 0) arch++;
    written_name(name, "%sbase_model.conv1", prefix);
    writer_add_conv(writer, name, width, network->in_channels ? network->in_channels : 3, 7);
    written_name(name, "%sbase_model.bn1", prefix);
    writer_add_batchnorm(writer, name, width);
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < archs[arch].blocks[stage]; block++) {
            /* The release's rule: in blockres, deep networks shift every second block. */
            bool skip = network->mark && strcmp(network->mark, "blockres") == 0 && archs[arch].blocks[2] >= 23 &&
                        block % 2 == 1;

            written_name(name, "%sbase_model.layer%d.%d.", prefix, stage + 1, block);
            channels = writer_add_block(writer, name, archs[arch].bottleneck, channels, (int64_t)inner << stage,
                                        ((int64_t)width << stage) * (archs[arch].bottleneck ? 4 : 1),
                                        network->groups ? network->groups : 1, stage > 0 && block == 0,
                                        skip ? NULL : network->mark);
        }
    written_name(name, "%s%s.weight", prefix, fc);
    writer_add(writer, name, 0, 1.f / (float)sqrt((double)channels), 2, (int64_t[]){ classes, channels });
    written_name(name, "%s%s.bias", prefix, fc);
    writer_add(writer, name, 0, .1f, 1, &classes);
}

/* float32 to float16 by truncation: exact for what the tests compare. */
static inline uint16_t written_half(float value)
{
    union {
        float f;
        uint32_t u;
    } v = { value };
    int exponent = (int)(v.u >> 23 & 0xff) - 112;

    if ((v.u & 0x7fffffff) > 0x7f800000) return 0x7e00;
    if (exponent >= 31) return (uint16_t)(v.u >> 16 & 0x8000) | 0x7c00;
    if (exponent <= 0) return (uint16_t)(v.u >> 16 & 0x8000);
    return (uint16_t)((v.u >> 16 & 0x8000) | (uint32_t)exponent << 10 | (v.u >> 13 & 0x3ff));
}

static inline size_t write_element(uint8_t *out, const char *dtype, float value)
{
    uint16_t half = written_half(value);
    uint32_t bits;
    double wide = value;
    int64_t integer = strcmp(dtype, "I64") == 0 ? (int64_t)value : 0;

    memcpy(&bits, &value, sizeof bits);
    if (strcmp(dtype, "F16") == 0) return memcpy(out, &half, 2), 2;
    half = (uint16_t)(bits >> 16);
    if (strcmp(dtype, "BF16") == 0) return memcpy(out, &half, 2), 2;
    if (strcmp(dtype, "F64") == 0) return memcpy(out, &wide, 8), 8;
    if (strcmp(dtype, "I64") == 0) return memcpy(out, &integer, 8), 8;
    return memcpy(out, &value, 4), 4;
}

/* A file of a literal header and `bytes` zero bytes of data; the caller frees it. */
static inline uint8_t *write_raw(const char *header, size_t data_bytes, size_t *bytes)
{
    uint64_t length = strlen(header);
    uint8_t *file;

    *bytes = 8 + (size_t)length + data_bytes;
    file = calloc(*bytes, 1);
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)(length >> 8 * i);
    memcpy(file + 8, header, (size_t)length);
    return file;
}

/* The bytes of the file, to be freed by the caller. `pad` spaces follow the JSON, to move the data about. */
static inline uint8_t *writer_bytes(const checkpoint_writer *writer, size_t pad, size_t *bytes)
{
    size_t room = 8000 + (size_t)writer->count * 300 + pad, used = 0, data = 0;
    char *header = malloc(room);
    uint8_t *file, *at, scratch[8];

    ck_assert_ptr_nonnull(header);
    used += (size_t)snprintf(header, room, "{");
    if (*writer->metadata)
        used += (size_t)snprintf(header + used, room - used, "\"__metadata__\":{%s},", writer->metadata);
    for (int i = 0; i < writer->count; i++) {
        const written_tensor *tensor = &writer->tensors[i];
        size_t size = (size_t)written_count(tensor) * write_element(scratch, tensor->dtype, 0);

        used += (size_t)snprintf(header + used, room - used, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "",
                                 tensor->name, tensor->dtype);
        for (int d = 0; d < tensor->ndim; d++)
            used += (size_t)snprintf(header + used, room - used, "%s%lld", d ? "," : "", (long long)tensor->dims[d]);
        used += (size_t)snprintf(header + used, room - used, "],\"data_offsets\":[%zu,%zu]}", data, data + size);
        data += size;
    }
    used += (size_t)snprintf(header + used, room - used, "}%*s", (int)pad, "");
    ck_assert_uint_lt(used, room);
    file = write_raw(header, data, bytes);
    at = file + *bytes - data;
    for (int i = 0; i < writer->count; i++)
        for (int64_t k = 0; k < written_count(&writer->tensors[i]); k++)
            at += write_element(at, writer->tensors[i].dtype, writer->tensors[i].values[k]);
    free(header);
    return file;
}

/* Loads what the writer has. */
static inline tsm_status writer_load(const checkpoint_writer *writer, tsm_model **model,
                                     const tsm_model_options *options, tsm_error *error)
{
    size_t bytes;
    uint8_t *file = writer_bytes(writer, 0, &bytes);
    tsm_status status = tsm_model_load_memory(model, file, bytes, "made.safetensors", options, error);

    free(file);
    return status;
}

static inline tsm_model_info writer_info(const checkpoint_writer *writer, const tsm_model_options *options)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;
    tsm_model *model = NULL;
    tsm_error error;

    assert_ok(writer_load(writer, &model, options, &error), &error);
    ck_assert_int_eq(tsm_model_get_info(model, &info), TSM_OK);
    tsm_model_destroy(&model);
    return info;
}

static inline void writer_refused(const checkpoint_writer *writer, const tsm_model_options *options, tsm_status want,
                                  const char *names)
{
    tsm_model *model = (tsm_model *)(uintptr_t)1;
    tsm_error error;

    assert_error(writer_load(writer, &model, options, &error), &error, want, names);
    ck_assert_ptr_null(model);
}

#endif
