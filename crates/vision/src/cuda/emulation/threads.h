// A block's threads as coroutines of one thread of the host: each runs until it waits for others.
// They run in the order of their numbers, or backwards, so that a missing barrier shows as another
// result.
#pragma once

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

struct Dim {
    unsigned x = 1, y = 1, z = 1;
};
static Dim threadIdx, blockIdx, blockDim, gridDim;

[[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "emulation: %s (block %u %u %u, thread %u)\n", what, blockIdx.x,
                 blockIdx.y, blockIdx.z, threadIdx.x);
    std::exit(3);
}

// Threads that have come, and how often all have.
struct Barrier {
    unsigned come = 0, times = 0;
};

class Threads {
  public:
    // Runs all threads of a block to their end.
    void run(unsigned count, bool backwards, const std::function<void()>& work) {
        const std::size_t bytes = 1 << 15;
        while (stacks.size() < count) stacks.emplace_back(new char[bytes]);
        contexts.assign(count, ucontext_t{});
        done.assign(count, false);
        warps.assign((count + 31) / 32, Barrier{});
        block = Barrier{};
        this->backwards = backwards;
        this->work = &work;
        idle = 0;
        for (unsigned i = 0; i < count; ++i) {
            getcontext(&contexts[i]);
            contexts[i].uc_stack.ss_sp = stacks[i].get();
            contexts[i].uc_stack.ss_size = bytes;
            contexts[i].uc_link = &scheduler;
            makecontext(&contexts[i], reinterpret_cast<void (*)()>(begin), 0);
        }
        threadIdx.x = backwards ? count - 1 : 0;
        for (unsigned left = count; left > 0; --left) {
            // Comes back when a thread has ended.
            swapcontext(&scheduler, &contexts[threadIdx.x]);
            threadIdx.x = following(threadIdx.x);
        }
    }

    void wait_for_block() { wait(block, blockDim.x); }

    void wait_for_warp() {
        const unsigned first = threadIdx.x / 32 * 32;
        wait(warps[threadIdx.x / 32], blockDim.x - first < 32 ? blockDim.x - first : 32);
    }

    // How often a thread's warp has waited: lanes that show each other values take turns between
    // two places by it.
    unsigned turn() const { return warps[threadIdx.x / 32].times; }

  private:
    static void begin();

    // The next thread in the order that has not ended; the same where there is no other.
    unsigned following(unsigned thread) const {
        const unsigned count = contexts.size();
        for (unsigned i = 1; i <= count; ++i) {
            const unsigned next = (thread + (backwards ? count - i : i)) % count;
            if (!done[next]) return next;
        }
        return thread;
    }

    void wait(Barrier& barrier, unsigned expected) {
        const unsigned times = barrier.times, thread = threadIdx.x;
        idle = 0;
        if (++barrier.come == expected) {
            barrier.come = 0;
            ++barrier.times;
        }
        while (barrier.times == times) {
            const unsigned next = following(thread);
            if (++idle > 2 * contexts.size()) fail("threads wait for others that never come");
            threadIdx.x = next;
            swapcontext(&contexts[thread], &contexts[next]);
            threadIdx.x = thread;
        }
    }

    ucontext_t scheduler{};
    std::vector<ucontext_t> contexts;
    std::vector<std::unique_ptr<char[]>> stacks;
    std::vector<char> done;
    std::vector<Barrier> warps;
    Barrier block;
    const std::function<void()>* work = nullptr;
    bool backwards = false;
    // Changes of threads since the last one came to a barrier or ended.
    unsigned idle = 0;
};

static Threads threads;

inline void Threads::begin() {
    (*threads.work)();
    threads.done[threadIdx.x] = true;
    threads.idle = 0;
}
