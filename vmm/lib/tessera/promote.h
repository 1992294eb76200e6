/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Promotion: memory that cannot hold tags becomes memory that can, at the same
 * host address, while the guest runs.
 *
 * When a guest touches the tags of a page whose backing has no room for them
 * (the page cache of a file, say), KVM_RUN exits with the TAG need. The
 * promoter then keeps its own writers and the guest's stores out of the unit
 * around that page, copies the unit into a memfd (the staging, which can hold
 * tags), maps that over the old memory, and lets the guest run again. Loads
 * and fetches go on meanwhile; a store that exits because of it is resolved
 * once the promotion is over.
 *
 * What may be promoted: a private file mapping; a shared one that the VMM
 * declared exclusive. Never memory that a device or another process uses: the
 * promoter cannot know, so do not declare such memory exclusive.
 *
 * The unit is 2 MiB unless told otherwise: it is copied as a whole, so for a
 * private file mapping page cache that others share becomes memory of this VM
 * alone, up to 2 MiB for one tag. A page as the unit saves that memory and
 * costs up to two mappings of the host for each promotion; when those run
 * short, wider units are promoted, so that pieces merge (tessera/promoted.h).
 *
 * Invariants: units in flight do not overlap; the write restriction is lifted
 * on every way out; memory is replaced only when its copy is complete. After a
 * failure the memory is what it was before.
 *
 * A file size limit of the process (RLIMIT_FSIZE) also limits the staging:
 * ignore SIGXFSZ to have it reported as an error.
 */
#ifndef TESSERA_PROMOTE_H
#define TESSERA_PROMOTE_H

#include "tessera/fault.h"

/* How guests are kept from writing: tsr_gate_no_write(), or tsr_vm_no_write() without a gate. */
struct tsr_attributes {
	/* Sets (@set) or clears "no write" over @gpa. 0 or -errno. */
	int (*no_write)(void *opaque, struct tsr_range gpa, bool set);
	void *opaque;
};

struct tsr_promotion {
	struct tsr_range gpa; /* what was promoted */
	uint64_t copied;      /* bytes */
	uint64_t nanoseconds;
	bool found_done; /* another vCPU's promotion had done it: nothing copied */
};

struct tsr_promotion_flight;

struct tsr_promoter {
	struct tsr_ram *ram;
	struct tsr_attributes attributes;
	_Atomic uint64_t *changes;
	uint64_t unit_pages;

	/* Called after each promotion, on the vCPU's thread. May be NULL. */
	void (*report)(void *opaque, const struct tsr_fault *fault,
		       const struct tsr_promotion *promotion);
	void *report_opaque;

	pthread_mutex_t lock; /* taken inside the stripes of tsr_ram; guards all below */
	pthread_cond_t landed;
	struct tsr_promotion_flight *flights;
	int64_t mappings_spare; /* may be added before pieces must merge */
	uint64_t promotions;
	uint64_t bytes_copied;
};

/*
 * @changes: the VM's count of completed changes (tessera/fault.h).
 * @unit: bytes, a power of two of at least a page; 0 for the default of 2 MiB.
 * The number of mappings that may be added follows vm.max_map_count, an eighth
 * of which is left to the rest of the process.
 *
 * Errors: -EINVAL for a bad unit.
 */
int tsr_promoter_init(struct tsr_promoter *promoter, struct tsr_ram *ram,
		      struct tsr_attributes attributes, _Atomic uint64_t *changes, uint64_t unit,
		      struct tsr_why *why);
void tsr_promoter_destroy(struct tsr_promoter *promoter);

/* Whether memory of this region may be promoted. */
bool tsr_region_promotable(const struct tsr_ram_region *region);

/*
 * Promotes the unit around @gpa, or finds that another thread has.
 * @entered: as in struct tsr_fault.
 *
 * Errors, explained in @why: -EPERM if the page is not promotable; -ELOOP if
 * it was promoted before the vCPU was entered, so that promotion does not
 * help; those of the attributes, of pwrite() (-EFAULT: the file was truncated;
 * -ENOSPC, -EFBIG, -ENOMEM) and of mmap().
 */
int tsr_promote(struct tsr_promoter *promoter, uint64_t gpa, uint64_t entered,
		struct tsr_promotion *promotion, struct tsr_why *why);

/*
 * The handler, opaque: struct tsr_promoter. Resolves TAG faults on promotable
 * memory, and WRITE faults that a promotion caused. Stops if it fails.
 */
enum tsr_verdict tsr_promoter_handle(void *opaque, struct tsr_vcpu *vcpu,
				     const struct tsr_fault *fault, struct tsr_why *why);

#endif
