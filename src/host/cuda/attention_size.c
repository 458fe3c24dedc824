/* SPDX-License-Identifier: Apache-2.0 */
/* attention_size.c - see attention_size.h. */
#include "attention_size.h"

#include <string.h>

#include "alignment.h"

#define ROW_ELEMENTS  8                  /* rows of scores and weights begin at multiples of 16 bytes at least */
#define MOST_ELEMENTS (INT64_C(1) << 40) /* as of any value of a graph */

static int64_t positions(const tsm_dims *dims)
{
    return (int64_t)dims->t * dims->h * dims->w;
}

/* How many of `clips` at a time, where each needs so many bytes. */
static int clips_at_a_time(int clips, uint64_t bytes)
{
    const uint64_t most = TSM_ATTENTION_SCORES / bytes;
    int fit = most < 1 ? 1 : most < (uint64_t)clips ? (int)most : clips;

    while (clips % fit) fit--;
    return fit;
}

static tsm_status divide_work(tsm_attention_size *a, const tsm_cuda_dtype *dtype, bool softmax, int clips,
                              tsm_error *error)
{
    const int64_t rows = softmax ? a->queries : a->channels, pitch = softmax ? a->pitch : a->value_channels;
    const uint64_t bytes = softmax ? sizeof(float) : (uint64_t)dtype->bytes;
    uint64_t count;

    if (rows > MOST_ELEMENTS / pitch || pitch > INT32_MAX)
        return tsm_fail(error, TSM_ERROR_MEMORY, "cuda: attention of %lld positions to %lld", (long long)a->queries,
                        (long long)a->keys);
    count = (uint64_t)rows * (uint64_t)pitch;
    a->clips = clips_at_a_time(clips, count * bytes);
    a->rounds = clips / a->clips;
    count *= (uint64_t)a->clips;
    a->between_bytes = tsm_cuda_align(count * bytes);
    if (softmax && dtype->type != TSM_FLOAT32) a->weights_bytes = tsm_cuda_align(count * (uint64_t)dtype->bytes);
    return TSM_OK;
}

tsm_status tsm_attention_size_make(tsm_attention_size *a, const tsm_cuda_dtype *dtype, const tsm_dims *queries,
                                   const tsm_dims *values, bool softmax, tsm_error *error)
{
    memset(a, 0, sizeof *a);
    a->queries = positions(queries);
    a->keys = positions(values);
    a->channels = queries->c;
    a->value_channels = values->c;
    a->pitch = (a->keys + ROW_ELEMENTS - 1) / ROW_ELEMENTS * ROW_ELEMENTS;
    return divide_work(a, dtype, softmax, queries->n, error);
}
