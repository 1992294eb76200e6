/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Guest memory as the VMM holds it.
 *
 * Each region is mapped once, at a host address congruent with its guest
 * address modulo 2 MiB (so that large pages fit), and stays at that address
 * for the life of the VM: promotion (tessera/promote.h) changes what is mapped
 * there, never where. It is never mapped with PROT_MTE, so that the VMM's own
 * loads and stores are not checked against the guest's tags.
 *
 * The VMM reads and writes guest memory with tsr_ram_read() and
 * tsr_ram_write() only. They keep out of the way of a promotion, which must
 * not miss a store, and survive a file that somebody truncated.
 *
 * Invariants: regions do not overlap; "host" of a region never changes;
 * "staging" reserves a place for each page of RAM, at the offsets of the
 * regions, and holds memory for promoted pages only.
 *
 * Locks: an access holds the stripe of its 2 MiB shared, a promotion holds
 * the stripes of all that it covers exclusively, taken in rising order.
 */
#ifndef TESSERA_RAM_H
#define TESSERA_RAM_H

#include <pthread.h>

#include "tessera/layout.h"
#include "tessera/pages.h"

#define TSR_RAM_STRIPES 64

struct tsr_ram_region {
	struct tsr_range gpa; /* constant, as all below but "promoted" */
	enum tsr_ram_kind kind;
	bool exclusive;
	bool may_be_private;
	int file;	     /* the file or memfd; -1 for anonymous memory */
	int guest_memfd;     /* where private pages are; -1: none may be, or there is no VM yet */
	unsigned char *host; /* where gpa.start is mapped */
	void *reserved;	     /* the address space around it */
	size_t reserved_size;
	uint64_t offset;	   /* of gpa.start in the staging memfd */
	struct tsr_pages promoted; /* set with the stripes held exclusively, as the next */
	struct tsr_pages private_pages;
	char path[256];

	/*
	 * If set: called before each access to a page of the region, with the page in @gpa, to
	 * have its contents brought (tessera/lazy.h). 0 or -errno. Set while nobody accesses it.
	 */
	int (*arrive)(void *opaque, uint64_t gpa);
	void *arrive_opaque;
};

struct tsr_ram {
	struct tsr_ram_region regions[TSR_RAM_REGIONS_MAX];
	size_t count;
	int staging; /* memfd */
	pthread_rwlock_t stripes[TSR_RAM_STRIPES];
};

/*
 * Maps the regions of @specs. Nothing is held on failure.
 *
 * Errors, explained in @why: those of open() and mmap(); -EINVAL for what is
 * not a regular file, or is shorter than its region.
 */
int tsr_ram_create(struct tsr_ram *ram, const struct tsr_ram_spec *specs, size_t count,
		   struct tsr_why *why);

/* No vCPU may run, and the VM's file descriptor must be closed first. */
void tsr_ram_destroy(struct tsr_ram *ram);

/* The region that holds @gpa, or NULL. */
struct tsr_ram_region *tsr_ram_find(struct tsr_ram *ram, uint64_t gpa);

/*
 * Copies @size bytes from or to guest memory at @gpa; the range may cross
 * regions that touch. An access of 1, 2, 4 or 8 bytes, naturally aligned, is
 * one load or store where the memory cannot vanish (all but files that are not
 * promoted yet).
 *
 * Errors: -EFAULT if part of the range is not RAM, or its file was truncated;
 * -EACCES if it is private (tessera/private.h);
 * -EIO and others of tsr_lazy_fetch() where contents could not be brought. What
 * came before it has been copied.
 */
int tsr_ram_read(struct tsr_ram *ram, uint64_t gpa, void *data, size_t size);
int tsr_ram_write(struct tsr_ram *ram, uint64_t gpa, const void *data, size_t size);

/*
 * Writes the promoted pages of exclusive files back to their files. Guests
 * and writers must have stopped. Without it (a VMM that was killed) a file
 * keeps, for each page, what it held when that page was promoted.
 *
 * Errors: those of pwrite(), explained in @why; -ENOSPC for a short write.
 */
int tsr_ram_flush(struct tsr_ram *ram, struct tsr_why *why);

/* Excludes the accessors from @gpa, for a promotion. Not recursive. */
void tsr_ram_lock(struct tsr_ram *ram, struct tsr_range gpa);
void tsr_ram_unlock(struct tsr_ram *ram, struct tsr_range gpa);

#endif
