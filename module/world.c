// SPDX-License-Identifier: GPL-2.0-only
#include <linux/context_tracking.h>
#include <linux/irqflags.h>
#include <asm/arch_timer.h>
#include <asm/cpufeature.h>
#include <asm/daifflags.h>

#include "arm.h"
#include "compat.h"
#include "harden.h"
#include "world.h"

/*
 * HCR_EL2 for every guest. As KVM: what it does by TLBI, IC and barriers reaches all CPUs that
 * it may run on (FB, BSU); set/way operations trap (TSW), and are none (SWIO) where they do
 * not; walks that step into device memory fault (PTW), and what is not served traps: ACTLR,
 * implementation defined registers, SMC, LORegions, error records, ID registers. WFE does not:
 * it waits for at most the host's next interrupt.
 */
#define HCR_EVERY_GUEST                                                                        \
	(HCR_VM | HCR_RW | HCR_E2H | HCR_AMO | HCR_IMO | HCR_FMO | HCR_FB | HCR_BSU_IS |       \
	 HCR_SWIO | HCR_PTW | HCR_TSC | HCR_TWI | HCR_TACR | HCR_TIDCP | HCR_TID1 | HCR_TID3 | \
	 HCR_TLOR | HCR_TEA | HCR_TERR | HCR_TSW)

/*
 * MDCR_EL2: debug registers trap (debug.h), and there are no PMU, statistical
 * profiling, trace or their filters. With E2PB and E2TB 0 their buffers are EL2's.
 */
#define MDCR_EVERY_GUEST \
	(MDCR_TPM | MDCR_TPMCR | MDCR_TPMS | MDCR_TTRF | MDCR_TDRA | MDCR_TDOSA | MDCR_TDA)
#define MDCR_BUFFERS (MDCR_E2PB | MDCR_E2TB)

/* No SVE, no SME (ZEN, SMEN are 0), no trace, no activity monitors; FPEN comes and goes. */
#define CPTR_EVERY_GUEST (CPTR_E2H_TTA | CPTR_E2H_TAM)

u64 tsr_counter(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

void tsr_world_traps(struct tsr_vcpu *v)
{
	v->hcr = HCR_EVERY_GUEST;
	/* Its caches are off: caches.c. */
	v->hcr |= tsr_host.fwb ? HCR_FWB : HCR_TVM;
	v->hcr |= v->mte ? HCR_ATA : HCR_TID5;
	v->hcr |= v->pauth ? HCR_API | HCR_APK : 0;
	v->hcr |= tsr_world.evt ? HCR_TID4 : HCR_TID2;
	v->cptr = CPTR_EVERY_GUEST;
	v->ctx.pauth = v->pauth;
}

/*
 * The registers that a load moves to the CPU and a put moves back: X(reg[] index,
 * encoding). Those of EL1 by their _EL12 names, which a VHE host has for them.
 */
#define LOADED_ALWAYS(X)                        \
	X(VREG_SCTLR, SYS_SCTLR_EL12)           \
	X(VREG_CPACR, SYS_CPACR_EL12)           \
	X(VREG_TTBR0, SYS_TTBR0_EL12)           \
	X(VREG_TTBR1, SYS_TTBR1_EL12)           \
	X(VREG_TCR, SYS_TCR_EL12)               \
	X(VREG_MAIR, SYS_MAIR_EL12)             \
	X(VREG_AMAIR, SYS_AMAIR_EL12)           \
	X(VREG_VBAR, SYS_VBAR_EL12)             \
	X(VREG_CONTEXTIDR, SYS_CONTEXTIDR_EL12) \
	X(VREG_CNTKCTL, SYS_CNTKCTL_EL12)       \
	X(VREG_ESR, SYS_ESR_EL12)               \
	X(VREG_FAR, SYS_FAR_EL12)               \
	X(VREG_AFSR0, SYS_AFSR0_EL12)           \
	X(VREG_AFSR1, SYS_AFSR1_EL12)           \
	X(VREG_ELR, SYS_ELR_EL12)               \
	X(VREG_SPSR, SYS_SPSR_EL12)             \
	X(VREG_SP_EL1, SYS_SP_EL1)              \
	X(VREG_PAR, SYS_PAR_EL1)                \
	X(VREG_TPIDR_EL1, SYS_TPIDR_EL1)        \
	X(VREG_TPIDR_EL0, SYS_TPIDR_EL0)        \
	X(VREG_TPIDRRO_EL0, SYS_TPIDRRO_EL0)    \
	X(VREG_CNTV_CVAL, SYS_CNTV_CVAL_EL02)   \
	X(VREG_CNTV_CTL, SYS_CNTV_CTL_EL02)

#define LOADED_WITH_MTE(X)          \
	X(VREG_TFSR, SYS_TFSR_EL12) \
	X(VREG_TFSRE0, SYS_TFSRE0_EL1)

#define LOADED_WITH_PAUTH(X)              \
	X(VREG_APIB_LO, SYSREG_APIBKEYLO) \
	X(VREG_APIB_HI, SYSREG_APIBKEYHI) \
	X(VREG_APDA_LO, SYSREG_APDAKEYLO) \
	X(VREG_APDA_HI, SYSREG_APDAKEYHI) \
	X(VREG_APDB_LO, SYSREG_APDBKEYLO) \
	X(VREG_APDB_HI, SYSREG_APDBKEYHI) \
	X(VREG_APGA_LO, SYSREG_APGAKEYLO) \
	X(VREG_APGA_HI, SYSREG_APGAKEYHI)

#define LOADED_WITH_RAS(X) X(VREG_DISR, SYS_VDISR_EL2)

#define VREG_TO_CPU(r, enc)   write_sysreg_s(v->reg[r], enc);
#define VREG_FROM_CPU(r, enc) v->reg[r] = read_sysreg_s(enc);
#define VREG_CASE_GET(r, enc) \
	case r:               \
		return read_sysreg_s(enc);
#define VREG_CASE_SET(r, enc)               \
	case r:                             \
		write_sysreg_s(value, enc); \
		return;

u64 tsr_vreg_get(struct tsr_vcpu *v, enum tsr_vreg r)
{
	if (!v->loaded)
		return v->reg[r];
	switch (r) {
		LOADED_ALWAYS(VREG_CASE_GET)
		LOADED_WITH_MTE(VREG_CASE_GET)
		LOADED_WITH_PAUTH(VREG_CASE_GET)
		LOADED_WITH_RAS(VREG_CASE_GET)
	default:
		return v->reg[r];
	}
}

void tsr_vreg_set(struct tsr_vcpu *v, enum tsr_vreg r, u64 value)
{
	if (!v->loaded) {
		v->reg[r] = value;
		return;
	}
	switch (r) {
		LOADED_ALWAYS(VREG_CASE_SET)
		LOADED_WITH_MTE(VREG_CASE_SET)
		LOADED_WITH_PAUTH(VREG_CASE_SET)
		LOADED_WITH_RAS(VREG_CASE_SET)
	default:
		v->reg[r] = value;
		return;
	}
}

#define HOST_KEYS(X)           \
	X(0, SYSREG_APIBKEYLO) \
	X(1, SYSREG_APIBKEYHI) \
	X(2, SYSREG_APDAKEYLO) \
	X(3, SYSREG_APDAKEYHI) \
	X(4, SYSREG_APDBKEYLO) \
	X(5, SYSREG_APDBKEYHI) \
	X(6, SYSREG_APGAKEYLO) \
	X(7, SYSREG_APGAKEYHI)

#define HOST_KEY_SAVE(i, enc)	 host->key[i] = read_sysreg_s(enc);
#define HOST_KEY_RESTORE(i, enc) write_sysreg_s(host->key[i], enc);

static void host_save(struct tsr_vcpu *v)
{
	struct tsr_host_state *host = &v->host;

	host->hcr = read_sysreg(hcr_el2);
	host->mdcr = read_sysreg(mdcr_el2);
	host->cnthctl = read_sysreg(cnthctl_el2);
	host->tpidr_el0 = read_sysreg(tpidr_el0);
	host->tpidrro_el0 = read_sysreg(tpidrro_el0);
	if (tsr_world.hcx)
		host->hcrx = read_sysreg_s(SYS_HCRX_EL2);
	if (tsr_world.mpam)
		host->mpam2 = read_sysreg_s(SYSREG_MPAM2_EL2);
	if (v->mte)
		host->tfsre0 = read_sysreg_s(SYS_TFSRE0_EL1);
	if (v->pauth) {
		HOST_KEYS(HOST_KEY_SAVE)
	}
}

static void host_restore(struct tsr_vcpu *v)
{
	const struct tsr_host_state *host = &v->host;

	write_sysreg(host->mdcr, mdcr_el2);
	write_sysreg(host->cnthctl, cnthctl_el2);
	write_sysreg(host->tpidr_el0, tpidr_el0);
	write_sysreg(host->tpidrro_el0, tpidrro_el0);
	if (tsr_world.hcx)
		write_sysreg_s(host->hcrx, SYS_HCRX_EL2);
	/* The host's own fields may have changed meanwhile. */
	if (tsr_world.mpam)
		sysreg_clear_set_s(SYSREG_MPAM2_EL2, MPAM2_TRAPS & ~host->mpam2, 0);
	if (v->mte)
		write_sysreg_s(host->tfsre0, SYS_TFSRE0_EL1);
	if (v->pauth) {
		HOST_KEYS(HOST_KEY_RESTORE)
	}
}

/* The traps of the guest that the host would feel, or that differ by VM and vCPU. */
static void guest_traps_load(struct tsr_vcpu *v)
{
	const struct tsr_vm_cpu *cpu = &v->vm->cpu;
	u64 cnthctl = v->host.cnthctl & ~(CNTHCTL_E2H_EL1PCTEN | CNTHCTL_E2H_EL1PTEN);

	/* The physical counter is the host's, until the VMM gives it an offset. */
	if (!READ_ONCE(cpu->poffset))
		cnthctl |= CNTHCTL_E2H_EL1PCTEN;
	write_sysreg(cnthctl, cnthctl_el2);
	write_sysreg(READ_ONCE(cpu->voffset), cntvoff_el2);
	write_sysreg((v->host.mdcr & ~MDCR_BUFFERS) | MDCR_EVERY_GUEST |
			     (v->debug.control ? MDCR_TDE : 0),
		     mdcr_el2);
	write_sysreg(READ_ONCE(cpu->id.midr), vpidr_el2);
	write_sysreg(v->reg[VREG_MPIDR], vmpidr_el2);
	if (READ_ONCE(cpu->id.own_ctr))
		v->hcr |= HCR_TID2;
	if (tsr_world.hcx)
		write_sysreg_s(tsr_world.guest_hcrx, SYS_HCRX_EL2);
	if (tsr_world.mpam)
		write_sysreg_s(v->host.mpam2 | MPAM2_TRAPS, SYSREG_MPAM2_EL2);
}

/*
 * What TLBs and instruction caches hold of a VM is each vCPU's own: two of them may give
 * an ASID two meanings (Arm ARM D8.16). So when another vCPU of the VM was here before,
 * what it left goes. Interrupts off, because the host does not run with TGE = 0.
 */
static void translations_make_own(struct tsr_vcpu *v)
{
	unsigned int *last = this_cpu_ptr(v->vm->cpu.last_vcpu);
	unsigned long flags;

	if (*last == v->id)
		return;
	*last = v->id;
	local_irq_save(flags);
	write_sysreg_hcr(v->hcr);
	isb();
	asm volatile("tlbi vmalle1\n\tic iallu" : : : "memory");
	dsb(nsh);
	isb();
	write_sysreg_hcr(v->hcr | HCR_TGE);
	isb();
	local_irq_restore(flags);
}

void tsr_world_load(struct tsr_vcpu *v)
{
	host_save(v);
	guest_traps_load(v);
	LOADED_ALWAYS(VREG_TO_CPU)
	if (v->mte) {
		LOADED_WITH_MTE(VREG_TO_CPU)
	}
	if (v->pauth) {
		LOADED_WITH_PAUTH(VREG_TO_CPU)
	}
	if (tsr_world.ras) {
		LOADED_WITH_RAS(VREG_TO_CPU)
		write_sysreg_s(v->serror_esr, SYS_VSESR_EL2);
	}
	write_sysreg(v->vm->tlb.vtcr, vtcr_el2);
	write_sysreg(v->vm->tlb.vttbr, vttbr_el2);
	/* Stage 2 is whole before HCR_EL2.VM lets a speculative walk use it. */
	isb();
	write_sysreg_hcr(v->hcr | HCR_TGE);
	isb();
	translations_make_own(v);
	tsr_harden_load(v);
	tsr_world_note(current);
	v->loaded = true;
}

void tsr_world_put(struct tsr_vcpu *v)
{
	v->loaded = false;
	LOADED_ALWAYS(VREG_FROM_CPU)
	if (v->mte) {
		LOADED_WITH_MTE(VREG_FROM_CPU)
	}
	if (v->pauth) {
		LOADED_WITH_PAUTH(VREG_FROM_CPU)
	}
	if (tsr_world.ras) {
		LOADED_WITH_RAS(VREG_FROM_CPU)
	}
	/* The timer would keep its line raised for nobody. */
	write_sysreg_s(0, SYS_CNTV_CTL_EL02);
	write_sysreg_hcr(v->host.hcr);
	isb();
	write_sysreg(0, vttbr_el2);
	write_sysreg(0, cntvoff_el2);
	host_restore(v);
	isb();
}

/*
 * The IPA of an abort that reports none: by the guest's own translation of FAR_EL2, for
 * the exception level that took it, without regard to PSTATE.PAN. An EL0 access to what
 * EL0 may only execute translates as EL1's. PAR_EL1 is the guest's (Arm ARM C5.4).
 */
static noinstr bool ipa_by_translation(struct tsr_vcpu *v, u64 far, u64 *ipa)
{
	u64 saved = read_sysreg(par_el1);
	u64 par = PAR_F;

	if ((v->ctx.pstate & PSR_MODE_MASK) == PSR_MODE_EL0t)
		par = tsr_translate_el0(far);
	if (par & PAR_F)
		par = tsr_translate_el1(far);
	write_sysreg(saved, par_el1);
	*ipa = par & PAR_PA;
	return !(par & PAR_F);
}

/* Whether HPFAR_EL2 holds the address (Arm ARM D24.2.68): not after permission faults. */
static __always_inline bool hpfar_valid(u64 esr)
{
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW && (esr & ESR_TAG_ACCESS))
		return false;
	return (esr & ESR_ELx_S1PTW) || (esr & ESR_ELx_FSC_TYPE) != ESR_ELx_FSC_PERM;
}

/* Before TGE is set again: the translation needs the guest's regime. Inline: each exit's. */
static __always_inline void syndrome_read(struct tsr_vcpu *v)
{
	struct tsr_syndrome *s = &v->syndrome;
	u64 ec;

	s->esr = read_sysreg(esr_el2);
	ec = ESR_ELx_EC(s->esr);
	if (ec == ESR_ELx_EC_WATCHPT_LOW)
		s->far = read_sysreg(far_el2);
	if (ec != ESR_ELx_EC_DABT_LOW && ec != ESR_ELx_EC_IABT_LOW)
		return;
	s->far = read_sysreg(far_el2);
	if (hpfar_valid(s->esr)) {
		s->ipa = (read_sysreg(hpfar_el2) & HPFAR_FIPA) << HPFAR_FIPA_SHIFT;
		s->ipa_valid = true;
	} else {
		s->ipa_valid = ipa_by_translation(v, s->far, &s->ipa);
	}
}

/* The kernel's PSTATE, as its own exception entry would set it up. */
static __always_inline void host_pstate(void)
{
	asm volatile(SET_PSTATE_PAN(1));
	if (system_supports_mte())
		asm volatile(SET_PSTATE_TCO(0));
	if (alternative_has_cap_unlikely(ARM64_HAS_DIT))
		asm volatile(SET_PSTATE_DIT(1));
}

static __always_inline unsigned long enter_with_mte(struct tsr_vcpu *v)
{
	u64 rgsr = read_sysreg_s(SYS_RGSR_EL1);
	u64 gcr = read_sysreg_s(SYS_GCR_EL1);
	unsigned long why;

	write_sysreg_s(v->reg[VREG_RGSR], SYS_RGSR_EL1);
	write_sysreg_s(v->reg[VREG_GCR], SYS_GCR_EL1);
	why = tsr_switch(&v->ctx);
	v->reg[VREG_RGSR] = read_sysreg_s(SYS_RGSR_EL1);
	v->reg[VREG_GCR] = read_sysreg_s(SYS_GCR_EL1);
	write_sysreg_s(rgsr, SYS_RGSR_EL1);
	write_sysreg_s(gcr, SYS_GCR_EL1);
	return why;
}

/* HCR_EL2.VSE goes when the guest takes its virtual SError (Arm ARM D1.3.6). */
static noinstr void serror_check(struct tsr_vcpu *v)
{
	if (read_sysreg(hcr_el2) & HCR_VSE)
		return;
	v->serror_pending = false;
	v->serror_esr = 0;
	v->hcr &= ~HCR_VSE;
}

/*
 * From the change of vectors to the change back an exception of this code is a panic, so no
 * probe, tracer or sanitiser may put one in.
 */
noinstr unsigned long tsr_world_enter(struct tsr_vcpu *v)
{
	u64 cptr = read_sysreg(cpacr_el1); /* CPTR_EL2 by its VHE name, as VBAR_EL2 */
	u64 vbar = read_sysreg(vbar_el1);
	u64 mdscr = read_sysreg(mdscr_el1);
	unsigned long why;

	/* With pseudo-NMIs: the host's interrupts are signalled while the guest runs. */
	pmr_sync();
	/* The host's breakpoints and steps are not the guest's. */
	write_sysreg(0, mdscr_el1);
	if (unlikely(v->debug.control || (v->reg[VREG_MDSCR] & MDSCR_ON)))
		write_sysreg(tsr_debug_enter(v), mdscr_el1);
	write_sysreg(v->cptr, cpacr_el1);
	write_sysreg(v->vectors, vbar_el1);
	write_sysreg_hcr(v->hcr);
	context_tracking_guest_enter();
	why = v->mte ? enter_with_mte(v) : tsr_switch(&v->ctx);
	context_tracking_guest_exit();
	host_pstate();
	if (unlikely(v->debug.loaded))
		tsr_debug_leave(v);
	if (why != TSR_EXIT_IRQ)
		syndrome_read(v);
	if (unlikely(v->serror_pending))
		serror_check(v);
	write_sysreg_hcr(v->hcr | HCR_TGE);
	write_sysreg(vbar, vbar_el1);
	write_sysreg(cptr, cpacr_el1);
	write_sysreg(mdscr, mdscr_el1);
	isb();
	return why;
}
