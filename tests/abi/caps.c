// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * KVM_CHECK_EXTENSION of every number on both fds: docs/abi.md 2.2 restated. What is not
 * in the table is 0.
 */
#include <errno.h>
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "tap.h"

/* Numbers up to here are asked one by one; mainline's last is well below. */
#define CAP_LAST     400
#define CAP_TSR_LAST 0x5453001f

enum answer {
	ANSWER_ONE,
	ANSWER_SOME, /* at least 1: a count or a size of this host */
	ANSWER_HOST, /* 0 or 1 by the host */
	ANSWER_VM,   /* at least 1 on a VM, 0 on /dev/kvm */
};

static const struct served {
	const char *name;
	unsigned int cap;
	enum answer answer;
} table[] = {
	{ "USER_MEMORY", KVM_CAP_USER_MEMORY, ANSWER_ONE },
	{ "NR_VCPUS", KVM_CAP_NR_VCPUS, ANSWER_SOME },
	{ "NR_MEMSLOTS", KVM_CAP_NR_MEMSLOTS, ANSWER_SOME },
	{ "COALESCED_MMIO", KVM_CAP_COALESCED_MMIO, ANSWER_ONE },
	{ "SYNC_MMU", KVM_CAP_SYNC_MMU, ANSWER_ONE },
	{ "DESTROY_MEMORY_REGION_WORKS", KVM_CAP_DESTROY_MEMORY_REGION_WORKS, ANSWER_ONE },
	{ "JOIN_MEMORY_REGIONS_WORKS", KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, ANSWER_ONE },
	{ "SET_GUEST_DEBUG", KVM_CAP_SET_GUEST_DEBUG, ANSWER_ONE },
	{ "VCPU_EVENTS", KVM_CAP_VCPU_EVENTS, ANSWER_ONE },
	{ "MAX_VCPUS", KVM_CAP_MAX_VCPUS, ANSWER_SOME },
	{ "MP_STATE", KVM_CAP_MP_STATE, ANSWER_ONE },
	{ "ARM_INJECT_SERROR_ESR", KVM_CAP_ARM_INJECT_SERROR_ESR, ANSWER_HOST },
	{ "ONE_REG", KVM_CAP_ONE_REG, ANSWER_ONE },
	{ "READONLY_MEM", KVM_CAP_READONLY_MEM, ANSWER_ONE },
	{ "ARM_PSCI", KVM_CAP_ARM_PSCI, ANSWER_ONE },
	{ "ENABLE_CAP_VM", KVM_CAP_ENABLE_CAP_VM, ANSWER_ONE },
	{ "ARM_PSCI_0_2", KVM_CAP_ARM_PSCI_0_2, ANSWER_ONE },
	{ "CHECK_EXTENSION_VM", KVM_CAP_CHECK_EXTENSION_VM, ANSWER_ONE },
	{ "GUEST_DEBUG_HW_BPS", KVM_CAP_GUEST_DEBUG_HW_BPS, ANSWER_SOME },
	{ "GUEST_DEBUG_HW_WPS", KVM_CAP_GUEST_DEBUG_HW_WPS, ANSWER_SOME },
	{ "VCPU_ATTRIBUTES", KVM_CAP_VCPU_ATTRIBUTES, ANSWER_ONE },
	{ "MAX_VCPU_ID", KVM_CAP_MAX_VCPU_ID, ANSWER_SOME },
	{ "IMMEDIATE_EXIT", KVM_CAP_IMMEDIATE_EXIT, ANSWER_ONE },
	{ "MANUAL_DIRTY_LOG_PROTECT2", KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, ANSWER_SOME },
	{ "DIRTY_LOG_RING_ACQ_REL", KVM_CAP_DIRTY_LOG_RING_ACQ_REL, ANSWER_SOME },
	{ "DIRTY_LOG_RING_WITH_BITMAP", KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, ANSWER_ONE },
	{ "ARM_VM_IPA_SIZE", KVM_CAP_ARM_VM_IPA_SIZE, ANSWER_SOME },
	{ "ARM_PTRAUTH_ADDRESS", KVM_CAP_ARM_PTRAUTH_ADDRESS, ANSWER_HOST },
	{ "ARM_PTRAUTH_GENERIC", KVM_CAP_ARM_PTRAUTH_GENERIC, ANSWER_HOST },
	{ "ARM_NISV_TO_USER", KVM_CAP_ARM_NISV_TO_USER, ANSWER_ONE },
	{ "ARM_INJECT_EXT_DABT", KVM_CAP_ARM_INJECT_EXT_DABT, ANSWER_ONE },
	{ "STEAL_TIME", KVM_CAP_STEAL_TIME, ANSWER_ONE },
	{ "SET_GUEST_DEBUG2", KVM_CAP_SET_GUEST_DEBUG2, ANSWER_SOME },
	{ "PTP_KVM", KVM_CAP_PTP_KVM, ANSWER_ONE },
	{ "BINARY_STATS_FD", KVM_CAP_BINARY_STATS_FD, ANSWER_ONE },
	{ "ARM_MTE", KVM_CAP_ARM_MTE, ANSWER_HOST },
	{ "COALESCED_PIO", KVM_CAP_COALESCED_PIO, ANSWER_ONE },
	{ "ARM_SYSTEM_SUSPEND", KVM_CAP_ARM_SYSTEM_SUSPEND, ANSWER_ONE },
	{ "SYSTEM_EVENT_DATA", KVM_CAP_SYSTEM_EVENT_DATA, ANSWER_ONE },
	{ "ARM_SUPPORTED_REG_MASK_RANGES", KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES, ANSWER_ONE },
	{ "USER_MEMORY2", KVM_CAP_USER_MEMORY2, ANSWER_ONE },
	{ "MEMORY_FAULT_INFO", KVM_CAP_MEMORY_FAULT_INFO, ANSWER_ONE },
	{ "MEMORY_ATTRIBUTES", KVM_CAP_MEMORY_ATTRIBUTES, ANSWER_VM },
	{ "GUEST_MEMFD", KVM_CAP_GUEST_MEMFD, ANSWER_ONE },
	{ "GUEST_MEMFD_FLAGS", KVM_CAP_GUEST_MEMFD_FLAGS, ANSWER_SOME },
	{ "ARM_WRITABLE_IMP_ID_REGS", KVM_CAP_ARM_WRITABLE_IMP_ID_REGS, ANSWER_ONE },
	{ "VM_ATTRIBUTES", KVM_CAP_VM_ATTRIBUTES, ANSWER_HOST }, /* mainline: 0 */
	{ "TSR_VERSION", KVM_CAP_TSR_VERSION, ANSWER_ONE },
	{ "TSR_NOTAG", KVM_CAP_TSR_NOTAG, ANSWER_HOST },
	{ "TSR_LAZY_TAGS", KVM_CAP_TSR_LAZY_TAGS, ANSWER_HOST },
	{ "TSR_ATTRIBUTE_FLAGS", KVM_CAP_TSR_ATTRIBUTE_FLAGS, ANSWER_VM },
	{ "TSR_MEMORY_QUERY", KVM_CAP_TSR_MEMORY_QUERY, ANSWER_ONE },
	{ "ARM_CACHEABLE_PFNMAP_SUPPORTED", KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED, ANSWER_HOST },
	{ "TSR_PFNMAP_CMO", KVM_CAP_TSR_PFNMAP_CMO, ANSWER_ONE },
	{ "TSR_TAG_BATCH", KVM_CAP_TSR_TAG_BATCH, ANSWER_HOST },
};

static const struct served *served(unsigned int cap)
{
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].cap == cap)
			return &table[i];
	}
	return NULL;
}

static bool fits(enum answer answer, long got, bool on_vm)
{
	switch (answer) {
	case ANSWER_ONE:
		return got == 1;
	case ANSWER_SOME:
		return got >= 1;
	case ANSWER_HOST:
		return got == 0 || got == 1;
	case ANSWER_VM:
		return on_vm ? got >= 1 : got == 0;
	}
	return false;
}

static void check_served(int fd, const char *where)
{
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		long got = call(fd, KVM_CHECK_EXTENSION, table[i].cap);

		if (!env.tsr && table[i].cap >= KVM_CAP_MEMORY_FAULT_INFO) {
			tap_skip(env_lacks(NEED_TSR), "%s: CAP_%s", where, table[i].name);
			continue;
		}
		if (!tap_ok(fits(table[i].answer, got, fd != env.kvm), "%s: CAP_%s", where,
			    table[i].name))
			tap_note("got %ld", got);
	}
}

/* One test for the whole range: what is not served answers 0. */
static void check_unserved(int fd, const char *where, unsigned int from, unsigned int to)
{
	bool pass = true;

	if (!env.tsr) {
		tap_skip("mainline serves others", "%s: no capability more in %u..%u", where, from,
			 to);
		return;
	}
	for (unsigned int cap = from; cap <= to; cap++) {
		long got = served(cap) ? 0 : call(fd, KVM_CHECK_EXTENSION, cap);

		if (got) {
			tap_note("CHECK_EXTENSION of %u: %ld", cap, got);
			pass = false;
		}
	}
	tap_ok(pass, "%s: no capability more in %u..%u", where, from, to);
}

static void check_unknown(int fd, const char *where)
{
	static const unsigned long numbers[] = {
		CAP_LAST + 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x54530020, 0x5453ffff, ~0UL,
	};

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		tap_ok(call(fd, KVM_CHECK_EXTENSION, numbers[i]) == 0, "%s: CAP %#lx is unknown: 0",
		       where, numbers[i]);
}

/* The models that the emulated host can be, and what they have. */
static const struct model {
	const char *name;
	bool mte;
	bool notag;
	bool cacheable; /* S2FWB and DIC */
} models[] = {
	{ "max", true, true, true },
	{ "neoverse-n2", true, false, true },
	{ "cortex-a710", true, false, false },
	{ "cortex-a76", false, false, false },
	{ "neoverse-n1", false, false, false },
};

/* The emulated host says its model; elsewhere there is nothing to compare with. */
static void check_model(const char *cpu)
{
	for (unsigned int i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (!cpu || strcmp(cpu, models[i].name))
			continue;
		tap_ok(env.mte == models[i].mte, "CAP_ARM_MTE is true of %s", cpu);
		if (env.tsr)
			tap_ok(env.notag == models[i].notag, "CAP_TSR_NOTAG is true of %s", cpu);
		else
			tap_skip(env_lacks(NEED_TSR), "CAP_TSR_NOTAG is true of %s", cpu);
		if (env.tsr)
			tap_ok(call(env.kvm, KVM_CHECK_EXTENSION,
				    KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED) == models[i].cacheable,
			       "CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED is true of %s", cpu);
		return;
	}
	tap_skip("TSR_CPU names no known model", "CAP_ARM_MTE and CAP_TSR_NOTAG are true");
}

/* Where the host cannot, a VM can that has opted in; before its first vCPU. */
static void check_cmo(void)
{
	const struct kvm_enable_cap flagged = { .cap = KVM_CAP_TSR_PFNMAP_CMO, .flags = 1 };
	const struct kvm_enable_cap argued = { .cap = KVM_CAP_TSR_PFNMAP_CMO, .args = { 1 } };
	struct machine m;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "CAP_TSR_PFNMAP_CMO enabled");
		return;
	}
	machine_open(&m, MACHINE_NO_VCPU);
	tap_errno(call(m.vm, KVM_ENABLE_CAP, (unsigned long)&flagged), EINVAL,
		  "CAP_TSR_PFNMAP_CMO with flags");
	tap_errno(call(m.vm, KVM_ENABLE_CAP, (unsigned long)&argued), EINVAL,
		  "CAP_TSR_PFNMAP_CMO with an argument");
	tap_errno(machine_cap(&m, KVM_CAP_TSR_PFNMAP_CMO), 0, "CAP_TSR_PFNMAP_CMO enabled");
	tap_errno(machine_cap(&m, KVM_CAP_TSR_PFNMAP_CMO), 0, "and once more");
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED) == 1,
	       "with it CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED is true of the VM");
	machine_close(&m);
	machine_open(&m, 0);
	tap_errno(machine_cap(&m, KVM_CAP_TSR_PFNMAP_CMO), EINVAL,
		  "CAP_TSR_PFNMAP_CMO after the first vCPU");
	machine_close(&m);
	tap_errno(call(env.kvm, KVM_ENABLE_CAP, (unsigned long)&flagged), ENOTTY,
		  "CAP_TSR_PFNMAP_CMO on /dev/kvm");
}

/* What is asked on the VM is about that VM. */
static void check_mte_vm(void)
{
	struct machine m;
	long attributes;

	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "capabilities of a VM with MTE");
		return;
	}
	machine_open(&m, MACHINE_MTE);
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_MTE) == 1, "a VM with MTE: CAP_ARM_MTE");
	attributes = call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);
	tap_ok(env.notag || !(attributes & (long)KVM_MEMORY_ATTRIBUTE_NT),
	       "NT is offered only where NoTagAccess is enforced");
	machine_close(&m);
	machine_open(&m, 0);
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_TSR_NOTAG) == 0,
	       "a VM without MTE: CAP_TSR_NOTAG is 0");
	attributes = call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);
	tap_ok(!(attributes & (long)KVM_MEMORY_ATTRIBUTE_NT),
	       "a VM without MTE: NT is not offered");
	machine_close(&m);
}

static void check_fd(int fd, const char *where)
{
	check_served(fd, where);
	check_unserved(fd, where, 0, CAP_LAST);
	check_unserved(fd, where, KVM_CAP_TSR_VERSION, CAP_TSR_LAST);
	check_unknown(fd, where);
}

void test_caps(void)
{
	struct machine m;

	machine_open(&m, 0);
	check_fd(env.kvm, "/dev/kvm");
	check_fd(m.vm, "VM");
	machine_close(&m);
	check_mte_vm();
	check_cmo();
	check_model(env.cpu);
}
