/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Exceptions at EL1, and functions at EL0.
 *
 * A test that wants a fault arms the calling vCPU, does the access, and takes
 * back what was caught:
 *
 *	fault_arm();
 *	mem_store64(pointer, 1);
 *	fault = fault_take();
 *
 * While armed, a synchronous exception is recorded and the instruction that
 * caused it is skipped; a failed instruction fetch or branch target returns to
 * the caller (the link register), since there is nothing to skip. An SVC with a
 * number other than 0 is recorded too and goes on after it. Any other exception
 * prints the registers and ends the guest with EXIT_DIED. Interrupts stay masked
 * always.
 */
#ifndef GUEST_EXCEPTION_H
#define GUEST_EXCEPTION_H

#include "cpu.h"

/* The interrupted context; laid out in layout.h. */
struct frame {
	u64 x[31];
	u64 sp_el0;
	u64 pc, pstate;
	u64 esr, far;
	u64 vector; /* 0..15, by the place in the table of vectors */
	u64 pad;
};

_Static_assert(sizeof(struct frame) == FRAME_SIZE, "vectors.S");
_Static_assert(offsetof(struct frame, sp_el0) == FRAME_SP, "vectors.S");
_Static_assert(offsetof(struct frame, pc) == FRAME_PC, "vectors.S");
_Static_assert(offsetof(struct frame, pstate) == FRAME_PSTATE, "vectors.S");
_Static_assert(offsetof(struct frame, esr) == FRAME_ESR, "vectors.S");
_Static_assert(offsetof(struct frame, far) == FRAME_FAR, "vectors.S");
_Static_assert(offsetof(struct frame, vector) == FRAME_VECTOR, "vectors.S");

/* Forgets earlier faults and catches those that follow, on this vCPU. */
void fault_arm(void);

/* Ends fault_arm(): what was caught since; count is 0 if nothing was. */
struct fault fault_take(void);

/*
 * Runs @function(@a, @b) at EL0 through WINDOW_USER and returns its result. It is
 * reached, as its stack and everything it names, by the alias of its address, so
 * it must not follow absolute pointers other than those it is given.
 */
u64 el0_call(u64 function, u64 a, u64 b);

#define el0_run(function, a, b) el0_call((u64)(function), (u64)(a), (u64)(b))

/* The address by which EL0 sees @pointer. */
static inline u64 el0_alias(const volatile void *pointer)
{
	return (u64)pointer | WINDOW_USER;
}

#endif
