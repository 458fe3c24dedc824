/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_tiles.h - the parts of winograd.h: tiles to the 36 points where they are multiplied, products there, and
 * back.
 *
 * Points are 0, +-3/4, +-3/2 and infinity both ways: of those tried they lose the fewest bits (a third of the
 * usual 0, +-1, +-2, infinity), for the same number of operations.
 */
#ifndef TSM_CPU_WINOGRAD_TILES_H
#define TSM_CPU_WINOGRAD_TILES_H

#include "winograd.h"

#define TSM_WINOGRAD_SIDE   6 /* of a tile of input, and of the points */
#define TSM_WINOGRAD_POINTS (TSM_WINOGRAD_SIDE * TSM_WINOGRAD_SIDE)
#define TSM_WINOGRAD_OUT    4  /* side of a tile of output */
#define TSM_WINOGRAD_LANES  16 /* floats of a vector */
#define TSM_WINOGRAD_PANEL  32 /* columns of weights that lie together */

/* Matrices by point: (36, rows, columns). From point to point it is a vector more than rows * columns, so that the
 * 36 stores of a tile fall into different sets of the cache. */
typedef struct tsm_winograd_points {
    float *data;
    int64_t pitch; /* floats from one point to the next */
    int columns;
} tsm_winograd_points;

/* Floats that `rows` rows of `columns` take, and how they lie in `data`. */
int64_t tsm_winograd_points_count(int64_t rows, int columns);
tsm_winograd_points tsm_winograd_points_in(float *data, int64_t rows, int columns);

/* Tiles of all frames, counted row by row, frame by frame. */
int64_t tsm_winograd_tile_count(const tsm_dims *dims);

/* Rows [row, row + count) of `to` become the tiles from `first` on. */
void tsm_winograd_scatter(const tsm_cpu_winograd *what, int64_t first, int64_t count, const tsm_winograd_points *to,
                          int64_t row);

/* to[p] = from[p] rows [row, row + count) * the weights of the panel that begins at `column`, for all points; at
 * column `at` of `to`, rows from 0 on. */
void tsm_winograd_multiply(const tsm_cpu_winograd *what, const tsm_winograd_points *from, int64_t row, int64_t count,
                           int column, const tsm_winograd_points *to, int at);

/* `width` columns of the output tiles from `first` on, from `column`: rows from 0 on and columns from 0 on of `from`.
 */
void tsm_winograd_collect(const tsm_cpu_winograd *what, int64_t first, int64_t count, const tsm_winograd_points *from,
                          int column, int width);

#endif
