// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "machine.h"
#include "tap.h"

/* The page of slot 0 that holds the stage-1 table; the snippets end before it. */
#define TABLE_OFFSET (8 * PAGE)

/* Arm ARM D8.3, 4K granule, level 1 blocks of 1 GiB. */
#define S1_BLOCK    1UL
#define S1_ATTR(n)  ((uint64_t)(n) << 2)
#define S1_SH_INNER (3UL << 8)
#define S1_AF	    (1UL << 10)
#define S1_AP_EL0   (1UL << 6)
#define S1_PXN	    (1UL << 53)
#define S1_UXN	    (1UL << 54)

/* MAIR_EL1: index 0 Normal Tagged write-back, index 1 Device-nGnRE. */
#define MAIR_VALUE 0x04f0UL

/* TCR_EL1: T0SZ 25, walks write-back inner shareable, 4K, EPD1, IPS 40 bits, TBI0. */
#define TCR_VALUE (25UL | 1UL << 8 | 1UL << 10 | 3UL << 12 | 1UL << 23 | 2UL << 32 | 1UL << 37)

/* SCTLR_EL1: M, C, I, cache maintenance and DC ZVA at EL0; for MTE: ATA and ATA0. */
#define SCTLR_MMU (1UL << 0 | 1UL << 2 | 1UL << 12 | 1UL << 14 | 1UL << 26)
#define SCTLR_MTE (3UL << 42)
/* TCF and TCF0: synchronous. */
#define SCTLR_TCF (1UL << 40 | 1UL << 38)

/* PSTATE: EL1h or EL0t, DAIF masked, TCO clear. */
#define PSTATE_EL1H 0x3c5UL
#define PSTATE_EL0T 0x3c0UL

long machine_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa, uint64_t size,
		  const void *hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return call(m->vm, KVM_SET_USER_MEMORY_REGION, (unsigned long)&region);
}

long machine_gmem(struct machine *m, uint64_t size, uint64_t flags)
{
	struct kvm_create_guest_memfd create = { .size = size, .flags = flags };

	return call(m->vm, KVM_CREATE_GUEST_MEMFD, (unsigned long)&create);
}

long machine_gmem_slot(struct machine *m, uint32_t slot, uint32_t flags, uint64_t gpa,
		       uint64_t size, const void *hva, int fd, uint64_t offset)
{
	struct kvm_userspace_memory_region2 region = {
		.slot = slot,
		.flags = flags | KVM_MEM_GUEST_MEMFD,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
		.guest_memfd = (uint32_t)fd,
		.guest_memfd_offset = offset,
	};

	return call(m->vm, KVM_SET_USER_MEMORY_REGION2, (unsigned long)&region);
}

long machine_attr(struct machine *m, uint64_t gpa, uint64_t size, uint64_t attr, uint64_t flags)
{
	struct kvm_memory_attributes attributes = {
		.address = gpa,
		.size = size,
		.attributes = attr,
		.flags = flags,
	};

	return call(m->vm, KVM_SET_MEMORY_ATTRIBUTES, (unsigned long)&attributes);
}

long machine_cap(struct machine *m, uint32_t cap)
{
	struct kvm_enable_cap enable = { .cap = cap };

	return call(m->vm, KVM_ENABLE_CAP, (unsigned long)&enable);
}

uint64_t machine_get(struct machine *m, uint64_t reg)
{
	uint64_t value;
	struct kvm_one_reg one = { .id = reg, .addr = (uintptr_t)&value };

	if (call(m->vcpu, KVM_GET_ONE_REG, (unsigned long)&one) < 0)
		err(2, "register %#llx cannot be read", (unsigned long long)reg);
	return value;
}

void machine_set(struct machine *m, uint64_t reg, uint64_t value)
{
	struct kvm_one_reg one = { .id = reg, .addr = (uintptr_t)&value };

	if (call(m->vcpu, KVM_SET_ONE_REG, (unsigned long)&one) < 0)
		err(2, "register %#llx cannot be written", (unsigned long long)reg);
}

static void stage1_fill(struct machine *m)
{
	uint64_t *table = (uint64_t *)(m->code + TABLE_OFFSET);

	table[0] = S1_BLOCK | S1_ATTR(1) | S1_AF | S1_PXN | S1_UXN;
	for (uint64_t i = 1; i < EL0_WINDOW >> 30; i++)
		table[i] = i << 30 | S1_BLOCK | S1_ATTR(0) | S1_SH_INNER | S1_AF;
	for (uint64_t i = EL0_WINDOW >> 30; i < 512; i++)
		table[i] = table[i - (EL0_WINDOW >> 30)] | S1_AP_EL0;
}

static void stage1_enable(struct machine *m, bool mte)
{
	machine_set(m, REG_MAIR_EL1, MAIR_VALUE);
	machine_set(m, REG_TCR_EL1, TCR_VALUE);
	machine_set(m, REG_TTBR0_EL1, CODE_GPA + TABLE_OFFSET);
	machine_set(m, REG_SCTLR_EL1,
		    machine_get(m, REG_SCTLR_EL1) | SCTLR_MMU | (mte ? SCTLR_MTE | SCTLR_TCF : 0));
}

void machine_checks(struct machine *m, bool on)
{
	uint64_t sctlr = machine_get(m, REG_SCTLR_EL1) & ~SCTLR_TCF;

	machine_set(m, REG_SCTLR_EL1, on ? sctlr | SCTLR_TCF : sctlr);
}

static void vcpu_open(struct machine *m, unsigned long id)
{
	struct kvm_vcpu_init init;
	long size = call(env.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	m->vcpu = (int)call(m->vm, KVM_CREATE_VCPU, id);
	if (m->vcpu < 0 || call(m->vm, KVM_ARM_PREFERRED_TARGET, (unsigned long)&init) < 0)
		err(2, "a vCPU cannot be made");
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	if (call(m->vcpu, KVM_ARM_VCPU_INIT, (unsigned long)&init) < 0)
		err(2, "a vCPU cannot be initialised");
	m->run = memory_map((size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu);
}

static void vcpu_start(struct machine *m, unsigned long id, unsigned int flags)
{
	vcpu_open(m, id);
	machine_set(m, REG_VBAR_EL1, CODE_GPA);
	machine_set(m, REG_PSTATE, PSTATE_EL1H);
	if (flags & MACHINE_MMU)
		stage1_enable(m, flags & MACHINE_MTE);
}

static void machine_rings(struct machine *m, bool bitmap)
{
	struct kvm_enable_cap enable = { .cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL, .args = { PAGE } };

	if (call(m->vm, KVM_ENABLE_CAP, (unsigned long)&enable) < 0 ||
	    (bitmap && machine_cap(m, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP) < 0))
		err(2, "dirty rings cannot be enabled");
}

void machine_open(struct machine *m, unsigned int flags)
{
	*m = (struct machine){ .vcpu = -1 };
	m->vm = (int)call(env.kvm, KVM_CREATE_VM, flags & MACHINE_SMALL ? SMALL_IPA_BITS : 0);
	if (m->vm < 0)
		err(2, "a VM cannot be made");
	if ((flags & MACHINE_IMP_ID) && machine_cap(m, KVM_CAP_ARM_WRITABLE_IMP_ID_REGS) < 0)
		err(2, "ID registers cannot be made writable");
	if (flags & MACHINE_RING)
		machine_rings(m, flags & MACHINE_RING_BITMAP);
	if ((flags & MACHINE_LAZY) && machine_cap(m, KVM_CAP_TSR_LAZY_TAGS) < 0)
		err(2, "lazy tags cannot be enabled");
	if ((flags & MACHINE_CMO) && machine_cap(m, KVM_CAP_TSR_PFNMAP_CMO) < 0)
		err(2, "KVM_CAP_TSR_PFNMAP_CMO cannot be enabled");
	if ((flags & MACHINE_MTE) && machine_cap(m, KVM_CAP_ARM_MTE) < 0)
		err(2, "MTE cannot be enabled");
	if (flags & MACHINE_NO_VCPU)
		return;
	m->code = memory_anon(CODE_SIZE);
	memcpy(m->code, guest_begin, (size_t)(guest_end - guest_begin));
	__builtin___clear_cache((char *)m->code, (char *)m->code + CODE_SIZE);
	if (machine_slot(m, 0, 0, CODE_GPA, CODE_SIZE, m->code) < 0)
		err(2, "slot 0 cannot be made");
	stage1_fill(m);
	vcpu_start(m, 0, flags);
}

void machine_second(struct machine *m, const struct machine *first, unsigned int flags)
{
	*m = (struct machine){ .vm = first->vm };
	vcpu_start(m, 1, flags);
	m->vm = -1;
}

void machine_close(struct machine *m)
{
	if (m->run)
		munmap(m->run, (size_t)call(env.kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	if (m->vcpu >= 0)
		close(m->vcpu);
	if (m->vm >= 0)
		close(m->vm);
	if (m->code)
		munmap(m->code, CODE_SIZE);
}

uint64_t machine_snippet(const void *snippet)
{
	return CODE_GPA + (uint64_t)((const uint8_t *)snippet - guest_begin);
}

static void call_at(struct machine *m, uint64_t pstate, uint64_t window, const void *snippet,
		    uint64_t x0, uint64_t x1)
{
	/* An MMIO exit moves PC only when KVM_RUN completes it. */
	m->run->immediate_exit = 1;
	machine_run(m);
	m->run->immediate_exit = 0;
	machine_set(m, REG_PSTATE, pstate);
	machine_set(m, REG_PC, window + machine_snippet(snippet));
	machine_set(m, REG_X(0), window + x0);
	machine_set(m, REG_X(1), x1);
	machine_set(m, REG_X(9), window + DONE_GPA);
}

void machine_call(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1)
{
	call_at(m, PSTATE_EL1H, 0, snippet, x0, x1);
}

void machine_call_el0(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1)
{
	call_at(m, PSTATE_EL0T, EL0_WINDOW, snippet, x0, x1);
}

long machine_run(struct machine *m)
{
	return call(m->vcpu, KVM_RUN, 0);
}

bool machine_done(const struct machine *m, uint64_t *value)
{
	const struct kvm_run *run = m->run;

	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != DONE_GPA ||
	    !run->mmio.is_write || run->mmio.len != 8)
		return false;
	if (value)
		memcpy(value, run->mmio.data, sizeof(*value));
	return true;
}

bool machine_finishes(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1,
		      uint64_t *value)
{
	machine_call(m, snippet, x0, x1);
	return machine_run(m) == 0 && machine_done(m, value);
}

bool machine_faulted(const struct machine *m, long ret, uint64_t flags, uint64_t gpa)
{
	const struct kvm_run *run = m->run;

	if (ret == -EFAULT && run->exit_reason == KVM_EXIT_MEMORY_FAULT &&
	    run->memory_fault.flags == flags && run->memory_fault.gpa == gpa &&
	    run->memory_fault.size == PAGE)
		return true;
	tap_note("expected a memory fault, flags %#llx, gpa %#llx", (unsigned long long)flags,
		 (unsigned long long)gpa);
	machine_explain(m, ret);
	return false;
}

void machine_explain(const struct machine *m, long ret)
{
	const struct kvm_run *run = m->run;

	tap_note("KVM_RUN: %s, exit reason %u", ret < 0 ? strerrorname_np((int)-ret) : "0",
		 run->exit_reason);
	if (run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		tap_note("memory fault: flags %#llx gpa %#llx size %#llx",
			 (unsigned long long)run->memory_fault.flags,
			 (unsigned long long)run->memory_fault.gpa,
			 (unsigned long long)run->memory_fault.size);
	if (run->exit_reason == KVM_EXIT_MMIO)
		tap_note("mmio: %s of %u bytes at %#llx, data %#llx",
			 run->mmio.is_write ? "write" : "read", run->mmio.len,
			 (unsigned long long)run->mmio.phys_addr,
			 *(const unsigned long long *)run->mmio.data);
}

int64_t machine_counter(int fd, const char *name)
{
	struct kvm_stats_header header;
	char buffer[sizeof(struct kvm_stats_desc) + 256];
	struct kvm_stats_desc *desc = (void *)buffer;
	uint64_t value;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) || header.name_size > 256)
		return -1;
	for (unsigned int i = 0; i < header.num_desc; i++) {
		size_t size = sizeof(*desc) + header.name_size;
		off_t at = (off_t)(header.desc_offset + i * size);

		if (pread(fd, buffer, size, at) != (ssize_t)size)
			return -1;
		at = (off_t)(header.data_offset + desc->offset);
		if (!strcmp(desc->name, name))
			return pread(fd, &value, sizeof(value), at) == sizeof(value)
				       ? (int64_t)value
				       : -1;
	}
	return -1;
}
