/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fiber.cpp - stacks for simulated threads, on ucontext, with the switches announced to AddressSanitizer.
 *
 * A stack is kept for the life of the process and reused; between it and its neighbour lies a page without access.
 * swapcontext asks the kernel for the signal mask at every switch, which was most of the time of kernels that
 * shuffle; so a fiber is entered through its context, and from then on by a jump. AddressSanitizer, which has its own
 * idea of what a jump leaves behind, keeps swapcontext.
 */
#undef _FORTIFY_SOURCE /* it takes a jump to another stack for a mistake */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#if TSM_SIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace sim
{

static constexpr size_t kStackBytes = TSM_SIM_ASAN ? 256 * 1024 : 64 * 1024;
static constexpr size_t kGuardBytes = 4096;

static char *allocate_stack()
{
    char *memory = static_cast<char *>(mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE)) {
        perror("simulated device: stack of a thread");
        exit(1);
    }
    return memory + kGuardBytes;
}

void fiber_prepare(Fiber &fiber, void (*entry)())
{
    if (!fiber.stack) fiber.stack = allocate_stack();
    fiber.bottom = fiber.stack;
    fiber.bytes = kStackBytes;
    fiber.fake_stack = nullptr;
    fiber.entered = false;
#if TSM_SIM_ASAN
    /* An abandoned run leaves the red zones of its frames behind. */
    ASAN_UNPOISON_MEMORY_REGION(fiber.stack, kStackBytes);
#endif
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, entry, 0);
}

#if TSM_SIM_ASAN
void fiber_switch(Fiber &from, Fiber &to)
{
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.bytes);
    swapcontext(&from.context, &to.context);
    /* Back from where this one went; a host thread may be another than before. */
    __sanitizer_finish_switch_fiber(from.fake_stack, &to.bottom, &to.bytes);
}
#else
void fiber_switch(Fiber &from, Fiber &to)
{
    from.entered = true;
    if (_setjmp(from.place)) return;
    if (to.entered) _longjmp(to.place, 1);
    to.entered = true;
    setcontext(&to.context);
}
#endif

void fiber_entered(Fiber &from)
{
#if TSM_SIM_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &from.bottom, &from.bytes);
#else
    (void)from;
#endif
}

} // namespace sim
