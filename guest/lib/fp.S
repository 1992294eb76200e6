/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* fp_load() and fp_save(); x0 points to a struct fp. */
	.arch	armv8-a

	.macro	all_pairs operation
	\operation	q0, q1, [x0, #0x000]
	\operation	q2, q3, [x0, #0x020]
	\operation	q4, q5, [x0, #0x040]
	\operation	q6, q7, [x0, #0x060]
	\operation	q8, q9, [x0, #0x080]
	\operation	q10, q11, [x0, #0x0a0]
	\operation	q12, q13, [x0, #0x0c0]
	\operation	q14, q15, [x0, #0x0e0]
	\operation	q16, q17, [x0, #0x100]
	\operation	q18, q19, [x0, #0x120]
	\operation	q20, q21, [x0, #0x140]
	\operation	q22, q23, [x0, #0x160]
	\operation	q24, q25, [x0, #0x180]
	\operation	q26, q27, [x0, #0x1a0]
	\operation	q28, q29, [x0, #0x1c0]
	\operation	q30, q31, [x0, #0x1e0]
	.endm

	.text
	.globl	fp_load
fp_load:
	all_pairs ldp
	add	x0, x0, #0x200
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret

	.globl	fp_save
fp_save:
	all_pairs stp
	add	x0, x0, #0x200
	mrs	x1, fpcr
	mrs	x2, fpsr
	stp	x1, x2, [x0]
	ret
