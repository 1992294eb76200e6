/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rooms of the module share: a VM as KVM's file descriptors own it, and
 * the functions that one room has for the others. The guest's memory itself is
 * core's struct vm, inside struct tsr_vm.
 *
 * Lifetimes: a VM is freed when its own file and those of all its vCPUs are
 * closed (a reference each); its vCPUs are freed with it. It holds the mm_struct
 * of its creator, not the address space: when that is torn down, the MMU
 * notifier's release drops every mapping, and what is left waits for the files.
 *
 * Locks: tsr_vm.lock is outside of mem.lock; the order of the rest is in
 * docs/locking.md.
 */
#ifndef MODULE_TESSERA_H
#define MODULE_TESSERA_H

#include <linux/kvm.h>
#include <linux/kref.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "../include/uapi/tessera.h"
#include "coalesced.h"
#include "cpu.h"
#include "vm.h"

#define TSR_MAX_VCPUS 512
#define TSR_MAX_SLOTS 32767

struct file;
struct tsr_vcpu;

struct tsr_vm {
	struct vm mem;	     /* core's: slots, attributes, stage 2 */
	struct seam_tlb tlb; /* constant after creation */
	struct kref ref;
	struct mm_struct *mm; /* of the creator, mmgrab'd; the only one that may use it */
	pid_t pid;	      /* of the creator; the VM's name in statistics */
	struct mmu_notifier notifier;
	struct mutex lock;   /* vCPUs come one at a time, and capabilities between them */
	struct xarray vcpus; /* by vcpu id [lock to change, RCU to read] */
	struct tsr_coalesced coalesced;
	struct tsr_vm_cpu cpu;
	u32 dirty_ring_bytes;	   /* [lock to change] of each vCPU; 0: there are none */
	struct list_head siblings; /* siblings.c's */
};

/*
 * host.c: ID registers to struct host. -ENODEV with a reason in the log where
 * tessera cannot work. tsr_host is constant from then on.
 */
extern struct host tsr_host;
int tsr_host_init(void);
void tsr_host_exit(void);

/* dev.c: /dev/kvm. -EBUSY with a reason in the log where KVM has it. */
int tsr_dev_register(void);
void tsr_dev_unregister(void);
/* Files of 32-bit programs: refused when opened, and when passed on. */
int tsr_open_no_compat(struct inode *inode, struct file *file);
long tsr_ioctl_no_compat(struct file *file, unsigned int cmd, unsigned long arg);

/* vm.c: KVM_CREATE_VM, returns the fd. -EINVAL: @type is not an IPA size that is served. */
int tsr_vm_create_fd(unsigned long type);
void tsr_vm_get(struct tsr_vm *vm);
/* The last one frees it; sleeps. */
void tsr_vm_put(struct tsr_vm *vm);
/* Kicks every vCPU out of the guest; from any context that may not sleep, too. */
void tsr_vm_kick_all(struct tsr_vm *vm);

/* query.c: KVM_TSR_QUERY_MEMORY on a VM; @arg: struct kvm_tsr_memory_query. */
long tsr_vm_query(void *vm, void *arg, unsigned long raw);

/*
 * dirty.c: KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG on a VM; @arg: struct kvm_dirty_log, struct
 * kvm_clear_dirty_log.
 */
long tsr_dirty_get(void *vm, void *arg, unsigned long raw);
long tsr_dirty_clear(void *vm, void *arg, unsigned long raw);

/* caps.c: KVM_CHECK_EXTENSION; vm is NULL on /dev/kvm. Never fails: unknown is 0. */
long tsr_check_extension(const struct tsr_vm *vm, unsigned long cap);
/* KVM_ENABLE_CAP on a VM, with vm->lock held. -EINVAL: unknown, not here, not now. */
long tsr_enable_cap(struct tsr_vm *vm, const struct kvm_enable_cap *cap);

/* vmid.c: -ENOSPC when all are in use. */
int tsr_vmid_alloc(u16 *vmid);
/* After seam_tlbi_vmid(): the next owner must not meet what TLBs held of it. */
void tsr_vmid_free(u16 vmid);
/* 8 or 16; VTCR_EL2.VS goes with it. */
unsigned int tsr_vmid_bits(void);

/*
 * vcpu.c: KVM_CREATE_VCPU, returns the fd. Called with vm->lock held and @id below
 * TSR_MAX_VCPUS; stores the vCPU in vm->vcpus. -EEXIST: the id is taken.
 */
int tsr_vcpu_create_fd(struct tsr_vm *vm, unsigned long id);
/* When its VM goes: no file refers to it, and nobody kicks it. */
void tsr_vcpu_destroy(struct tsr_vcpu *vcpu);
void tsr_vcpu_kick(struct tsr_vcpu *vcpu);
/* The size that KVM_GET_VCPU_MMAP_SIZE tells, in bytes. */
long tsr_vcpu_mmap_size(void);
/* KVM_ARM_PREFERRED_TARGET. */
void tsr_vcpu_preferred_target(struct kvm_vcpu_init *init);
/* Module init and exit of the CPU side: vectors, per-CPU state, hotplug callbacks. */
int tsr_cpu_init(void);
void tsr_cpu_exit(void);

/*
 * mte.c: what the host's flags say of @page, and of the 2^@order pages around it that are
 * mapped as one piece, to @out, which is zeroed there. On a host with MTE alone.
 */
void tsr_page_tag_facts(struct page *page, u8 order, struct backing *out);

/*
 * siblings.c: the VMs of each process. meet: @vm has a slot over [@begin, @end) of the VMM's
 * addresses from now on. Sleep; called with none of their locks held.
 */
void tsr_siblings_add(struct tsr_vm *vm);
void tsr_siblings_remove(struct tsr_vm *vm);
void tsr_siblings_meet(struct tsr_vm *vm, u64 begin, u64 end);

/* notifier.c: the host's changes of @vm's address space, into core. May sleep. */
int tsr_notifier_register(struct tsr_vm *vm);
void tsr_notifier_unregister(struct tsr_vm *vm);

#endif
