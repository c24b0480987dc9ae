// From tokens after the last norm to one vector an image.

// The mean of the tokens after the first `prefix`, after the class token itself where
// `with_class` is 1. One thread a column; blocks: (columns, image).
KERNEL pool_mean(const float* tokens, float* out, int count, int prefix, int dim, int with_class) {
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    const long long image = blockIdx.y;
    if (column >= dim) return;
    const float* from = tokens + image * count * dim + column;
    float* to = out + image * (1 + with_class) * dim + column;
    float sum = 0.0f;
    for (int token = prefix; token < count; ++token) {
        sum += from[static_cast<long long>(token) * dim];
    }
    if (with_class) to[0] = from[0];
    to[with_class * dim] = sum / (count - prefix);
}

// One learned query attends to all tokens. `both` has rows of `dim` keys, then `dim` values; heads
// are `width` wide. Blocks: (head, image). Shared memory: `count` scores and one value a warp.
KERNEL attend_query(const float* query, const Element* both, Element* out, int count, int dim,
                    int width, float scale) {
    SHARED(memory);
    float* scores = reinterpret_cast<float*>(memory);
    float* partial = scores + count;
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    const int at = blockIdx.x * width;
    const long long image = blockIdx.y;
    const Element* keys = both + image * count * 2 * dim + at;
    const Element* values = keys + dim;
    float top = MINUS_INFINITY;
    for (int key = warp; key < count; key += warps) {
        float sum = 0.0f;
        for (int i = lane; i < width; i += WARP) {
            sum += query[at + i] * widen(keys[static_cast<long long>(key) * 2 * dim + i]);
        }
        sum = sum_of_warp(sum);
        if (lane == 0) scores[key] = sum;
        top = fmaxf(top, sum);
    }
    if (lane == 0) partial[warp] = top;
    __syncthreads();
    for (int i = 0; i < warps; ++i) top = fmaxf(top, partial[i]);
    // Every warp sums all scores itself, so that nothing is exchanged again.
    float total = 0.0f;
    for (int key = lane; key < count; key += WARP) {
        total += power_of_two((scores[key] - top) * scale);
    }
    const float share = 1.0f / sum_of_warp(total);
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        float sum = 0.0f;
        for (int key = 0; key < count; ++key) {
            const float weight = power_of_two((scores[key] - top) * scale);
            sum += weight * widen(values[static_cast<long long>(key) * 2 * dim + i]);
        }
        out[image * dim + at + i] = narrow(sum * share);
    }
}
