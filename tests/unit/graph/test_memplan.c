/* SPDX-License-Identifier: Apache-2.0 */
/* test_memplan.c - no two values that live at once overlap, whatever the graph; storage is reused. */
#include "graph/memplan.h"
#include "support.h"

#define RANDOM_GRAPHS 300
#define MAX_NODES     48

/* A stream of integers below a bound. */
typedef struct dice {
    uint32_t seed, i;
} dice;

static int roll(dice *d, int below)
{
    return (int)((hashed_value(d->i++, d->seed) + 1.0) * 0.5 * below);
}

typedef struct scene {
    tsm_graph *graph;
    tsm_memplan_value values[MAX_NODES];
    uint64_t scratch[MAX_NODES];
    int64_t scratch_offsets[MAX_NODES];
    int last_use[MAX_NODES];
    tsm_memplan plan;
} scene;

static void add(scene *s, int a, int b, uint64_t bytes, int in_place)
{
    int index = tsm_graph_append(s->graph, a < 0 ? TSM_OP_INPUT : TSM_OP_ADD, "node");

    ck_assert_int_ge(index, 0);
    s->graph->nodes[index].inputs[0] = a;
    s->graph->nodes[index].inputs[1] = b;
    s->graph->output = index;
    s->values[index] = (tsm_memplan_value){ .bytes = bytes, .in_place = in_place };
    s->scratch[index] = 0;
}

static void make(scene *s)
{
    tsm_error error;

    assert_ok(tsm_memplan_make(&s->plan, s->graph, s->values, s->scratch, s->scratch_offsets, &error), &error);
    tsm_graph_last_uses(s->graph, s->last_use);
}

static void clear(scene *s)
{
    tsm_memplan_clear(&s->plan);
    tsm_graph_destroy(&s->graph);
}

static scene random_scene(uint32_t seed)
{
    scene s = { .graph = tsm_graph_create() };
    dice d = { .seed = seed };
    int count = 2 + roll(&d, MAX_NODES - 2);

    ck_assert_ptr_nonnull(s.graph);
    add(&s, -1, -1, 1 + (uint64_t)roll(&d, 5000), -1);
    for (int i = 1; i < count; i++) {
        int recent = i > 4 && roll(&d, 3) ? i - 4 : 0; /* mostly short lives, some long ones */
        int a = recent + roll(&d, i - recent), b = roll(&d, 2) ? roll(&d, i) : -1;
        int bytes = roll(&d, 8) ? roll(&d, 5000) : 0;

        add(&s, a, b, (uint64_t)bytes, roll(&d, 2) ? (roll(&d, 2) && b >= 0 ? b : a) : -1);
        if (roll(&d, 4) == 0) s.scratch[i] = (uint64_t)roll(&d, 3000);
    }
    s.graph->output = roll(&d, count);
    return s;
}

static bool overlap(int64_t a, uint64_t a_bytes, int64_t b, uint64_t b_bytes)
{
    return a >= 0 && b >= 0 && a < b + (int64_t)b_bytes && b < a + (int64_t)a_bytes;
}

static void check_place(const scene *s, int64_t offset, uint64_t bytes, int i)
{
    ck_assert_msg((offset >= 0) == (bytes > 0), "node %d: %llu bytes at %lld", i, (unsigned long long)bytes,
                  (long long)offset);
    if (offset < 0) return;
    ck_assert_int_eq(offset % TSM_ALIGNMENT, 0);
    ck_assert_uint_le((uint64_t)offset + bytes, s->plan.arena_bytes);
}

/* Value i is alive while node j > i runs: only the node that takes its place, as its last reader, may touch it. */
static void check_pair(const scene *s, int i, int j)
{
    const int64_t *at = s->plan.offsets;

    if (s->last_use[i] < j) return;
    ck_assert_msg(!overlap(at[i], s->values[i].bytes, s->scratch_offsets[j], s->scratch[j]),
                  "scratch of node %d lies on value %d", j, i);
    if (!overlap(at[i], s->values[i].bytes, at[j], s->values[j].bytes)) return;
    ck_assert_msg(s->values[j].in_place == i && s->last_use[i] == j && at[i] == at[j],
                  "value %d at %lld lies on value %d at %lld", j, (long long)at[j], i, (long long)at[i]);
    ck_assert(tsm_memplan_shares(&s->plan, s->values, j));
}

static void check_plan(const scene *s)
{
    uint64_t all = 0, most = 0;

    for (int j = 0; j < s->graph->count; j++) {
        uint64_t alive = s->scratch[j];

        check_place(s, s->plan.offsets[j], s->values[j].bytes, j);
        check_place(s, s->scratch_offsets[j], s->scratch[j], j);
        ck_assert(!overlap(s->plan.offsets[j], s->values[j].bytes, s->scratch_offsets[j], s->scratch[j]));
        for (int i = 0; i < j; i++) check_pair(s, i, j);
        for (int i = 0; i <= j; i++) {
            bool taken = i < j && s->values[j].in_place == i && s->last_use[i] == j;
            if (s->last_use[i] >= j && !taken) alive += s->values[i].bytes;
        }
        most = alive > most ? alive : most;
        all += s->values[j].bytes + s->scratch[j] + 2 * TSM_ALIGNMENT;
    }
    ck_assert_int_eq(s->plan.arena_bytes % TSM_ALIGNMENT, 0);
    ck_assert_uint_ge(s->plan.arena_bytes, most);
    ck_assert_uint_le(s->plan.arena_bytes, all);
}

/* The seed is the loop's index, which Check prints with a failure. */
START_TEST(random_graphs)
{
    scene s = random_scene((uint32_t)_i);

    make(&s);
    check_plan(&s);
    clear(&s);
}
END_TEST

/* A chain needs two neighbours at a time. */
START_TEST(chain_reuses)
{
    scene s = { .graph = tsm_graph_create() };

    for (int i = 0; i < 9; i++) add(&s, i - 1, -1, i % 2 ? 640 : 1000, -1);
    make(&s);
    check_plan(&s);
    ck_assert_uint_eq(s.plan.arena_bytes, 640 + 1024);
    clear(&s);
}
END_TEST

/* Elementwise all the way: one block, whose life is the union, and which a long-lived neighbour keeps clear of. */
START_TEST(in_place_chain_is_one_block)
{
    scene s = { .graph = tsm_graph_create() };

    add(&s, -1, -1, 640, -1);
    for (int i = 1; i < 6; i++) add(&s, i - 1, -1, 640, i - 1);
    make(&s);
    ck_assert_uint_eq(s.plan.arena_bytes, 640);
    for (int i = 1; i < 6; i++) ck_assert(tsm_memplan_shares(&s.plan, s.values, i));
    ck_assert(!tsm_memplan_shares(&s.plan, s.values, 0));
    clear(&s);
}
END_TEST

START_TEST(in_place_needs_the_last_reader)
{
    scene s = { .graph = tsm_graph_create() };

    add(&s, -1, -1, 640, -1);
    add(&s, 0, -1, 640, 0); /* value 0 is read again */
    add(&s, 1, 0, 640, 0);  /* its last reader */
    s.graph->output = 2;
    make(&s);
    check_plan(&s);
    ck_assert(!tsm_memplan_shares(&s.plan, s.values, 1));
    ck_assert(tsm_memplan_shares(&s.plan, s.values, 2));
    ck_assert_uint_eq(s.plan.arena_bytes, 2 * 640);
    clear(&s);
}
END_TEST

/* The output is read after the last node: nobody takes its place. */
START_TEST(output_is_kept)
{
    scene s = { .graph = tsm_graph_create() };

    for (int i = 0; i < 3; i++) add(&s, i - 1, -1, 640, i - 1);
    s.graph->output = 1;
    make(&s);
    check_plan(&s);
    ck_assert(!tsm_memplan_shares(&s.plan, s.values, 2));
    clear(&s);
}
END_TEST

START_TEST(values_outside_the_arena)
{
    scene s = { .graph = tsm_graph_create() };
    tsm_error error;

    add(&s, -1, -1, 0, -1); /* the caller's tensor: nothing to share */
    add(&s, 0, -1, 640, 0);
    add(&s, 1, -1, 0, 1);
    make(&s);
    ck_assert_int_eq(s.plan.offsets[0], -1);
    ck_assert_int_eq(s.plan.offsets[1], 0);
    ck_assert_int_eq(s.plan.offsets[2], -1);
    ck_assert(!tsm_memplan_shares(&s.plan, s.values, 1) && !tsm_memplan_shares(&s.plan, s.values, 2));
    tsm_memplan_clear(&s.plan);
    assert_ok(tsm_memplan_make(&s.plan, s.graph, s.values, NULL, NULL, &error), &error);
    ck_assert_uint_eq(s.plan.arena_bytes, 640);
    clear(&s);
}
END_TEST

/* Nodes 1 and 2 run beside 3: what 3 writes is clear of them from node 1 on, and what it reads stays until it is
 * done, where in turn both would be used again. */
START_TEST(nodes_beside_each_other)
{
    scene s = { .graph = tsm_graph_create() };

    add(&s, -1, -1, 640, -1);
    add(&s, 0, -1, 640, -1);
    add(&s, 1, -1, 640, -1);
    add(&s, 0, -1, 640, -1);
    add(&s, 2, 3, 640, -1);
    make(&s);
    ck_assert_int_eq(s.plan.offsets[3], s.plan.offsets[1]);
    ck_assert_int_eq(s.plan.offsets[4], s.plan.offsets[0]);
    tsm_memplan_clear(&s.plan);
    s.values[3].early = 2;
    s.values[0].late = 1;
    make(&s);
    check_plan(&s);
    for (int i = 0; i < 3; i++) ck_assert_int_ne(s.plan.offsets[3], s.plan.offsets[i]);
    for (int i = 0; i < 4; i++)
        if (i != 1) ck_assert_int_ne(s.plan.offsets[4], s.plan.offsets[i]);
    clear(&s);
}
END_TEST

START_TEST(too_large)
{
    static const uint64_t sizes[][2] = { { UINT64_MAX, 1 },
                                         { (uint64_t)1 << 62, (uint64_t)1 << 62 },
                                         { 1, UINT64_MAX } };
    scene s = { .graph = tsm_graph_create() };
    tsm_error error;
    tsm_status status;

    add(&s, -1, -1, sizes[_i][0], -1);
    add(&s, 0, -1, sizes[_i][1], -1);
    status = tsm_memplan_make(&s.plan, s.graph, s.values, NULL, NULL, &error);
    assert_error(status, &error, TSM_ERROR_MEMORY, "2^63");
    s.values[1].bytes = s.values[0].bytes = 64;
    s.scratch[1] = UINT64_MAX - 5;
    status = tsm_memplan_make(&s.plan, s.graph, s.values, s.scratch, s.scratch_offsets, &error);
    assert_error(status, &error, TSM_ERROR_MEMORY, "2^63");
    clear(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memplan");
    TCase *random = tcase_create("random"), *cases = tcase_create("cases");

    tcase_add_loop_test(random, random_graphs, 0, RANDOM_GRAPHS);
    tcase_add_test(cases, chain_reuses);
    tcase_add_test(cases, in_place_chain_is_one_block);
    tcase_add_test(cases, in_place_needs_the_last_reader);
    tcase_add_test(cases, output_is_kept);
    tcase_add_test(cases, values_outside_the_arena);
    tcase_add_test(cases, nodes_beside_each_other);
    tcase_add_loop_test(cases, too_large, 0, 3);
    suite_add_tcase(suite, random);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
