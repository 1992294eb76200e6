// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the guest stopped: ESR_EL2 to a handler, and aborts to core's struct access.
 */
#define pr_fmt(fmt) "tessera: " fmt

#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/printk.h>
#include <asm/arch_timer.h>

#include "arm.h"
#include "psci.h"
#include "seam.h"
#include "vcpu.h"
#include "world.h"

/*
 * So many aborts in a row whose address the guest's own tables do not translate (any
 * more) are no race of its CPUs: a tag access or permission fault that nothing resolves.
 */
#define STUCK_MAX 1000

/* ESR_ELx.FSC of a TLB conflict. */
#define FSC_TLB_CONFLICT 0x30

static enum tsr_next trap_undefined(struct tsr_vcpu *v)
{
	tsr_inject_undefined(v);
	return TSR_NEXT_GUEST;
}

static enum tsr_next trap_unknown(struct tsr_vcpu *v)
{
	pr_warn_ratelimited("guest exception of unknown class, ESR_EL2 %#llx at %#llx\n",
			    v->syndrome.esr, v->ctx.pc);
	return trap_undefined(v);
}

static enum tsr_next trap_fp(struct tsr_vcpu *v)
{
	tsr_fp_acquire(v);
	return TSR_NEXT_GUEST;
}

static enum tsr_next trap_smc(struct tsr_vcpu *v)
{
	tsr_skip(v);
	/* Other immediates are reserved (SMC Calling Convention 2.9). */
	if (v->syndrome.esr & ESR_ELx_xVC_IMM_MASK) {
		v->ctx.x[0] = ~0ULL;
		return TSR_NEXT_GUEST;
	}
	return tsr_smccc_call(v);
}

/*
 * How long a WFI may last: to the guest's virtual timer, if that is on and not masked
 * (its interrupt is not delivered, but ends the wait); else for ever.
 */
static ktime_t wfi_timeout(struct tsr_vcpu *v)
{
	u64 ctl = tsr_vreg_get(v, VREG_CNTV_CTL);
	u64 due = tsr_vreg_get(v, VREG_CNTV_CVAL);
	u64 now = tsr_counter() - READ_ONCE(v->vm->cpu.voffset);

	if (!(ctl & CNT_CTL_ENABLE) || (ctl & CNT_CTL_IMASK))
		return KTIME_MAX;
	if (due <= now)
		return 0;
	return min_t(u64, mul_u64_u64_div_u64(due - now, NSEC_PER_SEC, arch_timer_get_cntfrq()),
		     KTIME_MAX);
}

bool tsr_interrupt_due(struct tsr_vcpu *v)
{
	return v->serror_pending || !wfi_timeout(v);
}

/* Others are for the turn before the guest, and may stay while the vCPU is suspended. */
static bool wait_ends(const struct tsr_vcpu *v)
{
	return READ_ONCE(v->requests) & (BIT(TSR_REQUEST_KICK) | BIT(TSR_REQUEST_POWER));
}

void tsr_wait_for_interrupt(struct tsr_vcpu *v)
{
	ktime_t timeout = wfi_timeout(v);

	if (v->serror_pending)
		return;
	tsr_fp_release(v);
	if (timeout == KTIME_MAX)
		wait_event_interruptible(v->wait, wait_ends(v));
	else if (timeout > 0)
		wait_event_interruptible_hrtimeout(v->wait, wait_ends(v), timeout);
}

/* WFE, and the forms with a timeout, may end at any time, and do. */
static enum tsr_next trap_wfx(struct tsr_vcpu *v)
{
	tsr_skip(v);
	if ((v->syndrome.esr & ESR_ELx_WFx_ISS_TI) == ESR_ELx_WFx_ISS_WFI) {
		v->stats.wfi_exit_stat++;
		tsr_wait_for_interrupt(v);
	} else {
		v->stats.wfe_exit_stat++;
	}
	return TSR_NEXT_GUEST;
}

/* The VMM debugs: what is the guest's own does not come here. */
static enum tsr_next trap_debug(struct tsr_vcpu *v)
{
	/* A step has been taken; the next KVM_RUN takes one more. */
	if (tsr_ec(v) == ESR_ELx_EC_SOFTSTP_LOW)
		v->ctx.pstate |= DBG_SPSR_SS;
	return tsr_exit_debug(v);
}

static bool is_fetch(const struct tsr_vcpu *v)
{
	return tsr_ec(v) == ESR_ELx_EC_IABT_LOW;
}

/*
 * Arm ARM D24.2.40. Tag accesses come first: some hosts report them with no permission
 * fault's status. A tag write needs W too; of a checked store WnR says nothing. Cache
 * maintenance reports a write, and needs none.
 */
static struct access access_decode(const struct tsr_vcpu *v)
{
	const struct tsr_syndrome *s = &v->syndrome;
	struct access access = {
		.gpa = gpa_of(s->ipa),
		.kind = ACCESS_DATA,
		.need = PERM_R,
		.permission = (s->esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM,
	};

	if (s->esr & ESR_ELx_S1PTW) {
		access.kind = ACCESS_WALK;
	} else if (is_fetch(v)) {
		access.kind = ACCESS_FETCH;
		access.need = PERM_X;
	} else if (s->esr & ESR_TAG_ACCESS) {
		access.permission = true;
		access.need = PERM_T | (s->esr & ESR_ELx_WNR ? PERM_W : 0);
	} else if (s->esr & ESR_ELx_CM) {
		access.kind = ACCESS_CACHE;
	} else if (s->esr & ESR_ELx_WNR) {
		access.need = PERM_W;
	}
	if (access.kind == ACCESS_DATA || access.kind == ACCESS_CACHE)
		access.gpa.addr |= s->far & ~PAGE_MASK;
	return access;
}

static enum tsr_next inject_abort(struct tsr_vcpu *v, u64 fsc)
{
	tsr_inject_abort(v, is_fetch(v), v->syndrome.far, fsc);
	return TSR_NEXT_GUEST;
}

/* An external abort as the guest sees it: of its access, or of its walk at some level. */
static enum tsr_next inject_external(struct tsr_vcpu *v)
{
	const struct tsr_syndrome *s = &v->syndrome;
	int level = s->esr & ESR_ELx_S1PTW ? tsr_s1_level(v, s->far, s->ipa) : -1;

	return inject_abort(v, level < 0 ? ESR_ELx_FSC_EXTABT : ESR_ELx_FSC_SEA_TTW(level));
}

static enum tsr_next apply_outcome(struct tsr_vcpu *v, const struct vm_fault_result *result)
{
	switch (result->outcome) {
	case VM_RESUME:
		return TSR_NEXT_GUEST;
	case VM_EXIT_FAULT:
		return tsr_exit_fault(v, result);
	case VM_EXIT_MMIO:
		return tsr_exit_mmio(v);
	case VM_INJECT_ABORT:
		return inject_external(v);
	case VM_SKIP:
		tsr_skip(v);
		return TSR_NEXT_GUEST;
	case VM_ERROR:
		return tsr_exit_error(v, result->error);
	}
	return tsr_exit_error(v, -EFAULT);
}

/* An abort that no translation table of ours explains; true: it is not for core. */
static bool abort_is_other(const struct tsr_vcpu *v)
{
	const u64 esr = v->syndrome.esr;

	if (!is_fetch(v) && (esr & ESR_TAG_ACCESS))
		return false;
	switch (esr & ESR_ELx_FSC_TYPE) {
	case ESR_ELx_FSC_FAULT:
	case ESR_ELx_FSC_ACCESS:
	case ESR_ELx_FSC_PERM:
		return false;
	default:
		return true;
	}
}

/* External aborts go to the guest, as does what addresses more than there is. */
static enum tsr_next abort_other(struct tsr_vcpu *v)
{
	u64 fsc = v->syndrome.esr & ESR_ELx_FSC;

	if (fsc == FSC_TLB_CONFLICT) {
		seam_tlbi_vmid(&v->vm->tlb);
		return TSR_NEXT_GUEST;
	}
	if ((fsc & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_ADDRSZ)
		return inject_abort(v, ESR_ELx_FSC_ADDRSZ);
	if (fsc == ESR_ELx_FSC_EXTABT || fsc == ESR_ELx_FSC_SECC || fsc >= ESR_ELx_FSC_SEA_TTW(0))
		return inject_abort(v, ESR_ELx_FSC_EXTABT);
	pr_warn_ratelimited("guest abort of unknown status, ESR_EL2 %#llx at %#llx\n",
			    v->syndrome.esr, v->ctx.pc);
	return tsr_exit_error(v, -EFAULT);
}

/* Beyond the VM's IPA size nothing answers; beyond the host's there are no addresses. */
static enum tsr_next abort_beyond(struct tsr_vcpu *v)
{
	if (v->syndrome.ipa >> tsr_host.ipa_bits)
		return inject_abort(v, ESR_ELx_FSC_ADDRSZ);
	return inject_external(v);
}

static void count_fault(struct tsr_vcpu *v, const struct access *access)
{
	if (access->kind == ACCESS_WALK)
		v->stats.faults_walk++;
	else if (access->kind == ACCESS_FETCH)
		v->stats.faults_exec++;
	else if (access->need & PERM_T)
		v->stats.faults_tag++;
	else if (access->need & PERM_W)
		v->stats.faults_write++;
	else
		v->stats.faults_read++;
}

static enum tsr_next trap_abort(struct tsr_vcpu *v)
{
	struct vm_fault_result result;
	struct access access;

	if (abort_is_other(v))
		return abort_other(v);
	if (!v->syndrome.ipa_valid) {
		if (++v->stuck <= STUCK_MAX)
			return TSR_NEXT_GUEST;
		v->stuck = 0;
		return tsr_exit_internal(v, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
	}
	v->stuck = 0;
	if (v->syndrome.ipa >> v->vm->mem.ipa_bits)
		return abort_beyond(v);
	access = access_decode(v);
	count_fault(v, &access);
	tsr_fp_release(v);
	vm_fault(&v->vm->mem, &v->cache, &access, &result);
	tsr_dirty_ring_push(v, &result.dirty);
	return apply_outcome(v, &result);
}

typedef enum tsr_next (*trap_handler)(struct tsr_vcpu *v);

/* By exception class. What is not named is not expected. */
static const trap_handler trap_handlers[ESR_ELx_EC_MAX + 1] = {
	[ESR_ELx_EC_WFx] = trap_wfx,	       [ESR_ELx_EC_FP_ASIMD] = trap_fp,
	[ESR_ELx_EC_PAC] = trap_undefined,     [ESR_ELx_EC_HVC64] = tsr_smccc_call,
	[ESR_ELx_EC_SMC64] = trap_smc,	       [ESR_ELx_EC_SYS64] = tsr_sysreg_trap,
	[ESR_ELx_EC_SVE] = trap_undefined,     [ESR_ELx_EC_SME] = trap_undefined,
	[ESR_ELx_EC_IABT_LOW] = trap_abort,    [ESR_ELx_EC_DABT_LOW] = trap_abort,
	[ESR_ELx_EC_BREAKPT_LOW] = trap_debug, [ESR_ELx_EC_SOFTSTP_LOW] = trap_debug,
	[ESR_ELx_EC_WATCHPT_LOW] = trap_debug, [ESR_ELx_EC_BRK64] = trap_debug,
};

enum tsr_next tsr_trap(struct tsr_vcpu *v)
{
	trap_handler handler = trap_handlers[tsr_ec(v)];

	return handler ? handler(v) : trap_unknown(v);
}
