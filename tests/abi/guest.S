/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest's side of the tables; guest.h says what each snippet is for. They are
 * copied to the start of slot 0 and run from there, so they refer to nothing.
 */
	.arch	armv8.5-a+memtag
	.section .rodata
	.balign	2048
	.globl	guest_begin
guest_begin:

/* Every exception ends as a snippet does, with the syndrome in x1. */
	.globl	guest_vectors
guest_vectors:
	.rept	16
	.balign	128
	mrs	x1, esr_el1
	str	x1, [x9]
	b	.
	.endr

.macro snippet name:req
	.balign	16
	.globl	guest_\name
guest_\name:
.endm

.macro finish
	str	x1, [x9]
	b	.
.endm

.macro simple name:req, insn:vararg
	snippet	\name
	\insn
	finish
.endm

	simple	finish, nop

	simple	ldr, ldr x1, [x0]
	simple	ldr_w, ldr w1, [x0]
	simple	ldrh, ldrh w1, [x0]
	simple	ldrb, ldrb w1, [x0]
	simple	ldrsw, ldrsw x1, [x0]
	simple	ldrsh, ldrsh x1, [x0]
	simple	ldrsh_w, ldrsh w1, [x0]
	simple	ldrsb, ldrsb x1, [x0]
	simple	ldrsb_w, ldrsb w1, [x0]
	simple	ldar, ldar x1, [x0]
	simple	ldr_post, ldr x1, [x0], #8
	simple	ldp, ldp x1, x2, [x0]
	simple	ldr_xzr, ldr xzr, [x0]

	simple	str, str x1, [x0]
	simple	str_w, str w1, [x0]
	simple	strh, strh w1, [x0]
	simple	strb, strb w1, [x0]
	simple	stlr, stlr x1, [x0]
	simple	stp, stp x1, x1, [x0]
	simple	str_xzr, str xzr, [x0]

	.arch_extension lse
	simple	swp, swp x1, x1, [x0]
	simple	ldadd, ldadd x1, x1, [x0]
	snippet	exclusive
1:	ldxr	x2, [x0]
	stxr	w3, x1, [x0]
	cbnz	w3, 1b
	mov	x1, x2
	finish

	simple	cas, cas x1, x1, [x0]
	simple	ldxr, ldxr x1, [x0]
	snippet	exclusive_pair
1:	ldxp	x2, x4, [x0]
	stxp	w3, x1, x1, [x0]
	cbnz	w3, 1b
	mov	x1, x2
	finish

	snippet	at
	at	s1e1r, x0
	isb
	mrs	x1, par_el1
	finish

	simple	dc_cvac, dc cvac, x0
	simple	dc_cvap, dc cvap, x0
	simple	dc_civac, dc civac, x0
	simple	ic_ivau, ic ivau, x0
	simple	dc_zva, dc zva, x0

	simple	dc_isw, dc isw, x0
	simple	dc_csw, dc csw, x0
	simple	dc_cisw, dc cisw, x0
	simple	dc_igsw, dc igsw, x0
	simple	dc_igdsw, dc igdsw, x0
	simple	dc_cgsw, dc cgsw, x0
	simple	dc_cgdsw, dc cgdsw, x0
	simple	dc_cigsw, dc cigsw, x0
	simple	dc_cigdsw, dc cigdsw, x0

	snippet	vm_regs
	msr	ttbr0_el1, x1
	msr	ttbr1_el1, x1
	msr	tcr_el1, x1
	msr	esr_el1, x1
	msr	far_el1, x1
	msr	mair_el1, x1
	msr	contextidr_el1, x1
	mrs	x2, afsr0_el1
	msr	afsr0_el1, x2
	mrs	x2, afsr1_el1
	msr	afsr1_el1, x2
	mrs	x2, amair_el1
	msr	amair_el1, x2
	mrs	x2, ttbr0_el1
	mrs	x3, ttbr1_el1
	stp	x2, x3, [x0]
	mrs	x2, tcr_el1
	mrs	x3, esr_el1
	stp	x2, x3, [x0, #16]
	mrs	x2, far_el1
	mrs	x3, mair_el1
	stp	x2, x3, [x0, #32]
	mrs	x2, contextidr_el1
	str	x2, [x0, #48]
	finish

	snippet	caches_off
	mov	x2, #0
	str	x1, [x0]
	dsb	sy
	dc	cisw, x2
	mrs	x2, sctlr_el1
	bic	x3, x2, #1		/* M */
	bic	x3, x3, #4		/* C */
	msr	sctlr_el1, x3
	isb
	ldr	x4, [x0]
	add	x4, x4, #1
	str	x4, [x0]
	dsb	sy
	msr	sctlr_el1, x2
	isb
	ldr	x1, [x0]
	finish

	simple	isar0, mrs x1, id_aa64isar0_el1
	simple	ctr, mrs x1, ctr_el0
	simple	midr, mrs x1, midr_el1
	simple	brk, brk #7
	simple	mpidr, mrs x1, mpidr_el1
	simple	cntvct, mrs x1, cntvct_el0
	simple	cntv_cval, mrs x1, cntv_cval_el0
	snippet	actlr
	msr	actlr_el1, x1
	isb
	mrs	x1, actlr_el1
	finish

	simple	branch, br x0
	simple	spin, b .
	snippet	wfi
1:	wfi
	b	1b

	snippet	hvc
	hvc	#0
	mov	x1, x0
	finish
	snippet	smc
	.inst	0xd4000003	/* smc #0 */
	mov	x1, x0
	finish
	snippet	smc_1
	.inst	0xd4000023	/* smc #1 */
	mov	x1, x0
	finish

/* To AArch32 at EL0; where the CPU has none the return is illegal. */
	snippet	aarch32
	mov	x2, #0x1d0
	msr	spsr_el1, x2
	msr	elr_el1, x0
	eret

/* FP is trapped at EL1 out of reset. */
	snippet	ldr_v
	mov	x2, #(3 << 20)
	msr	cpacr_el1, x2
	isb
	ldr	d0, [x0]
	fmov	x1, d0
	finish

.macro tagged name:req, insn:vararg
	snippet	\name
	bfi	x0, x1, #56, #4
	\insn
	finish
.endm
	tagged	stg, stg x0, [x0]
	tagged	st2g, st2g x0, [x0]
	tagged	stzg, stzg x0, [x0]
	tagged	stz2g, stz2g x0, [x0]
	tagged	stgp, stgp x1, x1, [x0]
	tagged	stgm, stgm x1, [x0]
	tagged	dc_gva, dc gva, x0
	tagged	dc_gzva, dc gzva, x0
	snippet	ldg
	ldg	x0, [x0]
	ubfx	x1, x0, #56, #4
	finish
	simple	ldgm, ldgm x1, [x0]
	tagged	ldr_checked, ldr x1, [x0]
	tagged	str_checked, str x1, [x0]

/*
 * For flip.c: x0 the first page, x1 the vCPU's record (struct record). On each page: its own
 * count up by one, and what it reads there and what it calls there into the record.
 */
	snippet	flip_loop
	mov	x19, x0
	ldr	x21, [x1, #16]		/* where its count is in a page */
	ldp	x26, x27, [x1, #24]	/* from page to page, how many */
	ldr	x28, [x1, #40]		/* tags? */
	mov	x22, #0
1:	mov	x23, x19
	mov	x24, x27
	add	x25, x1, #64
2:	ldr	x0, [x23, x21]
	cmp	x0, x22
	b.eq	3f
	ldr	x0, [x1, #48]		/* errors */
	add	x0, x0, #1
	str	x0, [x1, #48]
3:	add	x0, x22, #1
	str	x0, [x23, x21]
	cbz	x28, 4f
	mov	x0, x23
	ldg	x0, [x0]
4:	ldr	x0, [x23, #128]
	str	x0, [x25], #8
	add	x0, x23, #256
	blr	x0
	str	x0, [x25], #8
	add	x23, x23, x26
	sub	x24, x24, #1
	cbnz	x24, 2b
	add	x22, x22, #1
	str	x22, [x1, #8]
	ldr	x0, [x1]
	cbz	x0, 1b
	finish

/*
 * What the two below share. x0 is the first page, x1 the vCPU's record (struct record), which has
 * the pages less one at 16, x20 at 24 and the state of a generator of random numbers at 32.
 */
	.macro	begin_loop
	ldp	x19, x20, [x1, #16]
	ldr	x21, [x1, #32]
	mov	x22, #0x4c95
	movk	x22, #0x2d7f, lsl #16
	movk	x22, #0xf42d, lsl #32
	movk	x22, #0x5851, lsl #48
	.endm

	.macro	random_page		/* x23 */
	mul	x21, x21, x22
	add	x21, x21, #1
	and	x23, x19, x21, lsr #33
	add	x23, x0, x23, lsl #12
	.endm

	.macro	count_and_look loop	/* round at 8; at 0 what ends it */
	ldr	x24, [x1, #8]
	add	x24, x24, #1
	str	x24, [x1, #8]
	ldr	x24, [x1]
	cbz	x24, \loop
	.endm

/*
 * For dirty.c: on one page after the other, as the generator says, its own count up by one.
 */
	snippet	dirty_loop
	begin_loop			/* x20: where its count is in a page */
1:	random_page
	ldr	x24, [x23, x20]
	add	x24, x24, #1
	str	x24, [x23, x20]
	count_and_look	1b
	finish

/*
 * For tagdirty.c: on random pages the tag of a random granule up by one, of those of even or of
 * odd number, as the record has 0 or 16 at 24.
 */
	snippet	tag_loop
	begin_loop
1:	random_page
	ubfx	x24, x21, #56, #7
	add	x23, x23, x24, lsl #5
	add	x23, x23, x20
	ldg	x23, [x23]
	ubfx	x24, x23, #56, #4
	add	x24, x24, #1
	bfi	x23, x24, #56, #4
	stg	x23, [x23]
	count_and_look	1b
	finish

/* For bench: x1 times the same. */
	snippet	hvc_loop
	mov	x4, x1
1:	mov	x0, #0x84000000		/* PSCI_VERSION */
	hvc	#0
	sub	x4, x4, #1
	cbnz	x4, 1b
	finish
	snippet	load_loop
1:	ldr	x2, [x0]
	sub	x1, x1, #1
	cbnz	x1, 1b
	finish
	snippet	store_loop
1:	str	x1, [x0]
	sub	x1, x1, #1
	cbnz	x1, 1b
	finish
	snippet	touch_loop		/* x1 pages from x0 on */
1:	str	x1, [x0]
	add	x0, x0, #4096
	sub	x1, x1, #1
	cbnz	x1, 1b
	finish

	.globl	guest_end
guest_end:
	.section .note.GNU-stack, "", @progbits
