/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The tag operations of mte.h, an instruction each. */
	.arch	armv8.5-a+memtag

	.macro	operation name, code:vararg
	.globl	\name
\name:	\code
	ret
	.endm

	.text
	.globl	mte_ldg
mte_ldg:
	ldg	x0, [x0]
	ubfx	x0, x0, #56, #4
	ret

	.globl	mte_stzgm
mte_stzgm:
	ubfx	x1, x0, #56, #4
	stzgm	x1, [x0]
	ret

	operation mte_stg, stg x0, [x0]
	operation mte_st2g, st2g x0, [x0]
	operation mte_stzg, stzg x0, [x0]
	operation mte_stz2g, stz2g x0, [x0]
	operation mte_stgp, stgp x1, x2, [x0]
	operation mte_ldgm, ldgm x0, [x0]
	operation mte_stgm, stgm x1, [x0]
	operation mte_dc_gva, dc gva, x0
	operation mte_dc_gzva, dc gzva, x0
	operation mte_dc_zva, dc zva, x0
	operation mte_irg, irg x0, x0, x1
	operation mte_load, ldr x0, [x0]
	operation mte_store, str x1, [x0]
	operation mte_tco_set, msr tco, #1
	operation mte_tco_clear, msr tco, #0
