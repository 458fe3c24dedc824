/* SPDX-License-Identifier: Apache-2.0 */
/* agree.c - a row of the table on a backend. */
#include "operations.h"

#include <stdarg.h>

#include "session.h"

#define GUARD 16 /* floats before and behind an output */

/* Relative to the largest value. float32: a sum of k products of unit variance is off by some sqrt(k) eps, and k is a
 * few thousand at most, two layers deep. The others: an epsilon or two a layer, with room for what accumulates over
 * some ten. */
static double tolerance_of(const operation *op, tsm_precision precision)
{
    static const double tolerances[] = { 2e-5, 1e-2, 1e-2, 8e-2 };

    return op->slack * tolerances[precision];
}

/* What one comparison has come to. */
typedef struct verdict {
    const operation *op;
    double tolerance;
    char *why;
    bool good;
    int shown; /* values that were compared */
} verdict;

static void fail(verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(verdict *v, const char *format, ...)
{
    va_list arguments;

    if (!v->good) return; /* the first reason is the one */
    v->good = false;
    va_start(arguments, format);
    vsnprintf(v->why, OPERATION_TEXT, format, arguments);
    va_end(arguments);
}

static void compare(verdict *v, const char *what, const float *got, const float *want, size_t count)
{
    const difference d = largest_difference(got, want, count);

    if (d.worst <= v->tolerance * d.largest) return;
    fail(v, "%s: element %zu of %zu is %.9g, want %.9g; allowed are %g of %g", what, d.at, count, (double)got[d.at],
         (double)want[d.at], v->tolerance, d.largest);
}

static void see_value(void *user, int node, const tsm_dims *dims, const float *values)
{
    verdict *v = user;
    const operation *op = v->op;
    const tsm_node *n = &op->net.graph->nodes[node];
    char what[OPERATION_NAME];

    v->shown++;
    snprintf(what, sizeof what, "value %d (%s %s)", node, tsm_op_name(n->op), n->name);
    if (memcmp(dims, &op->shapes[node], sizeof *dims) != 0)
        fail(v, "%s: not of the shape that was planned", what);
    else
        compare(v, what, values, op->values[node], (size_t)tsm_dims_count(dims));
}

/* Logits between guards. */
typedef struct guarded {
    float *memory;
    size_t count;
} guarded;

static guarded guarded_make(size_t count)
{
    return (guarded){ poisoned_array(count + (size_t)(2 * GUARD)), count };
}

static bool guards_stand(const guarded *g)
{
    uint32_t bits;

    for (size_t i = 0; i < (size_t)(2 * GUARD); i++) {
        memcpy(&bits, &g->memory[i < GUARD ? i : g->count + i], sizeof bits);
        if (bits != UINT32_MAX) return false;
    }
    return true;
}

/* One run; the logits are the caller's. */
static float *run_once(const session *s, const tsm_visitor *visitor, verdict *v)
{
    const guarded g = guarded_make((size_t)tsm_dims_count(session_output(s)));
    const size_t bytes = (size_t)tsm_dims_count(session_input(s)) * sizeof(float);
    float *pixels = memcpy(must(malloc(bytes)), v->op->pixels, bytes);
    const tsm_tensor input = planes_of(pixels, session_input(s));
    const tsm_tensor output = logits_of(g.memory + GUARD, session_output(s));
    const tsm_run_arguments arguments = { .input = &input, .output = &output, .visitor = visitor };
    tsm_error error;

    if (s->backend->run(s->plan, &arguments, &error) != TSM_OK) fail(v, "run: %s", error.text);
    if (!guards_stand(&g)) fail(v, "something was written beside the logits");
    if (memcmp(pixels, v->op->pixels, bytes) != 0) fail(v, "the input was written to");
    memmove(g.memory, g.memory + GUARD, g.count * sizeof *g.memory);
    free(pixels);
    return g.memory;
}

bool operation_agrees(const operation *op, const tsm_backend *backend, const tsm_backend_config *config,
                      char why[OPERATION_TEXT])
{
    verdict v = { .op = op, .tolerance = tolerance_of(op, config->precision), .why = why, .good = true };
    const tsm_visitor visitor = { see_value, &v };
    float *logits[2];
    tsm_error error;
    size_t count;
    session s;

    why[0] = '\0';
    if (session_open(&s, backend, op->net.graph, config, &op->shape, &error) != TSM_OK) {
        fail(&v, "refused: %s", error.text);
        return false;
    }
    count = (size_t)tsm_dims_count(session_output(&s));
    for (int i = 0; i < 2; i++) logits[i] = run_once(&s, i ? &visitor : NULL, &v);
    if (v.shown == 0) fail(&v, "no value was shown");
    if (memcmp(logits[1], logits[0], count * sizeof(float)) != 0) fail(&v, "two runs differ");
    compare(&v, "logits", logits[0], op->want, count);
    for (int i = 0; i < 2; i++) free(logits[i]);
    session_close(&s);
    return v.good;
}

float *operation_logits(const operation *op, const tsm_backend *backend, const tsm_backend_config *config)
{
    tsm_error error;
    tsm_tensor input, output;
    float *logits;
    session s;

    must_ok(session_open(&s, backend, op->net.graph, config, &op->shape, &error), &error);
    logits = poisoned_array((size_t)tsm_dims_count(session_output(&s)));
    input = planes_of(op->pixels, session_input(&s));
    output = logits_of(logits, session_output(&s));
    must_ok(session_run(&s, &input, &output, &error), &error);
    session_close(&s);
    return logits;
}
