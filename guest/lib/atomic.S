/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The atomic instructions of atomic.h. */
	.arch	armv8.1-a

	.text
	.globl	atomic_add_exclusive
atomic_add_exclusive:
1:	ldaxr	x2, [x0]
	add	x3, x2, x1
	stlxr	w4, x3, [x0]
	cbnz	w4, 1b
	mov	x0, x2
	ret

	.globl	atomic_add_pair
atomic_add_pair:
1:	ldaxp	x2, x3, [x0]
	add	x2, x2, x1
	add	x3, x3, x1
	stlxp	w4, x2, x3, [x0]
	cbnz	w4, 1b
	ret

	.globl	atomic_ldadd
atomic_ldadd:
	ldaddal	x1, x0, [x0]
	ret

	.globl	atomic_swp
atomic_swp:
	swpal	x1, x0, [x0]
	ret

	.globl	atomic_cas
atomic_cas:
	casal	x1, x2, [x0]
	mov	x0, x1
	ret

	.globl	atomic_stadd
atomic_stadd:
	stadd	x1, [x0]
	ret
