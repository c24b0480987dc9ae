// Rotary positions: queries and keys of patch tokens, in place; the tokens before have no place.

// HEADS heads of HEAD values. Pairs (i, i + HEAD / 2) turn by the angle of their patch; cosines
// and sines are rows of HEAD values, one a patch.
KERNEL rotate(Element* qkv, const float* cosine, const float* sine, long long count, int tokens,
              int prefix) {
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= count) return;
    const int half = HEAD / 2, patches = tokens - prefix;
    const int i = static_cast<int>(index % half);
    const int head = static_cast<int>(index / half % (2 * HEADS));
    const long long patch = index / half / (2 * HEADS);
    const long long token = patch / patches * tokens + prefix + patch % patches;
    Element* pair = qkv + token * (3 * HEADS * HEAD) + head * HEAD + i;
    const float* c = cosine + patch % patches * HEAD + i;
    const float* s = sine + patch % patches * HEAD + i;
    const float x = widen(pair[0]), y = widen(pair[half]);
    pair[0] = narrow(x * c[0] - y * s[0]);
    pair[half] = narrow(y * c[half] + x * s[half]);
}
