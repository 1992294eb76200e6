/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>
#include "uapi/tessera.h"

#include "tessera/promote.h"
#include "tessera/vm.h"

/* Type 0 of KVM_CREATE_VM means this; a smaller host says so itself. */
#define IPA_BITS_DEFAULT 40

#ifndef PROT_MTE
#define PROT_MTE 0x20
#endif

/* What a fault needs and what an attribute denies have the same numbers. */
_Static_assert(TSR_FAULT_READ == KVM_MEMORY_ATTRIBUTE_NR, "docs/abi.md");
_Static_assert(TSR_FAULT_WRITE == KVM_MEMORY_ATTRIBUTE_NW, "docs/abi.md");
_Static_assert(TSR_FAULT_EXEC == KVM_MEMORY_ATTRIBUTE_NX, "docs/abi.md");
_Static_assert(TSR_FAULT_TAG == KVM_MEMORY_ATTRIBUTE_NT, "docs/abi.md");

int tsr_check_extension(int fd, unsigned int capability)
{
	int answer = ioctl(fd, KVM_CHECK_EXTENSION, (unsigned long)capability);

	return answer < 0 ? 0 : answer;
}

static int device_query(struct tsr_host *host, const char *device, struct tsr_why *why)
{
	int version = ioctl(host->fd, KVM_GET_API_VERSION, 0);
	int run_size = ioctl(host->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	int bits;

	if (version < 0)
		return tsr_because(why, -EINVAL, "%s does not answer like KVM: %s.", device,
				   strerror(errno));
	if (version != KVM_API_VERSION)
		return tsr_because(
			why, -ENOTSUP,
			"%s speaks version %d of the KVM interface; this program needs %d.", device,
			version, KVM_API_VERSION);
	if (run_size < (int)sizeof(struct kvm_run))
		return tsr_because(why, -EINVAL, "%s does not tell the size of struct kvm_run.",
				   device);
	host->run_size = (size_t)run_size;
	bits = tsr_check_extension(host->fd, KVM_CAP_ARM_VM_IPA_SIZE);
	host->ipa_bits = bits ? (unsigned int)bits : IPA_BITS_DEFAULT;
	host->tsr_version = tsr_check_extension(host->fd, KVM_CAP_TSR_VERSION);
	return 0;
}

int tsr_host_open(struct tsr_host *host, const char *device, struct tsr_why *why)
{
	int error;

	host->fd = open(device, O_RDWR | O_CLOEXEC);
	if (host->fd < 0)
		return tsr_because(
			why, -errno,
			"Cannot open %s: %s. Load tessera.ko, or boot a kernel with KVM, "
			"and check the permissions of the device.",
			device, strerror(errno));
	error = device_query(host, device, why);
	if (error)
		close(host->fd);
	return error;
}

void tsr_host_close(struct tsr_host *host)
{
	close(host->fd);
}

static int enable_mte(struct tsr_vm *vm, struct tsr_why *why)
{
	struct kvm_enable_cap enable = { .cap = KVM_CAP_ARM_MTE };

	if (!tsr_check_extension(vm->fd, KVM_CAP_ARM_MTE))
		return tsr_because(
			why, -ENOTSUP,
			"This host has no MTE for guests: its CPU lacks FEAT_MTE2, or the "
			"kernel does not use it. Run without --mte, or on another host.");
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &enable))
		return tsr_because(why, -errno, "The hypervisor refuses MTE for the VM: %s.",
				   strerror(errno));
	vm->mte = true;
	return 0;
}

int tsr_vm_create(struct tsr_vm *vm, struct tsr_host *host, unsigned int address_bits, bool mte,
		  struct tsr_why *why)
{
	int error = 0;

	memset(vm, 0, sizeof(*vm));
	vm->host = host;
	vm->ipa_bits = address_bits > IPA_BITS_DEFAULT ? address_bits : IPA_BITS_DEFAULT;
	if (vm->ipa_bits > host->ipa_bits)
		vm->ipa_bits = host->ipa_bits;
	if (address_bits > vm->ipa_bits)
		return tsr_because(
			why, -ENOTSUP,
			"The memory needs guest addresses of %u bits and this host serves "
			"%u. Put it at lower addresses.",
			address_bits, host->ipa_bits);
	vm->fd = ioctl(host->fd, KVM_CREATE_VM, (unsigned long)vm->ipa_bits);
	if (vm->fd < 0)
		return tsr_because(why, -errno,
				   "The hypervisor makes no VM of %u address bits: %s.",
				   vm->ipa_bits, strerror(errno));
	if (mte)
		error = enable_mte(vm, why);
	if (error) {
		close(vm->fd);
		return error;
	}
	vm->attributes = (uint64_t)tsr_check_extension(vm->fd, KVM_CAP_MEMORY_ATTRIBUTES);
	if (host->tsr_version) {
		vm->notag = tsr_check_extension(vm->fd, KVM_CAP_TSR_NOTAG);
		vm->attribute_flags =
			(uint64_t)tsr_check_extension(vm->fd, KVM_CAP_TSR_ATTRIBUTE_FLAGS);
	}
	return 0;
}

int tsr_vm_lazy_tags(struct tsr_vm *vm, struct tsr_why *why)
{
	struct kvm_enable_cap enable = { .cap = KVM_CAP_TSR_LAZY_TAGS };

	if (!vm->host->tsr_version || !tsr_check_extension(vm->fd, KVM_CAP_TSR_LAZY_TAGS) ||
	    ioctl(vm->fd, KVM_ENABLE_CAP, &enable))
		return tsr_because(why, -ENOTSUP,
				   "This hypervisor has no lazy tags. Run with --tags eager.");
	vm->lazy_tags = true;
	return 0;
}

void tsr_vm_destroy(struct tsr_vm *vm)
{
	close(vm->fd);
}

bool tsr_region_can_tag(const struct tsr_ram_region *region)
{
	int flags = region->kind == TSR_RAM_FILE_SHARED ? MAP_SHARED : MAP_PRIVATE;
	void *page;

	if (region->kind == TSR_RAM_ANON || region->kind == TSR_RAM_MEMFD)
		return true;
	/* The kernel takes PROT_MTE for memory that can hold tags only. */
	page = mmap(NULL, TSR_PAGE_SIZE, PROT_READ | PROT_MTE, flags, region->file, 0);
	if (page == MAP_FAILED)
		return false;
	munmap(page, TSR_PAGE_SIZE);
	return true;
}

static uint32_t slot_flags(const struct tsr_vm *vm, const struct tsr_ram_region *region,
			   enum tsr_slot_policy policy)
{
	const uint32_t both = KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH;
	bool needed = vm->mte && vm->host->tsr_version && !tsr_region_can_tag(region);

	switch (policy) {
	case TSR_SLOT_PROMOTE:
		if (!needed)
			return 0;
		return tsr_region_promotable(region) ? both : KVM_MEM_TSR_TAGS_OPTIONAL;
	case TSR_SLOT_TAG_ONLY:
		return needed ? KVM_MEM_TSR_TAGS_OPTIONAL : 0;
	case TSR_SLOT_NONE:
		return 0;
	case TSR_SLOT_OPTIONAL:
		return KVM_MEM_TSR_TAGS_OPTIONAL;
	case TSR_SLOT_ON_TOUCH:
		return both;
	}
	return 0;
}

static int explain_refusal(const struct tsr_vm *vm, const struct tsr_ram_region *region,
			   uint32_t flags, int error, struct tsr_why *why)
{
	const char *kind = tsr_ram_kind_name(region->kind);

	if (error != -EINVAL || !vm->mte || tsr_region_can_tag(region))
		return tsr_because(why, error,
				   "The hypervisor refuses the memory at 0x%" PRIx64
				   " (%s, slot flags 0x%x): %s.",
				   region->gpa.start, kind, flags, strerror(-error));
	if (!vm->host->tsr_version)
		return tsr_because(why, -EOPNOTSUPP,
				   "The memory at 0x%" PRIx64
				   " (%s %s) cannot hold allocation tags, "
				   "and this kernel's KVM refuses such memory in a VM with MTE "
				   "(EINVAL). Load tessera.ko instead, use memory that holds tags "
				   "(anon or memfd), or run without --mte.",
				   region->gpa.start, kind, region->path);
	return tsr_because(
		why, -EOPNOTSUPP,
		"The memory at 0x%" PRIx64 " (%s %s) cannot hold allocation tags, and "
		"tessera refuses it with slot flags 0x%x in a VM with MTE (EINVAL): it needs "
		"TAGS_OPTIONAL, and on this kind of host also TAGS_ON_TOUCH, which is for "
		"memory that the VMM may promote (--on-tag-fault promote).",
		region->gpa.start, kind, region->path, flags);
}

int tsr_vm_guest_memfds(struct tsr_vm *vm, struct tsr_ram *ram, struct tsr_why *why)
{
	for (size_t i = 0; i < ram->count; i++) {
		struct tsr_ram_region *region = &ram->regions[i];
		struct kvm_create_guest_memfd create = { .size = tsr_range_size(region->gpa) };

		if (!region->may_be_private)
			continue;
		if (!tsr_check_extension(vm->fd, KVM_CAP_GUEST_MEMFD) ||
		    !tsr_vm_can_deny(vm, TSR_FAULT_PRIVATE))
			return tsr_because(why, -ENOTSUP,
					   "This hypervisor has no private memory: load "
					   "tessera.ko.");
		region->guest_memfd = ioctl(vm->fd, KVM_CREATE_GUEST_MEMFD, &create);
		if (region->guest_memfd < 0)
			return tsr_because(why, -errno,
					   "There can be no private memory of %" PRIu64
					   " bytes at 0x%" PRIx64 ": %s.",
					   tsr_range_size(region->gpa), region->gpa.start,
					   strerror(errno));
	}
	return 0;
}

int tsr_vm_forward(struct tsr_vm *vm, uint32_t first, uint32_t count, struct tsr_why *why)
{
	struct kvm_smccc_filter filter = {
		.base = first,
		.nr_functions = count,
		.action = KVM_SMCCC_FILTER_FWD_TO_USER,
	};
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
		.addr = (uintptr_t)&filter,
	};
	int error;

	if (!ioctl(vm->fd, KVM_SET_DEVICE_ATTR, &attr))
		return 0;
	error = errno == ENXIO || errno == ENOTTY ? ENOTSUP : errno;
	return tsr_because(why, -error, "The hypervisor does not forward the guest's calls: %s.",
			   strerror(error));
}

/* A slot with its private memory, or none. */
static int slot_set(struct tsr_vm *vm, const struct tsr_ram_region *region, uint32_t flags)
{
	struct kvm_userspace_memory_region2 slot = {
		.slot = vm->slots,
		.flags = flags,
		.guest_phys_addr = region->gpa.start,
		.memory_size = tsr_range_size(region->gpa),
		.userspace_addr = (uintptr_t)region->host,
	};
	unsigned long request = KVM_SET_USER_MEMORY_REGION;

	/* A kernel that knows the one need not know the other. */
	if (region->guest_memfd >= 0) {
		request = KVM_SET_USER_MEMORY_REGION2;
		slot.flags |= KVM_MEM_GUEST_MEMFD;
		slot.guest_memfd = (uint32_t)region->guest_memfd;
	}
	return ioctl(vm->fd, request, &slot) ? -errno : 0;
}

int tsr_vm_add_ram(struct tsr_vm *vm, const struct tsr_ram *ram, enum tsr_slot_policy policy,
		   struct tsr_why *why)
{
	for (size_t i = 0; i < ram->count; i++) {
		const struct tsr_ram_region *region = &ram->regions[i];
		uint32_t flags = slot_flags(vm, region, policy);
		int error = slot_set(vm, region, flags);

		if (error)
			return explain_refusal(vm, region, flags, error, why);
		vm->slots++;
	}
	return 0;
}

bool tsr_vm_can_deny(const struct tsr_vm *vm, uint64_t needs)
{
	uint64_t flags = KVM_MEMORY_ATTRIBUTES_SET | KVM_MEMORY_ATTRIBUTES_CLEAR;

	return !(needs & ~vm->attributes) && (vm->attribute_flags & flags) == flags;
}

int tsr_vm_attributes(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny)
{
	struct tsr_vm *vm = opaque;
	struct kvm_memory_attributes change = {
		.address = gpa.start,
		.size = tsr_range_size(gpa),
		.attributes = needs,
		.flags = deny ? KVM_MEMORY_ATTRIBUTES_SET : KVM_MEMORY_ATTRIBUTES_CLEAR,
	};

	return ioctl(vm->fd, KVM_SET_MEMORY_ATTRIBUTES, &change) ? -errno : 0;
}

int tsr_vm_no_write(void *opaque, struct tsr_range gpa, bool set)
{
	return tsr_vm_attributes(opaque, gpa, TSR_FAULT_WRITE, set);
}
