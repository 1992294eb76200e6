/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Private memory: pages of the guest that the host does not see, and that become shared and
 * private again while it runs (docs/abi.md, "Private memory").
 *
 * A region whose specification says guest_memfd has two memories: the one that the VMM maps, and
 * a file that nobody maps. Each page of the guest is in the one or the other. Conversion changes
 * which, and loses the contents, tags included: the guest finds zeroes. The hypervisor empties
 * what was private; this library what was shared.
 *
 * Memory that is filled lazily (tessera/lazy.h), or is a file's, has none of this.
 *
 * A guest asks for conversions by hypercalls (docs/abi.md 11.1). What it asks for is checked
 * against the regions alone; it can harm nobody but itself.
 *
 * Invariants: the hypervisor's attribute PRIVATE of a page is what "private_pages" of its region
 * says, but within a conversion; nothing of the VMM is in the memory behind a private page.
 *
 * Locks: a conversion holds the stripes of its pages exclusively, a region at a time (struct
 * tsr_ram), so that accesses of the VMM come before it or after it.
 */
#ifndef TESSERA_PRIVATE_H
#define TESSERA_PRIVATE_H

#include "tessera/ram.h"

/* Vendor hypervisor calls of KVM's UID. */
#define TSR_CALL_FEATURES    0x86000000U
#define TSR_CALL_MEM_INFO    0xc6000002U
#define TSR_CALL_MEM_SHARE   0xc6000003U
#define TSR_CALL_MEM_UNSHARE 0xc6000004U

/* What they return (Arm DEN 0028), in x0. */
#define TSR_CALL_SUCCESS	    UINT64_C(0)
#define TSR_CALL_NOT_SUPPORTED	    ((uint64_t)-1)
#define TSR_CALL_INVALID_PARAMETERS ((uint64_t)-3)

/* A call of the guest's: x0 to x3, arguments first and results then. */
struct tsr_call {
	uint32_t function;
	uint64_t x[4];
};

struct tsr_private {
	struct tsr_ram *ram; /* constant, as the next three */
	/* Makes @gpa private (@deny) or shared, for TSR_FAULT_PRIVATE: tsr_vm_attributes(). */
	int (*change)(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny);
	void *opaque;
	_Atomic uint64_t *changes;    /* the VM's count of completed changes */
	_Atomic uint64_t conversions; /* pages that were converted, for people */
	_Atomic uint64_t refusals;    /* calls that were answered with an error */
};

void tsr_private_init(struct tsr_private *private, struct tsr_ram *ram,
		      int (*change)(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny),
		      void *opaque, _Atomic uint64_t *changes);

/* Whether some memory may be private. */
bool tsr_private_possible(const struct tsr_ram *ram);

/*
 * Makes the pages of @gpa private, or shared. Those that are so already stay as they are; the
 * others are zero afterwards. *@done (unless NULL) is how many bytes, from gpa.start on, are as
 * asked when it returns: all of them without an error. A page is converted or it is not.
 *
 * Errors: -EINVAL (not whole pages, or none) and -EFAULT (part of it may not be private): nothing
 * has changed; -ENOMEM, and others of change(): *@done says what has.
 */
int tsr_private_convert(struct tsr_private *private, struct tsr_range gpa, bool hide,
			uint64_t *done);

/*
 * Answers a call that the hypervisor forwarded. @services: what the hypervisor itself offers of
 * FEATURES (KVM_REG_ARM_VENDOR_HYP_BMAP and _BMAP_2). False: not one of those above, and
 * @call is as it was.
 */
bool tsr_private_answer(struct tsr_private *private, struct tsr_call *call,
			const uint64_t services[2]);

#endif
