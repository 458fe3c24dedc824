/* SPDX-License-Identifier: Apache-2.0 */
/* nonlocal.c - see nonlocal.h. */
#include "nonlocal.h"

#include <string.h>

#include "recognise.h"
#include "wiring.h"

tsm_status tsm_nonlocal_derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    bool embedded = false;

    for (int i = 0; i < keys->count; i++) {
        const tsm_key *key = &keys->items[i];
        const tsm_place place = tsm_recognise_place(key->name);
        tsm_captures found;

        if (!tsm_pattern_match("base_model.layer#.#.nl.*", key->name, &found) || place.stage < 0) continue;
        if (place.block >= 64)
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s: a non-local block after block %d, of at most 64",
                            key->tensor->name, place.block);
        config->nonlocal_blocks[place.stage] |= UINT64_C(1) << place.block;
        config->nonlocal = TSM_NONLOCAL_GAUSSIAN;
        if (strcmp(found.rest, "W.0.bias") == 0) config->nonlocal_bias = true;
        if (strcmp(found.rest, "theta.weight") == 0) embedded = true;
    }
    if (embedded) config->nonlocal = TSM_NONLOCAL_EMBEDDED_GAUSSIAN;
    return TSM_OK;
}

static int wire_conv(tsm_wiring *w, const char *name, int in, int out, bool biased, int value)
{
    tsm_layer conv = tsm_layer_conv(w->block, name, in, out, 1, 1);

    conv.biased = biased;
    conv.volume = true;
    return tsm_wire_layer(w, &conv, value);
}

static int wire_pool(tsm_wiring *w, const char *name, int value)
{
    return tsm_wire_pool(w, TSM_OP_MAXPOOL, name, value, 2, 2, 0);
}

int tsm_nonlocal_wire(tsm_wiring *w, int value, int channels)
{
    const tsm_nonlocal mode = w->config->nonlocal;
    const bool embedded = mode != TSM_NONLOCAL_GAUSSIAN;
    const int inner = channels > 1 ? channels / 2 : 1;
    int queries = value, keys = value, values, index;

    if (embedded) {
        queries = wire_conv(w, ".nl.theta", channels, inner, true, value);
        keys = wire_conv(w, ".nl.phi.0", channels, inner, true, value);
    }
    keys = wire_pool(w, ".nl.phi.1", keys);
    values = wire_pool(w, ".nl.g.1", wire_conv(w, ".nl.g.0", channels, inner, true, value));
    index = tsm_wire_pair(w, TSM_OP_ATTENTION, ".nl", queries, keys);
    if (index < 0) return -1;
    tsm_graph_node(w->graph, index)->inputs[2] = values;
    tsm_graph_node(w->graph, index)->softmax = mode != TSM_NONLOCAL_DOT_PRODUCT;
    index = wire_conv(w, ".nl.W.0", inner, channels, w->config->nonlocal_bias, index);
    index = tsm_wire_norm(w, ".nl.W.1", channels, index);
    return tsm_wire_pair(w, TSM_OP_ADD, ".nl.add", index, value);
}
