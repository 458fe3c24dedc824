/* SPDX-License-Identifier: Apache-2.0 */
/* dnnl_calls.cpp - see dnnl_calls.h. Everything that differs between versions 2 and 3 is here. */
#include "dnnl_calls.h"

#include <cstdlib>
#include <new>
#include <sys/mman.h>

extern "C" {
#include "core/memory.h"
#include <tsm/tsm.h>
}

/* What `call` returns, or what its exception means. */
template <typename Call> static dnnl_status_t attempt(Call call) noexcept
{
    try {
        return call();
    } catch (const std::bad_alloc &) {
        return dnnl_out_of_memory;
    } catch (...) {
        return dnnl_runtime_error;
    }
}

/*
 * In places oneDNN uses memory that it did not get: what its own operator new takes from malloc, and the pages that
 * it writes machine code to. So it is asked only while there is more than one call takes, which is a quarter of a
 * megabyte a kernel and some dozens of kernels. Nothing of this is touched: it costs a few calls of the system.
 */
#define CUSHION_BYTES (64 << 20)
#define BLOCK_BYTES   (64 << 10)

static bool has_block() noexcept
{
    void *block = std::malloc(BLOCK_BYTES);

    std::free(block);
    return block != nullptr;
}

static bool has_cushion() noexcept
{
    void *pages = mmap(nullptr, CUSHION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return pages != MAP_FAILED && munmap(pages, CUSHION_BYTES) == 0;
}

/* The same, for calls that allocate objects; and for those that make machine code. */
template <typename Call> static dnnl_status_t attempt_object(Call call) noexcept
{
    return has_block() ? attempt(call) : dnnl_out_of_memory;
}

template <typename Call> static dnnl_status_t attempt_code(Call call) noexcept
{
    return has_block() && has_cushion() ? attempt(call) : dnnl_out_of_memory;
}

/* ---- Layouts -------------------------------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3

dnnl_status_t tsm_dnnl_try_layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                          const dnnl_dims_t strides)
{
    return attempt([&] { return dnnl_memory_desc_create_with_strides(layout, ndim, dims, dnnl_f32, strides); });
}

dnnl_status_t tsm_dnnl_try_layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims)
{
    return attempt(
        [&] { return dnnl_memory_desc_create_with_tag(layout, ndim, dims, dnnl_f32, dnnl_format_tag_any); });
}

dnnl_status_t tsm_dnnl_try_layout_copy(tsm_dnnl_layout *layout, tsm_dnnl_layout_view from)
{
    return attempt([&] { return dnnl_memory_desc_clone(layout, from); });
}

void tsm_dnnl_free_layout(tsm_dnnl_layout layout)
{
    if (layout) dnnl_memory_desc_destroy(layout);
}

#else

static dnnl_status_t keep(tsm_dnnl_layout *layout, const dnnl_memory_desc_t *from)
{
    *layout = static_cast<tsm_dnnl_layout>(tsm_alloc_zero(1, sizeof **layout));
    if (!*layout) return dnnl_out_of_memory;
    **layout = *from;
    return dnnl_success;
}

dnnl_status_t tsm_dnnl_try_layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                          const dnnl_dims_t strides)
{
    dnnl_memory_desc_t desc;
    dnnl_status_t status =
        attempt([&] { return dnnl_memory_desc_init_by_strides(&desc, ndim, dims, dnnl_f32, strides); });

    return status == dnnl_success ? keep(layout, &desc) : status;
}

dnnl_status_t tsm_dnnl_try_layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims)
{
    dnnl_memory_desc_t desc;
    dnnl_status_t status =
        attempt([&] { return dnnl_memory_desc_init_by_tag(&desc, ndim, dims, dnnl_f32, dnnl_format_tag_any); });

    return status == dnnl_success ? keep(layout, &desc) : status;
}

dnnl_status_t tsm_dnnl_try_layout_copy(tsm_dnnl_layout *layout, tsm_dnnl_layout_view from)
{
    return keep(layout, from);
}

void tsm_dnnl_free_layout(tsm_dnnl_layout layout)
{
    tsm_free(layout);
}

#endif

/* ---- Attributes ----------------------------------------------------------------------------------------------- */

dnnl_status_t tsm_dnnl_try_post_ops(dnnl_post_ops_t *ops)
{
    return attempt_object([&] { return dnnl_post_ops_create(ops); });
}

dnnl_status_t tsm_dnnl_try_append_sum(dnnl_post_ops_t ops)
{
#if DNNL_VERSION_MAJOR >= 3
    return attempt_object([&] { return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef); });
#else
    return attempt_object([&] { return dnnl_post_ops_append_sum(ops, 1.0f); });
#endif
}

dnnl_status_t tsm_dnnl_try_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
#if DNNL_VERSION_MAJOR >= 3
    return attempt_object([&] { return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta); });
#else
    return attempt_object([&] { return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta); });
#endif
}

dnnl_status_t tsm_dnnl_try_attr(dnnl_primitive_attr_t *attr, dnnl_post_ops_t ops)
{
    return attempt_object([&] {
        dnnl_status_t status = dnnl_primitive_attr_create(attr);

        if (status == dnnl_success)
            status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
        if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
        return status;
    });
}

/* ---- Primitives ----------------------------------------------------------------------------------------------- */

dnnl_status_t tsm_dnnl_try_matmul(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                                  dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return attempt_object([&] {
        return dnnl_matmul_primitive_desc_create(desc, engine, layouts[0], layouts[1], layouts[2], layouts[3], attr);
    });
#else
    return attempt_object([&] {
        dnnl_matmul_desc_t op;
        dnnl_status_t status = dnnl_matmul_desc_init(&op, layouts[0], layouts[1], layouts[2], layouts[3]);

        return status == dnnl_success ? dnnl_primitive_desc_create(desc, &op, attr, engine, nullptr) : status;
    });
#endif
}

dnnl_status_t tsm_dnnl_try_conv(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                                const dnnl_dims_t stride, const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return attempt_object([&] {
        const dnnl_dims_t dilation = { 0, 0 };

        return dnnl_convolution_forward_primitive_desc_create(
            desc, engine, dnnl_forward_inference, dnnl_convolution_direct, layouts[0], layouts[1], layouts[2],
            layouts[3], stride, dilation, pad, pad, attr);
    });
#else
    return attempt_object([&] {
        dnnl_convolution_desc_t op;
        dnnl_status_t status =
            dnnl_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, layouts[0],
                                               layouts[1], layouts[2], layouts[3], stride, pad, pad);

        return status == dnnl_success ? dnnl_primitive_desc_create(desc, &op, attr, engine, nullptr) : status;
    });
#endif
}

dnnl_status_t tsm_dnnl_try_reorder(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, tsm_dnnl_layout from,
                                   tsm_dnnl_layout to, dnnl_primitive_attr_t attr)
{
    return attempt_object([&] { return dnnl_reorder_primitive_desc_create(desc, from, engine, to, engine, attr); });
}

/* A primitive whose making threw stays in oneDNN's cache as one that will never be ready: the cache is emptied. */
static void clear_cache() noexcept
{
    attempt([] {
        int capacity = 0;
        dnnl_status_t status = dnnl_get_primitive_cache_capacity(&capacity);

        if (status == dnnl_success) status = dnnl_set_primitive_cache_capacity(0);
        return status == dnnl_success ? dnnl_set_primitive_cache_capacity(capacity) : status;
    });
}

dnnl_status_t tsm_dnnl_try_primitive(dnnl_primitive_t *primitive, const_dnnl_primitive_desc_t desc)
{
    const dnnl_status_t status = attempt_code([&] { return dnnl_primitive_create(primitive, desc); });

    if (status != dnnl_success) clear_cache();
    return status;
}

/* ---- Execution ------------------------------------------------------------------------------------------------ */

dnnl_status_t tsm_dnnl_try_engine(dnnl_engine_t *engine)
{
    return attempt_code([&] { return dnnl_engine_create(engine, dnnl_cpu, 0); });
}

dnnl_status_t tsm_dnnl_try_stream(dnnl_stream_t *stream, dnnl_engine_t engine)
{
    return attempt_object([&] { return dnnl_stream_create(stream, engine, dnnl_stream_default_flags); });
}

dnnl_status_t tsm_dnnl_try_memory(dnnl_memory_t *memory, tsm_dnnl_layout layout, dnnl_engine_t engine, void *data)
{
    return attempt_object([&] { return dnnl_memory_create(memory, layout, engine, data); });
}

dnnl_status_t tsm_dnnl_try_execute(dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                   const dnnl_exec_arg_t *args)
{
    return attempt([&] {
        dnnl_status_t status = dnnl_primitive_execute(primitive, stream, count, args);

        return status == dnnl_success ? dnnl_stream_wait(stream) : status;
    });
}
