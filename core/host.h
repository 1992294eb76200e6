/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the machine beneath can do: a plain value, filled once by the owner of
 * the seam (the module from ID registers, emu from a test's wish) and constant
 * afterwards. core never asks the hardware.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include "types.h"

struct host {
	u8 ipa_bits;	/* largest IPA size served, 32..48 */
	u8 pa_bits;	/* physical address size, 32..48 */
	u8 mte;		/* ID_AA64PFR1_EL1.MTE: 0 none, 2 full, 3 with asymmetric checking */
	u8 bbm;		/* FEAT_BBM: 2 if without TLB conflict aborts; 0 and 1 are as one */
	u8 hafdbs;	/* ID_AA64MMFR1_EL1.HAFDBS: 0, 1 (AF), 2 (AF and dirty) */
	bool mte_perm;	/* FEAT_MTE_PERM: stage 2 has NoTagAccess */
	bool fwb;	/* FEAT_S2FWB, in use: MemAttr is read as with HCR_EL2.FWB = 1 */
	bool dic;	/* CTR_EL0.DIC: no instruction cache invalidation to PoU needed */
	bool idc;	/* CTR_EL0.IDC: no data cache clean to PoU needed */
	bool xnx;	/* FEAT_XNX: XN[1:0] at stage 2 */
	bool tlb_range; /* FEAT_TLBIRANGE */
};

#endif
