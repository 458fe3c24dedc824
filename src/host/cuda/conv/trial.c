/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c - see trial.h. */
#include "trial.h"

#include <string.h>

#define ROUNDS       5
#define MOST_REPLAYS 64 /* of a graph, a round */

/* A kernel on every set of operands, and the graph of its launches. */
typedef struct captured {
    tsm_conv_bound *bound[TSM_TRIAL_MOST_SETS];
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    int launches;
} captured;

/* As many sets as make twice the cache. */
static int count_sets(const tsm_conv_spec *spec, size_t l2_bytes)
{
    const size_t sets = 2 * l2_bytes / tsm_operands_bytes(spec) + 1;

    return sets > TSM_TRIAL_MOST_SETS ? TSM_TRIAL_MOST_SETS : (int)sets;
}

tsm_status tsm_trial_open(tsm_trial *trial, const tsm_conv_spec *spec, size_t l2_bytes,
                          const tsm_cuda_libraries *libraries, cudaStream_t stream, tsm_error *error)
{
    tsm_status status;

    memset(trial, 0, sizeof *trial);
    trial->spec = *spec;
    trial->libraries = libraries;
    trial->stream = stream;
    TSM_TRY(tsm_operands_make(&trial->operands, spec, count_sets(spec, l2_bytes), stream, error));
    TSM_TRY(tsm_verifier_open(&trial->verifier, spec, error));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&trial->begin, cudaEventDefault));
    TSM_CUDA_TRY(cudaEventCreateWithFlags(&trial->end, cudaEventDefault));
    TSM_CUDNN_TRY(cudnnSetStream(libraries->dnn, stream));
    return TSM_OK;
fail:
    tsm_trial_close(trial);
    return status;
}

void tsm_trial_close(tsm_trial *trial)
{
    if (trial->begin) cudaEventDestroy(trial->begin);
    if (trial->end) cudaEventDestroy(trial->end);
    if (trial->workspace) cudaFree(trial->workspace);
    tsm_operands_clear(&trial->operands);
    tsm_verifier_close(&trial->verifier);
    memset(trial, 0, sizeof *trial);
}

static tsm_status ensure_workspace(tsm_trial *trial, size_t bytes, tsm_error *error)
{
    if (bytes <= trial->workspace_bytes) return TSM_OK;
    if (trial->workspace) cudaFree(trial->workspace);
    trial->workspace = NULL;
    trial->workspace_bytes = 0;
    TSM_CUDA(cudaMalloc((void **)&trial->workspace, bytes));
    trial->workspace_bytes = bytes;
    return TSM_OK;
}

static tsm_status bind_all(captured *c, const tsm_trial *trial, const tsm_conv *conv, tsm_error *error)
{
    for (int i = 0; i < trial->operands.sets; i++) {
        tsm_conv_buffers buffers = tsm_operands_of(&trial->operands, i);

        buffers.workspace = trial->workspace;
        TSM_TRY_RETURN(tsm_conv_bind(&c->bound[i], conv, &buffers, error));
    }
    return TSM_OK;
}

/* Runs once over a poisoned output. The kernel is loaded by this, which a capture would not allow. */
static tsm_status run_once(tsm_trial *trial, const captured *c, tsm_error *error)
{
    const size_t bytes =
        (size_t)tsm_conv_spec_output_count(&trial->spec) * tsm_dtype_bytes(tsm_operands_out_type(&trial->spec));

    TSM_CUDA(cudaMemsetAsync(trial->operands.first.out, 0xff, bytes, trial->stream));
    TSM_TRY_RETURN(tsm_conv_enqueue(c->bound[0], trial->libraries, trial->stream, error));
    return tsm_verifier_fetch(&trial->verifier, trial->operands.first.out, trial->stream, error);
}

static tsm_status enqueue_launches(const captured *c, const tsm_trial *trial, tsm_error *error)
{
    for (int i = 0; i < c->launches; i++)
        TSM_TRY_RETURN(tsm_conv_enqueue(c->bound[i % trial->operands.sets], trial->libraries, trial->stream, error));
    return TSM_OK;
}

static tsm_status capture(captured *c, const tsm_trial *trial, tsm_error *error)
{
    tsm_status status;

    c->launches = trial->operands.sets > TSM_TRIAL_LAUNCHES ? trial->operands.sets : TSM_TRIAL_LAUNCHES;
    TSM_CUDA(cudaStreamBeginCapture(trial->stream, cudaStreamCaptureModeThreadLocal));
    status = enqueue_launches(c, trial, error);
    if (status == TSM_OK) {
        TSM_CUDA(cudaStreamEndCapture(trial->stream, &c->graph));
        TSM_CUDA(cudaGraphInstantiate(&c->exec, c->graph, 0));
        return TSM_OK;
    }
    cudaStreamEndCapture(trial->stream, &c->graph); /* the stream must leave the mode; why it failed is known */
    cudaGetLastError();
    return status;
}

static void release(captured *c)
{
    for (int i = 0; i < TSM_TRIAL_MOST_SETS; i++) tsm_conv_unbind(c->bound[i]);
    if (c->exec) cudaGraphExecDestroy(c->exec);
    if (c->graph) cudaGraphDestroy(c->graph);
}

/* Milliseconds of `replays` of the graph. */
static tsm_status replay(float *milliseconds, const tsm_trial *trial, const captured *c, int replays,
                         tsm_error *error)
{
    TSM_CUDA(cudaEventRecord(trial->begin, trial->stream));
    for (int i = 0; i < replays; i++) TSM_CUDA(cudaGraphLaunch(c->exec, trial->stream));
    TSM_CUDA(cudaEventRecord(trial->end, trial->stream));
    return tsm_cuda_elapsed(milliseconds, trial->begin, trial->end, error);
}

static tsm_status warm_up(const tsm_trial *trial, const captured *c, tsm_error *error)
{
    float elapsed = 0, ms;

    while (elapsed < TSM_TRIAL_WARM_US * 1e-3f) {
        TSM_TRY_RETURN(replay(&ms, trial, c, 4, error));
        elapsed += ms;
    }
    return TSM_OK;
}

/* The shortest of the rounds. */
static tsm_status measure(float *milliseconds, const tsm_trial *trial, const captured *c, tsm_error *error)
{
    int replays = MOST_REPLAYS;
    float ms;

    TSM_TRY_RETURN(replay(&ms, trial, c, 1, error));
    if (ms * MOST_REPLAYS > TSM_TRIAL_ROUND_US * 1e-3f) replays = (int)(TSM_TRIAL_ROUND_US * 1e-3f / ms) + 1;
    for (int round = 0; round < ROUNDS; round++) {
        TSM_TRY_RETURN(replay(&ms, trial, c, replays, error));
        ms /= (float)(replays * c->launches);
        if (round == 0 || ms < *milliseconds) *milliseconds = ms;
    }
    return TSM_OK;
}

tsm_status tsm_trial_run(tsm_trial *trial, const tsm_conv *conv, bool *warm, bool *agrees, float *milliseconds,
                         tsm_error *error)
{
    captured c;
    tsm_status status;

    *agrees = false;
    memset(&c, 0, sizeof c);
    TSM_TRY(ensure_workspace(trial, conv->workspace_bytes, error));
    TSM_TRY(bind_all(&c, trial, conv, error));
    TSM_TRY(run_once(trial, &c, error));
    *agrees = tsm_verifier_agrees(&trial->verifier);
    if (*agrees) {
        TSM_TRY(capture(&c, trial, error));
        if (!*warm) TSM_TRY(warm_up(trial, &c, error));
        *warm = true;
        TSM_TRY(measure(milliseconds, trial, &c, error));
    }
    status = TSM_OK;
fail:
    cudaStreamSynchronize(trial->stream);
    release(&c);
    return status;
}
