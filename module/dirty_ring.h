/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty ring of a vCPU: docs/abi.md 4.5, api.rst 7.36. An array of struct kvm_dirty_gfn that
 * the VMM maps. The vCPU's thread adds entries as pages become dirty; the VMM marks those that it
 * has taken; KVM_RESET_DIRTY_RINGS makes their pages clean, and the entries free.
 *
 * What the VMM writes into entries is believed of nothing but the pages to protect: the two
 * indices are the kernel's own. Free-running, their difference is the entries in use.
 */
#ifndef MODULE_DIRTY_RING_H
#define MODULE_DIRTY_RING_H

#include <linux/kvm.h>
#include <linux/types.h>

struct page;
struct tsr_vcpu;
struct tsr_vm;
struct vm_dirty_page;

/* The largest ring, in bytes, as mainline's. */
#define TSR_DIRTY_RING_MAX (65536 * sizeof(struct kvm_dirty_gfn))

struct tsr_dirty_ring {
	struct kvm_dirty_gfn *gfns; /* NULL: the VM has no rings. Shared with the VMM */
	u32 size;		    /* constant: entries, a power of two */
	u32 dirty;		    /* [vCPU mutex] entries ever added */
	u32 reset;		    /* [the VM's vCPU lock] entries ever made free */
};

/* KVM_CAP_DIRTY_LOG_RING_ACQ_REL of @bytes. The VM's vCPU lock. -EINVAL, -E2BIG. */
int tsr_dirty_ring_enable(struct tsr_vm *vm, u64 bytes);

/* @bytes: 0, or as enabled. -ENOMEM: nothing is held. */
int tsr_dirty_ring_init(struct tsr_dirty_ring *ring, u32 bytes);
void tsr_dirty_ring_destroy(struct tsr_dirty_ring *ring);

/* The page @offset of the ring's mapping, or NULL. */
struct page *tsr_dirty_ring_page(const struct tsr_dirty_ring *ring, unsigned long offset);

/* Tells of @page, if it is one. The vCPU's thread, in KVM_RUN. */
void tsr_dirty_ring_push(struct tsr_vcpu *v, const struct vm_dirty_page *page);
/* Is there not so much room left that the vCPU may run? It asks this after each push. */
bool tsr_dirty_ring_full(const struct tsr_dirty_ring *ring);

/* KVM_RESET_DIRTY_RINGS; how many entries. -EINVAL: there are no rings. */
long tsr_dirty_ring_reset(void *vm, void *arg, unsigned long raw);

#endif
