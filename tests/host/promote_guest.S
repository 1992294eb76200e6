/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest of tests/host/promote.c. Its vCPUs walk over the same pages in the
 * same scattered order, round after round; on each page each one has
 *
 *	+0    + 64 * index	a count of its own rounds
 *	+512			the VMM's word: a count, the same in both halves
 *	+1024 + 16 * index	a granule whose tag and data it sets, not in round 0
 *	+2048 + 8 * index	the VMM's word as it saw it last
 *
 * and counts what is not as it left it. The parameters are at x0, page aligned,
 * with the vCPU's index in the low bits; the level 1 table follows a page after.
 * Registers: x19 parameters, x20 index, x22 round, x23 base, x24 mask of
 * pages, x25 odd number, x26 touches a round, x27 rounds, x28 touch.
 */
#include "promote_guest.h"

	.arch	armv8.5-a+memtag

	.macro	wrong
	mov	x0, #1
	add	x1, x19, #PARAM_ERRORS
	stadd	x0, [x1]
	.endm

	/* x9 = the page of touch x28: the one of page_of() in promote.c. */
	.macro	page_address
	mul	x0, x28, x25
	and	x0, x0, x24
	eor	x0, x0, x0, lsr #5
	mul	x0, x0, x25
	and	x0, x0, x24
	add	x9, x23, x0, lsl #12
	.endm

	.section .rodata
	.balign	8
	.global	promote_guest_start, promote_guest_end
promote_guest_start:
	and	x20, x0, #0xff
	and	x19, x0, #~0xfff

	/* MAIR: 0 Device-nGnRnE, 1 Tagged Normal write-back. */
	mov	x0, #0xf000
	msr	mair_el1, x0
	/* TCR: T0SZ 25, walks write-back and inner shareable, EPD1, IPS 40 bits. */
	ldr	x0, =0x200803519
	msr	tcr_el1, x0
	add	x0, x19, #0x1000
	msr	ttbr0_el1, x0
	tlbi	vmalle1
	dsb	nsh
	isb
	/* SCTLR: M, C, I, ATA, and what is RES1. */
	ldr	x0, =0x80030d01805
	msr	sctlr_el1, x0
	isb

	ldr	x23, [x19, #PARAM_BASE]
	ldr	x24, [x19, #PARAM_PAGES]
	sub	x24, x24, #1
	ldr	x25, [x19, #PARAM_FACTOR]
	ldr	x26, [x19, #PARAM_TOUCHES]
	ldr	x27, [x19, #PARAM_ROUNDS]
	cbnz	x20, 2f

	/* vCPU 0 switches the others on: PSCI CPU_ON. */
	ldr	x21, [x19, #PARAM_VCPUS]
	mov	x22, #1
1:	cmp	x22, x21
	b.hs	2f
	ldr	x0, =0xc4000003
	mov	x1, x22
	adr	x2, promote_guest_start
	orr	x3, x19, x22
	hvc	#0
	add	x22, x22, #1
	cbz	x0, 1b
	wrong
	b	1b

2:	mov	x22, #0
next_round:
	mov	x28, #0
next_touch:
	page_address

	/* The own count. */
	add	x10, x9, x20, lsl #6
	ldr	x0, [x10]
	cmp	x0, x22
	add	x0, x0, #1
	str	x0, [x10]
	b.eq	3f
	wrong

	/* The VMM's word: whole, and never older than before. */
3:	ldr	x10, [x9, #512]
	ror	x0, x10, #32
	cmp	x0, x10
	b.eq	4f
	wrong
4:	add	x11, x9, x20, lsl #3
	ldr	x0, [x11, #2048]
	str	x10, [x11, #2048]
	cmp	x10, x0
	b.hs	5f
	wrong

5:	cbz	x22, 6f
	bl	own_granule
	stg	x11, [x10]
	str	x11, [x10]
	ldg	x12, [x10]
	cmp	x12, x11
	b.eq	6f
	wrong

6:	add	x28, x28, #1
	cmp	x28, x26
	b.lo	next_touch
	add	x22, x22, #1
	cmp	x22, x27
	b.lo	next_round

	mov	x0, #1
	add	x1, x19, #PARAM_DONE
	staddl	x0, [x1]
	cbz	x20, 7f
	/* PSCI CPU_OFF. */
	ldr	x0, =0x84000002
	hvc	#0
	b	.

7:	yield
	add	x1, x19, #PARAM_DONE
	ldar	x0, [x1]
	cmp	x0, x21
	b.lo	7b

	/* What all of them left in the last round; x22 is one beyond it. */
	sub	x22, x22, #1
	mov	x20, #0
8:	mov	x28, #0
9:	page_address
	bl	own_granule
	mov	x12, x10
	ldg	x12, [x10]
	ldr	x0, [x10]
	cmp	x12, x11
	ccmp	x0, x11, #0, eq
	b.eq	10f
	wrong
10:	add	x28, x28, #1
	cmp	x28, x26
	b.lo	9b
	add	x20, x20, #1
	cmp	x20, x21
	b.lo	8b

	ldr	x0, [x19, #PARAM_ERRORS]
	ldr	x1, =0x09040000
	str	x0, [x1]
	b	.

	/* x10 = the granule of vCPU x20 on page x9, x11 = the same with its tag of round x22. */
own_granule:
	add	x10, x9, x20, lsl #4
	add	x10, x10, #1024
	add	x0, x22, x20
	and	x0, x0, #0xf
	orr	x11, x10, x0, lsl #56
	mov	x12, x10
	ret

	.ltorg
promote_guest_end:

	.section .note.GNU-stack, "", %progbits
