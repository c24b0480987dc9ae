// Between the two layers of a feed-forward network, and what a matrix library may leave undone.

__device__ __forceinline__ float gelu_of(float x) {
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}

// GELU by the error function, in place.
KERNEL gelu(Element* values, long long count) {
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index < count) values[index] = narrow(gelu_of(widen(values[index])));
}

// `gate / (1 + exp(-gate)) * value` of packed (gate, value) rows, into the gates' places.
KERNEL silu_gate(Element* rows, long long count, int width) {
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Element* gate = rows + index / width * 2 * width + index % width;
    const float x = widen(*gate);
    *gate = narrow(x / (1.0f + expf(-x)) * widen(gate[width]));
}

// Adds a bias to rows `stride` apart, where the matrix library has no product that does it.
KERNEL add_bias(Element* rows, const Element* bias, long long count, int width, long long stride) {
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index >= count) return;
    Element* value = rows + index / width * stride + index % width;
    *value = narrow(widen(*value) + widen(bias[index % width]));
}

KERNEL add_bias_full(float* rows, const float* bias, long long count, int width, long long stride) {
    const long long index = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (index < count) rows[index / width * stride + index % width] += bias[index % width];
}
