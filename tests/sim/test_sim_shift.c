/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sim_shift.c - the temporal shift on the simulated device, bit for bit against the references.
 */
#include "device_support.h"

#include "reference/ops.h"
#include "kernels/index.h"
#include "kernels/reference.h"

typedef struct shift_case {
    int n, t, pixels, channels, fold, end;
    int in_gap, out_gap;      /* elements between the rows */
    size_t in_miss, out_miss; /* bytes by which the tensors miss a multiple of 16; multiples of the element */
} shift_case;

/* Each is run both ways: bi-directional and mirrored, the past alone and the future alone. */
static const shift_case cases[] = {
    { 1, 8, 4, 64, 8, 16, 0, 0, 0, 0 },     /* n_div 8, whole vectors */
    { 2, 3, 5, 32, 8, 16, 0, 0, 0, 0 },     /* n_div 4 */
    { 2, 4, 3, 40, 5, 10, 0, 0, 0, 0 },     /* folds that end inside a vector */
    { 1, 3, 7, 48, 3, 6, 0, 0, 0, 0 },      /* two borders in one vector */
    { 3, 1, 2, 16, 2, 4, 0, 0, 0, 0 },      /* one frame: both folds are zeros */
    { 1, 2, 1, 16, 8, 16, 0, 0, 0, 0 },     /* nothing stays */
    { 1, 5, 3, 24, 0, 0, 0, 0, 0, 0 },      /* nothing moves */
    { 2, 4, 9, 7, 1, 2, 0, 0, 0, 0 },       /* rows of odd length */
    { 1, 3, 2, 1, 0, 0, 0, 0, 0, 0 },       /* one channel */
    { 2, 3, 4, 20, 4, 8, 12, 28, 0, 0 },    /* pitches, the last vector of a row is short */
    { 1, 4, 6, 32, 8, 16, 1, 0, 0, 0 },     /* a pitch that no vector fits */
    { 1, 4, 6, 32, 8, 16, 0, 0, 4, 0 },     /* addresses that no vector fits */
    { 1, 4, 6, 32, 8, 16, 0, 0, 0, 8 },     /* of the output alone */
    { 1, 3, 2, 16, 16, 16, 0, 0, 0, 0 },    /* n_div 1: the first fold is all */
    { 2, 3, 2, 32, 20, 32, 0, 0, 0, 0 },    /* the second fold is cut short */
    { 2, 3, 5, 40, 2, 5, 0, 0, 0, 0 },      /* folds of int(C / 16) and int(C / 8): the second is wider */
    { 1, 4, 3, 24, 0, 1, 0, 0, 0, 0 },      /* no first fold at all */
    { 2, 4, 5, 64, 8, 8, 0, 0, 0, 0 },      /* one fold, whole vectors */
    { 1, 3, 4, 40, 5, 5, 0, 8, 0, 0 },      /* one fold that ends inside a vector */
    { 1, 2, 300, 64, 8, 16, 0, 0, 0, 0 },   /* several blocks a frame */
    { 1, 8, 196, 256, 32, 64, 0, 0, 0, 0 }, /* as in layer3, a quarter of its channels */
};

/* `bytes` of noise, so that an element from the wrong place shows. */
static uint8_t *noise(size_t bytes, uint32_t seed)
{
    uint8_t *made = malloc(bytes);

    ck_assert_ptr_nonnull(made);
    for (size_t i = 0; i < bytes; i++) made[i] = (uint8_t)(128.0f + hashed_value((uint32_t)i, seed) * 128.0f);
    return made;
}

static tsm_kernel_shift_args arguments(const shift_case *c, int step, int element_bytes)
{
    return (tsm_kernel_shift_args){ .in_pitch = c->channels + c->in_gap,
                                    .out_pitch = c->channels + c->out_gap,
                                    .n = c->n,
                                    .t = c->t,
                                    .pixels = c->pixels,
                                    .channels = c->channels,
                                    .fold = c->fold,
                                    .end = c->end,
                                    .step = c->end ? step : 0,
                                    .element_bytes = element_bytes };
}

static void check_shift(const shift_case *c, int step, int element_bytes, unsigned number)
{
    tsm_kernel_shift_args a = arguments(c, step, element_bytes);
    size_t rows = (size_t)c->n * (size_t)c->t * (size_t)c->pixels;
    size_t in_bytes = rows * (size_t)a.in_pitch * (size_t)element_bytes;
    size_t out_bytes = rows * (size_t)a.out_pitch * (size_t)element_bytes;
    uint8_t *in = noise(in_bytes, number), *want = noise(out_bytes, 99), *got = malloc(out_bytes);
    char *device_in = device_copy(in, in_bytes, c->in_miss), *device_out;

    begin_case(number);
    /* Between rows the output keeps what it had; dense outputs are left unwritten, so that a missing store shows. */
    device_out = c->out_gap ? device_copy(want, out_bytes, c->out_miss) : device_room(out_bytes, c->out_miss);
    a.in = device_in;
    a.out = device_out;
    DEVICE_OK(tsm_kernel_shift(&a, NULL));
    device_read(got, device_out, out_bytes);
    a.in = in;
    a.out = want;
    tsm_kernel_shift_reference(&a);
    assert_bytes(got, want, out_bytes, "shift");
    device_release(device_in, c->in_miss);
    device_release(device_out, c->out_miss);
    free(in);
    free(want);
    free(got);
}

START_TEST(shift)
{
    for (int bytes = 1; bytes <= 4; bytes *= 2)
        for (int step = -1; step <= 1; step += 2)
            check_shift(&cases[_i], step, bytes, (unsigned)(_i * 16 + bytes * 2 + (step > 0)));
}
END_TEST

/* Streams use slots in any order; the cache of slots that nobody names stays. */
static void check_online(const shift_case *c, int element_bytes, bool with_cache, bool with_slots, unsigned number)
{
    tsm_kernel_shift_online_args a = { .shift = arguments(c, -1, element_bytes) };
    int slots = c->n + 2;
    size_t rows = (size_t)c->n * (size_t)c->t * (size_t)c->pixels, size = (size_t)element_bytes;
    size_t in_bytes = rows * (size_t)a.shift.in_pitch * size, out_bytes = rows * (size_t)a.shift.out_pitch * size;
    size_t cache_bytes = (size_t)slots * (size_t)c->pixels * (size_t)c->fold * size;
    uint8_t *in = noise(in_bytes, number), *want = noise(out_bytes, 5), *got = malloc(out_bytes);
    uint8_t *cache = noise(cache_bytes + 1, 7), *got_cache = malloc(cache_bytes + 1);
    int32_t slot[8];
    char *device_in = device_copy(in, in_bytes, 0), *device_out = device_copy(want, out_bytes, 0);
    char *device_cache = device_copy(cache, cache_bytes + 1, 0), *device_slots;

    begin_case(number);
    a.shift.end = c->fold;
    for (int i = 0; i < c->n; i++) slot[i] = slots - 1 - i;
    device_slots = device_copy(slot, (size_t)c->n * sizeof *slot, 0);
    a.shift.in = device_in;
    a.shift.out = device_out;
    a.cache = with_cache ? device_cache : NULL;
    a.slots = with_slots ? (const int32_t *)device_slots : NULL;
    DEVICE_OK(tsm_kernel_shift_online(&a, NULL));
    device_read(got, device_out, out_bytes);
    device_read(got_cache, device_cache, cache_bytes + 1);
    a.shift.in = in;
    a.shift.out = want;
    a.cache = with_cache ? cache : NULL;
    a.slots = with_slots ? slot : NULL;
    tsm_kernel_shift_online_reference(&a);
    assert_bytes(got, want, out_bytes, "online shift");
    assert_bytes(got_cache, cache, cache_bytes + 1, "cache of the online shift");
    device_release(device_in, 0);
    device_release(device_out, 0);
    device_release(device_cache, 0);
    device_release(device_slots, 0);
    free(in);
    free(want);
    free(got);
    free(cache);
    free(got_cache);
}

START_TEST(online)
{
    for (int bytes = 1; bytes <= 4; bytes *= 2)
        for (int variant = 0; variant < 3; variant++)
            check_online(&cases[_i], bytes, variant > 0, variant > 1,
                         (unsigned)(1000 + _i * 64 + bytes * 8 + variant));
}
END_TEST

/* Frame after frame through a cache that begins as zeros is the whole clip at once without a cache. */
START_TEST(online_frames_are_a_clip)
{
    enum { T = 5, PIXELS = 6, CHANNELS = 32, FOLD = 4, FRAME = PIXELS * CHANNELS * 2 };
    tsm_kernel_shift_online_args a = { .shift = { .in_pitch = CHANNELS,
                                                  .out_pitch = CHANNELS,
                                                  .n = 1,
                                                  .t = T,
                                                  .pixels = PIXELS,
                                                  .channels = CHANNELS,
                                                  .fold = FOLD,
                                                  .end = FOLD,
                                                  .step = -1,
                                                  .element_bytes = 2 } };
    uint8_t *in = noise(T * FRAME, 3), whole[T * FRAME], single[T * FRAME];
    char *device_in = device_copy(in, T * FRAME, 0), *device_out = device_room(T * FRAME, 0);
    char *cache = device_room(PIXELS * FOLD * 2, 0);

    begin_case(2000);
    a.shift.in = device_in;
    a.shift.out = device_out;
    DEVICE_OK(tsm_kernel_shift_online(&a, NULL));
    device_read(whole, device_out, sizeof whole);
    DEVICE_OK(cudaMemsetAsync(cache, 0, PIXELS * FOLD * 2, NULL));
    a.cache = cache;
    a.shift.t = 1;
    for (int t = 0; t < T; t++) {
        a.shift.in = device_in + t * FRAME;
        a.shift.out = device_out + t * FRAME;
        DEVICE_OK(tsm_kernel_shift_online(&a, NULL));
    }
    device_read(single, device_out, sizeof single);
    assert_bytes(single, whole, sizeof whole, "frame by frame");
    device_release(device_in, 0);
    device_release(device_out, 0);
    device_release(cache, 0);
    free(in);
}
END_TEST

/* Rows of C + end: only the columns beyond C are written, and they are the folds of the whole shift. */
static void check_overlap(int c, tsm_shift moved, unsigned number)
{
    int pitch = c + moved.end;
    tsm_dims dims = { 2, 4, 2, 3, c };
    size_t rows = 2 * 4 * 6;
    float *plain = hashed_array(rows * (size_t)c, 11), *shifted = poisoned_array(rows * (size_t)c);
    float *wide = hashed_array(rows * (size_t)pitch, 12), *got = malloc(rows * (size_t)pitch * sizeof *got);
    char *device;

    begin_case(number);
    tsm_ref_shift(shifted, plain, &dims, moved);
    for (size_t r = 0; r < rows; r++)
        memcpy(wide + r * (size_t)pitch, plain + r * (size_t)c, (size_t)c * sizeof *wide);
    device = device_copy(wide, rows * (size_t)pitch * sizeof *wide, 0);
    DEVICE_OK(tsm_kernel_shift(&(tsm_kernel_shift_args){ .in = device,
                                                         .out = device + (size_t)c * sizeof *wide,
                                                         .in_pitch = pitch,
                                                         .out_pitch = pitch,
                                                         .n = 2,
                                                         .t = 4,
                                                         .pixels = 6,
                                                         .channels = moved.end,
                                                         .fold = moved.fold,
                                                         .end = moved.end,
                                                         .step = moved.step,
                                                         .element_bytes = sizeof *wide },
                               NULL));
    for (size_t r = 0; r < rows; r++)
        memcpy(wide + r * (size_t)pitch + c, shifted + r * (size_t)c, (size_t)moved.end * sizeof *wide);
    device_read(got, device, rows * (size_t)pitch * sizeof *got);
    assert_bytes(got, wide, rows * (size_t)pitch * sizeof *got, "overlap");
    device_release(device, 0);
    free(plain);
    free(shifted);
    free(wide);
    free(got);
}

START_TEST(overlap)
{
    static const int channels[] = { 64, 256, 40, 72 };
    const int c = channels[_i];
    const unsigned number = 3000 + (unsigned)_i * 4;

    check_overlap(c, tsm_shift_both(c / 8, c), number);
    check_overlap(c, (tsm_shift){ c / 16, c / 8, -1 }, number + 1);
    check_overlap(c, (tsm_shift){ c / 8, c / 8, -1 }, number + 2);
}
END_TEST

/* By hand: clips of frames 1 2 3 and 4 5 6, one pixel, channels next / previous / same; mirrored; from the past
 * alone. */
static const struct {
    int fold, end, step;
    uint8_t want[18];
} answers[] = {
    { 1, 2, 1, { 21, 0, 13, 31, 12, 23, 0, 22, 33, 51, 0, 43, 61, 42, 53, 0, 52, 63 } },
    { 1, 2, -1, { 0, 22, 13, 11, 32, 23, 21, 0, 33, 0, 52, 43, 41, 62, 53, 51, 0, 63 } },
    { 2, 2, -1, { 0, 0, 13, 11, 12, 23, 21, 22, 33, 0, 0, 43, 41, 42, 53, 51, 52, 63 } },
};

START_TEST(known_answer)
{
    static const uint8_t in[] = { 11, 12, 13, 21, 22, 23, 31, 32, 33, 41, 42, 43, 51, 52, 53, 61, 62, 63 };
    uint8_t got[sizeof in];
    char *device_in = device_copy(in, sizeof in, 0), *device_out = device_room(sizeof in, 0);

    begin_case(4000 + (unsigned)_i);
    DEVICE_OK(tsm_kernel_shift(&(tsm_kernel_shift_args){ .in = device_in,
                                                         .out = device_out,
                                                         .in_pitch = 3,
                                                         .out_pitch = 3,
                                                         .n = 2,
                                                         .t = 3,
                                                         .pixels = 1,
                                                         .channels = 3,
                                                         .fold = answers[_i].fold,
                                                         .end = answers[_i].end,
                                                         .step = answers[_i].step,
                                                         .element_bytes = 1 },
                               NULL));
    device_read(got, device_out, sizeof got);
    assert_bytes(got, answers[_i].want, sizeof got, "known answer");
    device_release(device_in, 0);
    device_release(device_out, 0);
}
END_TEST

START_TEST(refuses)
{
    char *memory = device_room(64, 0);
    tsm_kernel_shift_args good = { memory, memory, 4, 4, 1, 1, 1, 4, 1, 2, 1, 4 }, bad;

#define REFUSES(field, value)                                                                                        \
    bad = good;                                                                                                      \
    bad.field = (value);                                                                                             \
    ck_assert_int_eq(tsm_kernel_shift(&bad, NULL), cudaErrorInvalidValue)
    begin_case(5000);
    REFUSES(in, NULL);
    REFUSES(out, NULL);
    REFUSES(t, 0);
    REFUSES(n, -1);
    REFUSES(fold, 3);
    REFUSES(fold, -1);
    REFUSES(end, 5);
    REFUSES(end, 0);
    REFUSES(step, 0);
    REFUSES(step, 2);
    REFUSES(in_pitch, 3);
    REFUSES(element_bytes, 3);
    REFUSES(pixels, 0x7fffffff);
    /* Live streams have one fold, of the past. */
    ck_assert_int_eq(tsm_kernel_shift_online(&(tsm_kernel_shift_online_args){ .shift = good }, NULL),
                     cudaErrorInvalidValue);
    good.fold = 2;
    ck_assert_int_eq(tsm_kernel_shift_online(&(tsm_kernel_shift_online_args){ .shift = good }, NULL),
                     cudaErrorInvalidValue);
    device_release(memory, 0);
}
END_TEST

/* Divisors and numbers at the ends and at random. */
START_TEST(division)
{
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t d = 1 + (uint32_t)((hashed_value(i, 1) + 1) * (i % 2 ? 512.0f : 1073741000.0f));
        uint32_t ns[] = { 0, d - 1, d, 0x7fffffff, (uint32_t)((hashed_value(i, 2) + 1) * 1073741000.0f) };
        tsm_divisor by = tsm_divisor_make(d);
        for (int k = 0; k < COUNT_OF(ns); k++)
            if (tsm_divide(ns[k], by) != ns[k] / d) ck_abort_msg("%u / %u is wrong", ns[k], d);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel shift");
    TCase *tests = tcase_create("shift");

    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, shift, 0, COUNT_OF(cases));
    tcase_add_loop_test(tests, online, 0, COUNT_OF(cases));
    tcase_add_test(tests, online_frames_are_a_clip);
    tcase_add_loop_test(tests, overlap, 0, 4);
    tcase_add_loop_test(tests, known_answer, 0, COUNT_OF(answers));
    tcase_add_test(tests, refuses);
    tcase_add_test(tests, division);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
