/* SPDX-License-Identifier: Apache-2.0 */
/* dnnl_versions.h - what differs between oneDNN 2 and 3, in pairs. For dnnl_shim.c alone. */
#ifndef TSM_CPU_DNNL_VERSIONS_H
#define TSM_CPU_DNNL_VERSIONS_H

#include "dnnl_shim.h"

#if DNNL_VERSION_MAJOR >= 3

static inline dnnl_status_t layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                           const dnnl_dims_t strides)
{
    return dnnl_memory_desc_create_with_strides(layout, ndim, dims, dnnl_f32, strides);
}

static inline dnnl_status_t layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims)
{
    return dnnl_memory_desc_create_with_tag(layout, ndim, dims, dnnl_f32, dnnl_format_tag_any);
}

static inline dnnl_status_t layout_copy(tsm_dnnl_layout *layout, const_dnnl_memory_desc_t from)
{
    return dnnl_memory_desc_clone(layout, from);
}

static inline void layout_free(tsm_dnnl_layout layout)
{
    if (layout) dnnl_memory_desc_destroy(layout);
}

static inline dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

static inline dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}

static inline dnnl_status_t matmul_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine,
                                        const tsm_dnnl_layout layouts[4], dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(desc, engine, layouts[0], layouts[1], layouts[2], layouts[3], attr);
}

static inline dnnl_status_t conv_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine,
                                      const tsm_dnnl_layout layouts[4], const dnnl_dims_t stride,
                                      const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
    const dnnl_dims_t dilation = { 0, 0 };

    return dnnl_convolution_forward_primitive_desc_create(desc, engine, dnnl_forward_inference,
                                                          dnnl_convolution_direct, layouts[0], layouts[1], layouts[2],
                                                          layouts[3], stride, dilation, pad, pad, attr);
}

static inline dnnl_status_t reorder_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, tsm_dnnl_layout from,
                                         tsm_dnnl_layout to, dnnl_primitive_attr_t attr)
{
    return dnnl_reorder_primitive_desc_create(desc, from, engine, to, engine, attr);
}

#else

static inline tsm_dnnl_layout layout_new(const dnnl_memory_desc_t *from)
{
    tsm_dnnl_layout layout = tsm_alloc_zero(1, sizeof *layout);

    if (layout) *layout = *from;
    return layout;
}

static inline dnnl_status_t layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                           const dnnl_dims_t strides)
{
    dnnl_memory_desc_t desc;
    dnnl_status_t status = dnnl_memory_desc_init_by_strides(&desc, ndim, dims, dnnl_f32, strides);

    if (status != dnnl_success) return status;
    return (*layout = layout_new(&desc)) ? dnnl_success : dnnl_out_of_memory;
}

static inline dnnl_status_t layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims)
{
    dnnl_memory_desc_t desc;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&desc, ndim, dims, dnnl_f32, dnnl_format_tag_any);

    if (status != dnnl_success) return status;
    return (*layout = layout_new(&desc)) ? dnnl_success : dnnl_out_of_memory;
}

static inline dnnl_status_t layout_copy(tsm_dnnl_layout *layout, const dnnl_memory_desc_t *from)
{
    return (*layout = layout_new(from)) ? dnnl_success : dnnl_out_of_memory;
}

static inline void layout_free(tsm_dnnl_layout layout)
{
    tsm_free(layout);
}

static inline dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}

static inline dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
}

static inline dnnl_status_t matmul_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine,
                                        const tsm_dnnl_layout layouts[4], dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t op;
    dnnl_status_t status = dnnl_matmul_desc_init(&op, layouts[0], layouts[1], layouts[2], layouts[3]);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(desc, &op, attr, engine, NULL);
}

static inline dnnl_status_t conv_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine,
                                      const tsm_dnnl_layout layouts[4], const dnnl_dims_t stride,
                                      const dnnl_dims_t pad, dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op;
    dnnl_status_t status =
        dnnl_convolution_forward_desc_init(&op, dnnl_forward_inference, dnnl_convolution_direct, layouts[0],
                                           layouts[1], layouts[2], layouts[3], stride, pad, pad);

    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(desc, &op, attr, engine, NULL);
}

static inline dnnl_status_t reorder_desc(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, tsm_dnnl_layout from,
                                         tsm_dnnl_layout to, dnnl_primitive_attr_t attr)
{
    return dnnl_reorder_primitive_desc_create(desc, from, engine, to, engine, attr);
}

#endif

#endif
