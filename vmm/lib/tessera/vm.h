/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A VM on /dev/kvm: set-up, memory slots, page attributes.
 *
 * Works on tessera and on the kernel's own KVM alike; what only tessera offers
 * is asked for by KVM_CHECK_EXTENSION and left alone where it is missing.
 *
 * Invariant: a VM that tsr_vm_create() made has the features it was asked for;
 * there is no silent fallback.
 *
 * Sections of api.rst: 4.1-4.4, 4.35, 4.37, 4.140; docs/abi.md for the rest.
 */
#ifndef TESSERA_VM_H
#define TESSERA_VM_H

#include "tessera/ram.h"

struct tsr_host {
	int fd;		       /* /dev/kvm */
	int tsr_version;       /* KVM_CAP_TSR_VERSION; 0: the kernel's own KVM */
	size_t run_size;       /* bytes of struct kvm_run */
	unsigned int ipa_bits; /* the largest guest-physical address space */
};

struct tsr_vm {
	struct tsr_host *host;
	int fd;
	unsigned int ipa_bits;
	bool mte;
	bool lazy_tags;		  /* tsr_vm_lazy_tags() was called */
	bool notag;		  /* KVM_CAP_TSR_NOTAG */
	uint64_t attributes;	  /* those that KVM_SET_MEMORY_ATTRIBUTES takes */
	uint64_t attribute_flags; /* likewise the flags */
	uint32_t slots;		  /* in use */
	_Atomic uint64_t changes; /* completed changes; see tessera/fault.h */
};

/*
 * Which of tessera's flags memory slots get. TAGS_ON_TOUCH promises to supply
 * tags at the first access of any kind; a VMM that stops or injects does not.
 */
enum tsr_slot_policy {
	TSR_SLOT_PROMOTE,  /* what cannot hold tags: both if it may be promoted, else OPTIONAL */
	TSR_SLOT_TAG_ONLY, /* what cannot hold tags: OPTIONAL; no other access may exit */
	TSR_SLOT_NONE,	   /* none: what a VMM that does not know tessera asks for */
	TSR_SLOT_OPTIONAL, /* TAGS_OPTIONAL for all memory */
	TSR_SLOT_ON_TOUCH, /* TAGS_OPTIONAL and TAGS_ON_TOUCH for all memory */
};

/*
 * Errors, explained in @why: those of open(); -ENOTSUP for another API version
 * than 12; -EINVAL if the device does not answer like KVM.
 */
int tsr_host_open(struct tsr_host *host, const char *device, struct tsr_why *why);
void tsr_host_close(struct tsr_host *host);

/* KVM_CHECK_EXTENSION on a /dev/kvm or VM descriptor; 0 for what it does not know. */
int tsr_check_extension(int fd, unsigned int capability);

/*
 * Makes a VM that can address @address_bits bits, with MTE if @mte.
 *
 * Errors, explained in @why: -ENOTSUP if the host has no such address space or
 * no MTE for guests; those of KVM_CREATE_VM and KVM_ENABLE_CAP.
 */
int tsr_vm_create(struct tsr_vm *vm, struct tsr_host *host, unsigned int address_bits, bool mte,
		  struct tsr_why *why);
void tsr_vm_destroy(struct tsr_vm *vm);

/*
 * Opens memory to tags when the guest first uses them (docs/abi.md 6.4); before the first
 * vCPU. -ENOTSUP, explained in @why: the hypervisor knows nothing of it; vm->lazy_tags stays false.
 */
int tsr_vm_lazy_tags(struct tsr_vm *vm, struct tsr_why *why);

/*
 * Makes one slot of each region of @ram, before the first vCPU runs.
 *
 * Errors, explained in @why: -EOPNOTSUPP if memory that cannot hold tags is
 * refused in a VM with MTE; else those of KVM_SET_USER_MEMORY_REGION.
 */
int tsr_vm_add_ram(struct tsr_vm *vm, const struct tsr_ram *ram, enum tsr_slot_policy policy,
		   struct tsr_why *why);

/*
 * Makes a guest_memfd for each region that may have private pages, which are all shared; before
 * tsr_vm_add_ram(). The region keeps and closes it.
 *
 * Errors, explained in @why: -ENOTSUP if the hypervisor has no private memory; those of
 * KVM_CREATE_GUEST_MEMFD.
 */
int tsr_vm_guest_memfds(struct tsr_vm *vm, struct tsr_ram *ram, struct tsr_why *why);

/*
 * Has the @count hypercalls from function @first on forwarded to the VMM: TSR_EXIT_CALL. Before
 * the first vCPU runs.
 *
 * Errors, explained in @why: -ENOTSUP if the hypervisor forwards none; -EEXIST if one of them
 * has a filter already.
 */
int tsr_vm_forward(struct tsr_vm *vm, uint32_t first, uint32_t count, struct tsr_why *why);

/* Whether memory of this region can hold tags on this host, as far as the VMM can find out. */
bool tsr_region_can_tag(const struct tsr_ram_region *region);

/*
 * Whether the VM can deny @needs (TSR_FAULT_*) over a range and allow them again.
 * Promotion needs it of WRITE.
 */
bool tsr_vm_can_deny(const struct tsr_vm *vm, uint64_t needs);

/*
 * Denies (@deny) or allows @needs over a range, for a gate; or writing, for struct
 * tsr_attributes of a VMM without one. opaque: struct tsr_vm. Errors: those of the
 * ioctl.
 */
int tsr_vm_attributes(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny);
int tsr_vm_no_write(void *opaque, struct tsr_range gpa, bool set);

#endif
