// Attention over the fused q, k, v rows of an image: each block 64 queries of one head, each of its
// four warps 16; keys and values pass through shared memory 64 tokens at a time, and the softmax is
// carried along (Dao et al. 2022). Nothing of the score matrix reaches memory.

#if !defined(ELEMENT_F32)

#define QUERIES 64
#define KEYS 64
// The head's width as matrix fragments need it, and the rows' distance in shared memory: eight
// values more, so that rows lie in different banks.
#define HEAD_PADDED ((HEAD + 15) / 16 * 16)
#define HEAD_STRIDE (HEAD_PADDED + 8)

// Brings 64 rows of a head to shared memory, those past `tokens` and columns past HEAD as zeros.
__device__ __forceinline__ void load_rows(Element* to, const Element* from, int first, int tokens) {
    const int chunks = HEAD_PADDED / 8;
    for (int index = threadIdx.x; index < KEYS * chunks; index += blockDim.x) {
        const int row = index / chunks, column = index % chunks * 8;
        const Element* source =
            from + static_cast<long long>(first + row) * (3 * HEADS * HEAD) + column;
        uint4 eight = make_uint4(0, 0, 0, 0);
        if (HEAD % 8 == 0) {
            if (first + row < tokens && column < HEAD) {
                eight = *reinterpret_cast<const uint4*>(source);
            }
        } else {
            uint32 pairs[4];
            for (int i = 0; i < 4; ++i) {
                uint32 halves[2];
                for (int j = 0; j < 2; ++j) {
                    const int at = 2 * i + j;
                    const bool there = first + row < tokens && column + at < HEAD;
                    halves[j] = there ? source[at].bits : 0;
                }
                pairs[i] = halves[0] | halves[1] << 16;
            }
            eight = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
        }
        *reinterpret_cast<uint4*>(to + row * HEAD_STRIDE + column) = eight;
    }
}

// Attends from the first `queries` tokens of each image to all `tokens`; `scale` is that of the
// scores times log2(e). Blocks: (64 queries, head, image). `out` has HEADS * HEAD values a query.
KERNEL attend(const Element* qkv, Element* out, int tokens, int queries, float scale) {
    SHARED(memory);
    Element* keys = reinterpret_cast<Element*>(memory);
    Element* values = keys + KEYS * HEAD_STRIDE;
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    // Of a fragment, a lane holds rows `group` and `group + 8`, columns `2 * pair` and the next.
    const int group = lane / 4, pair = lane % 4;
    const int head = blockIdx.y;
    const long long image = blockIdx.z;
    const Element* rows = qkv + image * tokens * (3 * HEADS * HEAD) + head * HEAD;
    const int first_query = blockIdx.x * QUERIES;

    load_rows(keys, rows, first_query, tokens);
    __syncthreads();
    uint32 asked[HEAD_PADDED / 16][4];
#pragma unroll
    for (int step = 0; step < HEAD_PADDED / 16; ++step) {
        const int row = warp * 16 + lane % 16, column = step * 16 + lane / 16 * 8;
        load_fragments(asked[step], keys + row * HEAD_STRIDE + column);
    }

    float result[HEAD_PADDED / 8][4] = {};
    float greatest[2] = {MINUS_INFINITY, MINUS_INFINITY}, total[2] = {0.0f, 0.0f};
    for (int first = 0; first < tokens; first += KEYS) {
        __syncthreads();
        load_rows(keys, rows + HEADS * HEAD, first, tokens);
        load_rows(values, rows + 2 * HEADS * HEAD, first, tokens);
        __syncthreads();

        float scores[KEYS / 8][4] = {};
#pragma unroll
        for (int n = 0; n < KEYS / 8; n += 2) {
#pragma unroll
            for (int step = 0; step < HEAD_PADDED / 16; ++step) {
                // Keys n * 8 to n * 8 + 7 in the first two matrices, the next eight in the others.
                const int row = n * 8 + lane / 16 * 8 + lane % 8;
                const int column = step * 16 + lane / 8 % 2 * 8;
                uint32 b[4];
                load_fragments(b, keys + row * HEAD_STRIDE + column);
                multiply_fragments(scores[n], asked[step], b[0], b[1]);
                multiply_fragments(scores[n + 1], asked[step], b[2], b[3]);
            }
        }

        float top[2] = {greatest[0], greatest[1]};
#pragma unroll
        for (int n = 0; n < KEYS / 8; ++n) {
            for (int i = 0; i < 4; ++i) {
                if (first + n * 8 + 2 * pair + i % 2 >= tokens) scores[n][i] = MINUS_INFINITY;
                top[i / 2] = fmaxf(top[i / 2], scores[n][i]);
            }
        }
        float kept[2];
        for (int i = 0; i < 2; ++i) {
            top[i] = fmaxf(top[i], __shfl_xor_sync(ALL_LANES, top[i], 1));
            top[i] = fmaxf(top[i], __shfl_xor_sync(ALL_LANES, top[i], 2));
            kept[i] = power_of_two((greatest[i] - top[i]) * scale);
            greatest[i] = top[i];
            total[i] *= kept[i];
        }
#pragma unroll
        for (int n = 0; n < KEYS / 8; ++n) {
            for (int i = 0; i < 4; ++i) {
                scores[n][i] = power_of_two((scores[n][i] - top[i / 2]) * scale);
                total[i / 2] += scores[n][i];
            }
        }
#pragma unroll
        for (int n = 0; n < HEAD_PADDED / 8; ++n) {
            for (int i = 0; i < 4; ++i) result[n][i] *= kept[i / 2];
        }

#pragma unroll
        for (int step = 0; step < KEYS / 16; ++step) {
            // Where a product leaves its values is where the next one wants its left side.
            const float(&near)[4] = scores[2 * step];
            const float(&far)[4] = scores[2 * step + 1];
            const uint32 shares[4] = {narrow_pair(near[0], near[1]), narrow_pair(near[2], near[3]),
                                      narrow_pair(far[0], far[1]), narrow_pair(far[2], far[3])};
#pragma unroll
            for (int n = 0; n < HEAD_PADDED / 8; n += 2) {
                const int row = step * 16 + lane % 16, column = n * 8 + lane / 16 * 8;
                uint32 b[4];
                load_fragments_transposed(b, values + row * HEAD_STRIDE + column);
                multiply_fragments(result[n], shares, b[0], b[1]);
                multiply_fragments(result[n + 1], shares, b[2], b[3]);
            }
        }
    }

    for (int i = 0; i < 2; ++i) {
        total[i] += __shfl_xor_sync(ALL_LANES, total[i], 1);
        total[i] += __shfl_xor_sync(ALL_LANES, total[i], 2);
        const int query = first_query + warp * 16 + group + 8 * i;
        if (query >= queries) continue;
        const float share = 1.0f / total[i];
        Element* to = out + (image * queries + query) * (HEADS * HEAD) + head * HEAD;
#pragma unroll
        for (int n = 0; n < HEAD_PADDED / 8; ++n) {
            const int column = n * 8 + 2 * pair;
            const float low = result[n][2 * i] * share, high = result[n][2 * i + 1] * share;
            if (HEAD % 2 == 0) {
                if (column < HEAD) {
                    *reinterpret_cast<uint32*>(to + column) = narrow_pair(low, high);
                }
            } else {
                if (column < HEAD) to[column] = narrow(low);
                if (column + 1 < HEAD) to[column + 1] = narrow(high);
            }
        }
    }
}

#else

// The same in 32 bits, to check the rest by: one warp a query, its scores in shared memory.
KERNEL attend(const Element* qkv, Element* out, int tokens, int queries, float scale) {
    SHARED(memory);
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int query = blockIdx.x * (blockDim.x / WARP) + warp, head = blockIdx.y;
    const long long image = blockIdx.z, row = 3 * HEADS * HEAD;
    if (query >= queries) return;
    float* scores = reinterpret_cast<float*>(memory) + warp * tokens;
    const Element* asked = qkv + (image * tokens + query) * row + head * HEAD;
    const Element* keys = qkv + image * tokens * row + (HEADS + head) * HEAD;
    const Element* values = keys + HEADS * HEAD;
    float top = MINUS_INFINITY;
    for (int key = lane; key < tokens; key += WARP) {
        float sum = 0.0f;
        for (int i = 0; i < HEAD; ++i) sum += asked[i] * keys[key * row + i];
        scores[key] = sum;
        top = fmaxf(top, sum);
    }
    top = greatest_of_warp(top);
    float total = 0.0f;
    for (int key = lane; key < tokens; key += WARP) {
        scores[key] = power_of_two((scores[key] - top) * scale);
        total += scores[key];
    }
    const float share = 1.0f / sum_of_warp(total);
    __syncwarp();
    for (int i = lane; i < HEAD; i += WARP) {
        float sum = 0.0f;
        for (int key = 0; key < tokens; ++key) sum += scores[key] * values[key * row + i];
        out[(image * queries + query) * (HEADS * HEAD) + head * HEAD + i] = sum * share;
    }
}

#endif
