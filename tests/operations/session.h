/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - a graph on a backend, planned for one shape. */
#ifndef TSM_OPERATIONS_SESSION_H
#define TSM_OPERATIONS_SESSION_H

#include "graph/backend.h"

typedef struct session {
    const tsm_backend *backend;
    const tsm_graph *graph; /* borrowed */
    tsm_prepared *prepared;
    tsm_worker *worker;
    tsm_plan *plan;
    tsm_dims *shapes;
    tsm_backend_report report;
    double prepare_ms, plan_ms; /* what opening took, the worker with the plan */
} session;

/* On failure everything is closed. */
tsm_status session_open(session *s, const tsm_backend *backend, const tsm_graph *graph,
                        const tsm_backend_config *config, const tsm_shape *shape, tsm_error *error);
void session_close(session *s);

tsm_status session_run(const session *s, const tsm_tensor *input, const tsm_tensor *output, tsm_error *error);
tsm_status session_enqueue(const session *s, const tsm_tensor *input, const tsm_tensor *output, void *stream,
                           tsm_error *error);

const tsm_dims *session_input(const session *s);
const tsm_dims *session_output(const session *s);

/* Milliseconds since some moment. */
double now_ms(void);

/* Tensors of such dimensions in host memory. */
tsm_tensor planes_of(float *data, const tsm_dims *dims);
tsm_tensor bytes_of(uint8_t *data, const tsm_dims *dims);
tsm_tensor logits_of(float *data, const tsm_dims *dims);

/* Logits on the reference backend, of `input` or of the hashed floats of a seed; malloc'ed. */
float *reference_logits(const tsm_graph *graph, const tsm_shape *shape, const tsm_tensor *input);
float *network_logits(const tsm_graph *graph, const tsm_shape *shape, uint32_t seed);

#endif
