// The type of weights and activations: ELEMENT_BF16, ELEMENT_F16 or ELEMENT_F32 says which.

#define WARP 32
#define ALL_LANES 0xffffffffu

#if defined(ELEMENT_F32)
typedef float Element;
__device__ __forceinline__ float widen(Element value) { return value; }
__device__ __forceinline__ Element narrow(float value) { return value; }
#else
struct Element {
    uint16 bits;
};
__device__ __forceinline__ float widen(Element value) { return widen_bits(value.bits); }
__device__ __forceinline__ Element narrow(float value) {
    Element element;
    element.bits = static_cast<uint16>(narrow_pair(value, 0.0f) & 0xffffu);
    return element;
}
#endif

// Writes up to four values beside each other; `whole` says that all four have a place and that
// the place is a multiple of four values.
__device__ __forceinline__ void store4(float* to, const float (&values)[4], int count, bool whole) {
    if (whole) {
        *reinterpret_cast<float4*>(to) = make_float4(values[0], values[1], values[2], values[3]);
        return;
    }
    for (int i = 0; i < 4; ++i) {
        if (i < count) to[i] = values[i];
    }
}

#if !defined(ELEMENT_F32)
__device__ __forceinline__ void store4(Element* to, const float (&values)[4], int count,
                                       bool whole) {
    if (whole) {
        *reinterpret_cast<uint2*>(to) =
            make_uint2(narrow_pair(values[0], values[1]), narrow_pair(values[2], values[3]));
        return;
    }
    for (int i = 0; i < 4; ++i) {
        if (i < count) to[i] = narrow(values[i]);
    }
}
#endif

__device__ __forceinline__ void load4(float (&values)[4], const float* from, int count,
                                      bool whole) {
    if (whole) {
        const float4 four = *reinterpret_cast<const float4*>(from);
        values[0] = four.x;
        values[1] = four.y;
        values[2] = four.z;
        values[3] = four.w;
        return;
    }
    for (int i = 0; i < 4; ++i) values[i] = i < count ? from[i] : 0.0f;
}

#if !defined(ELEMENT_F32)
__device__ __forceinline__ void load4(float (&values)[4], const Element* from, int count, bool) {
    for (int i = 0; i < 4; ++i) values[i] = i < count ? widen(from[i]) : 0.0f;
}
#endif

__device__ __forceinline__ float sum_of_warp(float value) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, apart);
    }
    return value;
}

__device__ __forceinline__ float greatest_of_warp(float value) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) {
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, apart));
    }
    return value;
}
