/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rooms of the module share: a VM and a vCPU as KVM's file descriptors
 * own them. The guest's memory itself is core's struct vm, inside struct tsr_vm.
 *
 * Lifetimes: a VM is freed when its own file and those of all its vCPUs are
 * closed (kref). Locks: docs/locking.md.
 */
#ifndef MODULE_TESSERA_H
#define MODULE_TESSERA_H

#include <linux/kvm.h>
#include <linux/kref.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "../include/uapi/tessera.h"
#include "vm.h"

#define TSR_MAX_VCPUS 512
#define TSR_MAX_SLOTS 32767

struct tsr_vcpu;

struct tsr_vm {
	struct vm mem;		   /* core's: slots, attributes, stage 2 */
	struct seam_tlb tlb;	   /* VMID and table base; constant after creation */
	struct kref ref;
	struct mm_struct *mm;	   /* of the creator, mmgrab'd; the only one that may use it */
	struct mmu_notifier notifier;
	struct mutex lock;	   /* vcpus, vcpu_count; outside mem.lock */
	struct xarray vcpus;	   /* by vcpu id [lock to change, RCU to read] */
	unsigned int vcpu_count;   /* [lock] */
	bool dead;		   /* [lock] the address space is gone */
	u64 hcr;		   /* HCR_EL2 bits of this VM beyond a vCPU's own */
};

/* host.c: ID registers to struct host; refuses with a reason where tessera cannot work. */
extern struct host tsr_host;
int tsr_host_init(void);

/* vm.c: KVM_CREATE_VM and the VM's ioctls. */
int tsr_vm_create_fd(unsigned long type);
void tsr_vm_get(struct tsr_vm *vm);
void tsr_vm_put(struct tsr_vm *vm);
/* Kicks every vCPU out of the guest. */
void tsr_vm_kick_all(struct tsr_vm *vm);

/* caps.c: KVM_CHECK_EXTENSION; vm is NULL on /dev/kvm. */
long tsr_check_extension(struct tsr_vm *vm, unsigned long cap);

/* vmid.c */
int tsr_vmid_alloc(u16 *vmid);	/* -ENOSPC when all are in use */
void tsr_vmid_free(struct seam_tlb *tlb); /* after the last use; invalidates its TLB entries */

/* vcpu.c: KVM_CREATE_VCPU (returns the fd) and the vCPU's ioctls. Called with vm->lock held. */
int tsr_vcpu_create_fd(struct tsr_vm *vm, unsigned long id);
/* Frees what is left of a vCPU when its VM goes; no file refers to it. */
void tsr_vcpu_kick(struct tsr_vcpu *vcpu);
/* The size that KVM_GET_VCPU_MMAP_SIZE tells, in bytes. */
long tsr_vcpu_mmap_size(void);
/* KVM_ARM_PREFERRED_TARGET. */
void tsr_vcpu_preferred_target(struct kvm_vcpu_init *init);
/* Module init and exit of the CPU side: vectors, per-CPU state, hotplug callbacks. */
int tsr_cpu_init(void);
void tsr_cpu_exit(void);

/* notifier.c */
int tsr_notifier_register(struct tsr_vm *vm);
void tsr_notifier_unregister(struct tsr_vm *vm);

#endif
