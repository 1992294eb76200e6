/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced MMIO (api.rst 4.116): stores to zones that the VMM registered are put into a ring,
 * which the VMM reads at its next exit, and do not exit until the ring is full.
 *
 * The ring is a page that every vCPU's file maps (KVM_COALESCED_MMIO_PAGE_OFFSET). The VMM
 * moves `first`, the kernel `last`; both are the VMM's to write at any time, so that neither
 * is believed further than the ring goes.
 */
#ifndef MODULE_COALESCED_H
#define MODULE_COALESCED_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/spinlock.h>

struct tsr_coalesced {
	spinlock_t lock;
	struct list_head zones;		      /* [lock] */
	unsigned int count;		      /* [lock] of zones */
	struct kvm_coalesced_mmio_ring *ring; /* a page; entries and `last` [lock] */
};

/* With the VM. -ENOMEM: nothing is held. */
int tsr_coalesced_init(struct tsr_coalesced *c);
void tsr_coalesced_destroy(struct tsr_coalesced *c);

/*
 * KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO: the latter takes away each zone
 * that holds all of @zone, also none. -EINVAL: pio is neither 0 nor 1; -ENOSPC: too many.
 */
int tsr_coalesced_add(struct tsr_coalesced *c, const struct kvm_coalesced_mmio_zone *zone);
int tsr_coalesced_remove(struct tsr_coalesced *c, const struct kvm_coalesced_mmio_zone *zone);

/* A guest's store of @len bytes. True: it is in the ring, and done. */
bool tsr_coalesced_store(struct tsr_coalesced *c, u64 gpa, const void *data, u32 len);

#endif
