/* SPDX-License-Identifier: Apache-2.0 */
/* memplan.c - see memplan.h. Values that share storage in place form one block; blocks are placed greedily. */
#include "memplan.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that live from node `first` to node `last`, both included. */
typedef struct block {
    uint64_t bytes; /* padded to TSM_ALIGNMENT */
    uint64_t offset;
    int first, last;
    int index; /* tie breaker, so that a plan depends on the graph alone */
} block;

/* While a plan is made. Blocks 0..count-1 belong to values, count..2*count-1 to scratch. */
typedef struct planner {
    const tsm_graph *graph;
    block *blocks;
    int *owner; /* the block that a value lives in */
    int *last_use;
    block **placed; /* by offset */
    block **order;  /* by size, largest first */
    int placed_count, order_count;
    uint64_t end;
} planner;

static bool pad_bytes(uint64_t bytes, uint64_t *padded)
{
    uint64_t sum;

    if (__builtin_add_overflow(bytes, (uint64_t)TSM_ALIGNMENT - 1, &sum) || sum > INT64_MAX) return false;
    *padded = sum / TSM_ALIGNMENT * TSM_ALIGNMENT;
    return true;
}

static bool open_planner(planner *p, const tsm_graph *graph)
{
    size_t count = (size_t)graph->count;

    memset(p, 0, sizeof *p);
    p->graph = graph;
    p->blocks = tsm_alloc_zero(2 * count, sizeof *p->blocks);
    p->owner = tsm_alloc_zero(count, sizeof *p->owner);
    p->last_use = tsm_alloc_zero(count, sizeof *p->last_use);
    p->placed = tsm_alloc_zero(2 * count, sizeof *p->placed);
    p->order = tsm_alloc_zero(2 * count, sizeof *p->order);
    if (!p->blocks || !p->owner || !p->last_use || !p->placed || !p->order) return false;
    tsm_graph_last_uses(graph, p->last_use);
    return true;
}

static void close_planner(planner *p)
{
    tsm_free(p->blocks);
    tsm_free(p->owner);
    tsm_free(p->last_use);
    tsm_free(p->placed);
    tsm_free(p->order);
}

/* Gives every value a block, its own or that of the input whose place it takes. */
static bool make_value_blocks(planner *p, const tsm_memplan_value *values)
{
    for (int i = 0; i < p->graph->count; i++) {
        int upon = values[i].in_place;
        bool shares = values[i].bytes && upon >= 0 && values[upon].bytes && p->last_use[upon] == i;
        block *b = &p->blocks[shares ? p->owner[upon] : i];
        uint64_t bytes;

        p->owner[i] = shares ? p->owner[upon] : i;
        if (!pad_bytes(values[i].bytes, &bytes)) return false;
        if (!shares) *b = (block){ .first = i - values[i].early, .index = i };
        if (bytes > b->bytes) b->bytes = bytes;
        b->last = p->last_use[i] + values[i].late;
    }
    return true;
}

static bool make_scratch_blocks(planner *p, const uint64_t *scratch)
{
    int count = p->graph->count;

    for (int i = 0; scratch && i < count; i++) {
        block *b = &p->blocks[count + i];

        *b = (block){ .first = i, .last = i, .index = count + i };
        if (!pad_bytes(scratch[i], &b->bytes)) return false;
    }
    return true;
}

static int compare_blocks(const void *left, const void *right)
{
    const block *a = *(block *const *)left, *b = *(block *const *)right;

    if (a->bytes != b->bytes) return a->bytes > b->bytes ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Puts a block at the lowest offset where no block that lives at the same time is. */
static bool place_block(planner *p, block *b)
{
    uint64_t offset = 0, end;
    int at;

    for (int i = 0; i < p->placed_count; i++) {
        const block *other = p->placed[i];

        if (other->last < b->first || other->first > b->last) continue;
        if (other->offset >= offset && other->offset - offset >= b->bytes) break;
        if (other->offset + other->bytes > offset) offset = other->offset + other->bytes;
    }
    if (__builtin_add_overflow(offset, b->bytes, &end) || end > INT64_MAX) return false;
    b->offset = offset;
    if (end > p->end) p->end = end;
    for (at = p->placed_count; at > 0 && p->placed[at - 1]->offset > offset; at--) p->placed[at] = p->placed[at - 1];
    p->placed[at] = b;
    p->placed_count++;
    return true;
}

static bool place_blocks(planner *p)
{
    for (int i = 0; i < 2 * p->graph->count; i++)
        if (p->blocks[i].bytes) p->order[p->order_count++] = &p->blocks[i];
    qsort(p->order, (size_t)p->order_count, sizeof *p->order, compare_blocks);
    for (int i = 0; i < p->order_count; i++)
        if (!place_block(p, p->order[i])) return false;
    return true;
}

tsm_status tsm_memplan_make(tsm_memplan *plan, const tsm_graph *graph, const tsm_memplan_value *values,
                            const uint64_t *scratch, int64_t *scratch_offsets, tsm_error *error)
{
    size_t count = (size_t)graph->count;
    tsm_status status = TSM_OK;
    planner p;

    plan->arena_bytes = 0;
    plan->offsets = tsm_alloc_zero(count, sizeof *plan->offsets);
    if (!open_planner(&p, graph) || !plan->offsets) {
        status = tsm_fail_memory(error, count * sizeof *p.blocks);
        goto fail;
    }
    if (!make_value_blocks(&p, values) || !make_scratch_blocks(&p, scratch) || !place_blocks(&p)) {
        status = tsm_fail(error, TSM_ERROR_MEMORY, "out of memory: the activations do not fit into 2^63 bytes");
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        const block *space = &p.blocks[count + i];

        plan->offsets[i] = values[i].bytes ? (int64_t)p.blocks[p.owner[i]].offset : -1;
        if (scratch) scratch_offsets[i] = space->bytes ? (int64_t)space->offset : -1;
    }
    plan->arena_bytes = p.end;
    close_planner(&p);
    return TSM_OK;
fail:
    close_planner(&p);
    tsm_memplan_clear(plan);
    return status;
}

void tsm_memplan_clear(tsm_memplan *plan)
{
    tsm_free(plan->offsets);
    memset(plan, 0, sizeof *plan);
}

bool tsm_memplan_shares(const tsm_memplan *plan, const tsm_memplan_value *values, int node)
{
    int upon = values[node].in_place;

    return upon >= 0 && plan->offsets[node] >= 0 && plan->offsets[node] == plan->offsets[upon];
}
