/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System registers: what they are to the guest that traps on them, and to the VMM
 * that reads and writes them by ONE_REG. One table (sysreg_table.c) serves both, and
 * the list of registers is made from it.
 *
 * Identification registers (idmodel.h) start from what idreg.c computes by an allow-list: of
 * each register the fields that guests are offered, each with the highest value that is served;
 * all other fields read as what is not there.
 */
#ifndef MODULE_SYSREG_H
#define MODULE_SYSREG_H

#include "vcpu.h"

enum sysreg_kind {
	SYSREG_STATE,	/* reg[]; the guest's own access does not trap, or it has none */
	SYSREG_TRAPPED, /* reg[]; the guest's access traps, and reads and writes it */
	SYSREG_FIXED,	/* reg[]; the guest reads it, and its writes are ignored */
	SYSREG_ID,	/* of the VM's CPU (idmodel.h) */
	SYSREG_CSSELR,	/* reg[], the fields that are there */
	SYSREG_OSLSR,	/* reg[], of which the VMM may change the lock */
	SYSREG_APIA,	/* ctx.apia[vreg] */
	SYSREG_VCOUNT,	/* the virtual counter */
	SYSREG_PCOUNT,	/* the physical counter */
	SYSREG_PTIMER_CTL,
};

/* Which vCPUs have it. */
enum sysreg_when {
	SYSREG_ALWAYS,
	SYSREG_WITH_MTE,
	SYSREG_WITH_PAUTH,
};

struct sysreg {
	u32 enc; /* sys_reg(op0, op1, CRn, CRm, op2) */
	u16 vreg;
	u8 kind;
	u8 when;
};

extern const struct sysreg tsr_sysregs[];
extern const unsigned int tsr_sysreg_count;

bool tsr_sysreg_visible(const struct tsr_vcpu *v, const struct sysreg *r);
/* NULL: there is none, or not for this vCPU. Not the feature ID space: tsr_idreg_space(). */
const struct sysreg *tsr_sysreg_find(const struct tsr_vcpu *v, u32 enc);

/* The VMM's access; not loaded. -EINVAL: the value cannot be; -EBUSY: not any more. */
u64 tsr_sysreg_get(struct tsr_vcpu *v, const struct sysreg *r);
int tsr_sysreg_set(struct tsr_vcpu *v, const struct sysreg *r, u64 value);

/* Whether @enc is one of the 56 feature ID registers (op0 3, op1 0, CRn 0, CRm 1 to 7). */
bool tsr_idreg_space(u32 enc);
/* Whether it is AArch32's, which reads as 0 and whose writes by the VMM are ignored, as KVM's. */
bool tsr_idreg_aarch32(u32 enc);
/* idmodel.c: what an identification register of this vCPU reads as, feature ID space or not. */
u64 tsr_idreg(const struct tsr_vcpu *v, u32 enc);
/* CCSIDR_EL1 for a value of CSSELR_EL1; tsr_cache_exists(): whether CLIDR_EL1 has it. */
u32 tsr_ccsidr(u32 csselr);
bool tsr_cache_exists(const struct tsr_vcpu *v, u32 csselr);

#endif
