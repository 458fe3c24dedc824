/* SPDX-License-Identifier: Apache-2.0 */
/* operations.c - the table, and a row of it with the values that it should have. */
#include "operations.h"

#include "passes/passes.h"
#include "session.h"

static const operation_group *const groups[] = { &operations_of_convolution, &operations_of_attention,
                                                 &operations_of_networks, &operations_at_random };

int operation_count(void)
{
    int count = 0;

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) count += groups[i]->count();
    return count;
}

/* Its graph as it was drawn. */
static void make(operation *op, int index)
{
    int row = index;
    size_t i = 0;

    while (row >= groups[i]->count()) row -= groups[i++]->count();
    memset(op, 0, sizeof *op);
    op->group = groups[i];
    op->slack = 1;
    op->seed = 1000u + (uint32_t)index;
    groups[i]->make(op, row);
}

operation_size operation_size_at(int index)
{
    operation_size size;
    operation op;

    make(&op, index);
    size = op.size;
    network_free(&op.net);
    return size;
}

int operation_index(const char *name)
{
    for (int i = 0; i < operation_count(); i++) {
        operation op;
        bool found;

        make(&op, i);
        found = strcmp(op.name, name) == 0;
        network_free(&op.net);
        if (found) return i;
    }
    fprintf(stderr, "no operation \"%s\"\n", name);
    abort();
}

static void keep_value(void *user, int node, const tsm_dims *dims, const float *values)
{
    const operation *op = user;
    const size_t bytes = (size_t)tsm_dims_count(dims) * sizeof *values;

    op->values[node] = memcpy(must(malloc(bytes)), values, bytes);
}

/* Every value of the graph as it is now, on the reference. */
static void keep_values(operation *op)
{
    const tsm_backend_config config = { 0 };
    const tsm_visitor visitor = { keep_value, op };
    session s;
    tsm_error error;
    tsm_tensor input, output;

    must_ok(session_open(&s, &tsm_backend_reference, op->net.graph, &config, &op->shape, &error), &error);
    op->values = must(calloc((size_t)op->net.graph->count, sizeof *op->values));
    input = planes_of(op->pixels, session_input(&s));
    output = logits_of(poisoned_array((size_t)tsm_dims_count(session_output(&s))), session_output(&s));
    must_ok(s.backend->run(s.plan, &(tsm_run_arguments){ .input = &input, .output = &output, .visitor = &visitor },
                           &error),
            &error);
    free(output.data);
    session_close(&s);
}

void operation_open(operation *op, int index, operation_form form)
{
    tsm_error error;

    make(op, index);
    op->want = network_logits(op->net.graph, &op->shape, op->seed);
    if (form == OPERATION_OPTIMIZED)
        must_ok(tsm_graph_optimize(op->net.graph, &error), &error);
    else
        must_ok(tsm_pass_fold_batchnorm(op->net.graph, &error), &error);
    op->shapes = network_shapes(op->net.graph, &op->shape);
    op->pixels = hashed_array((size_t)tsm_dims_count(&op->shapes[tsm_graph_input(op->net.graph)]), op->seed);
    keep_values(op);
}

void operation_close(operation *op)
{
    for (int i = 0; i < op->net.graph->count; i++) free(op->values[i]);
    free(op->values);
    free(op->want);
    free(op->pixels);
    free(op->shapes);
    network_free(&op->net);
}
