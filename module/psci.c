// SPDX-License-Identifier: GPL-2.0-only
#include <linux/arm-smccc.h>
#include <uapi/linux/psci.h>
#include <linux/xarray.h>
#include <asm/cputype.h>

#include "arm.h"
#include "psci.h"
#include "world.h"

/* PSCI 1.3, which the older kernel's header lacks (DEN 0022 5.24). */
#define FN_SYSTEM_OFF2_32 0x84000015U
#define FN_SYSTEM_OFF2_64 0xc4000015U
#define OFF2_HIBERNATE	  BIT(0)
#define EVENT_FLAG_OFF2	  BIT_ULL(0)
#define EVENT_FLAG_RESET2 BIT_ULL(0)

/* DEN 0028: bit 30 of a function's number says that its arguments have 64 bits. */
#define FN_IS_64 BIT(30)

#define PSCI_MINOR(version) ((version) & 0xffff)
#define PSCI_IS_1(version)  ((version) >= TSR_PSCI_VERSION_1_0)

/* Levels of affinity in MPIDR_EL1, each 8 bits; level 3 is apart. */
#define AFFINITY_LEVEL_MAX 3

/* The call that the guest makes. */
struct call {
	u32 fn;
	u64 arg[3];
};

u32 tsr_psci_version(const struct tsr_vcpu *v)
{
	if (!(v->features & BIT(KVM_ARM_VCPU_PSCI_0_2)))
		return TSR_PSCI_VERSION_0_1;
	return READ_ONCE(v->vm->cpu.psci_version);
}

/* Arguments of 32-bit functions are so narrow; those of PSCI 0.1 are registers. */
static struct call call_decode(const struct tsr_vcpu *v)
{
	struct call call = { .fn = v->ctx.x[0] };
	bool wide = (call.fn & FN_IS_64) || tsr_psci_version(v) == TSR_PSCI_VERSION_0_1;
	int i;

	for (i = 0; i < 3; i++)
		call.arg[i] = wide ? v->ctx.x[i + 1] : (u32)v->ctx.x[i + 1];
	return call;
}

/* --- Power. --- */

void tsr_vcpu_power_off(struct tsr_vcpu *v)
{
	spin_lock(&v->power_lock);
	WRITE_ONCE(v->mp_state, KVM_MP_STATE_STOPPED);
	spin_unlock(&v->power_lock);
	tsr_vcpu_request(v, TSR_REQUEST_POWER);
}

void tsr_vcpu_suspend(struct tsr_vcpu *v)
{
	spin_lock(&v->power_lock);
	WRITE_ONCE(v->mp_state, KVM_MP_STATE_SUSPENDED);
	spin_unlock(&v->power_lock);
	tsr_vcpu_request(v, TSR_REQUEST_POWER);
}

void tsr_vcpu_power_on(struct tsr_vcpu *v)
{
	spin_lock(&v->power_lock);
	WRITE_ONCE(v->mp_state, KVM_MP_STATE_RUNNABLE);
	spin_unlock(&v->power_lock);
	tsr_vcpu_request(v, TSR_REQUEST_POWER);
}

static u64 vcpu_affinity(const struct tsr_vcpu *v)
{
	return READ_ONCE(v->reg[VREG_MPIDR]) & MPIDR_HWID_BITMASK;
}

static struct tsr_vcpu *vcpu_by_affinity(struct tsr_vm *vm, u64 affinity)
{
	struct tsr_vcpu *v;
	unsigned long id;

	xa_for_each(&vm->vcpus, id, v)
		if (vcpu_affinity(v) == affinity)
			return v;
	return NULL;
}

static bool caller_big_endian(struct tsr_vcpu *v)
{
	return tsr_vreg_get(v, VREG_SCTLR) & SCTLR_EE;
}

static long psci_cpu_on(struct tsr_vcpu *v, const struct call *call)
{
	struct tsr_vcpu *target;
	long ret = PSCI_RET_SUCCESS;

	if (call->arg[0] & ~MPIDR_HWID_BITMASK)
		return PSCI_RET_INVALID_PARAMS;
	target = vcpu_by_affinity(v->vm, call->arg[0]);
	if (!target || !READ_ONCE(target->initialised))
		return PSCI_RET_INVALID_PARAMS;

	spin_lock(&target->power_lock);
	if (target->mp_state == KVM_MP_STATE_STOPPED) {
		target->reset.pc = call->arg[1];
		target->reset.x0 = call->arg[2];
		target->reset.big_endian = caller_big_endian(v);
		set_bit(TSR_REQUEST_RESET, &target->requests);
		/* Whoever sees RUNNABLE sees the request: tsr_vcpu_prepare(). */
		smp_wmb();
		WRITE_ONCE(target->mp_state, KVM_MP_STATE_RUNNABLE);
	} else if (tsr_psci_version(v) == TSR_PSCI_VERSION_0_1) {
		ret = PSCI_RET_INVALID_PARAMS;
	} else {
		ret = PSCI_RET_ALREADY_ON;
	}
	spin_unlock(&target->power_lock);
	if (ret == PSCI_RET_SUCCESS)
		tsr_vcpu_request(target, TSR_REQUEST_POWER);
	return ret;
}

static long psci_affinity_info(struct tsr_vcpu *v, const struct call *call)
{
	struct tsr_vcpu *other;
	unsigned long id;
	bool found = false;
	u64 mask;

	if (call->arg[0] & ~MPIDR_HWID_BITMASK || call->arg[1] > AFFINITY_LEVEL_MAX)
		return PSCI_RET_INVALID_PARAMS;
	mask = MPIDR_HWID_BITMASK;
	if (call->arg[1])
		mask &= ~(BIT_ULL(MPIDR_LEVEL_SHIFT(call->arg[1])) - 1);
	xa_for_each(&v->vm->vcpus, id, other) {
		if ((vcpu_affinity(other) ^ call->arg[0]) & mask)
			continue;
		found = true;
		if (READ_ONCE(other->mp_state) != KVM_MP_STATE_STOPPED)
			return PSCI_0_2_AFFINITY_LEVEL_ON;
	}
	return found ? PSCI_0_2_AFFINITY_LEVEL_OFF : PSCI_RET_INVALID_PARAMS;
}

/* The guest is told that it failed, should the VMM run it again. */
static enum tsr_next psci_system_event(struct tsr_vcpu *v, u32 type, u64 flags)
{
	struct tsr_vcpu *other;
	unsigned long id;

	tsr_smccc_answer(v, PSCI_RET_INTERNAL_FAILURE);
	xa_for_each(&v->vm->vcpus, id, other)
		tsr_vcpu_power_off(other);
	return tsr_exit_system(v, type, flags);
}

static enum tsr_next answer(struct tsr_vcpu *v, u64 value)
{
	tsr_smccc_answer(v, value);
	return TSR_NEXT_GUEST;
}

/* What follows is the VMM's to do: x0 is its to set, and so is where the guest goes on. */
static enum tsr_next psci_system_suspend(struct tsr_vcpu *v)
{
	return tsr_exit_system(v, KVM_SYSTEM_EVENT_SUSPEND, 0);
}

static enum tsr_next psci_system_reset2(struct tsr_vcpu *v, const struct call *call)
{
	if (call->arg[0] && !(call->arg[0] & PSCI_1_1_RESET_TYPE_VENDOR_START))
		return answer(v, PSCI_RET_INVALID_PARAMS);
	return psci_system_event(v, KVM_SYSTEM_EVENT_RESET, EVENT_FLAG_RESET2);
}

static enum tsr_next psci_system_off2(struct tsr_vcpu *v, const struct call *call)
{
	if ((call->arg[0] && call->arg[0] != OFF2_HIBERNATE) || call->arg[1])
		return answer(v, PSCI_RET_INVALID_PARAMS);
	return psci_system_event(v, KVM_SYSTEM_EVENT_SHUTDOWN, EVENT_FLAG_OFF2);
}

/* --- What is there. --- */

/* The least minor of PSCI 1 that has @fn; -1: in every version from 0.2 on; -2: none has it. */
static int psci_since(u32 fn)
{
	switch (fn) {
	case PSCI_0_2_FN_PSCI_VERSION:
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
	case PSCI_0_2_FN_CPU_OFF:
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
	case PSCI_0_2_FN_SYSTEM_OFF:
	case PSCI_0_2_FN_SYSTEM_RESET:
		return -1;
	case PSCI_1_0_FN_PSCI_FEATURES:
	case PSCI_1_0_FN_SYSTEM_SUSPEND:
	case PSCI_1_0_FN64_SYSTEM_SUSPEND:
		return 0;
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return 1;
	case FN_SYSTEM_OFF2_32:
	case FN_SYSTEM_OFF2_64:
		return 3;
	default:
		return -2;
	}
}

static bool is_suspend(u32 fn)
{
	return fn == PSCI_1_0_FN_SYSTEM_SUSPEND || fn == PSCI_1_0_FN64_SYSTEM_SUSPEND;
}

static bool psci_has(const struct tsr_vcpu *v, u32 fn)
{
	u32 version = tsr_psci_version(v);
	int since = psci_since(fn);

	if (since < -1 || version == TSR_PSCI_VERSION_0_1)
		return false;
	if (is_suspend(fn) && !READ_ONCE(v->vm->cpu.system_suspend))
		return false;
	return since == -1 || (PSCI_IS_1(version) && PSCI_MINOR(version) >= since);
}

static u64 psci_features(const struct tsr_vcpu *v, u32 fn)
{
	if (fn == ARM_SMCCC_VERSION_FUNC_ID)
		return PSCI_RET_SUCCESS;
	if (!psci_has(v, fn))
		return PSCI_RET_NOT_SUPPORTED;
	return psci_since(fn) == 3 ? OFF2_HIBERNATE : PSCI_RET_SUCCESS;
}

bool tsr_psci_fast(struct tsr_vcpu *v)
{
	/* psci_has() of a constant costs next to nothing. */
	switch ((u32)v->ctx.x[0]) {
	case PSCI_0_2_FN_PSCI_VERSION:
		if (!psci_has(v, PSCI_0_2_FN_PSCI_VERSION))
			return false;
		tsr_smccc_answer(v, tsr_psci_version(v));
		return true;
	case PSCI_1_0_FN_PSCI_FEATURES:
		if (!psci_has(v, PSCI_1_0_FN_PSCI_FEATURES))
			return false;
		tsr_smccc_answer(v, psci_features(v, v->ctx.x[1]));
		return true;
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
		if (!psci_has(v, PSCI_0_2_FN_MIGRATE_INFO_TYPE))
			return false;
		tsr_smccc_answer(v, PSCI_0_2_TOS_MP);
		return true;
	default:
		return false;
	}
}

/* PSCI 0.1 as KVM numbers it, in terms of 0.2's. */
static u32 psci_0_1_function(u32 fn)
{
	switch (fn) {
	case KVM_PSCI_FN_CPU_OFF:
		return PSCI_0_2_FN_CPU_OFF;
	case KVM_PSCI_FN_CPU_ON:
		return PSCI_0_2_FN64_CPU_ON;
	default:
		return 0;
	}
}

static enum tsr_next psci_call(struct tsr_vcpu *v, const struct call *call)
{
	switch (call->fn) {
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
		tsr_wait_for_interrupt(v);
		return answer(v, PSCI_RET_SUCCESS);
	case PSCI_0_2_FN_CPU_OFF:
		tsr_vcpu_power_off(v);
		return answer(v, PSCI_RET_SUCCESS);
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		return answer(v, psci_cpu_on(v, call));
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
		return answer(v, psci_affinity_info(v, call));
	case PSCI_0_2_FN_SYSTEM_OFF:
		return psci_system_event(v, KVM_SYSTEM_EVENT_SHUTDOWN, 0);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return psci_system_event(v, KVM_SYSTEM_EVENT_RESET, 0);
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return psci_system_reset2(v, call);
	case PSCI_1_0_FN_SYSTEM_SUSPEND:
	case PSCI_1_0_FN64_SYSTEM_SUSPEND:
		return psci_system_suspend(v);
	case FN_SYSTEM_OFF2_32:
	case FN_SYSTEM_OFF2_64:
		return psci_system_off2(v, call);
	default:
		return answer(v, PSCI_RET_NOT_SUPPORTED);
	}
}

enum tsr_next tsr_psci_call(struct tsr_vcpu *v)
{
	struct call call = call_decode(v);

	if (tsr_psci_version(v) == TSR_PSCI_VERSION_0_1)
		call.fn = psci_0_1_function(call.fn);
	else if (!psci_has(v, call.fn))
		call.fn = 0;
	return psci_call(v, &call);
}
