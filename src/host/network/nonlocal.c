/* SPDX-License-Identifier: Apache-2.0 */
/* nonlocal.c - see nonlocal.h. */
#include "nonlocal.h"

#include <string.h>

#include "wiring.h"

tsm_status tsm_nonlocal_derive(tsm_model_config *config, const tsm_keys *keys, tsm_error *error)
{
    bool embedded = false;

    for (int i = 0; i < keys->count; i++) {
        const tsm_key *key = &keys->items[i];
        tsm_captures found;

        if (!tsm_pattern_match("base_model.layer#.#.nl.*", key->name, &found) || key->stage < 0) continue;
        if (key->block >= 64)
            return tsm_fail(error, TSM_ERROR_MODEL, "%.150s: a non-local block after block %d, of at most 64",
                            key->tensor->name, key->block);
        config->nonlocal_blocks[key->stage] |= UINT64_C(1) << key->block;
        config->nonlocal = TSM_NONLOCAL_GAUSSIAN;
        if (strcmp(found.rest, "W.0.bias") == 0) config->nonlocal_bias = true;
        if (strcmp(found.rest, "theta.weight") == 0) embedded = true;
    }
    if (embedded) config->nonlocal = TSM_NONLOCAL_EMBEDDED_GAUSSIAN;
    return TSM_OK;
}

static void list_conv(tsm_layer_list *list, const char *name, int in, int out, bool biased)
{
    tsm_layer *layer = tsm_layers_add_conv(list, name, in, out, 1, 1);

    layer->biased = biased;
    layer->volume = true;
}

void tsm_nonlocal_list(tsm_layer_list *list, const tsm_model_config *config, int channels)
{
    const int inner = channels > 1 ? channels / 2 : 1;

    if (config->nonlocal != TSM_NONLOCAL_GAUSSIAN) {
        list_conv(list, "nl.theta", channels, inner, true);
        list_conv(list, "nl.phi.0", channels, inner, true);
    }
    list_conv(list, "nl.g.0", channels, inner, true);
    list_conv(list, "nl.W.0", inner, channels, config->nonlocal_bias);
    tsm_layers_add_norm(list, "nl.W.1", channels);
}

static int wire_pool(tsm_wiring *w, const char *name, int value)
{
    return tsm_wire_pool(w, TSM_OP_MAXPOOL, name, value, 2, 2, 0);
}

int tsm_nonlocal_wire(tsm_wiring *w, int value)
{
    const tsm_nonlocal mode = w->model->config.nonlocal;
    const bool embedded = mode != TSM_NONLOCAL_GAUSSIAN;
    int queries = embedded ? tsm_wire_layer(w, value) : value;
    int keys = wire_pool(w, ".nl.phi.1", embedded ? tsm_wire_layer(w, value) : value);
    int values = wire_pool(w, ".nl.g.1", tsm_wire_layer(w, value));
    int index = tsm_wire_pair(w, TSM_OP_ATTENTION, ".nl", queries, keys);

    if (index < 0 || values < 0) return -1;
    tsm_graph_node(w->graph, index)->inputs[2] = values;
    tsm_graph_node(w->graph, index)->softmax = mode != TSM_NONLOCAL_DOT_PRODUCT;
    return tsm_wire_pair(w, TSM_OP_ADD, ".nl.add", tsm_wire_conv(w, index), value);
}
