/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Entry of the first vCPU (_start) and of those that CPU_ON brings up
 * (cpu_entry). Both turn the MMU on before anything is stored, so nothing in
 * memory is ever written uncached.
 *
 * What PSCI and the machine promise about the state at entry is kept in
 * registers until C can look at it: x19 SCTLR_EL1, x20 DAIF, x21 CurrentEL.
 */
#include "layout.h"

/* Translation regime: see the Arm ARM, TCR_EL1 and MAIR_EL1. */
#define TCR_T0SZ	25			/* 39-bit addresses: one level-1 table */
#define TCR_WALKS	(1 << 8 | 1 << 10 | 3 << 12)	/* write-back, inner shareable */
#define TCR_EPD1	(1 << 23)		/* TTBR1 is not used */
#define TCR_T1SZ	(25 << 16)
#define TCR_TG1_4K	(2 << 30)
#define TCR_IPS_SHIFT	32
#define TCR_TBI0	(1 << 37)		/* the top byte holds a logical tag */
#define TCR_ON		(TCR_T0SZ|TCR_WALKS|TCR_EPD1|TCR_T1SZ|TCR_TG1_4K|TCR_TBI0)

#define MAIR_DEVICE	0x00			/* index 0: nGnRnE */
#define MAIR_NORMAL	0xff			/* index 1: write-back */
#define MAIR_TAGGED	0xf0			/* index 2: write-back, Tagged */

/* Bits that are RES1 without later extensions, then M, C, SA, SA0, I, DZE, UCT, UCI. */
#define SCTLR_RES1 \
	(1 << 29 | 1 << 28 | 1 << 23 | 1 << 22 | 1 << 20 | 1 << 11 | 1 << 8 | 1 << 7)
#define SCTLR_TRAPS_OFF (1 << 26 | 1 << 18 | 1 << 16 | 1 << 15 | 1 << 14)
#define SCTLR_ON	(1 << 12 | 1 << 4 | 1 << 3 | 1 << 2 | 1 << 0)
#define CPACR_FPEN	(3 << 20)

/* Without a literal beside the code, which a VMM may have made unreadable. */
	.macro	constant register, value
	mov	\register, #((\value) & 0xffff)
	movk	\register, #((\value) >> 16 & 0xffff), lsl #16
	movk	\register, #((\value) >> 32 & 0xffff), lsl #32
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	mov	x22, x0
	mov	x23, x1
	mov	x24, x2
	mov	x25, x3
	bl	mmu_on

	adrp	x0, image_bss
	add	x0, x0, :lo12:image_bss
	adrp	x1, image_bss_end
	add	x1, x1, :lo12:image_bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b

2:	mov	x0, #0
	bl	stack_on
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	bl	cpu_boot
	mov	x0, x22
	mov	x1, x23
	mov	x2, x24
	mov	x3, x25
	bl	main
	bl	guest_exit

	.globl	cpu_entry
cpu_entry:
	mov	x22, x0
	bl	mmu_on
	mrs	x1, mpidr_el1
	and	x0, x1, #0xf			/* KVM: 16 vCPUs in Aff0, then Aff1 */
	ubfx	x1, x1, #8, #8
	add	x0, x0, x1, lsl #4
	bl	stack_on
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	bl	cpu_boot
	mov	x0, x22
	bl	cpu_main
	b	.

/* Leaves the state at entry in x19..x21; clobbers x0..x3. */
mmu_on:
	mrs	x19, sctlr_el1
	mrs	x20, daif
	mrs	x21, CurrentEL

	msr	spsel, #1
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	mov	x0, #CPACR_FPEN
	msr	cpacr_el1, x0

	mrs	x0, id_aa64pfr1_el1
	ubfx	x0, x0, #8, #4
	cmp	x0, #2				/* tags in memory need FEAT_MTE2 */
	mov	x1, #MAIR_TAGGED
	mov	x2, #MAIR_NORMAL
	csel	x1, x1, x2, hs
	lsl	x1, x1, #16
	orr	x1, x1, #(MAIR_NORMAL << 8)
	msr	mair_el1, x1

	mrs	x0, id_aa64mmfr0_el1
	and	x0, x0, #0xf
	cmp	x0, #5				/* 4K tables without LPA2 reach 48 bits */
	mov	x1, #5
	csel	x0, x0, x1, lo
	constant x1, TCR_ON
	orr	x1, x1, x0, lsl #TCR_IPS_SHIFT
	msr	tcr_el1, x1
	adrp	x0, stage1_table
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	constant x0, (SCTLR_RES1|SCTLR_TRAPS_OFF|SCTLR_ON)
	msr	sctlr_el1, x0
	isb
	ret

/* x0: index of this vCPU. */
stack_on:
	cmp	x0, #CPU_MAX
	b.hs	.
	adrp	x1, cpu_blocks
	add	x1, x1, :lo12:cpu_blocks
	add	x0, x0, #1
	add	x1, x1, x0, lsl #CPU_BLOCK_SHIFT
	sub	sp, x1, #16			/* SP is never outside of the block */
	mov	x29, xzr
	ret

	.bss
	.balign	CPU_BLOCK_SIZE
	.globl	cpu_blocks
cpu_blocks:
	.skip	CPU_BLOCK_SIZE * CPU_MAX

/* Level-1 block descriptors, 1 GiB each (Arm ARM D8.3). */
#define BLOCK		0x1
#define ATTR(index)	((index) << 2)
#define AP_EL0		(1 << 6)
#define SH_INNER	(3 << 8)
#define AF		(1 << 10)
#define PXN		(1 << 53)
#define UXN		(1 << 54)

#define DEVICE		(BLOCK | ATTR(0) | AF | PXN | UXN)
#define NORMAL		(BLOCK | ATTR(1) | AF | SH_INNER | PXN | UXN)
#define TAGGED		(BLOCK | ATTR(2) | AF | SH_INNER | UXN)
#define USER		(BLOCK | ATTR(2) | AF | SH_INNER | AP_EL0 | PXN)

	.macro	window device, ram
	.quad	\device
	.set	gib, 1
	.rept	127
	.quad	(gib << 30) | \ram
	.set	gib, gib + 1
	.endr
	.endm

	.section .rodata
	.balign	PAGE_SIZE
stage1_table:
	window	DEVICE, TAGGED
	window	DEVICE, USER
	window	DEVICE, NORMAL
	.fill	128, 8, 0
