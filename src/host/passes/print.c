/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - a graph as text, in aligned columns. */
#include "graph/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX, NAME, OP, SHAPE, KERNEL, SHIFT, FUSED, OFFSET, BYTES, COLUMNS };

#define CELL_BYTES 176 /* FUSED may name a residual */

typedef struct row {
    char cells[COLUMNS][CELL_BYTES];
} row;

static const char *const headings[COLUMNS] = { "#",     "name",   "op",   "shape n,t,h,w,c", "kernel", "shift",
                                               "fused", "offset", "bytes" };

/* What came to be part of a node: "+bias +residual(name) +relu". */
static void format_fused(const tsm_graph *graph, const tsm_node *node, char *cell)
{
    bool residual = node->op == TSM_OP_CONV && node->inputs[1] >= 0;

    if (node->op == TSM_OP_ACT) {
        snprintf(cell, CELL_BYTES, "%s", tsm_act_name(node->act));
    } else {
        snprintf(cell, CELL_BYTES, "%s%s%s%s%s%s%s", node->bias ? " +bias" : "", residual ? " +residual(" : "",
                 residual ? graph->nodes[node->inputs[1]].name : "", residual ? ")" : "",
                 node->act != TSM_ACT_NONE ? " +" : "", node->act != TSM_ACT_NONE ? tsm_act_name(node->act) : "",
                 node->over_time ? " over t" : "");
        if (cell[0] == ' ') memmove(cell, cell + 1, strlen(cell));
    }
}

/* Channels from the next frame and from the one before: "+8 -8", "-8 +8", "-8". */
static void format_shift(const tsm_shift *shift, char *cell)
{
    int used;

    if (shift->end == 0) return;
    used = snprintf(cell, CELL_BYTES, "%+d", shift->step * shift->fold);
    if (shift->end > shift->fold)
        snprintf(cell + used, CELL_BYTES - (size_t)used, " %+d", -shift->step * (shift->end - shift->fold));
}

static void format_row(const tsm_graph *graph, int index, const int64_t *offsets, row *out)
{
    const tsm_node *node = &graph->nodes[index];
    const tsm_dims *d = &node->dims;

    memset(out, 0, sizeof *out);
    snprintf(out->cells[INDEX], CELL_BYTES, "%d", index);
    snprintf(out->cells[NAME], CELL_BYTES, "%s", node->name);
    snprintf(out->cells[OP], CELL_BYTES, "%s", tsm_op_name(node->op));
    snprintf(out->cells[SHAPE], CELL_BYTES, "%dx%dx%dx%dx%d", d->n, d->t, d->h, d->w, d->c);
    if (node->kernel_h > 0 && node->op != TSM_OP_FC)
        snprintf(out->cells[KERNEL], CELL_BYTES, "%dx%d/%d", node->kernel_h, node->kernel_w, node->stride);
    format_shift(&node->shift, out->cells[SHIFT]);
    format_fused(graph, node, out->cells[FUSED]);
    if (offsets && offsets[index] >= 0) {
        snprintf(out->cells[OFFSET], CELL_BYTES, "%" PRId64, offsets[index]);
        snprintf(out->cells[BYTES], CELL_BYTES, "%" PRIu64, (uint64_t)tsm_dims_count(d) * sizeof(float));
    }
    for (int c = 0; c < COLUMNS; c++)
        if (!out->cells[c][0]) strcpy(out->cells[c], "-");
}

static void widen(int widths[COLUMNS], int column, const char *cell)
{
    int length = (int)strlen(cell);

    if (length > widths[column]) widths[column] = length;
}

static void print_line(FILE *out, const int widths[COLUMNS], int columns, const char *(*cell)(const void *, int),
                       const void *source)
{
    for (int i = 0; i < columns; i++) {
        bool number = i == INDEX || i >= OFFSET;
        bool last = i == columns - 1;

        fprintf(out, "%*s%s", number ? widths[i] : last ? 0 : -widths[i], cell(source, i), last ? "\n" : "  ");
    }
}

static const char *heading_cell(const void *source, int column)
{
    (void)source;
    return headings[column];
}

static const char *row_cell(const void *source, int column)
{
    return ((const row *)source)->cells[column];
}

static void print_table(FILE *out, const tsm_graph *graph, const int64_t *offsets, row *scratch)
{
    int widths[COLUMNS] = { 0 }, columns = offsets ? COLUMNS : OFFSET;

    for (int c = 0; c < COLUMNS; c++) widen(widths, c, headings[c]);
    for (int i = 0; i < graph->count; i++) {
        format_row(graph, i, offsets, scratch);
        for (int c = 0; c < COLUMNS; c++) widen(widths, c, scratch->cells[c]);
    }
    print_line(out, widths, columns, heading_cell, NULL);
    for (int i = 0; i < graph->count; i++) {
        format_row(graph, i, offsets, scratch);
        print_line(out, widths, columns, row_cell, scratch);
    }
}

tsm_status tsm_graph_print(const tsm_graph *graph, const int64_t *offsets, uint64_t arena_bytes, char **text,
                           tsm_error *error)
{
    size_t bytes = 0;
    row scratch;
    FILE *out;
    bool failed;

    *text = NULL;
    out = open_memstream(text, &bytes);
    if (!out) return tsm_fail_memory(error, sizeof scratch);
    print_table(out, graph, offsets, &scratch);
    fprintf(out, "%d nodes, %" PRIu64 " multiply-adds", graph->count, tsm_graph_macs(graph));
    if (offsets) fprintf(out, ", arena of %" PRIu64 " bytes", arena_bytes);
    fputc('\n', out);
    failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) return TSM_OK;
    free(*text);
    *text = NULL;
    return tsm_fail_memory(error, bytes);
}
