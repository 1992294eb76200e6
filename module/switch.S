/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/assembler.h>
#include <asm/sysreg.h>

#include "switch.h"

/* PAuth's key A for instructions (Arm ARM D24.2.10, .11), by encoding for old assemblers. */
#define APIAKEYLO_EL1	S3_0_C2_C1_0
#define APIAKEYHI_EL1	S3_0_C2_C1_1

	/* Moves the pair of @from over the live key; @to keeps what was live. */
	.macro	switch_apia ctx, to, from, tmp1, tmp2
	mrs	\tmp1, APIAKEYLO_EL1
	mrs	\tmp2, APIAKEYHI_EL1
	stp	\tmp1, \tmp2, [\ctx, #\to]
	ldp	\tmp1, \tmp2, [\ctx, #\from]
	msr	APIAKEYLO_EL1, \tmp1
	msr	APIAKEYHI_EL1, \tmp2
	.endm

/*
 * unsigned long tsr_switch(struct tsr_ctx *ctx)
 *
 * The host's callee-saved registers, SP_EL0 and ctx wait on its stack, where the
 * vectors find them: SP_EL2 is not the guest's to touch.
 */
SYM_FUNC_START(tsr_switch)
	stp	x29, x30, [sp, #-112]!
	stp	x27, x28, [sp, #16]
	stp	x25, x26, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x21, x22, [sp, #64]
	stp	x19, x20, [sp, #80]
	mrs	x1, sp_el0
	stp	x18, x1, [sp, #96]
	str	x0, [sp, #-16]!

	ldr	x1, [x0, #CTX_PAUTH]
	cbz	x1, 1f
	switch_apia x0, CTX_HOST_APIA, CTX_APIA, x2, x3
1:	ldp	x1, x2, [x0, #CTX_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldr	x1, [x0, #CTX_SP_EL0]
	msr	sp_el0, x1
	ldp	x2, x3, [x0, #CTX_X(2)]
	ldp	x4, x5, [x0, #CTX_X(4)]
	ldp	x6, x7, [x0, #CTX_X(6)]
	ldp	x8, x9, [x0, #CTX_X(8)]
	ldp	x10, x11, [x0, #CTX_X(10)]
	ldp	x12, x13, [x0, #CTX_X(12)]
	ldp	x14, x15, [x0, #CTX_X(14)]
	ldp	x16, x17, [x0, #CTX_X(16)]
	ldp	x18, x19, [x0, #CTX_X(18)]
	ldp	x20, x21, [x0, #CTX_X(20)]
	ldp	x22, x23, [x0, #CTX_X(22)]
	ldp	x24, x25, [x0, #CTX_X(24)]
	ldp	x26, x27, [x0, #CTX_X(26)]
	ldp	x28, x29, [x0, #CTX_X(28)]
	ldr	x30, [x0, #CTX_X(30)]
	ldp	x0, x1, [x0, #CTX_X(0)]
	eret
	/* No speculation past the ERET. */
	dsb	nsh
	isb
SYM_FUNC_END(tsr_switch)
NOKPROBE(tsr_switch)

/* From a vector: the guest's x0 and x1 lie on the stack above ctx; x0 is TSR_EXIT_*. */
SYM_CODE_START_LOCAL(tsr_switch_back)
	ldr	x1, [sp, #16]
	stp	x2, x3, [x1, #CTX_X(2)]
	stp	x4, x5, [x1, #CTX_X(4)]
	stp	x6, x7, [x1, #CTX_X(6)]
	stp	x8, x9, [x1, #CTX_X(8)]
	stp	x10, x11, [x1, #CTX_X(10)]
	stp	x12, x13, [x1, #CTX_X(12)]
	stp	x14, x15, [x1, #CTX_X(14)]
	stp	x16, x17, [x1, #CTX_X(16)]
	stp	x18, x19, [x1, #CTX_X(18)]
	stp	x20, x21, [x1, #CTX_X(20)]
	stp	x22, x23, [x1, #CTX_X(22)]
	stp	x24, x25, [x1, #CTX_X(24)]
	stp	x26, x27, [x1, #CTX_X(26)]
	stp	x28, x29, [x1, #CTX_X(28)]
	str	x30, [x1, #CTX_X(30)]
	ldp	x2, x3, [sp], #32
	stp	x2, x3, [x1, #CTX_X(0)]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x1, #CTX_PC]
	mrs	x2, sp_el0
	str	x2, [x1, #CTX_SP_EL0]
	ldr	x2, [x1, #CTX_PAUTH]
	cbz	x2, 1f
	switch_apia x1, CTX_APIA, CTX_HOST_APIA, x2, x3
	/* The key is in place before the first return that is authenticated with it. */
	isb
1:	ldp	x18, x1, [sp, #96]
	msr	sp_el0, x1
	ldp	x19, x20, [sp, #80]
	ldp	x21, x22, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #32]
	ldp	x27, x28, [sp, #16]
	ldp	x29, x30, [sp], #112
	ret
SYM_CODE_END(tsr_switch_back)
NOKPROBE(tsr_switch_back)

/*
 * Each before tsr_switch_back, of which the stack and x0 are as there: what the guest
 * left in the branch predictor goes before the first indirect branch, the return below.
 * Nothing but direct branches comes before it, and a barrier ends it.
 */
SYM_CODE_START_LOCAL(tsr_clear_instruction)
	clearbhb
	isb
	b	tsr_switch_back
SYM_CODE_END(tsr_clear_instruction)
NOKPROBE(tsr_clear_instruction)

SYM_CODE_START_LOCAL(tsr_clear_loop)
	ldr	x1, [sp, #16]
	ldr	x1, [x1, #CTX_CLEAR]
1:	b	2f
2:	subs	x1, x1, #1
	b.ne	1b
	/* The loop's end may be predicted too early; what follows waits for the real one. */
	sb
	b	tsr_switch_back
SYM_CODE_END(tsr_clear_loop)
NOKPROBE(tsr_clear_loop)

SYM_CODE_START_LOCAL(tsr_clear_firmware)
	ldr	x1, [sp, #16]
	stp	x2, x3, [x1, #CTX_X(2)]
	str	x0, [sp, #-16]!
	ldr	x0, [x1, #CTX_CLEAR]
	smc	#0
	ldr	x0, [sp], #16
	ldr	x1, [sp, #16]
	ldp	x2, x3, [x1, #CTX_X(2)]
	b	tsr_switch_back
SYM_CODE_END(tsr_clear_firmware)
NOKPROBE(tsr_clear_firmware)

	.macro	translate name, op
SYM_FUNC_START(\name)
SYM_INNER_LABEL(\name\()_at, SYM_L_LOCAL)
	at	\op, x0
	isb
	mrs	x0, par_el1
	ret
SYM_FUNC_END(\name)
NOKPROBE(\name)
	.endm

	translate tsr_translate_el0, s1e0r
	translate tsr_translate_el1, s1e1r

/* Returns from tsr_translate_*, with the PSTATE that it had: the AT did not complete. */
SYM_CODE_START_LOCAL(tsr_translate_abort)
	adr	x0, 1f
	msr	elr_el2, x0
	mov	x0, #1		/* PAR_F */
	eret
	dsb	nsh
	isb
1:	ret
SYM_CODE_END(tsr_translate_abort)
NOKPROBE(tsr_translate_abort)

/* All of the V registers, at [x0]. */
	.macro	fp_all op
	\op	q0, q1, [x0]
	\op	q2, q3, [x0, #32]
	\op	q4, q5, [x0, #64]
	\op	q6, q7, [x0, #96]
	\op	q8, q9, [x0, #128]
	\op	q10, q11, [x0, #160]
	\op	q12, q13, [x0, #192]
	\op	q14, q15, [x0, #224]
	\op	q16, q17, [x0, #256]
	\op	q18, q19, [x0, #288]
	\op	q20, q21, [x0, #320]
	\op	q22, q23, [x0, #352]
	\op	q24, q25, [x0, #384]
	\op	q26, q27, [x0, #416]
	\op	q28, q29, [x0, #448]
	\op	q30, q31, [x0, #480]
	.endm

SYM_FUNC_START(tsr_fp_load)
	fp_all	ldp
	ldr	w1, [x0, #512]
	ldr	w2, [x0, #516]
	msr	fpsr, x1
	msr	fpcr, x2
	ret
SYM_FUNC_END(tsr_fp_load)

SYM_FUNC_START(tsr_fp_save)
	fp_all	stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	w1, [x0, #512]
	str	w2, [x0, #516]
	ret
SYM_FUNC_END(tsr_fp_save)

	.macro	vector_exit why, back
	.align	7
	stp	x0, x1, [sp, #-16]!
	mov	x0, #\why
	b	\back
	.endm

	/*
	 * An exception of EL2 itself, from the few instructions around the guest: a bug.
	 * The host's `current` may be anything, so C code says so from what is per CPU.
	 */
	.macro	vector_broken
	.align	7
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	bl	tsr_switch_broken
	.endm

	/* The same, but for an abort on the guest's tables: x0 to x3 are tsr_translate's. */
	.macro	vector_own
	.align	7
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	adr	x3, tsr_translate_el0_at
	cmp	x1, x3
	b.eq	tsr_translate_abort
	adr	x3, tsr_translate_el1_at
	cmp	x1, x3
	b.eq	tsr_translate_abort
	bl	tsr_switch_broken
	.endm

	/* From AArch64, and from AArch32, which the guest can enter by ERET, alike. */
	.macro	vectors name, back
	.align	11
SYM_CODE_START(\name)
	.rept	4	/* EL2t */
	vector_broken
	.endr
	vector_own	/* EL2h: synchronous */
	.rept	3
	vector_broken
	.endr
	.rept	2
	vector_exit TSR_EXIT_SYNC, \back
	vector_exit TSR_EXIT_IRQ, \back
	vector_exit TSR_EXIT_IRQ, \back
	vector_exit TSR_EXIT_SERROR, \back
	.endr
SYM_CODE_END(\name)
NOKPROBE(\name)
	.endm

	vectors	tsr_vectors, tsr_switch_back
	vectors	tsr_vectors_instruction, tsr_clear_instruction
	vectors	tsr_vectors_loop, tsr_clear_loop
	vectors	tsr_vectors_firmware, tsr_clear_firmware
