/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - the machine's limit: a large fp32 product on the same library, in the same process, next to what is timed.
 */
#include "bench.h"

#include <omp.h>

#include "cpu/dnnl_shim.h"

/* 17.2 GFLOP; 48 MB, well beyond the caches, as real layers are. */
#define SIZE 2048

struct bench_gemm {
    int threads;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    tsm_dnnl_op op;
    tsm_dnnl_bound bound;
    float *a, *c;
    void *b, *scratch;
};

static tsm_status open_gemm(bench_gemm *gemm, tsm_error *error)
{
    const tsm_dnnl_matmul matmul = { .m = SIZE, .n = SIZE, .k = SIZE };

    TSM_DNNL(tsm_dnnl_try_engine(&gemm->engine));
    TSM_DNNL(tsm_dnnl_try_stream(&gemm->stream, gemm->engine));
    TSM_TRY_RETURN(tsm_dnnl_matmul_create(&gemm->op, gemm->engine, &matmul, error));
    gemm->a = tsm_alloc_zero((size_t)SIZE * SIZE, sizeof *gemm->a);
    gemm->b = tsm_alloc_zero(gemm->op.weight_bytes, 1);
    gemm->c = tsm_alloc_zero((size_t)SIZE * SIZE, sizeof *gemm->c);
    gemm->scratch = tsm_alloc_zero(gemm->op.scratch_bytes, 1);
    if (!gemm->a || !gemm->b || !gemm->c || !gemm->scratch) return tsm_fail_memory(error, gemm->op.weight_bytes);
    for (size_t i = 0; i < (size_t)SIZE * SIZE; i++) {
        gemm->a[i] = (float)(i % 17) / 17.0f;
        ((float *)gemm->b)[i] = (float)(i % 13) / 13.0f;
    }
    return tsm_dnnl_bind(&gemm->bound, &gemm->op, gemm->engine, gemm->stream, gemm->a, gemm->b, NULL, gemm->c,
                         gemm->scratch, error);
}

bench_gemm *bench_gemm_create(int threads)
{
    bench_gemm *gemm = tsm_alloc_zero(1, sizeof *gemm);
    tsm_error error;

    if (!gemm) return NULL;
    gemm->threads = threads;
    omp_set_num_threads(threads);
    if (open_gemm(gemm, &error) == TSM_OK) return gemm;
    bench_fail("limit: %s", error.text);
    bench_gemm_destroy(gemm);
    return NULL;
}

double bench_gemm_run(bench_gemm *gemm, int runs)
{
    const double gflop = 2.0 * SIZE * SIZE * SIZE * 1e-9;
    double best = 0;

    omp_set_num_threads(gemm->threads);
    for (int i = 0; i < runs; i++) {
        const double start = bench_now_ms();

        if (tsm_dnnl_execute(&gemm->bound) != dnnl_success) return 0;
        const double speed = gflop / (bench_now_ms() - start) * 1e3;
        if (speed > best) best = speed;
    }
    return best;
}

void bench_gemm_destroy(bench_gemm *gemm)
{
    if (!gemm) return;
    tsm_dnnl_bound_clear(&gemm->bound);
    tsm_dnnl_op_clear(&gemm->op);
    if (gemm->stream) dnnl_stream_destroy(gemm->stream);
    if (gemm->engine) dnnl_engine_destroy(gemm->engine);
    tsm_free(gemm->a);
    tsm_free(gemm->b);
    tsm_free(gemm->c);
    tsm_free(gemm->scratch);
    tsm_free(gemm);
}
