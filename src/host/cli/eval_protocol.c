/* SPDX-License-Identifier: Apache-2.0 */
/* eval_protocol.c - see eval_protocol.h. The first ones are those of the MIT release's README and its test commands;
 * mmaction2's are those of its configurations, whose scores are averaged as probabilities. */
#include "eval_protocol.h"

typedef struct protocol {
    tsm_video_mode mode;
    tsm_sampling sampling;
    int views, full_res;
} protocol;

const option_choice eval_protocols[] = {
    { "1clip-1crop", 1 },
    { "kinetics-dense-10", 2 },
    { "kinetics-dense-30", 3 },
    { "sthv1-1clip-1crop", 4 },
    { "sthv1-2clip-3crop", 5 },
    { "sthv2-1clip-1crop", 6 },
    { "sthv2-2clip-3crop", 7 },
    { "jester-1clip-1crop", 8 },
    { "mmaction2-1clip-1crop", 9 },
    { "mmaction2-1clip-10crop", 10 },
    { "mmaction2-2clip-3crop", 11 },
    { "mmaction2-dense-30", 12 },
    { 0 },
};

static const protocol table[] = {
    [1] = { TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 1, 0 },
    [2] = { TSM_MODE_MIT, TSM_SAMPLING_DENSE, 1, 0 },
    [3] = { TSM_MODE_MIT, TSM_SAMPLING_DENSE, 3, 1 },
    [4] = { TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 1, 0 },
    [5] = { TSM_MODE_MIT, TSM_SAMPLING_TWICE, 3, 1 },
    [6] = { TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 1, 0 },
    [7] = { TSM_MODE_MIT, TSM_SAMPLING_TWICE, 3, 1 },
    [8] = { TSM_MODE_MIT, TSM_SAMPLING_UNIFORM, 1, 0 },
    [9] = { TSM_MODE_MMACTION2, TSM_SAMPLING_UNIFORM, 1, 0 },
    [10] = { TSM_MODE_MMACTION2, TSM_SAMPLING_UNIFORM, 10, 0 },
    [11] = { TSM_MODE_MMACTION2, TSM_SAMPLING_TWICE, 3, 1 },
    [12] = { TSM_MODE_MMACTION2, TSM_SAMPLING_DENSE, 3, 1 },
};

void eval_protocol_apply(int index, settings *s)
{
    const protocol *p = &table[index];

    if (index == 0) return;
    if (!s->mode) s->mode = p->mode;
    if (!s->sampling) s->sampling = p->sampling;
    if (!s->views) s->views = p->views;
    if (!s->full_res) s->full_res = p->full_res;
}
