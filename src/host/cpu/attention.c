/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c - see attention.h. */
#include "attention.h"

#include <string.h>

#include "ops.h"
#include "prepared.h"

/* Scores of a tile. With fewer rows than LEAST_TILE reading weights would take longer than multiplying by them. */
#define TILE_BYTES (512 * 1024)
#define LEAST_TILE 32

/* ---- Sizes ---------------------------------------------------------------------------------------------------- */

static int64_t positions(const tsm_dims *dims)
{
    return (int64_t)dims->t * dims->h * dims->w;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Tiles are of one size, as products are compiled for one; the last may begin in the one before. As many for each
 * thread. */
static int64_t choose_tile(int64_t rows, int64_t keys, int lanes)
{
    const int64_t least = rows < LEAST_TILE ? rows : LEAST_TILE;
    const int64_t fit = TILE_BYTES / (int64_t)sizeof(float) / keys, most = fit > least ? fit : least;
    const int64_t tiles = divide_up(divide_up(rows, most), lanes) * lanes, tile = divide_up(rows, tiles);

    return tile > least ? tile : least;
}

/* By multiply-adds; in double, as they may be past 2^63. */
static bool cheaper_keys_first(const tsm_cpu_attention *a)
{
    const double rows = (double)a->rows, keys = (double)a->keys;
    const double channels = (double)a->channels, value_channels = (double)a->value_channels;

    return (rows + keys) * channels * value_channels < rows * keys * (channels + value_channels);
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + TSM_ALIGNMENT - 1) / TSM_ALIGNMENT * TSM_ALIGNMENT;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Bytes of the parts of the scratch, which lie in this order, from `product` on once a lane. */
typedef struct space {
    uint64_t keys, values, packing, product, between, sums, factors, lane;
} space;

static space space_of(const tsm_cpu_attention *a)
{
    const int64_t between = a->keys_first ? a->channels * a->value_channels : a->tile * a->keys;
    space s = { .keys = a->keys_first ? 0 : padded(a->first.weight_bytes),
                .values = padded(a->keys_first ? a->first.weight_bytes : a->second.weight_bytes),
                .packing = padded(larger(a->key_pack.scratch_bytes, a->value_pack.scratch_bytes)),
                .product = padded(larger(a->first.scratch_bytes, a->second.scratch_bytes)),
                .between = padded((uint64_t)between * sizeof(float)),
                .sums = a->keys_first ? 0 : padded((uint64_t)(a->tile * a->value_channels) * sizeof(float)),
                .factors = a->softmax ? padded((uint64_t)a->tile * sizeof(float)) : 0 };

    s.lane = s.product + s.between + s.sums + s.factors;
    return s;
}

/* ---- Making --------------------------------------------------------------------------------------------------- */

/* Queries by keys, then weights by values: for one thread each. */
static tsm_status compile_tiles(tsm_cpu_attention *a, dnnl_engine_t engine, tsm_error *error)
{
    const float mean = a->softmax ? 0 : 1.0f / (float)a->keys;
    const tsm_dnnl_matmul scores = { .m = a->tile, .n = a->keys, .k = a->channels };
    const tsm_dnnl_matmul sums = {
        .m = a->tile, .n = a->value_channels, .k = a->keys, .epilogue = { .factor = mean }
    };
    const tsm_cpu_threads all = tsm_cpu_threads_enter(1);
    tsm_status status;

    TSM_TRY(tsm_dnnl_matmul_create(&a->first, engine, &scores, error));
    TSM_TRY(tsm_dnnl_matmul_create(&a->second, engine, &sums, error));
fail:
    tsm_cpu_threads_leave(all);
    if (status != TSM_OK) return status;
    TSM_TRY_RETURN(tsm_dnnl_pack_create(&a->key_pack, engine, &scores, &a->first, TSM_DNNL_COLUMNS, error));
    return tsm_dnnl_pack_create(&a->value_pack, engine, &sums, &a->second, TSM_DNNL_ROWS, error);
}

/* Keys by values, then queries by that: for all threads together. */
static tsm_status compile_keys_first(tsm_cpu_attention *a, dnnl_engine_t engine, tsm_error *error)
{
    const tsm_dnnl_matmul mixed = { .m = a->channels,
                                    .n = a->value_channels,
                                    .k = a->keys,
                                    .source_columns = true,
                                    .epilogue = { .factor = 1.0f / (float)a->keys } };
    const tsm_dnnl_matmul sums = { .m = a->rows, .n = a->value_channels, .k = a->channels, .weights = TSM_DNNL_ROWS };

    TSM_TRY_RETURN(tsm_dnnl_matmul_create(&a->first, engine, &mixed, error));
    TSM_TRY_RETURN(tsm_dnnl_matmul_create(&a->second, engine, &sums, error));
    return tsm_dnnl_pack_create(&a->value_pack, engine, &mixed, &a->first, TSM_DNNL_ROWS, error);
}

tsm_status tsm_cpu_attention_create(tsm_cpu_attention **out, dnnl_engine_t engine, const tsm_node *node,
                                    const tsm_dims *shapes, tsm_error *error)
{
    const tsm_dims *queries = &shapes[node->inputs[0]], *values = &shapes[node->inputs[2]];
    tsm_cpu_attention *a = tsm_alloc_zero(1, sizeof *a);
    tsm_status status;

    if (!a) return tsm_fail_memory(error, sizeof *a);
    a->clips = queries->n;
    a->rows = positions(queries);
    a->keys = positions(values);
    a->channels = queries->c;
    a->value_channels = values->c;
    a->softmax = node->softmax;
    a->keys_first = !a->softmax && cheaper_keys_first(a);
    a->lane_count = a->keys_first ? 1 : omp_get_max_threads();
    a->tile = choose_tile(a->rows, a->keys, a->lane_count);
    TSM_TRY((a->keys_first ? compile_keys_first : compile_tiles)(a, engine, error));
    const space s = space_of(a);
    a->scratch_bytes = s.keys + s.values + s.packing + (uint64_t)a->lane_count * s.lane;
    *out = a;
    return TSM_OK;
fail:
    tsm_cpu_attention_destroy(a);
    return tsm_error_prefix(error, status, node->name);
}

void tsm_cpu_attention_destroy(tsm_cpu_attention *a)
{
    if (!a) return;
    tsm_dnnl_op_clear(&a->first);
    tsm_dnnl_op_clear(&a->second);
    tsm_dnnl_op_clear(&a->key_pack);
    tsm_dnnl_op_clear(&a->value_pack);
    tsm_free(a);
}

/* ---- Binding -------------------------------------------------------------------------------------------------- */

/* What changes from tile to tile is bound to the first until then. */
static tsm_status bind_lane(const tsm_cpu_attention_bound *b, tsm_cpu_attention_lane *lane, dnnl_engine_t engine,
                            dnnl_stream_t stream, float *scratch, tsm_error *error)
{
    const tsm_cpu_attention *a = b->what;
    const space s = space_of(a);
    float *between = scratch + s.product / sizeof *scratch, *sums = between + s.between / sizeof *scratch;

    lane->between = between;
    lane->sums = sums;
    lane->factors = sums + s.sums / sizeof *scratch;
    if (a->keys_first) {
        TSM_TRY_RETURN(tsm_dnnl_bind(&lane->first, &a->first, engine, stream, b->key_rows, b->packed_values, NULL,
                                     between, scratch, error));
        return tsm_dnnl_bind(&lane->second, &a->second, engine, stream, b->queries, between, NULL, b->out, scratch,
                             error);
    }
    TSM_TRY_RETURN(tsm_dnnl_bind(&lane->first, &a->first, engine, stream, b->queries, b->packed_keys, NULL, between,
                                 scratch, error));
    return tsm_dnnl_bind(&lane->second, &a->second, engine, stream, between, b->packed_values, NULL, sums, scratch,
                         error);
}

static tsm_status bind_all(tsm_cpu_attention_bound *b, dnnl_engine_t engine, const dnnl_stream_t *streams,
                           float *scratch, tsm_error *error)
{
    const tsm_cpu_attention *a = b->what;
    const space s = space_of(a);
    float *packing;

    b->packed_keys = scratch;
    b->packed_values = b->packed_keys + s.keys / sizeof *scratch;
    packing = b->packed_values + s.values / sizeof *scratch;
    scratch = packing + s.packing / sizeof *scratch;
    TSM_TRY_RETURN(tsm_dnnl_bind(&b->packing_values, &a->value_pack, engine, streams[0], b->values, NULL, NULL,
                                 b->packed_values, packing, error));
    if (!a->keys_first)
        TSM_TRY_RETURN(tsm_dnnl_bind(&b->packing_keys, &a->key_pack, engine, streams[0], b->key_rows, NULL, NULL,
                                     b->packed_keys, packing, error));
    for (int i = 0; i < a->lane_count; i++, scratch += s.lane / sizeof *scratch)
        TSM_TRY_RETURN(bind_lane(b, &b->lanes[i], engine, streams[i], scratch, error));
    return TSM_OK;
}

tsm_status tsm_cpu_attention_bind(tsm_cpu_attention_bound **out, const tsm_cpu_attention *a, dnnl_engine_t engine,
                                  const dnnl_stream_t *streams, const float *const operands[TSM_INPUTS],
                                  float *destination, float *scratch, tsm_error *error)
{
    tsm_cpu_attention_bound *b = tsm_alloc_zero(1, sizeof *b);
    tsm_status status;

    if (!b) return tsm_fail_memory(error, sizeof *b);
    b->what = a;
    b->queries = operands[0];
    b->key_rows = operands[1];
    b->values = operands[2];
    b->out = destination;
    b->lanes = tsm_alloc_zero((size_t)a->lane_count, sizeof *b->lanes);
    if (!b->lanes) {
        status = tsm_fail_memory(error, (size_t)a->lane_count * sizeof *b->lanes);
        goto fail;
    }
    TSM_TRY(bind_all(b, engine, streams, scratch, error));
    *out = b;
    return TSM_OK;
fail:
    tsm_cpu_attention_unbind(b);
    return status;
}

void tsm_cpu_attention_unbind(tsm_cpu_attention_bound *b)
{
    if (!b) return;
    for (int i = 0; b->lanes && i < b->what->lane_count; i++) {
        tsm_dnnl_bound_clear(&b->lanes[i].first);
        tsm_dnnl_bound_clear(&b->lanes[i].second);
    }
    tsm_free(b->lanes);
    tsm_dnnl_bound_clear(&b->packing_keys);
    tsm_dnnl_bound_clear(&b->packing_values);
    tsm_free(b);
}

/* ---- Running -------------------------------------------------------------------------------------------------- */

static dnnl_status_t run_on(const tsm_dnnl_bound *bound, const float *source, float *destination)
{
    dnnl_status_t status = tsm_dnnl_bound_move(bound, source, destination);

    return status == dnnl_success ? tsm_dnnl_execute(bound) : status;
}

/* A tile of queries whose first `skip` rows another tile has: that may be at work on them in another thread. */
static dnnl_status_t run_tile(const tsm_cpu_attention *a, const tsm_cpu_attention_lane *lane, const float *queries,
                              float *out, int64_t skip)
{
    const int64_t rows = a->tile - skip, c = a->value_channels;
    dnnl_status_t status = run_on(&lane->first, queries, lane->between);

    if (a->softmax && status == dnnl_success) tsm_cpu_softmax(lane->between, lane->factors, a->tile, a->keys);
    if (status == dnnl_success) status = tsm_dnnl_execute(&lane->second);
    if (a->softmax) {
        tsm_cpu_scale_rows(lane->sums + skip * c, lane->factors + skip, out + skip * c, rows, c);
    } else {
        memcpy(out + skip * c, lane->sums + skip * c, (size_t)(rows * c) * sizeof *out);
    }
    return status;
}

/* Threads take tiles as they come, which costs nothing and helps where not all of them run at once. */
static dnnl_status_t run_tiles(const tsm_cpu_attention_bound *b, const float *queries, float *out)
{
    const tsm_cpu_attention *a = b->what;
    dnnl_status_t status = dnnl_success;

#pragma omp parallel for schedule(dynamic)
    for (int64_t done = 0; done < a->rows; done += a->tile) {
        const int64_t row = done + a->tile <= a->rows ? done : a->rows - a->tile;
        const dnnl_status_t mine = run_tile(a, &b->lanes[omp_get_thread_num()], queries + row * a->channels,
                                            out + row * a->value_channels, done - row);

        if (mine != dnnl_success) {
#pragma omp atomic write
            status = mine;
        }
    }
    return status;
}

static dnnl_status_t run_keys_first(const tsm_cpu_attention_lane *lane, const float *queries, const float *keys,
                                    float *out)
{
    dnnl_status_t status = run_on(&lane->first, keys, lane->between);

    return status == dnnl_success ? run_on(&lane->second, queries, out) : status;
}

tsm_status tsm_cpu_attention_run(const tsm_cpu_attention_bound *b, tsm_error *error)
{
    const tsm_cpu_attention *a = b->what;

    for (int64_t clip = 0; clip < a->clips; clip++) {
        const float *queries = b->queries + clip * a->rows * a->channels;
        const float *keys = b->key_rows + clip * a->keys * a->channels;
        const float *values = b->values + clip * a->keys * a->value_channels;
        float *out = b->out + clip * a->rows * a->value_channels;

        TSM_DNNL(run_on(&b->packing_values, values, b->packed_values));
        if (a->keys_first) {
            TSM_DNNL(run_keys_first(&b->lanes[0], queries, keys, out));
        } else {
            TSM_DNNL(run_on(&b->packing_keys, keys, b->packed_keys));
            TSM_DNNL(run_tiles(b, queries, out));
        }
    }
    return TSM_OK;
}
