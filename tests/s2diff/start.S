/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * EL2: entry, the way into the guest and out of it. The guest: a page of code, one
 * access an entry, ended by BRK, which MDCR_EL2.TDE takes to EL2.
 */
#include "case.h"

	.arch	armv8.5-a+memtag

	.section .text.start, "ax"
	.globl	_start
_start:
	adrp	x0, stack_end
	add	x0, x0, :lo12:stack_end
	mov	sp, x0
	adrp	x0, image_bss
	add	x0, x0, :lo12:image_bss
	adrp	x1, image_bss_end
	add	x1, x1, :lo12:image_bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b
2:	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el2, x0
	isb
	bl	main

/* void el2_mmu_on(u64 tcr, u64 mair, u64 ttbr, u64 sctlr) */
	.globl	el2_mmu_on
el2_mmu_on:
	msr	tcr_el2, x0
	msr	mair_el2, x1
	msr	ttbr0_el2, x2
	dsb	sy
	isb
	tlbi	alle2
	dsb	sy
	isb
	msr	sctlr_el2, x3
	isb
	ret

/* u64 semihost(u64 operation, void *block) */
	.globl	semihost
semihost:
	hlt	#0xf000
	ret

/* u64 el2_tag_load(u64 address); void el2_tag_store(u64 tagged_address) */
	.globl	el2_tag_load
el2_tag_load:
	mov	x1, x0
	mov	x0, xzr
	ldg	x0, [x1]
	ubfx	x0, x0, #56, #4
	ret
	.globl	el2_tag_store
el2_tag_store:
	and	x1, x0, #0x00ffffffffffffff
	stg	x0, [x1]
	ret

/*
 * void guest_run(struct guest_regs *regs): until an exception to EL2. SP_EL2 is as it
 * was at the ERET then, as the guest has stacks of its own.
 */
	.globl	guest_run
guest_run:
	stp	x29, x30, [sp, #-112]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	str	x0, [sp, #96]
	ldp	x2, x3, [x0, #16]
	msr	elr_el2, x2
	msr	spsr_el2, x3
	ldp	x0, x1, [x0]
	dsb	sy
	isb
	eret

guest_left:
	ldr	x1, [sp, #96]
	str	x0, [x1]
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #112
	ret

	.balign	2048
vectors:
	.rept	8
	.balign	128
	bl	el2_broken
	.endr
	.balign	128
	b	guest_left
	.rept	7
	.balign	128
	bl	el2_broken
	.endr

	.balign	4096
	.globl	guest_code
guest_code:
	.globl	guest_load, guest_store, guest_fetch, guest_atomic, guest_ldg, guest_stg
guest_load:
	ldr	x0, [x1]
	brk	#0
guest_store:
	str	x0, [x1]
	brk	#0
guest_fetch:
	br	x1
guest_atomic:
	ldadd	xzr, x0, [x1]
	brk	#0
guest_ldg:
	mov	x0, xzr
	ldg	x0, [x1]
	ubfx	x0, x0, #56, #4
	brk	#0
guest_stg:
	stg	x0, [x1]
	brk	#0
	.org	guest_code + VECTORS
	.rept	16
	.balign	128
	hvc	#0
	.endr
	.balign	4096

	.bss
	.balign	16
	.skip	65536
stack_end:
