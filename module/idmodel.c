// SPDX-License-Identifier: GPL-2.0-only
#include <linux/uaccess.h>
#include <asm/cache.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>

#include "arm.h"
#include "idmodel.h"
#include "sysreg.h"
#include "vcpu.h"

/* CTR_EL0 (Arm ARM D24.2.33): what may be lowered. */
#define CTR_IMINLINE GENMASK_ULL(3, 0)
#define CTR_DMINLINE GENMASK_ULL(19, 16)
#define CTR_IDC	     BIT_ULL(28)
#define CTR_DIC	     BIT_ULL(29)
#define CTR_WRITABLE (CTR_IMINLINE | CTR_DMINLINE | CTR_IDC | CTR_DIC)

/* CLIDR_EL1 (D24.2.30). */
#define CLIDR_RES0 GENMASK_ULL(63, 47)

#define MIDR_FIELDS GENMASK_ULL(31, 0)

static unsigned int feature_index(u32 enc)
{
	return (sys_reg_CRm(enc) - 1) * 8 + sys_reg_Op2(enc);
}

static u32 feature_enc(unsigned int index)
{
	return sys_reg(3, 0, 0, index / 8 + 1, index % 8);
}

void tsr_idmodel_start(struct tsr_idmodel *m, bool mte, bool pauth)
{
	unsigned int i;

	if (m->ready)
		return;
	m->mte = mte;
	m->pauth = pauth;
	m->midr = read_cpuid_id();
	m->revidr = read_sysreg(revidr_el1);
	m->aidr = read_sysreg(aidr_el1);
	m->ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);
	for (i = 0; i < TSR_ID_FEATURES; i++)
		m->feature[i] = tsr_idreg_offered(m, feature_enc(i));
	m->ready = true;
}

/* Where the VM's registers are; NULL: CLIDR_EL1, a vCPU's own. */
static u64 *place(struct tsr_idmodel *m, u32 enc)
{
	switch (enc) {
	case SYS_MIDR_EL1:
		return &m->midr;
	case SYS_REVIDR_EL1:
		return &m->revidr;
	case SYS_AIDR_EL1:
		return &m->aidr;
	case SYS_CTR_EL0:
		return &m->ctr;
	case SYS_CLIDR_EL1:
		return NULL;
	default:
		return &m->feature[feature_index(enc)];
	}
}

u64 tsr_idreg(const struct tsr_vcpu *v, u32 enc)
{
	const u64 *at = place(&v->vm->cpu.id, enc);

	return READ_ONCE(*(at ? at : &v->clidr));
}

/* Each field no more than the host's: fewer promises, and lines that are no longer. */
static bool ctr_fits(u64 value)
{
	static const u64 fields[] = { CTR_IMINLINE, CTR_DMINLINE, CTR_IDC, CTR_DIC };
	u64 host = read_sanitised_ftr_reg(SYS_CTR_EL0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if ((value & fields[i]) > (host & fields[i]))
			return false;
	return !((value ^ host) & ~CTR_WRITABLE);
}

/* Levels are for the VMM to tell, but not that cleaning is not needed where it is. */
static bool clidr_fits(const struct tsr_idmodel *m, u64 value)
{
	bool no_clean = !CLIDR_LOC(value) || (!CLIDR_LOUIS(value) && !CLIDR_LOUU(value));
	u64 host = tsr_clidr_offered(m->mte);

	if (value == host)
		return true;
	return !(value & CLIDR_RES0) &&
	       (!no_clean || (read_sanitised_ftr_reg(SYS_CTR_EL0) & CTR_IDC));
}

static bool fits(const struct tsr_idmodel *m, u32 enc, u64 value)
{
	switch (enc) {
	case SYS_MIDR_EL1:
		return m->imp_writable && !(value & ~MIDR_FIELDS);
	case SYS_REVIDR_EL1:
	case SYS_AIDR_EL1:
		return m->imp_writable;
	case SYS_CTR_EL0:
		return ctr_fits(value);
	case SYS_CLIDR_EL1:
		return clidr_fits(m, value);
	default:
		return tsr_idreg_fits(m, enc, value);
	}
}

int tsr_idmodel_set(struct tsr_vcpu *v, u32 enc, u64 value)
{
	struct tsr_idmodel *m = &v->vm->cpu.id;
	u64 *at = place(m, enc);
	int err = 0;

	if (tsr_idreg_aarch32(enc))
		return 0;
	if (!at)
		at = &v->clidr;
	mutex_lock(&v->vm->lock);
	if (value == *at)
		goto unlock;
	if (READ_ONCE(v->vm->cpu.ran))
		err = -EBUSY;
	else if (!fits(m, enc, value))
		err = -EINVAL;
	else
		WRITE_ONCE(*at, value);
	WRITE_ONCE(m->own_ctr, m->ctr != read_sanitised_ftr_reg(SYS_CTR_EL0));
unlock:
	mutex_unlock(&v->vm->lock);
	return err;
}

static u64 mask_of(const struct tsr_idmodel *m, u32 enc)
{
	switch (enc) {
	case SYS_MIDR_EL1:
		return m->imp_writable ? MIDR_FIELDS : 0;
	case SYS_REVIDR_EL1:
	case SYS_AIDR_EL1:
		return m->imp_writable ? ~0ULL : 0;
	case SYS_CTR_EL0:
		return CTR_WRITABLE;
	case SYS_CLIDR_EL1:
		return ~CLIDR_RES0;
	default:
		return tsr_idreg_space(enc) ? tsr_idreg_writable(m, enc) : 0;
	}
}

int tsr_idmodel_masks(struct tsr_vm *vm, const struct reg_mask_range *range)
{
	u64 __user *user = u64_to_user_ptr(range->addr);
	/* The range's three parts. */
	static const u8 op1s[] = { 0, 1, 3 };
	unsigned int i;

	if (range->range != KVM_ARM_FEATURE_ID_RANGE ||
	    memchr_inv(range->reserved, 0, sizeof(range->reserved)))
		return -EINVAL;
	for (i = 0; i < KVM_ARM_FEATURE_ID_RANGE_SIZE; i++) {
		u32 enc = sys_reg(3, op1s[i / 64], 0, i / 8 % 8, i % 8);

		if (put_user(mask_of(&vm->cpu.id, enc), user + i))
			return -EFAULT;
	}
	return 0;
}
