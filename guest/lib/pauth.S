/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Pointer authentication for a guest built for the base architecture. */
	.arch	armv8.3-a

	.text
	.globl	pauth_sign
pauth_sign:
	pacia	x0, x1
	ret

	.globl	pauth_check
pauth_check:
	autia	x0, x1
	ret
