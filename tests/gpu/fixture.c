/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.c - see fixture.h. */
#include "fixture.h"

const network_spec fixture_spec = {
    .arch = "resnet50", .width = 8, .classes = 6, .shift_div = 8, .place = TSM_PLACE_BLOCKRES
};
static const tsm_shape fixture_shape = { 2, 3, 32, 32 };

bool fixture_open(fixture *f, const tsm_backend_config *config, const char *name)
{
    const tsm_backend_config fp32 = make_config(TSM_PRECISION_FP32, TSM_SHIFT_AUTO);
    tsm_error error = { 0 };

    memset(f, 0, sizeof *f);
    f->net = network_of_arch(&fixture_spec);
    if (!check_ok(session_open(&f->session, tsm_cuda_backend(), f->net.graph, config ? config : &fp32, &fixture_shape,
                               &error),
                  &error, name)) {
        network_free(&f->net);
        return false;
    }
    f->pixel_bytes = (size_t)tsm_dims_count(session_input(&f->session)) * sizeof(float);
    f->logit_bytes = (size_t)tsm_dims_count(session_output(&f->session)) * sizeof(float);
    f->pixels = hashed_array(f->pixel_bytes / sizeof(float), 3);
    f->want = poisoned_array(f->logit_bytes / sizeof(float));
    f->got = poisoned_array(f->logit_bytes / sizeof(float));
    f->input = planes_of(f->pixels, session_input(&f->session));
    f->output = logits_of(f->want, session_output(&f->session));
    check_ok(session_run(&f->session, &f->input, &f->output, &error), &error, name);
    f->output.data = f->got;
    return true;
}

void fixture_close(fixture *f)
{
    session_close(&f->session);
    network_free(&f->net);
    free(f->pixels);
    free(f->want);
    free(f->got);
}

void check_got(const fixture *f, const char *name)
{
    check(memcmp(f->got, f->want, f->logit_bytes) == 0, name, "other logits than from host memory");
}

device_pair device_pair_make(const fixture *f, const char *name)
{
    device_pair pair = { 0 };

    check_cuda(cudaMalloc(&pair.pixels, f->pixel_bytes), name);
    check_cuda(cudaMalloc(&pair.logits, f->logit_bytes), name);
    check_cuda(cudaMemcpy(pair.pixels, f->pixels, f->pixel_bytes, cudaMemcpyHostToDevice), name);
    check_cuda(cudaStreamSynchronize(NULL),
               name); /* the copy may still be on its way, for streams that do not block */
    return pair;
}

void device_pair_free(device_pair *pair)
{
    cudaFree(pair->pixels);
    cudaFree(pair->logits);
}
