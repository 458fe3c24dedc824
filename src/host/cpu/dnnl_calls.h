/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnnl_calls.h - the calls of oneDNN that the shim makes, alike for versions 2 and 3, and without exceptions.
 *
 * oneDNN is C++ behind a C API that lets exceptions through: std::bad_alloc where memory is short, std::length_error
 * for sizes that it did not expect. In C nobody can catch them, and the process would end. Here they become a status.
 * For dnnl_shim.c, and whoever makes an engine or a stream.
 */
#ifndef TSM_CPU_DNNL_CALLS_H
#define TSM_CPU_DNNL_CALLS_H

#include <dnnl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A memory descriptor as a handle in both versions: 3 has them so, for 2 it is a heap copy of the struct. */
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t tsm_dnnl_layout;
typedef const_dnnl_memory_desc_t tsm_dnnl_layout_view;
#else
typedef dnnl_memory_desc_t *tsm_dnnl_layout;
typedef const dnnl_memory_desc_t *tsm_dnnl_layout_view;
#endif

/* ---- Layouts of float32 -------------------------------------------------------------------------------------- */

dnnl_status_t tsm_dnnl_try_layout_strided(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims,
                                          const dnnl_dims_t strides);
dnnl_status_t tsm_dnnl_try_layout_any(tsm_dnnl_layout *layout, int ndim, const dnnl_dims_t dims);
dnnl_status_t tsm_dnnl_try_layout_copy(tsm_dnnl_layout *layout, tsm_dnnl_layout_view from);
void tsm_dnnl_free_layout(tsm_dnnl_layout layout);

/* ---- What follows a product ---------------------------------------------------------------------------------- */

dnnl_status_t tsm_dnnl_try_post_ops(dnnl_post_ops_t *ops);
dnnl_status_t tsm_dnnl_try_append_sum(dnnl_post_ops_t ops);
dnnl_status_t tsm_dnnl_try_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta);

/* Attributes with these operations, and scratch that the caller gives. */
dnnl_status_t tsm_dnnl_try_attr(dnnl_primitive_attr_t *attr, dnnl_post_ops_t ops);

/* ---- Primitives: layouts are those of source, weights, bias and destination ----------------------------------- */

dnnl_status_t tsm_dnnl_try_matmul(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                                  dnnl_primitive_attr_t attr);
dnnl_status_t tsm_dnnl_try_conv(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, const tsm_dnnl_layout layouts[4],
                                const dnnl_dims_t stride, const dnnl_dims_t pad, dnnl_primitive_attr_t attr);
dnnl_status_t tsm_dnnl_try_reorder(dnnl_primitive_desc_t *desc, dnnl_engine_t engine, tsm_dnnl_layout from,
                                   tsm_dnnl_layout to, dnnl_primitive_attr_t attr);
dnnl_status_t tsm_dnnl_try_primitive(dnnl_primitive_t *primitive, const_dnnl_primitive_desc_t desc);

/* ---- Execution ------------------------------------------------------------------------------------------------ */

dnnl_status_t tsm_dnnl_try_engine(dnnl_engine_t *engine);
dnnl_status_t tsm_dnnl_try_stream(dnnl_stream_t *stream, dnnl_engine_t engine);
dnnl_status_t tsm_dnnl_try_memory(dnnl_memory_t *memory, tsm_dnnl_layout layout, dnnl_engine_t engine, void *data);

/* Executes and waits. */
dnnl_status_t tsm_dnnl_try_execute(dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                   const dnnl_exec_arg_t *args);

#ifdef __cplusplus
}
#endif
#endif
