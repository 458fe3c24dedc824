/* SPDX-License-Identifier: Apache-2.0 */
#include "stream_label.h"

bool stream_label_take(stream_label *label, const double *scores, int best)
{
    const bool ahead =
        label->shown < 0 || (best != label->shown && scores[best] >= scores[label->shown] + label->margin);

    if (!ahead) {
        label->run = 0;
        return false;
    }
    label->run = label->run > 0 && best == label->candidate ? label->run + 1 : 1;
    label->candidate = best;
    if (label->shown >= 0 && label->run < label->patience) return false;
    label->shown = best;
    label->run = 0;
    return true;
}
