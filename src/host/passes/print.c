/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - a graph as text, in aligned columns. */
#include "passes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX, NAME, OP, SHAPE, KERNEL, SHIFT, FUSED, NUMBER, OFFSET, BYTES, COLUMNS };

#define CELL_BYTES 176 /* FUSED may name a residual */

typedef struct row {
    char cells[COLUMNS][CELL_BYTES];
} row;

/* What is printed, and how wide its columns are. */
typedef struct table {
    const tsm_graph *graph;
    const tsm_dims *shapes;
    const int64_t *offsets; /* NULL: none */
    bool shown[COLUMNS];
    int widths[COLUMNS];
    row scratch;
} table;

static const char *const headings[COLUMNS] = { "#",     "name",  "op",      "shape n,t,h,w,c", "kernel",
                                               "shift", "fused", "numbers", "offset",          "bytes" };

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

static bool has_numbers(const tsm_node *node)
{
    return node->number != TSM_NUMBER_ENGINE || node->input_scale != 0 || node->output_scales;
}

/* How the value is stored, and what it was made with: "int8, input 0.05, a scale a channel". */
static void format_numbers(const tsm_node *node, char *cell)
{
    static const char *const names[TSM_NUMBER_COUNT] = { "engine", "fp32", "fp16", "bf16", "int8" };
    const char *name = (unsigned)node->number < TSM_NUMBER_COUNT ? names[node->number] : "unknown";
    int used;

    if (!has_numbers(node)) return;
    used = snprintf(cell, CELL_BYTES, "%s", name);
    if (node->input_scale != 0)
        used += snprintf(cell + used, CELL_BYTES - (size_t)used, ", input %g", (double)node->input_scale);
    if (node->output_scales) snprintf(cell + used, CELL_BYTES - (size_t)used, ", a scale a channel");
}

static void format_row(const table *t, int index, row *out)
{
    const tsm_graph *graph = t->graph;
    const tsm_node *node = &graph->nodes[index];
    const tsm_dims *d = &t->shapes[index];

    memset(out, 0, sizeof *out);
    snprintf(out->cells[INDEX], CELL_BYTES, "%d", index);
    snprintf(out->cells[NAME], CELL_BYTES, "%s", node->name);
    snprintf(out->cells[OP], CELL_BYTES, "%s", tsm_op_name(node->op));
    snprintf(out->cells[SHAPE], CELL_BYTES, "%dx%dx%dx%dx%d", d->n, d->t, d->h, d->w, d->c);
    if (node->kernel_h > 0 && node->op != TSM_OP_FC)
        snprintf(out->cells[KERNEL], CELL_BYTES, "%dx%d/%d", node->kernel_h, node->kernel_w, node->stride);
    format_shift(&node->shift, out->cells[SHIFT]);
    format_fused(graph, node, out->cells[FUSED]);
    format_numbers(node, out->cells[NUMBER]);
    if (t->offsets && t->offsets[index] >= 0) {
        snprintf(out->cells[OFFSET], CELL_BYTES, "%" PRId64, t->offsets[index]);
        snprintf(out->cells[BYTES], CELL_BYTES, "%" PRIu64, (uint64_t)tsm_dims_count(d) * sizeof(float));
    }
    for (int c = 0; c < COLUMNS; c++)
        if (!out->cells[c][0]) strcpy(out->cells[c], "-");
}

static void widen(table *t, int column, const char *cell)
{
    int length = (int)strlen(cell);

    if (length > t->widths[column]) t->widths[column] = length;
}

static void print_line(FILE *out, const table *t, const char *(*cell)(const void *, int), const void *source)
{
    int last = COLUMNS - 1;

    while (!t->shown[last]) last--;
    for (int i = 0; i <= last; i++) {
        bool number = i == INDEX || i >= OFFSET;

        if (!t->shown[i]) continue;
        fprintf(out, "%*s%s",
                number      ? t->widths[i]
                : i == last ? 0
                            : -t->widths[i],
                cell(source, i), i == last ? "\n" : "  ");
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

/* Columns that say something of this graph. */
static void choose_columns(table *t)
{
    for (int c = 0; c < COLUMNS; c++) t->shown[c] = c != NUMBER && (t->offsets || c < OFFSET);
    for (int i = 0; i < t->graph->count; i++) t->shown[NUMBER] = t->shown[NUMBER] || has_numbers(&t->graph->nodes[i]);
}

static void print_table(FILE *out, table *t)
{
    choose_columns(t);
    for (int c = 0; c < COLUMNS; c++) widen(t, c, headings[c]);
    for (int i = 0; i < t->graph->count; i++) {
        format_row(t, i, &t->scratch);
        for (int c = 0; c < COLUMNS; c++) widen(t, c, t->scratch.cells[c]);
    }
    print_line(out, t, heading_cell, NULL);
    for (int i = 0; i < t->graph->count; i++) {
        format_row(t, i, &t->scratch);
        print_line(out, t, row_cell, &t->scratch);
    }
}

tsm_status tsm_graph_print(const tsm_graph *graph, const tsm_dims *shapes, const int64_t *offsets,
                           uint64_t arena_bytes, char **text, tsm_error *error)
{
    table t = { .graph = graph, .shapes = shapes, .offsets = offsets };
    size_t bytes = 0;
    FILE *out;
    bool failed;

    *text = NULL;
    out = open_memstream(text, &bytes);
    if (!out) return tsm_fail_memory(error, sizeof t);
    print_table(out, &t);
    fprintf(out, "%d nodes, %" PRIu64 " multiply-adds", graph->count, tsm_graph_macs(graph, shapes));
    if (offsets) fprintf(out, ", arena of %" PRIu64 " bytes", arena_bytes);
    fputc('\n', out);
    failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) return TSM_OK;
    free(*text);
    *text = NULL;
    return tsm_fail_memory(error, bytes);
}
