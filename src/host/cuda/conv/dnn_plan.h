/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnn_plan.h - a cuDNN plan: made of an engine configuration, or of the text that cuDNN wrote about an earlier one.
 *
 * A text spares the heuristics, which take most of the time that a plan takes. It is cuDNN's own JSON, good for one
 * version and one kind of GPU; it is trusted only so far as it describes exactly the tensors that we will bind.
 */
#ifndef TSM_CUDA_CONV_DNN_PLAN_H
#define TSM_CUDA_CONV_DNN_PLAN_H

#include "dnn_graph.h"

#define TSM_DNN_PLAN_TEXT (16 << 10) /* bytes; some 3500 are usual */

/* Makes a plan of a configuration; what does not support the graph fails here. Destroyed with
 * cudnnBackendDestroyDescriptor; the graph must outlive it. */
tsm_status tsm_dnn_plan_make(cudnnBackendDescriptor_t *plan, int64_t *workspace, const tsm_dnn_graph *graph,
                             int config, tsm_error *error);

/* One line without control characters, that tsm_dnn_plan_load takes for the same graph; released with tsm_free. NULL
 * where cuDNN writes none of this engine, or none that we could check. */
char *tsm_dnn_plan_text(cudnnBackendDescriptor_t plan, const tsm_dnn_graph *graph);

/* Makes a plan of a text; no configurations are needed. Errors: DEVICE where the text is of other tensors, or of an
 * engine that is not acceptable at this precision, or where cuDNN refuses it. */
tsm_status tsm_dnn_plan_load(cudnnBackendDescriptor_t *plan, int64_t *workspace, const tsm_dnn_graph *graph,
                             tsm_precision precision, const char *text, tsm_error *error);

/* The global index of a plan's engine. */
tsm_status tsm_dnn_plan_engine(int64_t *engine, cudnnBackendDescriptor_t plan, tsm_error *error);

#endif
