/* SPDX-License-Identifier: Apache-2.0 */
/* operands.c - see operands.h. Every operand repeats one pattern, so that the host knows it without a copy. */
#include "operands.h"

#include <string.h>

#include "cuda/alignment.h"

#define PATTERN 16381 /* elements: a prime, so that rows do not repeat */

/* Where the parts of a set begin, in bytes. */
typedef struct parts {
    size_t in, weights, bias, residual, joined, out, end;
} parts;

static size_t bytes_of(int64_t count, tsm_dtype type)
{
    return tsm_cuda_align((uint64_t)count * tsm_dtype_bytes(type));
}

tsm_dtype tsm_operands_out_type(const tsm_conv_spec *spec)
{
    return spec->float_out ? TSM_FLOAT32 : tsm_cuda_dtype_of(spec->precision)->type;
}

static parts parts_of(const tsm_conv_spec *spec)
{
    const tsm_dtype type = tsm_cuda_dtype_of(spec->precision)->type, out_type = tsm_operands_out_type(spec);
    parts p = { 0 };

    p.weights = p.in + bytes_of(tsm_conv_spec_input_count(spec), type);
    p.bias = p.weights + bytes_of(tsm_conv_spec_weight_count(spec), type);
    p.residual = p.bias + bytes_of(spec->filters, out_type);
    p.joined = p.residual + bytes_of(tsm_conv_spec_residual_count(spec), out_type);
    p.out = p.joined + bytes_of(tsm_conv_spec_joined_count(spec), type);
    p.end = p.out + bytes_of(tsm_conv_spec_output_count(spec), out_type);
    return p;
}

size_t tsm_operands_bytes(const tsm_conv_spec *spec)
{
    return parts_of(spec).end;
}

/* A number of 24 bits, by a hash of its place. */
static float pattern_value(uint32_t i)
{
    uint32_t x = i * 2654435761u + 12345;

    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    return (float)(int32_t)(x << 8) * 0x1p-31f;
}

float tsm_operand_value(int64_t index, tsm_dtype type)
{
    const float value = pattern_value((uint32_t)(index % PATTERN));
    uint16_t bits[2];

    if (type == TSM_FLOAT32) return value;
    tsm_cuda_round(bits, &value, 1, type);
    return tsm_number_at(bits, type, 0);
}

/* The pattern once from the host, then doubled on the device. */
static tsm_status fill(char *to, size_t bytes, tsm_dtype type, cudaStream_t stream, tsm_error *error)
{
    float pattern[PATTERN], rounded[PATTERN];
    size_t done = PATTERN * tsm_dtype_bytes(type);

    for (uint32_t i = 0; i < PATTERN; i++) pattern[i] = pattern_value(i);
    tsm_cuda_round(rounded, pattern, PATTERN, type);
    if (done > bytes) done = bytes;
    TSM_CUDA(cudaMemcpyAsync(to, rounded, done, cudaMemcpyHostToDevice, stream));
    while (done < bytes) {
        const size_t more = done < bytes - done ? done : bytes - done;

        TSM_CUDA(cudaMemcpyAsync(to + done, to, more, cudaMemcpyDeviceToDevice, stream));
        done += more;
    }
    TSM_CUDA(cudaStreamSynchronize(stream));
    return TSM_OK;
}

static tsm_status fill_first(tsm_operands *o, const tsm_conv_spec *spec, cudaStream_t stream, tsm_error *error)
{
    const tsm_dtype type = tsm_cuda_dtype_of(spec->precision)->type, out_type = tsm_operands_out_type(spec);
    const parts p = parts_of(spec);

    TSM_TRY_RETURN(fill(o->memory + p.in, p.weights - p.in, type, stream, error));
    TSM_TRY_RETURN(fill(o->memory + p.weights, p.bias - p.weights, type, stream, error));
    TSM_TRY_RETURN(fill(o->memory + p.bias, p.residual - p.bias, out_type, stream, error));
    if (p.joined > p.residual)
        TSM_TRY_RETURN(fill(o->memory + p.residual, p.joined - p.residual, out_type, stream, error));
    if (p.out > p.joined) TSM_TRY_RETURN(fill(o->memory + p.joined, p.out - p.joined, type, stream, error));
    o->first = (tsm_conv_buffers){
        .in = o->memory + p.in + (size_t)spec->in_offset * tsm_dtype_bytes(type),
        .weights = o->memory + p.weights,
        .bias = o->memory + p.bias,
        .residual = spec->residual_pitch ? o->memory + p.residual : NULL,
        .joined = spec->joined_channels ? o->memory + p.joined : NULL,
        .out = o->memory + p.out,
    };
    return TSM_OK;
}

tsm_status tsm_operands_make(tsm_operands *o, const tsm_conv_spec *spec, int sets, cudaStream_t stream,
                             tsm_error *error)
{
    const size_t filled = parts_of(spec).out;
    tsm_status status;

    memset(o, 0, sizeof *o);
    o->sets = sets;
    o->set_bytes = tsm_operands_bytes(spec);
    TSM_CUDA_TRY(cudaMalloc((void **)&o->memory, o->set_bytes * (size_t)sets));
    TSM_TRY(fill_first(o, spec, stream, error));
    for (int i = 1; i < sets; i++)
        TSM_CUDA_TRY(cudaMemcpyAsync(o->memory + o->set_bytes * (size_t)i, o->memory, filled,
                                     cudaMemcpyDeviceToDevice, stream));
    TSM_CUDA_TRY(cudaStreamSynchronize(stream));
    return TSM_OK;
fail:
    tsm_operands_clear(o);
    return status;
}

void tsm_operands_clear(tsm_operands *o)
{
    if (o->memory) cudaFree(o->memory);
    memset(o, 0, sizeof *o);
}

tsm_conv_buffers tsm_operands_of(const tsm_operands *o, int set)
{
    const size_t offset = o->set_bytes * (size_t)set;
    tsm_conv_buffers b = o->first;

    b.in = (const char *)b.in + offset;
    b.weights = (const char *)b.weights + offset;
    b.bias = (const char *)b.bias + offset;
    if (b.residual) b.residual = (const char *)b.residual + offset;
    if (b.joined) b.joined = (const char *)b.joined + offset;
    b.out = (char *)b.out + offset;
    return b;
}
