/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The policy of guest memory, whole: what comes of an access, given the slot, the
 * attributes, the memory behind the slot and the host (docs/abi.md, "Effective
 * permission", "KVM_EXIT_MEMORY_FAULT" and "Slots in a VM with MTE"). Pure functions
 * of values; nothing else decides.
 *
 * A fault is judged in two steps, so that an access which policy denies never
 * touches the host's memory: fault_plan() before, fault_resolve() after it is known.
 */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include "access.h"
#include "memtype.h"
#include "slot.h"

enum fault_action {
	FAULT_MMIO,    /* KVM_EXIT_MMIO */
	FAULT_INJECT,  /* an external abort for the guest */
	FAULT_SKIP,    /* step over the instruction */
	FAULT_RESUME,  /* nothing lacks: run again */
	FAULT_EXIT,    /* KVM_EXIT_MEMORY_FAULT with need */
	FAULT_BACKING, /* find the memory, for writing if need is W, then fault_resolve() */
	FAULT_MAP,     /* map with perm and type */
};

struct fault_verdict {
	enum fault_action action;
	perm_t need;	   /* EXIT: the one need to ask for; BACKING, MAP: all of this access */
	bool poison;	   /* EXIT: the host's memory is poisoned */
	bool private;	   /* EXIT: the page is, and its guest_memfd cannot supply it */
	perm_t perm;	   /* MAP: all that the page grants; need is in it */
	enum memtype type; /* MAP */
};

/* What a VM is, as far as the verdict depends on it. */
struct fault_env {
	const struct host *host;
	bool mte;  /* KVM_CAP_ARM_MTE is enabled */
	bool lazy; /* so is KVM_CAP_TSR_LAZY_TAGS; not without mte */
	bool cmo;  /* so is KVM_CAP_TSR_PFNMAP_CMO */
};

/* What a page grants as far as slot and attributes go. */
static inline perm_t fault_perm(const struct slot *slot, u8 attrs)
{
	perm_t perm = PERM_ALL;

	if ((slot->flags & ABI_MEM_READONLY) || (attrs & ABI_ATTR_NW))
		perm &= ~PERM_W;
	if (attrs & ABI_ATTR_NR)
		perm &= ~PERM_R;
	if (attrs & ABI_ATTR_NX)
		perm &= ~PERM_X;
	if (attrs & ABI_ATTR_NT)
		perm &= ~PERM_T;
	return perm;
}

/* Does a page of @slot with @attrs come from the slot's guest_memfd? */
bool fault_from_gmem(const struct slot *slot, u8 attrs);

/*
 * @slot: NULL in a hole. @attrs: ABI_ATTR_*. @mapped: what the stage-2 entry of the page
 * grants at present, PERM_NONE if there is none; looked at for permission faults only.
 */
struct fault_verdict fault_plan(const struct access *access, const struct slot *slot, u8 attrs,
				perm_t mapped);

/* What the memory of an access that fault_plan() lets through, and needs @need, is wanted for. */
enum backing_use fault_use(const struct fault_env *env, const struct slot *slot, u8 attrs,
			   perm_t need);

/* Can @backing, which is write-back memory, hold tags in this VM? */
static inline bool fault_holds_tags(const struct fault_env *env, const struct backing *backing)
{
	return backing->can_tag || (env->lazy && backing->own);
}

/*
 * After FAULT_BACKING; @need is that verdict's. Never comes back with FAULT_BACKING. Where
 * writes are logged W is granted to what needs it alone.
 */
struct fault_verdict fault_resolve(const struct fault_env *env, const struct slot *slot, u8 attrs,
				   perm_t need, const struct backing *backing);

/*
 * The same for an access of @kind: a guest's walk may not step into Device memory
 * (HCR_EL2.PTW, Arm ARM D24.2), so that mapping it would not help.
 */
static inline struct fault_verdict fault_of_walk(enum access_kind kind, struct fault_verdict v)
{
	if (kind == ACCESS_WALK && v.action == FAULT_MAP && v.type == MEMTYPE_DEVICE)
		return (struct fault_verdict){ .action = FAULT_INJECT, .need = v.need };
	return v;
}

/*
 * The level at which to map @gfn: of the largest block that lies in the slot, in one piece
 * of the host's mapping and of the attributes (@attr_level), and is congruent in guest and
 * host addresses. 1..3; 3 where writes are logged, which is by page.
 */
int fault_level(const struct slot *slot, struct gfn gfn, const struct backing *backing,
		int attr_level);

/*
 * log2 of the largest piece around the page that may be mapped as one, of the 2^order that the
 * host has, as far as lazy tags go: a leaf is open or closed whole. Closed, if none of the pages
 * has tags. A page that is to be opened is opened alone until FAULT_TAGS_WHOLE pages of the piece
 * have tags; then all are.
 */
u8 fault_tags_order(const struct fault_env *env, const struct fault_verdict *v,
		    const struct backing *backing);
#define FAULT_TAGS_WHOLE 8U

/*
 * May a slot with @flags stand over memory of which @survey tells, in a VM of @env?
 * 0 or -EINVAL. The rules are those of fault_resolve(), asked beforehand.
 */
int fault_slot_check(const struct fault_env *env, u32 flags, const struct backing_survey *survey);

#endif
