// SPDX-License-Identifier: GPL-2.0-only
#include <asm/cpufeature.h>

#include "arm.h"
#include "debug.h"
#include "vcpu.h"

/*
 * DBGBCRn_EL1 and DBGWCRn_EL1 (Arm ARM D24.3.2, D24.3.7): what a guest may set. Not HMC, SSC
 * and SSCE, which would match at EL2, nor types that look at EL2's registers (BT[3]).
 */
#define BCR_GUEST (GENMASK_ULL(22, 16) | GENMASK_ULL(8, 5) | GENMASK_ULL(2, 0))
#define WCR_GUEST (GENMASK_ULL(28, 24) | GENMASK_ULL(20, 16) | GENMASK_ULL(12, 0))

static unsigned int breakpoints, watchpoints; /* constant after tsr_debug_init() */

void tsr_debug_init(void)
{
	u64 dfr0 = read_sanitised_ftr_reg(SYS_ID_AA64DFR0_EL1);

	breakpoints = cpuid_feature_extract_unsigned_field(dfr0, ID_AA64DFR0_EL1_BRPs_SHIFT) + 1;
	watchpoints = cpuid_feature_extract_unsigned_field(dfr0, ID_AA64DFR0_EL1_WRPs_SHIFT) + 1;
}

unsigned int tsr_debug_breakpoints(void)
{
	return breakpoints;
}

unsigned int tsr_debug_watchpoints(void)
{
	return watchpoints;
}

int tsr_debug_set(struct tsr_vcpu *v, const struct kvm_guest_debug *debug)
{
	if (debug->control & ~TSR_GUESTDBG_VALID)
		return -EINVAL;
	if (!(debug->control & KVM_GUESTDBG_ENABLE)) {
		v->debug.control = 0;
		v->debug.step_due = false;
		return 0;
	}
	v->debug.control = debug->control;
	if (debug->control & KVM_GUESTDBG_USE_HW)
		v->debug.vmm = debug->arch;
	return 0;
}

void tsr_debug_run_begin(struct tsr_vcpu *v)
{
	if (!(v->debug.control & KVM_GUESTDBG_SINGLESTEP))
		return;
	v->debug.guest_ss = v->ctx.pstate & DBG_SPSR_SS;
	v->ctx.pstate &= ~DBG_SPSR_SS;
	if (!v->debug.step_due)
		v->ctx.pstate |= DBG_SPSR_SS;
}

void tsr_debug_run_end(struct tsr_vcpu *v)
{
	if (!(v->debug.control & KVM_GUESTDBG_SINGLESTEP))
		return;
	v->debug.step_due = !(v->ctx.pstate & DBG_SPSR_SS);
	v->ctx.pstate &= ~DBG_SPSR_SS;
	if (v->debug.guest_ss)
		v->ctx.pstate |= DBG_SPSR_SS;
}

#define EACH_PAIR(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static noinstr void host_save(struct kvm_guest_debug_arch *host)
{
#define SAVE(n)                                                  \
	if ((n) < breakpoints) {                                 \
		host->dbg_bvr[n] = read_sysreg(dbgbvr##n##_el1); \
		host->dbg_bcr[n] = read_sysreg(dbgbcr##n##_el1); \
	}                                                        \
	if ((n) < watchpoints) {                                 \
		host->dbg_wvr[n] = read_sysreg(dbgwvr##n##_el1); \
		host->dbg_wcr[n] = read_sysreg(dbgwcr##n##_el1); \
	}
	EACH_PAIR(SAVE)
}

/* The masks are the guest's, or all ones for what is the host's own. */
static noinstr void load(const u64 *bvr, const u64 *bcr, const u64 *wvr, const u64 *wcr,
			 u64 bcr_mask, u64 wcr_mask)
{
#define LOAD(n)                                                   \
	if ((n) < breakpoints) {                                  \
		write_sysreg(bvr[n], dbgbvr##n##_el1);            \
		write_sysreg(bcr[n] & bcr_mask, dbgbcr##n##_el1); \
	}                                                         \
	if ((n) < watchpoints) {                                  \
		write_sysreg(wvr[n], dbgwvr##n##_el1);            \
		write_sysreg(wcr[n] & wcr_mask, dbgwcr##n##_el1); \
	}
	EACH_PAIR(LOAD)
}

/* MDSCR_EL1 of a guest that the VMM debugs, or that has locked its debug registers. */
static noinstr u64 mdscr_of(const struct tsr_vcpu *v)
{
	u64 mdscr = v->reg[VREG_MDSCR] & (MDSCR_ON | MDSCR_TDCC);

	if (v->debug.control || (v->reg[VREG_OSLSR] & OSLSR_OSLK))
		mdscr &= ~MDSCR_ON;
	if (v->debug.control & KVM_GUESTDBG_SINGLESTEP)
		mdscr |= MDSCR_SS;
	if (v->debug.control & KVM_GUESTDBG_USE_HW)
		mdscr |= MDSCR_MDE | MDSCR_KDE;
	return mdscr;
}

noinstr u64 tsr_debug_enter(struct tsr_vcpu *v)
{
	u64 mdscr = mdscr_of(v);
	const struct kvm_guest_debug_arch *vmm = &v->debug.vmm;

	if (!(mdscr & MDSCR_MDE))
		return mdscr;
	host_save(&v->debug.host);
	if (v->debug.control)
		load(vmm->dbg_bvr, vmm->dbg_bcr, vmm->dbg_wvr, vmm->dbg_wcr, BCR_GUEST, WCR_GUEST);
	else
		load(v->reg + VREG_DBGBVR, v->reg + VREG_DBGBCR, v->reg + VREG_DBGWVR,
		     v->reg + VREG_DBGWCR, BCR_GUEST, WCR_GUEST);
	v->debug.loaded = true;
	return mdscr;
}

noinstr void tsr_debug_leave(struct tsr_vcpu *v)
{
	const struct kvm_guest_debug_arch *host = &v->debug.host;

	write_sysreg(0, mdscr_el1);
	load(host->dbg_bvr, host->dbg_bcr, host->dbg_wvr, host->dbg_wcr, ~0ULL, ~0ULL);
	v->debug.loaded = false;
}
