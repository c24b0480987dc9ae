// Runs kernels on the host, as another process asks through a pipe: buffers are made, filled and
// read, kernels launched, products formed. The compiler's sanitisers watch every access.

#include "kernels.inc"

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0"; }

static void read_all(void* to, std::size_t bytes) {
    if (std::fread(to, 1, bytes, stdin) != bytes) std::exit(0);
}
template <class T>
static T read_value() {
    T value;
    read_all(&value, sizeof value);
    return value;
}
static void write_all(const void* from, std::size_t bytes) {
    std::fwrite(from, 1, bytes, stdout);
    std::fflush(stdout);
}

// Exactly so many bytes, so that the sanitiser sees the first one behind.
static unsigned char* aligned(std::size_t alignment, std::size_t bytes) {
    void* begin = nullptr;
    if (posix_memalign(&begin, alignment, bytes) != 0) fail("no memory");
    return static_cast<unsigned char*>(begin);
}

struct Memory {
    unsigned char* begin;
    std::size_t bytes;
};
static std::vector<Memory> buffers;

static unsigned char* read_place() {
    const auto buffer = read_value<uint32>();
    const auto offset = read_value<std::uint64_t>();
    if (buffer >= buffers.size()) fail("no such buffer");
    return buffers[buffer].begin + offset;
}

// An argument as the launch gives it: 'p'ointer, 'i'nt, 'l'ong long or 'f'loat.
struct Argument {
    char kind;
    union {
        void* pointer;
        int i;
        long long l;
        float f;
    };
};

template <class T>
static T argument(const Argument& given) {
    if constexpr (std::is_pointer_v<T>) {
        if (given.kind != 'p') fail("an argument should be a pointer");
        return static_cast<T>(given.pointer);
    } else if constexpr (std::is_same_v<T, int>) {
        if (given.kind != 'i') fail("an argument should be an int");
        return given.i;
    } else if constexpr (std::is_same_v<T, long long>) {
        if (given.kind != 'l') fail("an argument should be a long long");
        return given.l;
    } else {
        static_assert(std::is_same_v<T, float>);
        if (given.kind != 'f') fail("an argument should be a float");
        return given.f;
    }
}

template <class... T, std::size_t... I>
static std::function<void()> bound(void (*kernel)(T...), const std::vector<Argument>& given,
                                   std::index_sequence<I...>) {
    if (given.size() != sizeof...(T)) fail("a kernel takes another number of arguments");
    const std::tuple<T...> arguments(argument<T>(given[I])...);
    return [=] { std::apply(kernel, arguments); };
}
template <class... T>
static std::function<void()> with_arguments(void (*kernel)(T...), const std::vector<Argument>& given) {
    return bound(kernel, given, std::index_sequence_for<T...>{});
}

static std::function<void()> kernel(const std::string& name, const std::vector<Argument>& given) {
#define ENTRY(kernel) \
    if (name == #kernel) return with_arguments(kernel, given);
    ENTRY(unfold)
    ENTRY(seed_tokens)
    ENTRY(layer_norm)
    ENTRY(layer_norm_full)
    ENTRY(layer_norm_element)
    ENTRY(gelu)
    ENTRY(silu_gate)
    ENTRY(add_bias)
    ENTRY(add_bias_full)
    ENTRY(rotate)
    ENTRY(attend)
    ENTRY(pool_mean)
    ENTRY(attend_query)
    fail("no such kernel");
}

static void launch() {
    std::string name(read_value<uint32>(), ' ');
    read_all(name.data(), name.size());
    for (unsigned* axis : {&gridDim.x, &gridDim.y, &gridDim.z}) *axis = read_value<uint32>();
    blockDim = Dim{read_value<uint32>(), 1, 1};
    const auto shared = read_value<uint32>();
    const bool backwards = read_value<uint32>() != 0;
    std::vector<Argument> arguments(read_value<uint32>());
    for (Argument& argument : arguments) {
        argument.kind = static_cast<char>(read_value<uint32>());
        switch (argument.kind) {
            case 'p': argument.pointer = read_place(); break;
            case 'i': argument.i = read_value<int>(); break;
            case 'l': argument.l = read_value<std::int64_t>(); break;
            default: argument.f = read_value<float>();
        }
    }
    const auto work = kernel(name, arguments);
    // Exactly what was asked for, so that one byte more is found; every value is no number.
    shared_memory = aligned(16, shared);
    for (unsigned z = 0; z < gridDim.z; ++z) {
        for (unsigned y = 0; y < gridDim.y; ++y) {
            for (unsigned x = 0; x < gridDim.x; ++x) {
                blockIdx = Dim{x, y, z};
                std::memset(shared_memory, 0xff, shared);
                threads.run(blockDim.x, backwards, work);
            }
        }
    }
    std::free(shared_memory);
}

// GELU as the matrix library has it.
static float gelu_by_tanh(float x) {
    return 0.5f * x * (1.0f + std::tanh(0.79788456f * (x + 0.044715f * x * x * x)));
}

template <class Out>
static void product() {
    std::size_t sizes[9];
    for (std::size_t& size : sizes) size = read_value<std::uint64_t>();
    const auto [rows, outputs, inputs, input_stride, weight_stride, output_stride, count,
                input_step, output_step] = sizes;
    const auto* input = reinterpret_cast<const Element*>(read_place());
    const auto* weight = reinterpret_cast<const Element*>(read_place());
    auto* output = reinterpret_cast<Out*>(read_place());
    const bool biased = read_value<uint32>() != 0;
    const auto* bias = biased ? reinterpret_cast<const Out*>(read_place()) : nullptr;
    const bool gelu = read_value<uint32>() != 0, accumulate = read_value<uint32>() != 0;
    const auto wide = [](auto value) {
        if constexpr (std::is_same_v<decltype(value), float>) return value;
        else return widen(value);
    };
    std::vector<float> weights(outputs * inputs);
    for (std::size_t o = 0; o < outputs; ++o)
        for (std::size_t i = 0; i < inputs; ++i)
            weights[o * inputs + i] = widen(weight[o * weight_stride + i]);
    std::vector<float> row(inputs);
    for (std::size_t batch = 0; batch < count; ++batch) {
        for (std::size_t r = 0; r < rows; ++r) {
            const Element* from = input + batch * input_step + r * input_stride;
            for (std::size_t i = 0; i < inputs; ++i) row[i] = widen(from[i]);
            for (std::size_t o = 0; o < outputs; ++o) {
                Out& to = output[batch * output_step + r * output_stride + o];
                float sum = 0.0f;
                for (std::size_t i = 0; i < inputs; ++i) sum += row[i] * weights[o * inputs + i];
                if (accumulate) sum += wide(to);
                if (bias) sum += wide(bias[o]);
                if (gelu) sum = gelu_by_tanh(sum);
                if constexpr (std::is_same_v<Out, float>) to = sum;
                else to = narrow(sum);
            }
        }
    }
}

int main() {
    for (;;) {
        switch (read_value<uint32>()) {
            case 'a': {
                const auto bytes = read_value<std::uint64_t>();
                // As the driver aligns; filled with what is no number.
                auto* begin = aligned(256, bytes);
                std::memset(begin, 0xff, bytes);
                buffers.push_back({begin, bytes});
                break;
            }
            case 'u': {
                unsigned char* to = read_place();
                read_all(to, read_value<std::uint64_t>());
                break;
            }
            case 'd': {
                const unsigned char* from = read_place();
                write_all(from, read_value<std::uint64_t>());
                break;
            }
            case 'l': launch(); break;
            case 'e': product<Element>(); break;
            case 'f': product<float>(); break;
            default: fail("no such request");
        }
    }
}
