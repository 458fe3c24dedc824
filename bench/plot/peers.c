/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c - the picture of bench/peers: libtsm beside what else runs such networks. */
#include <stdlib.h>
#include <string.h>

#include "plot.h"

#define MOST_BARS   16
#define MOST_GROUPS 12

static int peer_series(const char *peer)
{
    static const char *const names[] = { "libtsm",        "",       "onnxruntime", "openvino", "pytorch",
                                         "torch.compile", "trtexec" };

    for (int i = 0; i < 7; i++)
        if (strcmp(names[i], peer) == 0) return i;
    return SVG_SERIES - 1;
}

/* "resnet50 TSM, 1 clip" */
static void name_group(const json_t *row, char *text, size_t bytes)
{
    const double batch = bench_json_number(row, "batch");

    snprintf(text, bytes, "%s %s, %.0f clip%s", bench_json_text(row, "model"), bench_json_text(row, "name"), batch,
             batch == 1 ? "" : "s");
}

typedef struct group_data {
    char title[80], labels[MOST_BARS][48];
    svg_bar bars[MOST_BARS];
} group_data;

static void add_bar(group_data *data, svg_bars *group, const json_t *row)
{
    const double ms = bench_json_number(row, "latency_ms.p50"), speed = bench_json_number(row, "clips_per_s");
    const char *peer = bench_json_text(row, "peer");
    svg_bar *bar = &data->bars[group->count];

    if (group->count == MOST_BARS || !(ms > 0)) return;
    snprintf(data->labels[group->count], sizeof data->labels[0], "%s %s", peer, bench_json_text(row, "precision"));
    *bar = (svg_bar){ .label = data->labels[group->count], .value = ms, .series = peer_series(peer) };
    snprintf(bar->text, sizeof bar->text, "%.*f ms \xc2\xb7 %.*f clips/s", ms < 100 ? 1 : 0, ms, speed < 10 ? 2 : 1,
             speed);
    group->count++;
}

bool plot_peers(const json_t *result, const char *path)
{
    group_data *data = calloc(MOST_GROUPS, sizeof *data);
    svg_bars groups[MOST_GROUPS] = { 0 };
    char subtitle[300], title[80];
    int count = 0;
    bool written;
    size_t index;
    json_t *row;

    if (!data) return false;
    json_array_foreach(json_object_get(result, "rows"), index, row)
    {
        int group = 0;

        name_group(row, title, sizeof title);
        while (group < count && strcmp(data[group].title, title) != 0) group++;
        if (group == MOST_GROUPS) continue;
        if (group == count) {
            strcpy(data[count].title, title);
            groups[count] = (svg_bars){ data[count].title, data[count].bars, 0 };
            count++;
        }
        add_bar(&data[group], &groups[group], row);
    }
    plot_subtitle(result, "Same weights, same input, in turns", subtitle, sizeof subtitle);
    written = svg_bar_chart(path, "libtsm and others, the same networks", subtitle,
                            "ms a batch, median; shorter is better", groups, count, 0, NULL);
    free(data);
    return written;
}
