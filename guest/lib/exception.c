/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "console.h"
#include "exception.h"
#include "sysreg.h"
#include "tap.h"

#define VECTOR_TYPE 3 /* the place within a group of four */
#define VECTOR_SYNC 0
#define VECTOR_EL0  8 /* the first of those from EL0 */

#define PSTATE_EL1H_MASKED 0x3c5
#define PSTATE_IL	   (1UL << 20) /* what an illegal exception return leaves */
#define INSTRUCTION_SIZE   4

void exception_handle(struct frame *frame);
extern u8 el0_return[];

static const char *const vector_names[] = {
	"sync at EL1t", "IRQ at EL1t", "FIQ at EL1t", "SError at EL1t",
	"sync at EL1h", "IRQ at EL1h", "FIQ at EL1h", "SError at EL1h",
	"sync at EL0",	"IRQ at EL0",  "FIQ at EL0",  "SError at EL0",
};

void fault_arm(void)
{
	struct cpu *cpu = cpu_this();

	cpu->fault = (struct fault){ 0 };
	cpu->armed = true;
	asm volatile("" ::: "memory");
}

struct fault fault_take(void)
{
	struct cpu *cpu = cpu_this();

	asm volatile("" ::: "memory");
	cpu->armed = false;
	return cpu->fault;
}

/* Takes no lock: the exception may have come while one was held. */
static noreturn void die(const struct frame *frame)
{
	const char *name = "AArch32 at EL0";

	if (frame->vector < ARRAY_SIZE(vector_names))
		name = vector_names[frame->vector];
	for (int i = 0; i < 30; i += 3)
		console_print("# x%d %016lx  x%d %016lx  x%d %016lx\n", i, frame->x[i], i + 1,
			      frame->x[i + 1], i + 2, frame->x[i + 2]);
	console_print("# x30 %016lx  sp_el0 %016lx  pstate %lx\n", frame->x[30], frame->sp_el0,
		      frame->pstate);
	tap_die("vCPU %u: unexpected exception, %s: pc %lx esr %lx far %lx", cpu_this()->index,
		name, frame->pc, frame->esr, frame->far);
}

/* Where to go on after a caught exception. */
static u64 fault_resume(const struct frame *frame)
{
	switch (FIELD_GET(ESR_EC, frame->esr)) {
	case EC_SVC64:
	case EC_ILLEGAL:
		return frame->pc;
	case EC_INSTR_LOWER:
	case EC_INSTR_SAME:
	case EC_PC_ALIGNMENT:
		return frame->x[30];
	default:
		return frame->pc + INSTRUCTION_SIZE;
	}
}

static bool is_el0_exit(const struct frame *frame)
{
	return frame->vector == VECTOR_EL0 && FIELD_GET(ESR_EC, frame->esr) == EC_SVC64 &&
	       FIELD_GET(ESR_SVC_IMM, frame->esr) == 0;
}

void exception_handle(struct frame *frame)
{
	struct cpu *cpu = cpu_this();

	if ((frame->vector & VECTOR_TYPE) != VECTOR_SYNC)
		die(frame);
	if (is_el0_exit(frame)) {
		frame->pc = (u64)el0_return;
		frame->pstate = PSTATE_EL1H_MASKED;
		return;
	}
	if (!cpu->armed)
		die(frame);
	cpu->fault.count++;
	cpu->fault.esr = frame->esr;
	cpu->fault.far = frame->far;
	cpu->fault.pc = frame->pc;
	frame->pc = fault_resume(frame);
	frame->pstate &= ~PSTATE_IL;
}
