// The functions of kernels/machine.cuh and of CUDA itself for the host. Fragments lie on lanes as
// the manual of PTX says (mma.m16n8k16, ldmatrix.m8n8.x4).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "threads.h"

#define __device__
#define __forceinline__ inline
#define KERNEL static void
#define SHARED(name) unsigned char* name = shared_memory

typedef unsigned short uint16;
typedef unsigned int uint32;

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    uint32 x, y, z, w;
};
struct alignas(8) uint2 {
    uint32 x, y;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint4 make_uint4(uint32 x, uint32 y, uint32 z, uint32 w) { return {x, y, z, w}; }
inline uint2 make_uint2(uint32 x, uint32 y) { return {x, y}; }

#define MINUS_INFINITY (-INFINITY)

static unsigned char* shared_memory = nullptr;

inline void __syncthreads() { threads.wait_for_block(); }
inline void __syncwarp() { threads.wait_for_warp(); }

// What the lanes of each warp show each other.
struct Lane {
    float value;
    uint32 a[4], b[2];
    const void* row;
};
// Two places each: who is at the next exchange has read all of the last one.
static Lane both[2][1024];

inline float __shfl_xor_sync(uint32, float value, int mask) {
    const unsigned thread = threadIdx.x;
    Lane* lanes = both[threads.turn() % 2];
    lanes[thread].value = value;
    threads.wait_for_warp();
    return lanes[thread ^ mask].value;
}

inline float float_of(uint32 bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}
inline uint32 bits_of(float value) {
    uint32 bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

#if defined(ELEMENT_F16)
inline float widen_bits(uint16 half) {
    const uint32 sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, mantissa = half & 1023;
    if (exponent == 31) return float_of(sign | 0x7f800000u | mantissa << 13);
    const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                          : std::ldexp(1024.0f + mantissa, int(exponent) - 25);
    return sign ? -magnitude : magnitude;
}
inline uint16 narrow_bits(float value) {
    const uint16 sign = bits_of(value) >> 16 & 0x8000u;
    const float magnitude = std::fabs(value);
    if (std::isnan(value)) return 0x7fff;
    if (magnitude >= 65520.0f) return sign | 0x7c00u;
    if (magnitude < std::ldexp(1.0f, -14)) {
        return sign | static_cast<uint16>(std::nearbyint(std::ldexp(magnitude, 24)));
    }
    int exponent;
    const float share = std::frexp(magnitude, &exponent);
    // 11 bits of mantissa; one more by rounding moves to the next exponent by itself.
    const uint32 mantissa = static_cast<uint32>(std::nearbyint(std::ldexp(share, 11)));
    return sign | static_cast<uint16>((exponent + 13) * 1024 + mantissa);
}
#else
inline float widen_bits(uint16 bits) { return float_of(static_cast<uint32>(bits) << 16); }
inline uint16 narrow_bits(float value) {
    const uint32 bits = bits_of(value);
    if (std::isnan(value)) return 0x7fff;
    return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}
#endif

inline uint32 narrow_pair(float low, float high) {
    return narrow_bits(low) | static_cast<uint32>(narrow_bits(high)) << 16;
}

// Value `index` of a pair.
inline float half_of(uint32 pair, int index) {
    return widen_bits(static_cast<uint16>(pair >> 16 * index));
}

inline void multiply_fragments(float (&d)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
    const unsigned thread = threadIdx.x, first = thread / 32 * 32, lane = thread % 32;
    Lane* lanes = both[threads.turn() % 2];
    std::memcpy(lanes[thread].a, a, sizeof a);
    lanes[thread].b[0] = b0;
    lanes[thread].b[1] = b1;
    threads.wait_for_warp();
    for (int i = 0; i < 4; ++i) {
        const int row = lane / 4 + 8 * (i / 2), column = lane % 4 * 2 + i % 2;
        float sum = d[i];
        for (int k = 0; k < 16; ++k) {
            // Of a, registers 0 and 1 are rows 0-7 and 8-15 of the first eight columns.
            const Lane& left = lanes[first + row % 8 * 4 + k % 8 / 2];
            const Lane& right = lanes[first + column * 4 + k % 8 / 2];
            sum += half_of(left.a[row / 8 + k / 8 * 2], k % 2) * half_of(right.b[k / 8], k % 2);
        }
        d[i] = sum;
    }
}

inline void load_matrices(uint32 (&to)[4], const void* row, bool transposed) {
    const unsigned thread = threadIdx.x, first = thread / 32 * 32, lane = thread % 32;
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) fail("ldmatrix of an unaligned row");
    Lane* lanes = both[threads.turn() % 2];
    lanes[thread].row = row;
    threads.wait_for_warp();
    for (int matrix = 0; matrix < 4; ++matrix) {
        uint16 pair[2];
        for (int i = 0; i < 2; ++i) {
            int at = lane / 4, column = lane % 4 * 2 + i;
            if (transposed) std::swap(at, column);
            pair[i] = static_cast<const uint16*>(lanes[first + matrix * 8 + at].row)[column];
        }
        to[matrix] = pair[0] | static_cast<uint32>(pair[1]) << 16;
    }
}

inline void load_fragments(uint32 (&to)[4], const void* row) { load_matrices(to, row, false); }
inline void load_fragments_transposed(uint32 (&to)[4], const void* row) {
    load_matrices(to, row, true);
}

inline float power_of_two(float x) { return std::exp2(x); }
