// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "coalesced.h"

/* As many as mainline has places for devices on a VM's bus. */
#define ZONES_MOST 1000

#define RING_ENTRIES KVM_COALESCED_MMIO_MAX

struct mmio_zone {
	struct list_head link;
	struct kvm_coalesced_mmio_zone zone;
};

int tsr_coalesced_init(struct tsr_coalesced *c)
{
	spin_lock_init(&c->lock);
	INIT_LIST_HEAD(&c->zones);
	c->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return c->ring ? 0 : -ENOMEM;
}

void tsr_coalesced_destroy(struct tsr_coalesced *c)
{
	struct mmio_zone *z, *next;

	list_for_each_entry_safe(z, next, &c->zones, link) kfree(z);
	free_page((unsigned long)c->ring);
}

static bool zone_holds(const struct kvm_coalesced_mmio_zone *zone, u64 addr, u64 size)
{
	return addr >= zone->addr && size <= zone->size && addr - zone->addr <= zone->size - size;
}

int tsr_coalesced_add(struct tsr_coalesced *c, const struct kvm_coalesced_mmio_zone *zone)
{
	struct mmio_zone *z;
	bool room;

	if (zone->pio > 1)
		return -EINVAL;
	z = kmalloc(sizeof(*z), GFP_KERNEL_ACCOUNT);
	if (!z)
		return -ENOMEM;
	z->zone = *zone;
	spin_lock(&c->lock);
	room = c->count < ZONES_MOST;
	if (room) {
		list_add_tail(&z->link, &c->zones);
		WRITE_ONCE(c->count, c->count + 1);
	}
	spin_unlock(&c->lock);
	if (!room)
		kfree(z);
	return room ? 0 : -ENOSPC;
}

int tsr_coalesced_remove(struct tsr_coalesced *c, const struct kvm_coalesced_mmio_zone *zone)
{
	struct mmio_zone *z, *next;
	LIST_HEAD(gone);

	if (zone->pio > 1)
		return -EINVAL;
	spin_lock(&c->lock);
	list_for_each_entry_safe(z, next, &c->zones, link)
	{
		if (z->zone.pio != zone->pio || !zone_holds(&z->zone, zone->addr, zone->size))
			continue;
		list_move(&z->link, &gone);
		WRITE_ONCE(c->count, c->count - 1);
	}
	spin_unlock(&c->lock);
	list_for_each_entry_safe(z, next, &gone, link) kfree(z);
	return 0;
}

static bool zone_found(const struct tsr_coalesced *c, u64 gpa, u32 len)
{
	const struct mmio_zone *z;

	list_for_each_entry(z, &c->zones,
			    link) if (!z->zone.pio && zone_holds(&z->zone, gpa, len)) return true;
	return false;
}

/* One entry stays free: a full ring differs from an empty one. */
static bool ring_put(struct kvm_coalesced_mmio_ring *ring, u64 gpa, const void *data, u32 len)
{
	u32 last = READ_ONCE(ring->last);
	u32 next = (last + 1) % RING_ENTRIES;

	if (last >= RING_ENTRIES || next == READ_ONCE(ring->first))
		return false;
	ring->coalesced_mmio[last].phys_addr = gpa;
	ring->coalesced_mmio[last].len = len;
	ring->coalesced_mmio[last].pio = 0;
	memcpy(ring->coalesced_mmio[last].data, data, len);
	/* Pairs with the VMM, which reads `last` before the entries. */
	smp_store_release(&ring->last, next);
	return true;
}

bool tsr_coalesced_store(struct tsr_coalesced *c, u64 gpa, const void *data, u32 len)
{
	bool done;

	if (!READ_ONCE(c->count))
		return false;
	spin_lock(&c->lock);
	done = zone_found(c, gpa, len) && ring_put(c->ring, gpa, data, len);
	spin_unlock(&c->lock);
	return done;
}
