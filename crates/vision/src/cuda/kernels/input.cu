// From 8-bit tiles to the residual stream before the first block.

// Writes each patch as one row in the order of a convolution's weights: channel, y, x; columns up
// to `padded` are zero. `tables` has the network's input for each value of each channel, once or
// (`table_step`) once a tile. With three passes a tile is three images, one a channel.
KERNEL unfold(const unsigned char* tiles, const float* tables, Element* patches, int images,
              int passes, int size, int patch, int padded, int table_step) {
    const int grid = size / patch, area = patch * patch, channels = 3 / passes;
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    const long long row = index / padded;
    const int column = static_cast<int>(index % padded);
    if (row >= static_cast<long long>(images) * grid * grid) return;
    float value = 0.0f;
    if (column < channels * area) {
        const int image = static_cast<int>(row / (grid * grid));
        const int place = static_cast<int>(row % (grid * grid));
        const int tile = image / passes, channel = image % passes + column / area;
        const int y = place / grid * patch + column % area / patch;
        const int x = place % grid * patch + column % patch;
        const long long pixel = (static_cast<long long>(tile) * size + y) * size + x;
        const int level = tiles[pixel * 3 + channel];
        value = tables[static_cast<long long>(tile) * table_step + channel * 256 + level];
    }
    patches[index] = narrow(value);
}

// What stands in each token before the patches are added: class token, registers, the embedding's
// bias, and learned positions; the same for every image.
KERNEL seed_tokens(const float* seed, float* stream, long long count, int each) {
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index < count) stream[index] = seed[index % each];
}
