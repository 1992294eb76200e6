// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trapped system register accesses, and the VMM's own. What is not in the table, nor
 * among the few that are only the guest's, is UNDEFINED.
 */
#include <linux/bits.h>
#include <asm/cpufeature.h>

#include "arm.h"
#include "sysreg.h"
#include "world.h"

/* OSLAR_EL1.OSLK (Arm ARM D24.3.22). */
#define OSLAR_OSLK BIT_ULL(0)

/* CSSELR_EL1: Level and InD (D24.2.34). */
#define CSSELR_FIELDS GENMASK_ULL(3, 0)

/* A trapped access (Arm ARM D24.2.40, EC 0x18). */
struct sysreg_access {
	u32 enc;
	bool write;
	u64 value; /* written, or read */
};

static u64 ptimer_now(const struct tsr_vcpu *v)
{
	return tsr_counter() - READ_ONCE(v->vm->cpu.poffset);
}

static u64 vtimer_now(const struct tsr_vcpu *v)
{
	return tsr_counter() - READ_ONCE(v->vm->cpu.voffset);
}

static u64 timer_ctl(u64 ctl, u64 cval, u64 now)
{
	ctl &= ~CNT_CTL_ISTATUS;
	return (ctl & CNT_CTL_ENABLE) && cval <= now ? ctl | CNT_CTL_ISTATUS : ctl;
}

/* --- The VMM. --- */

u64 tsr_sysreg_get(struct tsr_vcpu *v, const struct sysreg *r)
{
	switch ((enum sysreg_kind)r->kind) {
	case SYSREG_ID:
		return tsr_idreg(v, r->enc);
	case SYSREG_APIA:
		return v->ctx.apia[r->vreg];
	case SYSREG_VCOUNT:
		return vtimer_now(v);
	case SYSREG_PCOUNT:
		return ptimer_now(v);
	case SYSREG_PTIMER_CTL:
		return timer_ctl(v->reg[r->vreg], v->reg[VREG_CNTP_CVAL], ptimer_now(v));
	case SYSREG_STATE:
	case SYSREG_TRAPPED:
	case SYSREG_FIXED:
	case SYSREG_CSSELR:
	case SYSREG_OSLSR:
		break;
	}
	return v->reg[r->vreg];
}

int tsr_sysreg_set(struct tsr_vcpu *v, const struct sysreg *r, u64 value)
{
	switch ((enum sysreg_kind)r->kind) {
	case SYSREG_ID:
		return tsr_idmodel_set(v, r->enc, value);
	case SYSREG_APIA:
		v->ctx.apia[r->vreg] = value;
		return 0;
	case SYSREG_VCOUNT:
		WRITE_ONCE(v->vm->cpu.voffset, tsr_counter() - value);
		return 0;
	case SYSREG_PCOUNT:
		WRITE_ONCE(v->vm->cpu.poffset, tsr_counter() - value);
		return 0;
	case SYSREG_PTIMER_CTL:
		v->reg[r->vreg] = value & ~CNT_CTL_ISTATUS;
		return 0;
	case SYSREG_CSSELR:
		v->reg[r->vreg] = value & CSSELR_FIELDS;
		return 0;
	case SYSREG_OSLSR:
		if ((value ^ v->reg[r->vreg]) & ~OSLSR_OSLK)
			return -EINVAL;
		v->reg[r->vreg] = value;
		return 0;
	case SYSREG_STATE:
	case SYSREG_TRAPPED:
	case SYSREG_FIXED:
		break;
	}
	v->reg[r->vreg] = value;
	return 0;
}

/* --- The guest. True: done; else UNDEFINED. --- */

static bool access_stored(struct tsr_vcpu *v, u16 vreg, struct sysreg_access *a, bool writable)
{
	if (!a->write)
		a->value = v->reg[vreg];
	else if (writable)
		v->reg[vreg] = a->value;
	return true;
}

static bool access_ptimer_ctl(struct tsr_vcpu *v, struct sysreg_access *a)
{
	u64 *ctl = &v->reg[VREG_CNTP_CTL];

	if (a->write)
		*ctl = a->value & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
	else
		a->value = timer_ctl(*ctl, v->reg[VREG_CNTP_CVAL], ptimer_now(v));
	return true;
}

static bool access_ptimer_tval(struct tsr_vcpu *v, struct sysreg_access *a)
{
	u64 *cval = &v->reg[VREG_CNTP_CVAL];

	if (a->write)
		*cval = ptimer_now(v) + (s64)(s32)a->value;
	else
		a->value = (u32)(*cval - ptimer_now(v));
	return true;
}

static bool access_read_only(struct sysreg_access *a, u64 value)
{
	a->value = value;
	return !a->write;
}

static bool access_table(struct tsr_vcpu *v, const struct sysreg *r, struct sysreg_access *a)
{
	switch ((enum sysreg_kind)r->kind) {
	case SYSREG_STATE:
		return a->write && tsr_caches_write(v, r->vreg, a->value);
	case SYSREG_VCOUNT:
	case SYSREG_APIA:
		return false;
	case SYSREG_TRAPPED:
		return access_stored(v, r->vreg, a, true);
	case SYSREG_FIXED:
		return access_stored(v, r->vreg, a, false);
	case SYSREG_OSLSR:
		return access_read_only(a, v->reg[r->vreg]);
	case SYSREG_ID:
		return access_read_only(a, tsr_idreg(v, r->enc));
	case SYSREG_CSSELR:
		a->value &= CSSELR_FIELDS;
		return access_stored(v, r->vreg, a, true);
	case SYSREG_PCOUNT:
		return access_read_only(a, ptimer_now(v));
	case SYSREG_PTIMER_CTL:
		return access_ptimer_ctl(v, a);
	}
	return false;
}

static bool access_zero(struct sysreg_access *a)
{
	a->value = 0;
	return true;
}

static bool access_oslar(struct tsr_vcpu *v, struct sysreg_access *a)
{
	if (!a->write)
		return false;
	v->reg[VREG_OSLSR] &= ~OSLSR_OSLK;
	if (a->value & OSLAR_OSLK)
		v->reg[VREG_OSLSR] |= OSLSR_OSLK;
	return true;
}

static bool access_set_way(struct tsr_vcpu *v)
{
	tsr_caches_set_way(v);
	return true;
}

/* Registers that only the guest has: no state that the VMM would have to move. */
static bool access_guest_only(struct tsr_vcpu *v, struct sysreg_access *a)
{
	switch (a->enc) {
	case SYS_CCSIDR_EL1:
		return access_read_only(a, tsr_ccsidr(v->reg[VREG_CSSELR]));
	case SYS_CNTP_TVAL_EL0:
		return access_ptimer_tval(v, a);
	case SYS_CNTPCTSS_EL0:
		return access_read_only(a, ptimer_now(v));
	case SYS_OSLAR_EL1:
		return access_oslar(v, a);
	/* The debug communication channel, claims, power: nothing behind them. */
	case SYS_OSDTRRX_EL1:
	case SYS_OSDTRTX_EL1:
	case SYS_OSECCR_EL1:
	case SYS_OSDLR_EL1:
	case SYS_DBGPRCR_EL1:
	case SYS_DBGCLAIMSET_EL1:
	case SYS_DBGCLAIMCLR_EL1:
	case SYS_DBGAUTHSTATUS_EL1:
	case SYS_MDRAR_EL1:
	case SYS_MDCCSR_EL0:
	case SYS_DBGDTR_EL0:
	case SYS_DBGDTRRX_EL0:
		return access_zero(a);
	/* No error records. */
	case SYS_ERRIDR_EL1:
	case SYS_ERRSELR_EL1:
	case SYS_ERXFR_EL1:
	case SYS_ERXCTLR_EL1:
	case SYS_ERXSTATUS_EL1:
	case SYS_ERXADDR_EL1:
	case SYS_ERXMISC0_EL1:
	case SYS_ERXMISC1_EL1:
		return tsr_world.ras && access_zero(a);
	case SYS_DC_ISW:
	case SYS_DC_CSW:
	case SYS_DC_CISW:
		return access_set_way(v);
	/* Of tags, and of both. */
	case SYS_DC_IGSW:
	case SYS_DC_IGDSW:
	case SYS_DC_CGSW:
	case SYS_DC_CGDSW:
	case SYS_DC_CIGSW:
	case SYS_DC_CIGDSW:
		return v->mte && access_set_way(v);
	default:
		return false;
	}
}

/*
 * With FEAT_IDST a read in the identification space that is refused is a trap with the
 * access's own syndrome, not an undefined instruction (Arm ARM D1.3.3, FEAT_IDST).
 */
static bool id_read_is_trap(const struct tsr_vcpu *v, u32 enc)
{
	u64 mmfr2 = tsr_idreg(v, SYS_ID_AA64MMFR2_EL1);
	u32 op1 = sys_reg_Op1(enc);

	return sys_reg_Op0(enc) == 3 && sys_reg_CRn(enc) == 0 && sys_reg_CRm(enc) < 8 &&
	       (op1 == 0 || op1 == 1 || op1 == 3) &&
	       cpuid_feature_extract_unsigned_field(mmfr2, ID_AA64MMFR2_EL1_IDS_SHIFT);
}

static bool access_serve(struct tsr_vcpu *v, struct sysreg_access *a)
{
	const struct sysreg *r;

	if (tsr_idreg_space(a->enc))
		return access_read_only(a, tsr_idreg(v, a->enc));
	r = tsr_sysreg_find(v, a->enc);
	return r ? access_table(v, r, a) : access_guest_only(v, a);
}

enum tsr_next tsr_sysreg_trap(struct tsr_vcpu *v)
{
	u64 esr = v->syndrome.esr;
	unsigned int rt = FIELD_GET(ESR_ELx_SYS64_ISS_RT_MASK, esr);
	struct sysreg_access a = {
		.enc = esr_sys64_to_sysreg(esr),
		.write = (esr & ESR_ELx_SYS64_ISS_DIR_MASK) == ESR_ELx_SYS64_ISS_DIR_WRITE,
		.value = tsr_reg_get(v, rt),
	};

	v->stats.sysreg_exits++;
	if (!access_serve(v, &a)) {
		if (!a.write && id_read_is_trap(v, a.enc))
			tsr_inject_trap(v, esr);
		else
			tsr_inject_undefined(v);
		return TSR_NEXT_GUEST;
	}
	if (!a.write)
		tsr_reg_set(v, rt, a.value);
	tsr_skip(v);
	return TSR_NEXT_GUEST;
}
