/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_network.c - any bytes as a checkpoint, all the way: model, graph, passes, memory plan, a run in plain C; then
 * written out and read again, which must be the same network to the bit, and the same file. */
#include <stdbool.h>

#include "fuzz.h"
#include "operations/values.h"

#define SIDE       32 /* pixels: the least that leaves one after a ResNet's strides */
#define MOST_MACS  8000000u
#define MOST_BYTES (64u << 20)

/* Logits of seeded pixels, or why there are none. */
typedef struct result {
    tsm_status status;
    tsm_error error;
    float *logits;
    int count;
} result;

static tsm_status run(const tsm_model *model, const tsm_model_info *info, result *r)
{
    const tsm_shape shape = { 1, info->segments, SIDE, SIDE };
    tsm_engine_options options = TSM_ENGINE_OPTIONS_INIT;
    tsm_engine *engine = NULL;
    tsm_context *context = NULL;
    tsm_tensor input = { .layout = TSM_NTCHW, .ndim = 5, .dims = { 1, shape.t, info->in_channels, SIDE, SIDE } };
    const tsm_tensor output = { .data = r->logits, .layout = TSM_NC, .ndim = 2, .dims = { 1, info->classes } };
    tsm_status status;

    options.device = "reference";
    options.max_bytes = MOST_BYTES;
    input.data = hashed_array((size_t)shape.t * (size_t)info->in_channels * SIDE * SIDE, 1);
    status = tsm_engine_create(&engine, model, &options, &r->error);
    if (status == TSM_OK) status = tsm_context_create(&context, engine, &r->error);
    if (status == TSM_OK) status = tsm_context_plan(context, &shape, &r->error);
    if (status == TSM_OK && tsm_context_bytes(context) > MOST_BYTES) abort();
    if (status == TSM_OK) status = tsm_run(context, &input, &output, &r->error);
    tsm_context_destroy(&context);
    tsm_engine_destroy(&engine);
    free(input.data);
    return status;
}

static result result_of(const tsm_model *model, const tsm_model_info *info)
{
    result r = { .logits = poisoned_array((size_t)info->classes), .count = info->classes };

    r.status = run(model, info, &r);
    fuzz_check(r.status, &r.error);
    return r;
}

/* Numbers that overflow are an error that says where; both must then say the same. */
static bool same(const result *a, const result *b)
{
    if (a->status != b->status || a->count != b->count) return false;
    if (a->status != TSM_OK) return strcmp(a->error.text, b->error.text) == 0;
    return memcmp(a->logits, b->logits, (size_t)a->count * sizeof *a->logits) == 0;
}

static tsm_model_info info_of(const tsm_model *model)
{
    tsm_model_info info = TSM_MODEL_INFO_INIT;

    if (tsm_model_get_info(model, &info) != TSM_OK) abort();
    return info;
}

/* The graph can be printed, with its plan, where it can be planned. */
static void print_graph(const tsm_model *model, int frames)
{
    const tsm_shape shape = { 2, frames, SIDE + 1, SIDE + 9 };
    tsm_error error;
    char *text;

    for (int optimized = 0; optimized < 2; optimized++) {
        const tsm_status status = tsm_model_graph_text(model, &shape, optimized, &text, &error);

        fuzz_check(status, &error);
        if (status == TSM_OK && !strstr(text, "input")) abort();
        tsm_free(text);
    }
}

/* The model as the file that it is written as. */
static void *serialize(const tsm_model *model, size_t *bytes)
{
    tsm_error error;
    void *file;

    if (tsm_model_serialize(model, NULL, &file, bytes, &error) != TSM_OK) abort();
    return file;
}

static void reload(const tsm_model *model, const tsm_model_info *info)
{
    size_t bytes, again_bytes;
    void *file = serialize(model, &bytes), *again_file;
    tsm_model *again;
    tsm_model_info again_info;
    tsm_error error;
    result a, b;

    if (tsm_model_load_memory(&again, file, bytes, "again", NULL, &error) != TSM_OK) abort();
    again_info = info_of(again);
    a = result_of(model, info);
    b = result_of(again, &again_info);
    if (again_info.segments != info->segments || again_info.macs != info->macs || !same(&a, &b)) abort();
    again_file = serialize(again, &again_bytes);
    if (again_bytes != bytes || memcmp(file, again_file, bytes) != 0) abort();
    free(a.logits);
    free(b.logits);
    tsm_free(file);
    tsm_free(again_file);
    tsm_model_destroy(&again);
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t room, unsigned seed);

/* The header alone, and its length with it; `rest` bytes stay as they are behind it. */
static size_t mutate_header(uint8_t *data, size_t header, size_t rest, size_t room)
{
    const size_t most = room - 8 - rest;
    uint8_t *text = must(malloc(most));
    size_t length;

    memcpy(text, data + 8, header);
    length = LLVMFuzzerMutate(text, header, most);
    memmove(data + 8 + length, data + 8 + header, rest);
    memcpy(data + 8, text, length);
    for (int i = 0; i < 8; i++) data[i] = (uint8_t)((uint64_t)length >> 8 * i);
    free(text);
    return 8 + length + rest;
}

/* Most changes to a safetensors file leave one that is refused at once: half of them are made to its weights alone, a
 * quarter to its header alone. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t room, unsigned seed)
{
    uint64_t header = 0;

    for (int i = 0; i < 8 && bytes >= 8; i++) header |= (uint64_t)data[i] << 8 * i;
    if (bytes < 10 || header < 2 || header > bytes - 9 || data[8] != '{' || seed % 4 == 3)
        return LLVMFuzzerMutate(data, bytes, room);
    if (seed % 4 == 2) return mutate_header(data, (size_t)header, bytes - 8 - (size_t)header, room);
    LLVMFuzzerMutate(data + 8 + header, bytes - 8 - (size_t)header, bytes - 8 - (size_t)header);
    return bytes; /* weights that came out fewer have the old ones behind them */
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tsm_model_options options = TSM_MODEL_OPTIONS_INIT;
    tsm_model_info info;
    tsm_model *model;
    tsm_error error;
    tsm_status status;

    options.input_size = SIDE;
    status = tsm_model_load_memory(&model, data, bytes, "fuzz", &options, &error);
    fuzz_check(status, &error);
    if (status != TSM_OK) return 0;
    info = info_of(model);
    print_graph(model, info.segments);
    if (info.macs <= MOST_MACS) reload(model, &info);
    tsm_model_destroy(&model);
    return 0;
}
