/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize.cu - scaling and cropping RGB bytes on the device, equal to the host's result to the byte.
 *
 * Idea: the host makes the tables of first input, number of inputs and fixed-point weights of every output column and
 * row; the device does the integer sums. Columns first: a thread makes one pixel of a row that some output row reads.
 * Then rows: a thread makes one byte. A crop costs nothing, since tables exist only for the outputs that are wanted.
 * Bytes: each input row that is needed once (neighbouring threads share what they read), the bytes between twice.
 * Operations: a multiply-add an input tap, in int32, exact.
 */
#include "device.h"

namespace tsm
{

struct ResizePlan {
    const uint8_t *in;
    uint8_t *out;
    int images, in_rows, in_w; /* rows of an image of `in` */
    int row_begin, out_rows, out_w;
    tsm_kernel_axis axis;
};

/* Row r of the output is columns of row row_begin + r of the input. */
__global__ void __launch_bounds__(kThreads, kResident) resize_columns_kernel(ResizePlan p)
{
    wait_for_previous();
    int x = (int)(blockIdx.x * kThreads + threadIdx.x);
    int64_t rows = (int64_t)p.images * p.out_rows;

    if (x >= p.out_w) return;
    int first = p.axis.first[x], count = p.axis.count[x];
    const int32_t *weights = p.axis.weights + (int64_t)x * p.axis.taps;
    for (int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
        int64_t image = row / p.out_rows, in_row = p.row_begin + row - image * p.out_rows;
        const uint8_t *from = p.in + ((image * p.in_rows + in_row) * p.in_w + first) * 3;
        int32_t sum[3] = { TSM_RESIZE_HALF, TSM_RESIZE_HALF, TSM_RESIZE_HALF };
        for (int k = 0; k < count; k++) {
            int32_t weight = weights[k];
#pragma unroll
            for (int c = 0; c < 3; c++) sum[c] += from[3 * k + c] * weight;
        }
        uint8_t *to = p.out + (row * p.out_w + x) * 3;
#pragma unroll
        for (int c = 0; c < 3; c++) to[c] = tsm_resize_byte(sum[c]);
    }
}

/* Input rows have the width of the output; the first of them is row row_begin of the image. */
__global__ void __launch_bounds__(kThreads, kResident) resize_rows_kernel(ResizePlan p)
{
    wait_for_previous();
    int i = (int)(blockIdx.x * kThreads + threadIdx.x), row_bytes = 3 * p.out_w;
    int64_t rows = (int64_t)p.images * p.out_rows;

    if (i >= row_bytes) return;
    for (int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
        int64_t image = row / p.out_rows, y = row - image * p.out_rows;
        int first = p.axis.first[y] - p.row_begin, count = p.axis.count[y];
        const int32_t *weights = p.axis.weights + y * p.axis.taps;
        const uint8_t *from = p.in + (image * p.in_rows + first) * row_bytes + i;
        int32_t sum = TSM_RESIZE_HALF;
        for (int k = 0; k < count; k++) sum += from[(int64_t)k * row_bytes] * weights[k];
        p.out[row * row_bytes + i] = tsm_resize_byte(sum);
    }
}

static bool axis_is_valid(const tsm_kernel_axis *axis)
{
    return axis->first && axis->count && axis->weights && axis->taps > 0;
}

} // namespace tsm

cudaError_t tsm_kernel_resize(const tsm_kernel_resize_args *args, cudaStream_t stream)
{
    using namespace tsm;
    const tsm_kernel_resize_args *a = args;

    if (!a->in || !a->between || !a->out || a->images < 1 || a->in_h < 1 || a->in_w < 1 || a->out_h < 1 ||
        a->out_w < 1 || a->row_begin < 0 || a->row_end <= a->row_begin || a->row_end > a->in_h ||
        a->out_w > kMaxIndex / 3 - kThreads || !axis_is_valid(&a->columns) || !axis_is_valid(&a->rows))
        return cudaErrorInvalidValue;
    int between = a->row_end - a->row_begin;
    ResizePlan columns = {
        a->in, a->between, a->images, a->in_h, a->in_w, a->row_begin, between, a->out_w, a->columns
    };
    ResizePlan rows = { a->between, a->out, a->images, between, a->out_w, a->row_begin, a->out_h, a->out_w, a->rows };
    cudaError_t error = TSM_LAUNCH(resize_columns_kernel, grid_of(a->out_w, kThreads, (int64_t)a->images * between),
                                   kThreads, 0, stream, columns);

    if (error != cudaSuccess) return error;
    return TSM_LAUNCH(resize_rows_kernel, grid_of((int64_t)3 * a->out_w, kThreads, (int64_t)a->images * a->out_h),
                      kThreads, 0, stream, rows);
}
