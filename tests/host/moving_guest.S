/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest of tests/host/moving.c. Its vCPUs walk over the same pages, round
 * after round, until they are told to stop. On each page each one finds its
 * count and its granule, data and tag, as it left them in the round before, or
 * counts an error; and counts up. Nothing else in the VM writes there.
 *
 * The parameters are at x0, page aligned, with the vCPU's index in the low bits;
 * the level 1 table follows a page after.
 * Registers: x19 parameters, x20 index, x21 vCPUs, x22 round, x23 base, x24
 * pages, x25 tags, x9 page, x28 pages to go.
 */
#include "moving_guest.h"

	.arch	armv8.5-a+memtag

	.macro	wrong
	mov	x0, #1
	add	x1, x19, #PARAM_ERRORS
	stadd	x0, [x1]
	.endm

	.section .rodata
	.balign	8
	.global	moving_guest_start, moving_guest_end
moving_guest_start:
	and	x20, x0, #0xff
	and	x19, x0, #~0xfff

	/* MAIR: 0 Device-nGnRnE, 1 Tagged Normal write-back, 2 Normal write-back. */
	ldr	x0, =0xfff000
	msr	mair_el1, x0
	/* TCR: T0SZ 25, walks write-back and inner shareable, EPD1, IPS 40 bits. */
	ldr	x0, =0x200803519
	msr	tcr_el1, x0
	add	x0, x19, #0x1000
	msr	ttbr0_el1, x0
	tlbi	vmalle1
	dsb	nsh
	isb
	ldr	x25, [x19, #PARAM_TAGS]
	/* SCTLR: M, C, I, what is RES1, and ATA where there are tags. */
	ldr	x0, =0x30d01805
	cbz	x25, 1f
	orr	x0, x0, #(1 << 43)
1:	msr	sctlr_el1, x0
	isb

	ldr	x21, [x19, #PARAM_VCPUS]
	ldr	x23, [x19, #PARAM_BASE]
	ldr	x24, [x19, #PARAM_PAGES]
	cbnz	x20, 3f

	/* vCPU 0 switches the others on: PSCI CPU_ON. */
	mov	x22, #1
2:	cmp	x22, x21
	b.hs	3f
	ldr	x0, =0xc4000003
	mov	x1, x22
	adr	x2, moving_guest_start
	orr	x3, x19, x22
	hvc	#0
	add	x22, x22, #1
	cbz	x0, 2b
	wrong
	b	2b

3:	mov	x22, #0
next_round:
	mov	x9, x23
	mov	x28, x24
next_page:
	add	x10, x9, x20, lsl #6
	ldr	x0, [x10]
	cmp	x0, x22
	b.eq	4f
	wrong
4:	add	x1, x22, #1
	str	x1, [x10]

	/* x10 the granule, x11 the same with its tag of the round before. */
	add	x10, x9, x20, lsl #4
	add	x10, x10, #GRANULES
	and	x0, x22, #0xf
	orr	x11, x10, x0, lsl #56
	cbz	x25, 6f
	mov	x12, x10
	ldg	x12, [x12]
	cmp	x12, x11
	b.eq	5f
	wrong
5:	add	x0, x22, #1
	and	x0, x0, #0xf
	orr	x12, x10, x0, lsl #56
	stg	x12, [x10]
6:	ldr	x0, [x10]
	cmp	x0, x22
	b.eq	7f
	wrong
7:	add	x0, x22, #1
	str	x0, [x10]

	add	x9, x9, #0x1000
	subs	x28, x28, #1
	b.ne	next_page
	add	x22, x22, #1
	ldr	x0, [x19, #PARAM_STOP]
	cbz	x0, next_round

	add	x1, x19, #PARAM_ROUNDS
	str	x22, [x1, x20, lsl #3]
	mov	x0, #1
	add	x1, x19, #PARAM_DONE
	staddl	x0, [x1]
	cbz	x20, 8f
	/* PSCI CPU_OFF. */
	ldr	x0, =0x84000002
	hvc	#0
	b	.

8:	yield
	add	x1, x19, #PARAM_DONE
	ldar	x0, [x1]
	cmp	x0, x21
	b.lo	8b
	ldr	x0, [x19, #PARAM_ERRORS]
	ldr	x1, =0x09040000
	str	x0, [x1]
	b	.

	.ltorg
moving_guest_end:

	.section .note.GNU-stack, "", %progbits
