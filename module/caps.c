// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities: one table, docs/abi.md section 2.2 in code. What is not in it does
 * not exist: KVM_CHECK_EXTENSION returns 0 and KVM_ENABLE_CAP -EINVAL.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <asm/cpufeature.h>

#include "compat.h"
#include "dirty_ring.h"
#include "gmem.h"
#include "tessera.h"
#include "world.h"

struct tsr_cap {
	unsigned long cap;
	long value; /* where it depends on nothing */
	/* Where it depends on the host, or on @vm; NULL is /dev/kvm. */
	long (*ask)(const struct tsr_vm *vm);
	/*
	 * Called with vm->lock held and kvm_enable_cap.args[0]; NULL: cannot be enabled.
	 * 0, -EINVAL, -E2BIG or -ENOMEM.
	 */
	int (*enable)(struct tsr_vm *vm, u64 arg);
};

static long ask_vcpus(const struct tsr_vm *vm)
{
	return min_t(long, num_online_cpus(), TSR_MAX_VCPUS);
}

static long ask_ipa_bits(const struct tsr_vm *vm)
{
	return tsr_host.ipa_bits;
}

static long ask_ptrauth(const struct tsr_vm *vm)
{
	return system_has_full_ptr_auth();
}

static long ask_serror_esr(const struct tsr_vm *vm)
{
	return tsr_world.ras;
}

static long ask_mte(const struct tsr_vm *vm)
{
	return tsr_host.mte >= 2;
}

static int enable_mte(struct tsr_vm *vm, u64 arg)
{
	return vm_enable_mte(&vm->mem);
}

/* It is served on this host, or to this VM. */
static long ask_cacheable_pfnmap(const struct tsr_vm *vm)
{
	return memtype_coherent(&tsr_host) || (vm && READ_ONCE(vm->mem.cmo));
}

static int enable_pfnmap_cmo(struct tsr_vm *vm, u64 arg)
{
	return arg ? -EINVAL : vm_enable_cmo(&vm->mem);
}

static int enable_lazy_tags(struct tsr_vm *vm, u64 arg)
{
	return arg ? -EINVAL : vm_enable_lazy_tags(&vm->mem);
}

static long ask_breakpoints(const struct tsr_vm *vm)
{
	return tsr_debug_breakpoints();
}

static long ask_watchpoints(const struct tsr_vm *vm)
{
	return tsr_debug_watchpoints();
}

static int enable_manual_protect(struct tsr_vm *vm, u64 arg)
{
	return vm_dirty_manual(&vm->mem, arg);
}

static int enable_ring(struct tsr_vm *vm, u64 arg)
{
	return tsr_dirty_ring_enable(vm, arg);
}

static int enable_ring_bitmap(struct tsr_vm *vm, u64 arg)
{
	return vm_dirty_enable_bitmap(&vm->mem);
}

static int enable_nisv(struct tsr_vm *vm, u64 arg)
{
	WRITE_ONCE(vm->cpu.nisv_to_user, true);
	return 0;
}

static int enable_imp_id_regs(struct tsr_vm *vm, u64 arg)
{
	if (vm->mem.started)
		return -EINVAL;
	vm->cpu.id.imp_writable = true;
	return 0;
}

static int enable_system_suspend(struct tsr_vm *vm, u64 arg)
{
	WRITE_ONCE(vm->cpu.system_suspend, true);
	return 0;
}

static long ask_attributes(const struct tsr_vm *vm)
{
	return vm ? vm_attr_mask(&vm->mem) : 0;
}

static long ask_attribute_flags(const struct tsr_vm *vm)
{
	return vm ? KVM_MEMORY_ATTRIBUTES_SET | KVM_MEMORY_ATTRIBUTES_CLEAR : 0;
}

static long ask_notag(const struct tsr_vm *vm)
{
	return vm && READ_ONCE(vm->mem.mte) && tsr_host.mte_perm;
}

static long ask_tag_batch(const struct tsr_vm *vm)
{
	return vm && READ_ONCE(vm->mem.mte);
}

static const struct tsr_cap caps[] = {
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_USER_MEMORY2, 1 },
	{ KVM_CAP_NR_MEMSLOTS, TSR_MAX_SLOTS },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
	  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET,
	  .enable = enable_manual_protect },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, TSR_DIRTY_RING_MAX, .enable = enable_ring },
	{ KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 1, .enable = enable_ring_bitmap },
	{ KVM_CAP_MEMORY_FAULT_INFO, 1 },
	{ KVM_CAP_MEMORY_ATTRIBUTES, .ask = ask_attributes },
	{ KVM_CAP_GUEST_MEMFD, 1 },
	{ KVM_CAP_GUEST_MEMFD_FLAGS, TSR_GMEM_FLAGS },
	{ KVM_CAP_ARM_VM_IPA_SIZE, .ask = ask_ipa_bits },
	{ KVM_CAP_ARM_MTE, .ask = ask_mte, .enable = enable_mte },
	{ KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED, .ask = ask_cacheable_pfnmap },

	{ KVM_CAP_NR_VCPUS, .ask = ask_vcpus },
	{ KVM_CAP_MAX_VCPUS, TSR_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, TSR_MAX_VCPUS },
	{ KVM_CAP_ONE_REG, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_ARM_PSCI, 1 },
	{ KVM_CAP_ARM_PSCI_0_2, 1 },
	{ KVM_CAP_ARM_INJECT_EXT_DABT, 1 },
	{ KVM_CAP_ARM_NISV_TO_USER, 1, .enable = enable_nisv },
	{ KVM_CAP_ARM_INJECT_SERROR_ESR, .ask = ask_serror_esr },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, TSR_GUESTDBG_VALID },
	{ KVM_CAP_GUEST_DEBUG_HW_BPS, .ask = ask_breakpoints },
	{ KVM_CAP_GUEST_DEBUG_HW_WPS, .ask = ask_watchpoints },
	{ KVM_CAP_ARM_PTRAUTH_ADDRESS, .ask = ask_ptrauth },
	{ KVM_CAP_ARM_PTRAUTH_GENERIC, .ask = ask_ptrauth },
	{ KVM_CAP_SYSTEM_EVENT_DATA, 1 },
	{ KVM_CAP_ARM_SYSTEM_SUSPEND, 1, .enable = enable_system_suspend },
	{ KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES, BIT(KVM_ARM_FEATURE_ID_RANGE) },
	{ KVM_CAP_ARM_WRITABLE_IMP_ID_REGS, 1, .enable = enable_imp_id_regs },
	{ KVM_CAP_STEAL_TIME, 1 },
	{ KVM_CAP_PTP_KVM, 1 },
	{ KVM_CAP_VM_ATTRIBUTES, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },

	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_BINARY_STATS_FD, 1 },

	{ KVM_CAP_TSR_VERSION, KVM_TSR_VERSION },
	{ KVM_CAP_TSR_NOTAG, .ask = ask_notag },
	{ KVM_CAP_TSR_LAZY_TAGS, .ask = ask_mte, .enable = enable_lazy_tags },
	{ KVM_CAP_TSR_ATTRIBUTE_FLAGS, .ask = ask_attribute_flags },
	{ KVM_CAP_TSR_TAG_BATCH, .ask = ask_tag_batch },
	{ KVM_CAP_TSR_MEMORY_QUERY, 1 },
	{ KVM_CAP_TSR_PFNMAP_CMO, 1, .enable = enable_pfnmap_cmo },
};

static const struct tsr_cap *cap_find(unsigned long number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == number)
			return &caps[i];
	return NULL;
}

long tsr_check_extension(const struct tsr_vm *vm, unsigned long number)
{
	const struct tsr_cap *cap = cap_find(number);

	if (!cap)
		return 0;
	return cap->ask ? cap->ask(vm) : cap->value;
}

long tsr_enable_cap(struct tsr_vm *vm, const struct kvm_enable_cap *request)
{
	const struct tsr_cap *cap = cap_find(request->cap);

	if (!cap || !cap->enable || request->flags)
		return -EINVAL;
	return cap->enable(vm, request->args[0]);
}
