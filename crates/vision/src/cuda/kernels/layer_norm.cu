// Layer norms in two passes over values that stay in registers: one warp a row.

// ROW_VALUES values a lane hold the widest row.
// A row may be written where it is read: a lane writes what it has read itself, after all have read.
template <class In, class Out>
__device__ __forceinline__ void layer_norm_row(const In* from, const float* weight,
                                               const float* bias, Out* to, int width,
                                               float epsilon) {
    const int lane = threadIdx.x % WARP;
    const bool whole = width % 4 == 0;
    float values[ROW_VALUES / 4][4];
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < ROW_VALUES / 4; ++i) {
        const int column = (i * WARP + lane) * 4;
        if (column < width) {
            load4(values[i], from + column, width - column, whole);
            sum += (values[i][0] + values[i][1]) + (values[i][2] + values[i][3]);
        }
    }
    const float mean = sum_of_warp(sum) / width;
    float squares = 0.0f;
#pragma unroll
    for (int i = 0; i < ROW_VALUES / 4; ++i) {
        const int column = (i * WARP + lane) * 4;
        for (int j = 0; j < 4; ++j) {
            if (column + j < width) {
                const float apart = values[i][j] - mean;
                squares += apart * apart;
            }
        }
    }
    const float scale = 1.0f / sqrtf(sum_of_warp(squares) / width + epsilon);
#pragma unroll
    for (int i = 0; i < ROW_VALUES / 4; ++i) {
        const int column = (i * WARP + lane) * 4;
        if (column < width) {
            float weights[4], biases[4];
            load4(weights, weight + column, width - column, whole);
            load4(biases, bias + column, width - column, whole);
            for (int j = 0; j < 4; ++j) {
                values[i][j] = (values[i][j] - mean) * scale * weights[j] + biases[j];
            }
            store4(to + column, values[i], width - column, whole);
        }
    }
}

// Rows come in groups of `group` beside each other, `step` values from one group to the next; they
// go out without gaps.
template <class In, class Out>
__device__ __forceinline__ void layer_norm_rows(const In* from, const float* weight,
                                                const float* bias, Out* to, int rows, int group,
                                                long long step, int width, float epsilon) {
    const int row = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (row >= rows) return;
    from += row / group * step + static_cast<long long>(row % group) * width;
    layer_norm_row(from, weight, bias, to + static_cast<long long>(row) * width, width, epsilon);
}

KERNEL layer_norm(const float* from, const float* weight, const float* bias, Element* to, int rows,
                  int group, long long step, int width, float epsilon) {
    layer_norm_rows(from, weight, bias, to, rows, group, step, width, epsilon);
}

// The same, its result in 32 bits: features, and what pooling reads.
KERNEL layer_norm_full(const float* from, const float* weight, const float* bias, float* to,
                       int rows, int group, long long step, int width, float epsilon) {
    layer_norm_rows(from, weight, bias, to, rows, group, step, width, epsilon);
}

// The same of what a branch has made, before its last layer.
KERNEL layer_norm_element(const Element* from, const float* weight, const float* bias, Element* to,
                          int rows, int group, long long step, int width, float epsilon) {
    layer_norm_rows(from, weight, bias, to, rows, group, step, width, epsilon);
}
