// What only the processor itself can do: conversions, matrix fragments, and their layouts as the
// PTX manual gives them. Tests put a file of the same functions for the host in this one's place.

#define KERNEL extern "C" __global__ void
#define SHARED(name) extern __shared__ __align__(16) unsigned char name[]

typedef unsigned short uint16;
typedef unsigned int uint32;

#define MINUS_INFINITY __int_as_float(0xff800000)

#if defined(ELEMENT_F16)
__device__ __forceinline__ float widen_bits(uint16 bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
__device__ __forceinline__ uint32 narrow_pair(float low, float high) {
    uint32 pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}
#define FRAGMENT "f16"
#else
__device__ __forceinline__ float widen_bits(uint16 bits) {
    return __uint_as_float(static_cast<uint32>(bits) << 16);
}
__device__ __forceinline__ uint32 narrow_pair(float low, float high) {
    uint32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}
#define FRAGMENT "bf16"
#endif

// d += a * b for a of 16 x 16, b of 16 x 8, d of 16 x 8 values, spread over the 32 lanes of a warp.
__device__ __forceinline__ void multiply_fragments(float (&d)[4], const uint32 (&a)[4], uint32 b0,
                                                   uint32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." FRAGMENT "." FRAGMENT ".f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four matrices of 8 x 8 values from shared memory; each lane names one row (8 lanes a matrix) and
// gets of each matrix the values (row = lane / 4, column = 2 * (lane % 4) and the next).
__device__ __forceinline__ void load_fragments(uint32 (&to)[4], const void* row) {
    const uint32 address = static_cast<uint32>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address) : "memory");
}

// The same with rows and columns of each matrix exchanged.
__device__ __forceinline__ void load_fragments_transposed(uint32 (&to)[4], const void* row) {
    const uint32 address = static_cast<uint32>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address) : "memory");
}

// 2^x, within two units in the last place.
__device__ __forceinline__ float power_of_two(float x) {
    float value;
    asm("ex2.approx.f32 %0, %1;" : "=f"(value) : "f"(x));
    return value;
}
