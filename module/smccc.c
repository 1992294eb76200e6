// SPDX-License-Identifier: GPL-2.0-only
#include <linux/arm-smccc.h>
#include <linux/random.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>
#include <asm/cpufeature.h>

#include "arm.h"
#include "compat.h"
#include "psci.h"
#include "pvtime.h"
#include "smccc.h"
#include "vcpu.h"
#include "world.h"

/* DEN 0098. */
#define TRNG_VERSION_1_0 0x10000
#define TRNG_INVALID	 (-2)
#define TRNG_WORDS	 3

/* Who makes the entropy (DEN 0098 2.4): 7a3d1e64-0c5b-4f82-9d27-6b8ce1f05a93, Tessera. */
static const u32 trng_uuid[4] = { 0x7a3d1e64, 0x4f820c5b, 0x8c6b279d, 0x935af0e1 };

/* The architecture's own calls, which nobody filters. */
#define ARCH_CALLS(convention)                                                            \
	ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, convention, ARM_SMCCC_OWNER_ARCH, 0),     \
		ARM_SMCCC_CALL_VAL(ARM_SMCCC_FAST_CALL, convention, ARM_SMCCC_OWNER_ARCH, \
				   ARM_SMCCC_FUNC_MASK)

/* The least ID_AA64PFR0_EL1.CSV2 with which a CPU needs no such call (D24.2.79). */
#define CSV2_NO_WORKAROUND_1 1
#define CSV2_NO_WORKAROUND_3 3

/* x0 to x3. */
struct answer {
	u64 x[4];
};

void tsr_smccc_answer(struct tsr_vcpu *v, u64 value)
{
	v->ctx.x[0] = value;
	v->ctx.x[1] = 0;
	v->ctx.x[2] = 0;
	v->ctx.x[3] = 0;
}

/* --- What the VMM chooses. --- */

static const u64 services_of[TSR_BMAP_COUNT] = {
	[TSR_BMAP_STD] = BIT(KVM_REG_ARM_STD_BIT_TRNG_V1_0),
	[TSR_BMAP_STD_HYP] = BIT(KVM_REG_ARM_STD_HYP_BIT_PV_TIME),
	[TSR_BMAP_VENDOR] =
		BIT(KVM_REG_ARM_VENDOR_HYP_BIT_FUNC_FEAT) | BIT(KVM_REG_ARM_VENDOR_HYP_BIT_PTP),
	[TSR_BMAP_VENDOR_2] = GENMASK(1, 0),
};

void tsr_smccc_init(struct tsr_smccc *smccc)
{
	memcpy(smccc->bmap, services_of, sizeof(smccc->bmap));
	smccc->bmap[TSR_BMAP_VENDOR_2] = 0;
	mt_init_flags(&smccc->filter, MT_FLAGS_USE_RCU);
}

void tsr_smccc_destroy(struct tsr_smccc *smccc)
{
	mtree_destroy(&smccc->filter);
}

u64 tsr_smccc_services(enum tsr_bmap bmap)
{
	return services_of[bmap];
}

int tsr_smccc_set_bmap(struct tsr_vm *vm, enum tsr_bmap bmap, u64 value)
{
	u64 *now = &vm->cpu.smccc.bmap[bmap];
	int err = 0;

	if (value & ~services_of[bmap])
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (value != *now && READ_ONCE(vm->cpu.ran))
		err = -EBUSY;
	else
		WRITE_ONCE(*now, value);
	mutex_unlock(&vm->lock);
	return err;
}

static int filter_add(struct tsr_smccc *smccc, u32 first, u32 last, u8 action)
{
	return mtree_insert_range(&smccc->filter, first, last, xa_mk_value(action),
				  GFP_KERNEL_ACCOUNT);
}

/* The first filter brings what cannot be filtered. */
static int filter_start(struct tsr_smccc *smccc)
{
	static const u32 fixed[][2] = { { ARCH_CALLS(ARM_SMCCC_SMC_32) },
					{ ARCH_CALLS(ARM_SMCCC_SMC_64) } };
	int err = 0;
	size_t i;

	if (smccc->filtered)
		return 0;
	for (i = 0; !err && i < ARRAY_SIZE(fixed); i++)
		err = filter_add(smccc, fixed[i][0], fixed[i][1], KVM_SMCCC_FILTER_HANDLE);
	if (err) {
		mtree_destroy(&smccc->filter);
		return err;
	}
	WRITE_ONCE(smccc->filtered, true);
	return 0;
}

int tsr_smccc_set_filter(struct tsr_vm *vm, const void __user *user)
{
	struct kvm_smccc_filter filter;
	u32 last;
	int err;

	if (copy_from_user(&filter, user, sizeof(filter)))
		return -EFAULT;
	last = filter.base + filter.nr_functions - 1;
	if (memchr_inv(filter.pad, 0, sizeof(filter.pad)) || !filter.nr_functions ||
	    last < filter.base || filter.action > KVM_SMCCC_FILTER_FWD_TO_USER)
		return -EINVAL;
	mutex_lock(&vm->lock);
	err = READ_ONCE(vm->cpu.ran) ? -EBUSY : filter_start(&vm->cpu.smccc);
	if (!err)
		err = filter_add(&vm->cpu.smccc, filter.base, last, filter.action);
	mutex_unlock(&vm->lock);
	return err;
}

static u8 filter_action(struct tsr_smccc *smccc, u32 fn)
{
	void *entry;

	if (!READ_ONCE(smccc->filtered))
		return KVM_SMCCC_FILTER_HANDLE;
	entry = mtree_load(&smccc->filter, fn);
	return entry ? xa_to_value(entry) : KVM_SMCCC_FILTER_HANDLE;
}

/* --- Services. --- */

static void serve_trng_version(struct tsr_vcpu *v, struct answer *a)
{
	a->x[0] = TRNG_VERSION_1_0;
}

static void serve_trng_features(struct tsr_vcpu *v, struct answer *a)
{
	switch ((u32)v->ctx.x[1]) {
	case ARM_SMCCC_TRNG_VERSION:
	case ARM_SMCCC_TRNG_FEATURES:
	case ARM_SMCCC_TRNG_GET_UUID:
	case ARM_SMCCC_TRNG_RND32:
	case ARM_SMCCC_TRNG_RND64:
		a->x[0] = SMCCC_RET_SUCCESS;
		break;
	}
}

static void serve_trng_uuid(struct tsr_vcpu *v, struct answer *a)
{
	int i;

	for (i = 0; i < 4; i++)
		a->x[i] = trng_uuid[i];
}

/* x3 has the lowest bits; unused ones are 0. */
static void serve_trng(struct tsr_vcpu *v, struct answer *a, unsigned int word_bits)
{
	u64 bits = word_bits == 32 ? (u32)v->ctx.x[1] : v->ctx.x[1];
	int i;

	if (!bits || bits > TRNG_WORDS * word_bits) {
		a->x[0] = TRNG_INVALID;
		return;
	}
	a->x[0] = SMCCC_RET_SUCCESS;
	for (i = TRNG_WORDS; i > 0; i--) {
		unsigned int here = min_t(u64, bits, word_bits);

		a->x[i] = here ? get_random_u64() >> (64 - here) : 0;
		bits -= here;
	}
}

static void serve_trng32(struct tsr_vcpu *v, struct answer *a)
{
	serve_trng(v, a, 32);
}

static void serve_trng64(struct tsr_vcpu *v, struct answer *a)
{
	serve_trng(v, a, 64);
}

static void serve_pv_features(struct tsr_vcpu *v, struct answer *a)
{
	u32 fn = v->ctx.x[1];

	if (tsr_pvtime_on(v) &&
	    (fn == ARM_SMCCC_HV_PV_TIME_FEATURES || fn == ARM_SMCCC_HV_PV_TIME_ST))
		a->x[0] = SMCCC_RET_SUCCESS;
}

static void serve_pv_time(struct tsr_vcpu *v, struct answer *a)
{
	if (tsr_pvtime_on(v))
		a->x[0] = tsr_pvtime_start(v);
}

static void serve_uid(struct tsr_vcpu *v, struct answer *a)
{
	/* KVM's, by which its guests know what is offered: 28b46fb6-2ec5-11e9-a9ca-4b564d003a74. */
	*a = (struct answer){ { 0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d } };
}

static void serve_vendor_features(struct tsr_vcpu *v, struct answer *a)
{
	const struct tsr_smccc *smccc = &v->vm->cpu.smccc;

	a->x[0] = READ_ONCE(smccc->bmap[TSR_BMAP_VENDOR]);
	/* Bits 64 and up are the second register's. */
	a->x[2] = READ_ONCE(smccc->bmap[TSR_BMAP_VENDOR_2]);
}

/* The host's clock and the guest's counter of one moment. */
static void serve_ptp(struct tsr_vcpu *v, struct answer *a)
{
	const struct tsr_vm_cpu *cpu = &v->vm->cpu;
	u64 wall, cycles, offset;

	switch ((u32)v->ctx.x[1]) {
	case KVM_PTP_VIRT_COUNTER:
		offset = READ_ONCE(cpu->voffset);
		break;
	case KVM_PTP_PHYS_COUNTER:
		offset = READ_ONCE(cpu->poffset);
		break;
	default:
		return;
	}
	if (!tsr_clock_snapshot(&wall, &cycles))
		return;
	cycles -= offset;
	*a = (struct answer){ { upper_32_bits(wall), lower_32_bits(wall), upper_32_bits(cycles),
				lower_32_bits(cycles) } };
}

static const struct service {
	u32 fn;
	u8 bmap;
	u8 bit;
	/* Sleeps. @a is "not supported" before. */
	void (*serve)(struct tsr_vcpu *v, struct answer *a);
} services[] = {
	{ ARM_SMCCC_TRNG_VERSION, TSR_BMAP_STD, 0, serve_trng_version },
	{ ARM_SMCCC_TRNG_FEATURES, TSR_BMAP_STD, 0, serve_trng_features },
	{ ARM_SMCCC_TRNG_GET_UUID, TSR_BMAP_STD, 0, serve_trng_uuid },
	{ ARM_SMCCC_TRNG_RND32, TSR_BMAP_STD, 0, serve_trng32 },
	{ ARM_SMCCC_TRNG_RND64, TSR_BMAP_STD, 0, serve_trng64 },
	{ ARM_SMCCC_HV_PV_TIME_FEATURES, TSR_BMAP_STD_HYP, 0, serve_pv_features },
	{ ARM_SMCCC_HV_PV_TIME_ST, TSR_BMAP_STD_HYP, 0, serve_pv_time },
	{ ARM_SMCCC_VENDOR_HYP_CALL_UID_FUNC_ID, TSR_BMAP_VENDOR, 0, serve_uid },
	{ ARM_SMCCC_VENDOR_HYP_KVM_FEATURES_FUNC_ID, TSR_BMAP_VENDOR, 0, serve_vendor_features },
	{ ARM_SMCCC_VENDOR_HYP_KVM_PTP_FUNC_ID, TSR_BMAP_VENDOR, 1, serve_ptp },
};

static bool serves(const struct tsr_vcpu *v, const struct service *s)
{
	return READ_ONCE(v->vm->cpu.smccc.bmap[s->bmap]) & BIT_ULL(s->bit);
}

/* True: one of the services, whether it is on or not. */
static bool serve(struct tsr_vcpu *v, u32 fn)
{
	struct answer a = { { SMCCC_RET_NOT_SUPPORTED } };
	const struct service *s;

	for (s = services; s < services + ARRAY_SIZE(services); s++) {
		if (s->fn != fn)
			continue;
		if (serves(v, s))
			s->serve(v, &a);
		memcpy(v->ctx.x, a.x, sizeof(a.x));
		return true;
	}
	return false;
}

/* --- The architecture's. --- */

static u64 workaround_by_csv2(unsigned int enough)
{
	u64 pfr0 = read_sanitised_ftr_reg(SYS_ID_AA64PFR0_EL1);

	return cpuid_feature_extract_unsigned_field(pfr0, ID_AA64PFR0_EL1_CSV2_SHIFT) >= enough
		       ? KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED
		       : KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_AVAIL;
}

u64 tsr_smccc_workaround(u32 function)
{
	static_assert(KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1_NOT_REQUIRED ==
		      KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3_NOT_REQUIRED);

	switch (function) {
	case ARM_SMCCC_ARCH_WORKAROUND_1:
		return workaround_by_csv2(CSV2_NO_WORKAROUND_1);
	case ARM_SMCCC_ARCH_WORKAROUND_3:
		return workaround_by_csv2(CSV2_NO_WORKAROUND_3);
	default:
		return 0;
	}
}

static u64 arch_features(const struct tsr_vcpu *v, u32 feature)
{
	u64 std_hyp = READ_ONCE(v->vm->cpu.smccc.bmap[TSR_BMAP_STD_HYP]);

	if (feature == ARM_SMCCC_HV_PV_TIME_FEATURES &&
	    (std_hyp & BIT(KVM_REG_ARM_STD_HYP_BIT_PV_TIME)))
		return SMCCC_RET_SUCCESS;
	return tsr_smccc_workaround(feature) ? SMCCC_RET_NOT_REQUIRED : SMCCC_RET_NOT_SUPPORTED;
}

/* Calls that only compute; true: answered. Inline: a guest's quickest way out and back. */
static __always_inline bool compute(struct tsr_vcpu *v)
{
	switch ((u32)v->ctx.x[0]) {
	case ARM_SMCCC_VERSION_FUNC_ID:
		tsr_smccc_answer(v, ARM_SMCCC_VERSION_1_1);
		return true;
	case ARM_SMCCC_ARCH_FEATURES_FUNC_ID:
		tsr_smccc_answer(v, arch_features(v, v->ctx.x[1]));
		return true;
	default:
		return tsr_psci_fast(v);
	}
}

bool tsr_smccc_fast(struct tsr_vcpu *v)
{
	v->stats.hvc_exit_stat++;
	return !READ_ONCE(v->vm->cpu.smccc.filtered) && compute(v);
}

enum tsr_next tsr_smccc_call(struct tsr_vcpu *v)
{
	u32 fn = v->ctx.x[0];

	switch (filter_action(&v->vm->cpu.smccc, fn)) {
	case KVM_SMCCC_FILTER_DENY:
		tsr_smccc_answer(v, SMCCC_RET_NOT_SUPPORTED);
		return TSR_NEXT_GUEST;
	case KVM_SMCCC_FILTER_FWD_TO_USER:
		return tsr_exit_hypercall(v, fn);
	default:
		break;
	}
	if (compute(v) || serve(v, fn))
		return TSR_NEXT_GUEST;
	return tsr_psci_call(v);
}
