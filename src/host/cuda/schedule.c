/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h. Layout, then kernels, then memory: each needs the one before. */
#include "schedule.h"

#include <string.h>

#include "alignment.h"
#include "resize.h"

static int node_count(const tsm_schedule *s)
{
    return s->prepared->graph->count;
}

/* The conv of `spec`, made once. */
static tsm_status find_conv(const tsm_conv **out, tsm_schedule *s, const tsm_conv_spec *spec, tsm_tuner *tuner,
                            tsm_error *error)
{
    char want[TSM_CONV_SPEC_TEXT], have[TSM_CONV_SPEC_TEXT];

    tsm_conv_spec_print(spec, want);
    for (int i = 0; i < s->conv_count; i++) {
        tsm_conv_spec_print(&s->convs[i]->spec, have);
        *out = s->convs[i];
        if (strcmp(want, have) == 0) return TSM_OK;
    }
    TSM_TRY_RETURN(tsm_tune_conv(&s->convs[s->conv_count], tuner, spec, error));
    *out = s->convs[s->conv_count++];
    return TSM_OK;
}

static void describe_convolutions(tsm_schedule *s)
{
    const tsm_graph *graph = s->prepared->graph;

    for (int i = 0; i < graph->count; i++)
        if (graph->nodes[i].op == TSM_OP_CONV || graph->nodes[i].op == TSM_OP_FC)
            tsm_convolution_make(&s->convolutions[i], graph, s->shapes, s->values, i, s->prepared->dtype, &s->way);
}

static tsm_status choose_kernel(tsm_schedule *s, int index, tsm_tuner *tuner, tsm_error *error)
{
    const tsm_node *node = tsm_schedule_node(s, index);

    if (node->op == TSM_OP_ATTENTION)
        return tsm_attention_make(&s->attentions[index], tuner->libraries->blas, s->prepared->dtype,
                                  &s->shapes[node->inputs[0]], &s->shapes[node->inputs[2]], node->softmax, error);
    if (node->op != TSM_OP_CONV && node->op != TSM_OP_FC) return TSM_OK;
    if (s->convolutions[index].depthwise || s->convolutions[index].part) return TSM_OK;
    return find_conv(&s->conv_of[index], s, &s->convolutions[index].spec, tuner, error);
}

static tsm_status choose_kernels(tsm_schedule *s, tsm_tuner *tuner, tsm_error *error)
{
    for (int i = 0; i < node_count(s); i++) {
        tsm_status status;

        TSM_TRY_RETURN(tsm_cancel_check(&s->prepared->cancel, error));
        status = choose_kernel(s, i, tuner, error);
        if (status != TSM_OK) return tsm_error_prefix(error, status, tsm_schedule_node(s, i)->name);
    }
    return TSM_OK;
}

/* ---- Memory ---- */

/* Input that comes from the host is put there first, as the float32 or the bytes that it is; frames of another size
 * are resized there. */
static uint64_t input_scratch_bytes(const tsm_schedule *s, const tsm_dims *dims)
{
    const uint64_t floats = (uint64_t)tsm_dims_count(dims) * sizeof(float);
    uint64_t frames = 0;

    if (s->resize) frames = tsm_cuda_resize_scratch(s->resize, (int64_t)dims->n * dims->t);
    return frames > floats ? frames : floats;
}

static uint64_t scratch_bytes(const tsm_schedule *s, int index)
{
    const tsm_node *node = tsm_schedule_node(s, index);
    const uint64_t staged = tsm_cuda_align(s->convolutions[index].staged_bytes);

    if (node->op == TSM_OP_INPUT) return input_scratch_bytes(s, &s->shapes[index]);
    if (node->op == TSM_OP_ATTENTION) return tsm_attention_scratch(&s->attentions[index]);
    return staged + (s->conv_of[index] ? s->conv_of[index]->workspace_bytes : 0);
}

/* What a memory plan is made of. */
typedef struct places {
    tsm_memplan_value *values;
    uint64_t *scratch;
    int *last_use;
} places;

/* A fork's scratch lies behind its value, and so has its place as long as that. */
static void fold_scratch(const tsm_schedule *s, places *p)
{
    for (int i = 0; i < s->fork_count; i++) {
        const int node = s->forks[i].node;

        p->values[node].bytes += p->scratch[node];
        p->scratch[node] = 0;
    }
    tsm_forks_stretch(s->forks, s->fork_count, p->values, p->last_use);
}

static void unfold_scratch(const tsm_schedule *s)
{
    for (int i = 0; i < s->fork_count; i++) {
        const int node = s->forks[i].node;

        if (scratch_bytes(s, node))
            s->scratch[node] = s->memory.offsets[node] + (int64_t)tsm_cuda_align(s->values[node].bytes);
    }
}

/* What a shortcut read is read once more where the shortcut is taken in. */
static void keep_joined(const tsm_schedule *s, places *p)
{
    for (int i = 0; i < node_count(s); i++) {
        const int shortcut = s->convolutions[i].joined;
        const int from = shortcut ? tsm_schedule_node(s, shortcut)->inputs[0] : 0;

        if (!shortcut) continue;
        p->values[shortcut].bytes = 0;
        if (p->last_use[from] + p->values[from].late < i) p->values[from].late = i - p->last_use[from];
    }
}

/* Sizes are multiples of the alignment, so the offsets are, too. */
static void fill_places(const tsm_schedule *s, places *p)
{
    for (int i = 0; i < node_count(s); i++) {
        p->values[i] = (tsm_memplan_value){ .bytes = tsm_cuda_align(s->values[i].bytes), .in_place = -1 };
        if (s->values[i].view) p->values[i].in_place = tsm_schedule_node(s, i)->inputs[0];
        p->scratch[i] = tsm_cuda_align(scratch_bytes(s, i));
    }
    tsm_graph_last_uses(s->prepared->graph, p->last_use);
    fold_scratch(s, p);
    keep_joined(s, p);
}

/* What a view shows is read by nobody else, so it has its place. */
static tsm_status check_views(const tsm_schedule *s, const places *p, tsm_error *error)
{
    for (int i = 0; i < node_count(s); i++)
        if (s->values[i].view && !tsm_memplan_shares(&s->memory, p->values, i))
            return tsm_fail(error, TSM_ERROR_INTERNAL, "cuda: %s: a view with memory of its own",
                            tsm_schedule_node(s, i)->name);
    return TSM_OK;
}

static tsm_status place_values(tsm_schedule *s, tsm_error *error)
{
    const size_t count = (size_t)node_count(s);
    places p = { .values = tsm_alloc_zero(count, sizeof *p.values),
                 .scratch = tsm_alloc_zero(count, sizeof *p.scratch),
                 .last_use = tsm_alloc_zero(count, sizeof *p.last_use) };
    tsm_status status;

    tsm_memplan_clear(&s->memory);
    if (!p.values || !p.scratch || !p.last_use) {
        status = tsm_fail_memory(error, count * sizeof *p.values);
        goto fail;
    }
    fill_places(s, &p);
    TSM_TRY(tsm_memplan_make(&s->memory, s->prepared->graph, p.values, p.scratch, s->scratch, error));
    unfold_scratch(s);
    status = check_views(s, &p, error);
fail:
    tsm_free(p.values);
    tsm_free(p.scratch);
    tsm_free(p.last_use);
    return status;
}

/* A plan that cannot fit, whatever workspaces its kernels want, is refused before they are tried. */
static tsm_status refuse_early(tsm_schedule *s, tsm_error *error)
{
    TSM_TRY_RETURN(place_values(s, error));
    return tsm_check_bytes(s->memory.arena_bytes, s->prepared->max_bytes, error);
}

static tsm_status allocate(tsm_schedule *s, tsm_error *error)
{
    const size_t count = (size_t)node_count(s);

    s->values = tsm_alloc_zero(count, sizeof *s->values);
    s->convolutions = tsm_alloc_zero(count, sizeof *s->convolutions);
    s->convs = tsm_alloc_zero(count, sizeof *s->convs);
    s->conv_of = tsm_alloc_zero(count, sizeof *s->conv_of);
    s->attentions = tsm_alloc_zero(count, sizeof *s->attentions);
    s->forks = tsm_alloc_zero(count, sizeof *s->forks);
    s->scratch = tsm_alloc_zero(count, sizeof *s->scratch);
    if (s->forks && s->values && s->convolutions && s->convs && s->conv_of && s->attentions && s->scratch)
        return TSM_OK;
    return tsm_fail_memory(error, count * sizeof *s->convolutions);
}

/* Those whose convolution runs by itself. */
static int find_forks(const tsm_schedule *s)
{
    const int found = tsm_forks_find(s->forks, s->prepared->graph);
    int count = 0;

    for (int i = 0; i < found; i++)
        if (!s->convolutions[s->forks[i].node].part) s->forks[count++] = s->forks[i];
    return count;
}

tsm_status tsm_schedule_make(tsm_schedule *s, const tsm_prepared *prepared, const tsm_plan_arguments *arguments,
                             const tsm_cuda_way *way, tsm_tuner *tuner, tsm_error *error)
{
    tsm_status status;

    memset(s, 0, sizeof *s);
    s->prepared = prepared;
    s->shapes = arguments->shapes;
    s->resize = arguments->resize;
    s->slots = arguments->slots;
    s->way = *way;
    TSM_TRY(allocate(s, error));
    tsm_cuda_layout_make(s->values, prepared->graph, s->shapes, prepared->dtype, way->shift);
    describe_convolutions(s);
    s->fork_count = find_forks(s);
    TSM_TRY(refuse_early(s, error));
    TSM_TRY(choose_kernels(s, tuner, error));
    TSM_TRY(place_values(s, error));
    return TSM_OK;
fail:
    tsm_schedule_clear(s);
    return status;
}

void tsm_schedule_clear(tsm_schedule *s)
{
    for (int i = 0; i < s->conv_count; i++) tsm_conv_clear(s->convs[i]);
    for (int i = 0; s->attentions && i < node_count(s); i++) tsm_attention_clear(&s->attentions[i]);
    tsm_memplan_clear(&s->memory);
    tsm_free(s->values);
    tsm_free(s->convolutions);
    tsm_free(s->convs);
    tsm_free(s->conv_of);
    tsm_free(s->attentions);
    tsm_free(s->forks);
    tsm_free(s->scratch);
    memset(s, 0, sizeof *s);
}

static bool same_conv(const tsm_conv *a, const tsm_conv *b)
{
    return !a || !b ? a == b : a->family == b->family && a->index == b->index;
}

bool tsm_schedule_same(const tsm_schedule *a, const tsm_schedule *b)
{
    for (int i = 0; i < node_count(a); i++) {
        const tsm_convolution *p = &a->convolutions[i], *q = &b->convolutions[i];

        if (a->values[i].pitch != b->values[i].pitch || a->values[i].view != b->values[i].view) return false;
        if (p->gather != q->gather || p->staging != q->staging || p->later != q->later) return false;
        if (!same_conv(a->conv_of[i], b->conv_of[i])) return false;
    }
    return true;
}
