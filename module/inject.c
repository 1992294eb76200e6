// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions for the guest's EL1, as hardware would take them (Arm ARM J1.3,
 * AArch64.TakeException). They work whether the vCPU is loaded or not.
 */
#include <asm/esr.h>
#include <asm/ptrace.h>

#include "arm.h"
#include "vcpu.h"
#include "world.h"

/* Offsets of the groups of vectors from VBAR_EL1 (Arm ARM D1.3.1). */
#define VECTOR_EL1T   0x000
#define VECTOR_EL1H   0x200
#define VECTOR_EL0    0x400
#define VECTOR_EL0_32 0x600

static u64 vector_group(u64 pstate)
{
	if (pstate & PSR_MODE32_BIT)
		return VECTOR_EL0_32;
	switch (pstate & PSR_MODE_MASK) {
	case PSR_MODE_EL0t:
		return VECTOR_EL0;
	case PSR_MODE_EL1t:
		return VECTOR_EL1T;
	default:
		return VECTOR_EL1H;
	}
}

static bool from_el0(const struct tsr_vcpu *v)
{
	return vector_group(v->ctx.pstate) >= VECTOR_EL0;
}

/* PSTATE on entry to EL1: what is kept, what SCTLR_EL1 decides, what is set. */
static u64 pstate_at_el1(u64 old, u64 sctlr)
{
	u64 new = old &(PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT | PSR_PAN_BIT | PSR_DIT_BIT);

	if (system_supports_mte())
		new |= PSR_TCO_BIT;
	if (!(sctlr & SCTLR_SPAN))
		new |= PSR_PAN_BIT;
	if (sctlr & SCTLR_DSSBS)
		new |= PSR_SSBS_BIT;
	return new | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT | PSR_MODE_EL1h;
}

/* A synchronous exception: the first entry of its group. */
static void take_sync(struct tsr_vcpu *v, u64 esr)
{
	u64 old = v->ctx.pstate;

	tsr_vreg_set(v, VREG_ESR, esr);
	tsr_vreg_set(v, VREG_ELR, v->ctx.pc);
	tsr_vreg_set(v, VREG_SPSR, old);
	v->ctx.pc = tsr_vreg_get(v, VREG_VBAR) + vector_group(old);
	v->ctx.pstate = pstate_at_el1(old, tsr_vreg_get(v, VREG_SCTLR));
}

void tsr_inject_undefined(struct tsr_vcpu *v)
{
	take_sync(v, FIELD_PREP(ESR_ELx_EC_MASK, ESR_ELx_EC_UNKNOWN) | ESR_ELx_IL);
}

void tsr_inject_trap(struct tsr_vcpu *v, u64 esr)
{
	take_sync(v, (esr & (ESR_ELx_EC_MASK | ESR_ELx_ISS_MASK)) | ESR_ELx_IL);
}

void tsr_inject_abort(struct tsr_vcpu *v, bool fetch, u64 far, u64 fsc)
{
	u64 low = fetch ? ESR_ELx_EC_IABT_LOW : ESR_ELx_EC_DABT_LOW;
	u64 current_el = fetch ? ESR_ELx_EC_IABT_CUR : ESR_ELx_EC_DABT_CUR;

	tsr_vreg_set(v, VREG_FAR, far);
	take_sync(v,
		  FIELD_PREP(ESR_ELx_EC_MASK, from_el0(v) ? low : current_el) | ESR_ELx_IL | fsc);
}

void tsr_inject_serror(struct tsr_vcpu *v, u64 esr)
{
	v->serror_pending = true;
	v->serror_esr = esr & ESR_ELx_ISS_MASK;
	v->hcr |= HCR_VSE;
	if (v->loaded && tsr_world.ras)
		write_sysreg_s(v->serror_esr, SYS_VSESR_EL2);
}
