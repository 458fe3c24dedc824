/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle_writer.h - makes pickles in memory from the tensors of a checkpoint writer: PyTorch's legacy stream, with
 * dictionaries in dictionaries as a test wants them, and pickles of NumPy arrays as PaddlePaddle writes them.
 *
 *     pickle_begin(&pickle, 0);  pickle_open(&pickle, NULL);  pickle_open(&pickle, "ema");
 *     pickle_tensors(&pickle, &writer);  pickle_close(&pickle);  pickle_close(&pickle);  pickle_end(&pickle);
 */
#ifndef TSM_TESTS_PICKLE_WRITER_H
#define TSM_TESTS_PICKLE_WRITER_H

#include "checkpoint_writer.h"

typedef struct pickle_writer {
    uint8_t *bytes;
    size_t count, room;
    int protocol;                       /* of NumPy arrays; 0: PyTorch */
    const written_tensor *stored[4000]; /* PyTorch: the tensors behind the pickle */
    int stored_count;
    const char *order, *type; /* NumPy: "<" and "f4", unless a test says otherwise */
    bool by_columns;          /* NumPy: the first dimension is the densest */
    const char *pairs;        /* NumPy: where "tuple", arrays are (a name, the array); "call": and tuple is called */
} pickle_writer;

static inline void pickle_put(pickle_writer *p, const void *data, size_t count)
{
    if (p->count + count > p->room) {
        p->room = 2 * (p->count + count);
        p->bytes = realloc(p->bytes, p->room);
        ck_assert_ptr_nonnull(p->bytes);
    }
    if (count) memcpy(p->bytes + p->count, data, count);
    p->count += count;
}

/* A literal, without its end. */
#define PICKLE_OP(p, literal) pickle_put((p), (literal), sizeof(literal) - 1)

static inline void pickle_number(pickle_writer *p, char op, int32_t number)
{
    pickle_put(p, &op, 1);
    pickle_put(p, &number, 4);
}

static inline void pickle_text(pickle_writer *p, const char *text)
{
    pickle_number(p, 'X', (int32_t)strlen(text));
    pickle_put(p, text, strlen(text));
}

static inline void pickle_begin(pickle_writer *p, int protocol)
{
    const uint8_t version = (uint8_t)protocol;

    memset(p, 0, sizeof *p);
    p->protocol = protocol;
    p->order = "<";
    p->type = "f4";
    PICKLE_OP(p, "\x80");
    if (protocol)
        pickle_put(p, &version, 1);
    else
        PICKLE_OP(p, "\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02");
}

/* A dictionary, as the value of `key` in the one that is open, or (NULL) as the object that is saved. */
static inline void pickle_open(pickle_writer *p, const char *key)
{
    if (key) pickle_text(p, key);
    PICKLE_OP(p, "}(");
}

static inline void pickle_close(pickle_writer *p)
{
    PICKLE_OP(p, "u");
}

static inline void pickle_dims(pickle_writer *p, const written_tensor *tensor, bool strides)
{
    PICKLE_OP(p, "(");
    for (int i = 0; i < tensor->ndim; i++) {
        int64_t number = strides ? 1 : tensor->dims[i];

        for (int k = i + 1; strides && k < tensor->ndim; k++) number *= tensor->dims[k];
        pickle_number(p, 'J', (int32_t)number);
    }
    PICKLE_OP(p, "t");
}

static inline void pickle_torch_tensor(pickle_writer *p, const written_tensor *tensor)
{
    char key[12];

    snprintf(key, sizeof key, "%d", p->stored_count);
    PICKLE_OP(p, "ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\n");
    if (strcmp(tensor->dtype, "I64") == 0)
        PICKLE_OP(p, "LongStorage\n");
    else
        PICKLE_OP(p, "FloatStorage\n");
    pickle_text(p, key);
    pickle_text(p, "cpu");
    pickle_number(p, 'J', (int32_t)written_count(tensor));
    PICKLE_OP(p, "tQK\0");
    pickle_dims(p, tensor, false);
    pickle_dims(p, tensor, true);
    PICKLE_OP(p, "\x89"
                 "ccollections\nOrderedDict\n)RtR");
    ck_assert_int_lt(p->stored_count, 4000);
    p->stored[p->stored_count++] = tensor;
}

/* As protocol 2 has to write them: bytes as the text whose characters they are. */
static inline void pickle_latin1(pickle_writer *p, const uint8_t *data, size_t count)
{
    uint8_t *text = malloc(2 * count + 1);
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (data[i] >= 0x80) text[used++] = (uint8_t)(0xc0 | data[i] >> 6);
        text[used++] = data[i] >= 0x80 ? (uint8_t)(0x80 | (data[i] & 0x3f)) : data[i];
    }
    PICKLE_OP(p, "c_codecs\nencode\n(");
    pickle_number(p, 'X', (int32_t)used);
    pickle_put(p, text, used);
    PICKLE_OP(p, "X\6\0\0\0latin1tR");
    free(text);
}

static inline void pickle_bytes(pickle_writer *p, const void *data, size_t count)
{
    if (p->protocol == 2) {
        pickle_latin1(p, data, count);
        return;
    }
    pickle_number(p, 'B', (int32_t)count);
    pickle_put(p, data, count);
}

static inline void pickle_array(pickle_writer *p, const written_tensor *tensor)
{
    if (p->pairs && strcmp(p->pairs, "call") == 0) {
        if (p->protocol == 2)
            PICKLE_OP(p, "c__builtin__\ntuple\n");
        else
            PICKLE_OP(p, "X\x08\0\0\0builtinsX\5\0\0\0tuple\x93");
    }
    if (p->pairs) pickle_text(p, "param_0.w_0");
    PICKLE_OP(p, "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85");
    pickle_bytes(p, "b", 1);
    PICKLE_OP(p, "tR(K\1");
    pickle_dims(p, tensor, false);
    PICKLE_OP(p, "cnumpy\ndtype\n(");
    pickle_text(p, p->type);
    PICKLE_OP(p, "\x89\x88tR(K\3");
    pickle_text(p, p->order);
    PICKLE_OP(p, "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb");
    if (p->by_columns)
        PICKLE_OP(p, "\x88");
    else
        PICKLE_OP(p, "\x89");
    pickle_bytes(p, tensor->values, (size_t)written_count(tensor) * sizeof(float));
    PICKLE_OP(p, "tb");
    if (p->pairs) PICKLE_OP(p, "\x86");
    if (p->pairs && strcmp(p->pairs, "call") == 0) PICKLE_OP(p, "\x85R");
}

/* One entry of the dictionary that is open. The tensor must live until the end. */
static inline void pickle_tensor(pickle_writer *p, const char *name, const written_tensor *tensor)
{
    pickle_text(p, name);
    if (p->protocol)
        pickle_array(p, tensor);
    else
        pickle_torch_tensor(p, tensor);
}

static inline void pickle_tensors(pickle_writer *p, const checkpoint_writer *writer)
{
    for (int i = 0; i < writer->count; i++) pickle_tensor(p, writer->tensors[i].name, &writer->tensors[i]);
}

/* Ends the object, and puts the storages behind it. */
static inline void pickle_end(pickle_writer *p)
{
    PICKLE_OP(p, ".");
    if (p->protocol) return;
    PICKLE_OP(p, "\x80\x02](");
    for (int i = 0; i < p->stored_count; i++) {
        char key[12];

        snprintf(key, sizeof key, "%d", i);
        pickle_text(p, key);
    }
    PICKLE_OP(p, "e.");
    for (int i = 0; i < p->stored_count; i++) {
        const written_tensor *tensor = p->stored[i];
        const int64_t count = written_count(tensor);
        uint8_t element[8];

        pickle_put(p, &count, 8);
        for (int64_t k = 0; k < count; k++)
            pickle_put(p, element, write_element(element, tensor->dtype, tensor->values[k]));
    }
}

static inline tsm_status pickle_load(const pickle_writer *p, const char *name, tsm_model **model,
                                     const tsm_model_options *options, tsm_error *error)
{
    return tsm_model_load_memory(model, p->bytes, p->count, name, options, error);
}

static inline void pickle_clear(pickle_writer *p)
{
    free(p->bytes);
    memset(p, 0, sizeof *p);
}

#endif
