/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch: the registers that change hands at each entry to the guest
 * and each exit from it, and the code that does it (switch.S).
 *
 * Only what the host's C code cannot do without changes hands here: the general
 * registers, SP_EL0 (the host's `current`), the return state, and the PAuth key
 * that the host's own code is signed with. Everything else stays in the CPU for as
 * long as the vCPU is loaded (world.h).
 */
#ifndef MODULE_SWITCH_H
#define MODULE_SWITCH_H

/* Why the guest stopped: which vector of EL2 was taken (Arm ARM D1.3.1). */
#define TSR_EXIT_SYNC	0
#define TSR_EXIT_IRQ	1 /* an FIQ comes out as this too: the host takes either */
#define TSR_EXIT_SERROR 2

/* Byte offsets in struct tsr_ctx. */
#define CTX_X(n)      ((n) * 8)
#define CTX_PC	      CTX_X(31)
#define CTX_PSTATE    CTX_X(32)
#define CTX_SP_EL0    CTX_X(33)
#define CTX_PAUTH     CTX_X(34)
#define CTX_APIA      CTX_X(35)
#define CTX_HOST_APIA CTX_X(37)
#define CTX_CLEAR     CTX_X(39)

#ifndef __ASSEMBLY__

#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/ptrace.h>

struct tsr_ctx {
	u64 x[31];
	u64 pc;	    /* ELR_EL2 */
	u64 pstate; /* SPSR_EL2 */
	u64 sp_el0;
	u64 pauth; /* not 0: APIAKey is switched */
	u64 apia[2];
	u64 host_apia[2];
	u64 clear; /* tsr_vectors_loop: branches; tsr_vectors_firmware: the function */
	struct user_fpsimd_state fp; /* by tsr_fp_load() and tsr_fp_save() alone */
};

static_assert(offsetof(struct tsr_ctx, pc) == CTX_PC);
static_assert(offsetof(struct tsr_ctx, pstate) == CTX_PSTATE);
static_assert(offsetof(struct tsr_ctx, sp_el0) == CTX_SP_EL0);
static_assert(offsetof(struct tsr_ctx, pauth) == CTX_PAUTH);
static_assert(offsetof(struct tsr_ctx, apia) == CTX_APIA);
static_assert(offsetof(struct tsr_ctx, host_apia) == CTX_HOST_APIA);
static_assert(offsetof(struct tsr_ctx, clear) == CTX_CLEAR);
/* tsr_fp_load() and tsr_fp_save() rely on it. */
static_assert(offsetof(struct user_fpsimd_state, fpsr) == 512);
static_assert(offsetof(struct user_fpsimd_state, fpcr) == 516);

/*
 * Runs the guest until an exception to EL2. All of DAIF masked, VBAR_EL2 is one of the
 * vectors below, HCR_EL2 the guest's. Returns TSR_EXIT_*. PSTATE.PAN, TCO and DIT are
 * the guest's or the exception's afterwards; the caller sets the host's.
 */
unsigned long tsr_switch(struct tsr_ctx *ctx);

/*
 * VBAR_EL2 while the guest runs: one of these, by what the CPU needs before the host's
 * next indirect branch (harden.h). Nothing; CLRBHB; a loop of ctx.clear branches; an SMC
 * of the function ctx.clear, which keeps to SMCCC 1.1 (x0 to x3 change).
 */
extern char tsr_vectors[], tsr_vectors_instruction[], tsr_vectors_loop[], tsr_vectors_firmware[];

/*
 * PAR_EL1 after the guest's own translation of a read of , at EL0 or at EL1 without
 * regard to PSTATE.PAN. HCR_EL2 is the guest's, VBAR_EL2 as above: an external abort on
 * its tables comes back as PAR_F, and nothing else.
 */
unsigned long tsr_translate_el0(unsigned long va);
unsigned long tsr_translate_el1(unsigned long va);

/* The V registers, FPSR and FPCR; the host has given them up (kernel_neon_begin). */
void tsr_fp_load(const struct user_fpsimd_state *fp);
void tsr_fp_save(struct user_fpsimd_state *fp);

#endif
#endif
