// SPDX-License-Identifier: GPL-2.0-only
#include <linux/arm-smccc.h>
#include <linux/uaccess.h>

#include "arm.h"
#include "onereg.h"
#include "psci.h"
#include "sysreg.h"

/* CSSELR_EL1 as an index: seven levels, data or instruction. */
#define CSSELR_COUNT 14

#define FW_LEVEL_MASK GENMASK(3, 0)

/* A core register: where it is, and its size. */
struct core_place {
	void *at;
	size_t size;
};

#define CORE_INDEX(field) KVM_REG_ARM_CORE_REG(field)
#define CORE_WORDS	  (sizeof(struct kvm_regs) / sizeof(u32))

static size_t reg_size(u64 id)
{
	return BIT((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

static u64 core_index(u64 id)
{
	return id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | KVM_REG_ARM_COPROC_MASK);
}

static struct core_place core_fp(struct tsr_vcpu *v, u64 index)
{
	u64 n = index - CORE_INDEX(fp_regs.vregs[0]);
	const u64 words = sizeof(v->ctx.fp.vregs[0]) / sizeof(u32);

	if (index == CORE_INDEX(fp_regs.fpsr))
		return (struct core_place){ &v->ctx.fp.fpsr, sizeof(u32) };
	if (index == CORE_INDEX(fp_regs.fpcr))
		return (struct core_place){ &v->ctx.fp.fpcr, sizeof(u32) };
	if (n / words >= ARRAY_SIZE(v->ctx.fp.vregs) || n % words)
		return (struct core_place){};
	return (struct core_place){ &v->ctx.fp.vregs[n / words], sizeof(v->ctx.fp.vregs[0]) };
}

static struct core_place core_find(struct tsr_vcpu *v, u64 index)
{
	u64 n = index / 2;
	u64 *at;

	if (index >= CORE_INDEX(fp_regs))
		return core_fp(v, index);
	if (index % 2 || index >= CORE_INDEX(spsr[KVM_NR_SPSR]))
		return (struct core_place){};
	if (index < CORE_INDEX(regs.sp))
		at = &v->ctx.x[n];
	else if (index == CORE_INDEX(regs.sp))
		at = &v->ctx.sp_el0;
	else if (index == CORE_INDEX(regs.pc))
		at = &v->ctx.pc;
	else if (index == CORE_INDEX(regs.pstate))
		at = &v->ctx.pstate;
	else if (index == CORE_INDEX(sp_el1))
		at = &v->reg[VREG_SP_EL1];
	else if (index == CORE_INDEX(elr_el1))
		at = &v->reg[VREG_ELR];
	else if (index == CORE_INDEX(spsr[KVM_SPSR_EL1]))
		at = &v->reg[VREG_SPSR];
	else
		at = &v->reg[VREG_SPSR_AA32 + (index - CORE_INDEX(spsr[1])) / 2];
	return (struct core_place){ at, sizeof(u64) };
}

/* The modes of AArch64 EL0 and EL1 alone. */
static bool pstate_valid(u64 pstate)
{
	switch (pstate & (PSR_MODE32_BIT | PSR_MODE_MASK)) {
	case PSR_MODE_EL0t:
	case PSR_MODE_EL1t:
	case PSR_MODE_EL1h:
		return true;
	default:
		return false;
	}
}

static int core_place(struct tsr_vcpu *v, u64 id, struct core_place *place)
{
	if (core_index(id) >= CORE_WORDS)
		return -ENOENT;
	*place = core_find(v, core_index(id));
	return place->at && place->size == reg_size(id) ? 0 : -EINVAL;
}

static long core_get(struct tsr_vcpu *v, u64 id, void __user *user)
{
	struct core_place place;
	int err = core_place(v, id, &place);

	if (err)
		return err;
	return copy_to_user(user, place.at, place.size) ? -EFAULT : 0;
}

static long core_set(struct tsr_vcpu *v, u64 id, void __user *user)
{
	struct core_place place;
	int err = core_place(v, id, &place);
	__uint128_t value = 0;

	if (err)
		return err;
	if (copy_from_user(&value, user, place.size))
		return -EFAULT;
	if (place.at == &v->ctx.pstate && !pstate_valid(value))
		return -EINVAL;
	memcpy(place.at, &value, place.size);
	return 0;
}

/* --- Firmware. --- */

static_assert(KVM_REG_ARM_STD_BMAP == KVM_REG_ARM_FW_FEAT_BMAP_REG(TSR_BMAP_STD));
static_assert(KVM_REG_ARM_STD_HYP_BMAP == KVM_REG_ARM_FW_FEAT_BMAP_REG(TSR_BMAP_STD_HYP));
static_assert(KVM_REG_ARM_VENDOR_HYP_BMAP == KVM_REG_ARM_FW_FEAT_BMAP_REG(TSR_BMAP_VENDOR));
static_assert(KVM_REG_ARM_VENDOR_HYP_BMAP_2 == KVM_REG_ARM_FW_FEAT_BMAP_REG(TSR_BMAP_VENDOR_2));

static enum tsr_bmap fw_bmap(u64 id)
{
	return id - KVM_REG_ARM_FW_FEAT_BMAP_REG(0);
}

static bool fw_bmap_valid(u64 id)
{
	return id >= KVM_REG_ARM_FW_FEAT_BMAP_REG(0) &&
	       id < KVM_REG_ARM_FW_FEAT_BMAP_REG(TSR_BMAP_COUNT);
}

static int fw_get(struct tsr_vcpu *v, u64 id, u64 *value)
{
	switch (id) {
	case KVM_REG_ARM_PSCI_VERSION:
		*value = tsr_psci_version(v);
		return 0;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1:
		*value = tsr_smccc_workaround(ARM_SMCCC_ARCH_WORKAROUND_1);
		return 0;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2:
		*value = tsr_smccc_workaround(ARM_SMCCC_ARCH_WORKAROUND_2);
		return 0;
	case KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3:
		*value = tsr_smccc_workaround(ARM_SMCCC_ARCH_WORKAROUND_3);
		return 0;
	default:
		if (!fw_bmap_valid(id))
			return -ENOENT;
		*value = READ_ONCE(v->vm->cpu.smccc.bmap[fw_bmap(id)]);
		return 0;
	}
}

static int psci_version_set(struct tsr_vcpu *v, u64 value)
{
	if (!(v->features & BIT(KVM_ARM_VCPU_PSCI_0_2)))
		return value == TSR_PSCI_VERSION_0_1 ? 0 : -EINVAL;
	switch (value) {
	case TSR_PSCI_VERSION_0_2:
	case TSR_PSCI_VERSION_1_0:
	case TSR_PSCI_VERSION_1_1:
	case TSR_PSCI_VERSION_1_2:
	case TSR_PSCI_VERSION_1_3:
		WRITE_ONCE(v->vm->cpu.psci_version, value);
		return 0;
	default:
		return -EINVAL;
	}
}

/* A level of need that is no higher than the host's can be promised; others are 0 here. */
static int fw_set(struct tsr_vcpu *v, u64 id, u64 value)
{
	u64 most = 0;
	int err = fw_get(v, id, &most);

	if (err)
		return err;
	if (id == KVM_REG_ARM_PSCI_VERSION)
		return psci_version_set(v, value);
	if (fw_bmap_valid(id))
		return tsr_smccc_set_bmap(v->vm, fw_bmap(id), value);
	return value <= most && !(value & ~(u64)FW_LEVEL_MASK) ? 0 : -EINVAL;
}

/* --- By class. --- */

static u32 sysreg_enc(u64 id)
{
	return sys_reg(FIELD_GET(KVM_REG_ARM64_SYSREG_OP0_MASK, id),
		       FIELD_GET(KVM_REG_ARM64_SYSREG_OP1_MASK, id),
		       FIELD_GET(KVM_REG_ARM64_SYSREG_CRN_MASK, id),
		       FIELD_GET(KVM_REG_ARM64_SYSREG_CRM_MASK, id),
		       FIELD_GET(KVM_REG_ARM64_SYSREG_OP2_MASK, id));
}

static u64 sysreg_id(u32 enc)
{
	return ARM64_SYS_REG(sys_reg_Op0(enc), sys_reg_Op1(enc), sys_reg_CRn(enc), sys_reg_CRm(enc),
			     sys_reg_Op2(enc));
}

static int sysreg_get(struct tsr_vcpu *v, u64 id, u64 *value)
{
	u32 enc = sysreg_enc(id);
	const struct sysreg *r = tsr_sysreg_find(v, enc);

	if (tsr_idreg_space(enc))
		*value = tsr_idreg(v, enc);
	else if (r)
		*value = tsr_sysreg_get(v, r);
	else
		return -ENOENT;
	return 0;
}

static int sysreg_set(struct tsr_vcpu *v, u64 id, u64 value)
{
	u32 enc = sysreg_enc(id);
	const struct sysreg feature = { .enc = enc, .kind = SYSREG_ID };
	const struct sysreg *r = tsr_idreg_space(enc) ? &feature : tsr_sysreg_find(v, enc);

	return r ? tsr_sysreg_set(v, r, value) : -ENOENT;
}

static bool demux_valid(const struct tsr_vcpu *v, u64 id)
{
	return (id & KVM_REG_ARM_DEMUX_ID_MASK) == KVM_REG_ARM_DEMUX_ID_CCSIDR &&
	       tsr_cache_exists(v, id & KVM_REG_ARM_DEMUX_VAL_MASK);
}

/* What fits in 64 bits: everything but the core registers. */
static int value_get(struct tsr_vcpu *v, u64 id, u64 *value)
{
	size_t size = sizeof(u64);
	int err = -ENOENT;

	switch (id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM64_SYSREG:
		err = sysreg_get(v, id, value);
		break;
	case KVM_REG_ARM_FW:
	case KVM_REG_ARM_FW_FEAT_BMAP:
		err = fw_get(v, id, value);
		break;
	case KVM_REG_ARM_DEMUX:
		size = sizeof(u32);
		if (demux_valid(v, id)) {
			*value = tsr_ccsidr(id & KVM_REG_ARM_DEMUX_VAL_MASK);
			err = 0;
		}
		break;
	}
	return reg_size(id) == size ? err : -ENOENT;
}

/* @now: what value_get() says of it. */
static int value_set(struct tsr_vcpu *v, u64 id, u64 now, u64 value)
{
	switch (id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM64_SYSREG:
		return sysreg_set(v, id, value);
	case KVM_REG_ARM_DEMUX:
		return value == now ? 0 : -EINVAL;
	default:
		return fw_set(v, id, value);
	}
}

/* Can @v be asked for @id? Whether it has the register is not looked at. */
static int id_check(const struct tsr_vcpu *v, u64 id)
{
	bool arm64 = (id & KVM_REG_ARCH_MASK) == KVM_REG_ARM64 &&
		     !(id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | GENMASK_ULL(31, 0)));

	if (!v->initialised)
		return -ENOEXEC;
	return arm64 ? 0 : -EINVAL;
}

long tsr_onereg_get(struct tsr_vcpu *v, const struct kvm_one_reg *reg)
{
	void __user *user = u64_to_user_ptr(reg->addr);
	u64 value = 0;
	int err = id_check(v, reg->id);

	if (err)
		return err;
	if ((reg->id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM_CORE)
		return core_get(v, reg->id, user);
	err = value_get(v, reg->id, &value);
	if (err)
		return err;
	return copy_to_user(user, &value, reg_size(reg->id)) ? -EFAULT : 0;
}

long tsr_onereg_set(struct tsr_vcpu *v, const struct kvm_one_reg *reg)
{
	void __user *user = u64_to_user_ptr(reg->addr);
	u64 now, value = 0;
	int err = id_check(v, reg->id);

	if (err)
		return err;
	if ((reg->id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM_CORE)
		return core_set(v, reg->id, user);
	err = value_get(v, reg->id, &now);
	if (err)
		return err;
	if (copy_from_user(&value, user, reg_size(reg->id)))
		return -EFAULT;
	return value_set(v, reg->id, now, value);
}

/* --- The list. --- */

/* Where the next id goes: NULL counts only. */
struct id_list {
	u64 __user *next;
	u64 count;
};

static int list_put(struct id_list *list, u64 id)
{
	list->count++;
	if (!list->next)
		return 0;
	return put_user(id, list->next++) ? -EFAULT : 0;
}

static int list_core(struct tsr_vcpu *v, struct id_list *list)
{
	u64 index;

	for (index = 0; index < CORE_WORDS; index++) {
		struct core_place place = core_find(v, index);
		u64 size = (u64)ilog2(place.size | 1) << KVM_REG_SIZE_SHIFT;

		if (place.at && list_put(list, KVM_REG_ARM64 | KVM_REG_ARM_CORE | size | index))
			return -EFAULT;
	}
	return 0;
}

static const u64 fw_ids[] = {
	KVM_REG_ARM_PSCI_VERSION,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2,
	KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3,
	KVM_REG_ARM_STD_BMAP,
	KVM_REG_ARM_STD_HYP_BMAP,
	KVM_REG_ARM_VENDOR_HYP_BMAP,
	KVM_REG_ARM_FW_FEAT_BMAP_REG(3),
};

static int list_others(struct tsr_vcpu *v, struct id_list *list)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(fw_ids); i++)
		err = list_put(list, fw_ids[i]);
	for (i = 0; !err && i < tsr_sysreg_count; i++)
		if (tsr_sysreg_visible(v, &tsr_sysregs[i]))
			err = list_put(list, sysreg_id(tsr_sysregs[i].enc));
	/* CRm 1 to 7, op2 0 to 7. */
	for (i = 8; !err && i < 64; i++)
		err = list_put(list, ARM64_SYS_REG(3, 0, 0, i / 8, i % 8));
	for (i = 0; !err && i < CSSELR_COUNT; i++)
		if (tsr_cache_exists(v, i))
			err = list_put(list, KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX |
						     KVM_REG_ARM_DEMUX_ID_CCSIDR | i);
	return err;
}

static int list_all(struct tsr_vcpu *v, struct id_list *list)
{
	int err = list_core(v, list);

	return err ? err : list_others(v, list);
}

long tsr_onereg_list(struct tsr_vcpu *v, struct kvm_reg_list *list,
		     struct kvm_reg_list __user *user)
{
	struct id_list counted = {}, written = { .next = user->reg };
	u64 room = list->n;

	if (!v->initialised)
		return -ENOEXEC;
	list_all(v, &counted);
	list->n = counted.count;
	if (room < counted.count)
		return put_user(counted.count, &user->n) ? -EFAULT : -E2BIG;
	return list_all(v, &written);
}
