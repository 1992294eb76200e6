/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The exception vectors. Each saves the whole interrupted context as a struct
 * frame on the EL1 stack, hands it to C and returns to what C left in it.
 */
#include "layout.h"

	.macro	vector number
	.balign	128
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\number
	b	enter
	.endm

	.text
	.balign	2048
	.globl	vectors
vectors:
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	vector	\number
	.endr
	/* AArch32 at EL0 is never entered; a vector there shows as number 12 to 15. */
	.irp	number, 12, 13, 14, 15
	vector	\number
	.endr

enter:
	str	x0, [sp, #FRAME_VECTOR]
	stp	x2, x3, [sp, #0x10]
	stp	x4, x5, [sp, #0x20]
	stp	x6, x7, [sp, #0x30]
	stp	x8, x9, [sp, #0x40]
	stp	x10, x11, [sp, #0x50]
	stp	x12, x13, [sp, #0x60]
	stp	x14, x15, [sp, #0x70]
	stp	x16, x17, [sp, #0x80]
	stp	x18, x19, [sp, #0x90]
	stp	x20, x21, [sp, #0xa0]
	stp	x22, x23, [sp, #0xb0]
	stp	x24, x25, [sp, #0xc0]
	stp	x26, x27, [sp, #0xd0]
	stp	x28, x29, [sp, #0xe0]
	mrs	x1, sp_el0
	stp	x30, x1, [sp, #0xf0]
	mrs	x1, elr_el1
	mrs	x2, spsr_el1
	stp	x1, x2, [sp, #FRAME_PC]
	mrs	x1, esr_el1
	mrs	x2, far_el1
	stp	x1, x2, [sp, #FRAME_ESR]
	mov	x0, sp
	bl	exception_handle

	ldp	x1, x2, [sp, #FRAME_PC]
	msr	elr_el1, x1
	msr	spsr_el1, x2
	ldp	x30, x1, [sp, #0xf0]
	msr	sp_el0, x1
	ldp	x28, x29, [sp, #0xe0]
	ldp	x26, x27, [sp, #0xd0]
	ldp	x24, x25, [sp, #0xc0]
	ldp	x22, x23, [sp, #0xb0]
	ldp	x20, x21, [sp, #0xa0]
	ldp	x18, x19, [sp, #0x90]
	ldp	x16, x17, [sp, #0x80]
	ldp	x14, x15, [sp, #0x70]
	ldp	x12, x13, [sp, #0x60]
	ldp	x10, x11, [sp, #0x50]
	ldp	x8, x9, [sp, #0x40]
	ldp	x6, x7, [sp, #0x30]
	ldp	x4, x5, [sp, #0x20]
	ldp	x2, x3, [sp, #0x10]
	ldp	x0, x1, [sp]
	add	sp, sp, #FRAME_SIZE
	eret

/*
 * u64 el0_call(u64 function, u64 a, u64 b): enters EL0 with what AAPCS64 wants
 * kept saved here. SVC #0 at EL0 brings the handler to el0_return with the
 * stack as it was at the ERET below and the function's result in x0.
 */
	.globl	el0_call
el0_call:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	mov	x9, #WINDOW_USER
	orr	x10, x0, x9
	msr	elr_el1, x10
	mov	x10, sp
	and	x10, x10, #~(CPU_BLOCK_SIZE - 1)
	add	x10, x10, #CPU_USER_STACK
	orr	x10, x10, x9
	msr	sp_el0, x10
	mov	x10, #0x3c0			/* EL0t, D, A, I and F masked */
	msr	spsr_el1, x10
	adr	x30, el0_exit
	orr	x30, x30, x9
	mov	x29, xzr
	mov	x0, x1
	mov	x1, x2
	eret

el0_exit:
	svc	#0
	b	.

	.globl	el0_return
el0_return:
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret
