/* SPDX-License-Identifier: Apache-2.0 */
/* suite_resize.c - frames of another size: resized on the GPU they must give the bits that frames resized on the host
 * do. */
#include "check.h"

#include "pixels/pixels.h"

static const network_spec spec = {
    .arch = "resnet18", .width = 16, .classes = 7, .shift_div = 8, .place = TSM_PLACE_BLOCKRES
};
static const tsm_shape shape = { 2, 4, 32, 40 };

/* From, to, and the crop of the shape in it. */
static const tsm_resample_spec resizes[] = {
    { 96, 64, 60, 40, 10, 4, 40, 32, false },    { 96, 64, 60, 40, 20, 8, 40, 32, true },
    { 30, 20, 60, 48, 5, 0, 40, 32, false },     { 64, 77, 64, 33, 24, 1, 40, 32, true },
    { 64, 48, 64, 48, 3, 7, 40, 32, false },     { 500, 401, 44, 33, 4, 0, 40, 32, false },
    { 1920, 1080, 64, 36, 24, 4, 40, 32, true },
};

static uint8_t *random_bytes(size_t count)
{
    uint8_t *bytes = must(malloc(count));

    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(128 + 127 * hashed_value((uint32_t)i, 11));
    return bytes;
}

static uint8_t *resize_on_host(const tsm_resample *r, const uint8_t *frames, int images)
{
    const size_t from = (size_t)(r->spec.in_width * r->spec.in_height) * 3,
                 to = (size_t)(r->spec.width * r->spec.height) * 3;
    uint8_t *out = must(malloc((size_t)images * to));
    void *scratch = must(malloc(tsm_resample_scratch_bytes(r)));

    for (size_t i = 0; i < (size_t)images; i++) tsm_resample_run(r, frames + i * from, scratch, out + i * to);
    free(scratch);
    return out;
}

/* Logits of `input` from a plan with this resize, or without. */
static bool logits_with(const session *s, const tsm_resample *resize, uint8_t *input, float *logits, const char *name)
{
    const tsm_plan_arguments arguments = { .shapes = s->shapes, .resize = resize };
    session resized = *s;
    tsm_error error = { 0 };
    bool good = check_ok(s->backend->plan(&resized.plan, s->worker, &arguments, &error), &error, name);

    if (good) {
        const tsm_tensor in = bytes_of(input, session_input(s)), out = logits_of(logits, session_output(s));

        good = check_ok(session_run(&resized, &in, &out, &error), &error, name);
        s->backend->plan_release(resized.plan);
    }
    return good;
}

static void check_resize(const session *s, const tsm_resample_spec *to)
{
    const int images = shape.n * shape.t;
    const size_t count = (size_t)tsm_dims_count(session_output(s));
    float *want = poisoned_array(count), *got = poisoned_array(count);
    tsm_error error = { 0 };
    tsm_resample resample;
    uint8_t *frames, *resized;
    char name[80];

    snprintf(name, sizeof name, "resize %dx%d to %dx%d%s", to->in_width, to->in_height, to->scaled_width,
             to->scaled_height, to->mirror ? ", mirrored" : "");
    if (tsm_resample_make(&resample, to, &error) != TSM_OK) must(NULL);
    frames = random_bytes((size_t)images * (size_t)to->in_width * (size_t)to->in_height * 3);
    resized = resize_on_host(&resample, frames, images);
    if (logits_with(s, NULL, resized, want, name) && logits_with(s, &resample, frames, got, name))
        check(memcmp(got, want, count * sizeof *got) == 0, name, "other logits than of frames resized on the host");
    tsm_resample_clear(&resample);
    free(resized);
    free(frames);
    free(want);
    free(got);
}

void suite_resize(void)
{
    const tsm_backend_config config = make_config(TSM_PRECISION_FP32, TSM_SHIFT_AUTO);
    network net = network_of_arch(&spec);
    tsm_error error = { 0 };
    session s;

    if (check_ok(session_open(&s, tsm_cuda_backend(), net.graph, &config, &shape, &error), &error, "resize")) {
        for (size_t i = 0; i < (small_sizes ? 2 : sizeof resizes / sizeof *resizes); i++)
            check_resize(&s, &resizes[i]);
        session_close(&s);
    }
    network_free(&net);
}
