/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Any input of the policy functions of core/fault.h. */
#ifndef PROOF_POLICY_H
#define PROOF_POLICY_H

#include "proof.h"
#include "fault.h"

#define RWXT ((perm_t)(PERM_R | PERM_W | PERM_X | PERM_T))

static inline bool one_of(perm_t perm)
{
	return perm == PERM_R || perm == PERM_W || perm == PERM_X || perm == PERM_T;
}

/* Flags that slot_plan() accepts; any attributes. */
static inline struct slot any_slot(void)
{
	struct slot slot = {
		.flags = nondet_u32() &
			 (ABI_MEM_READONLY | ABI_MEM_LOG_DIRTY_PAGES | ABI_MEM_TAGS_ON_TOUCH |
			  ABI_MEM_TAGS_OPTIONAL | ABI_MEM_GUEST_MEMFD | SLOT_GMEM_ALL),
		.gfns = { any_page(), nondet_u64() },
	};

	assume(slot.gfns.begin < slot.gfns.end && slot.gfns.end <= 1ULL << 36);
	assume(!(slot.flags & ABI_MEM_TAGS_ON_TOUCH) || (slot.flags & ABI_MEM_TAGS_OPTIONAL));
	assume(!(slot.flags & SLOT_GMEM_ALL) || (slot.flags & ABI_MEM_GUEST_MEMFD));
	assume(!(slot.flags & ABI_MEM_GUEST_MEMFD) ||
	       !(slot.flags & (ABI_MEM_READONLY | ABI_MEM_LOG_DIRTY_PAGES)));
	return slot;
}

/* What access.h says that a syndrome can ask for. */
static inline struct access any_access(void)
{
	struct access access = {
		.gpa = { nondet_u64() },
		.kind = (enum access_kind)any_between(ACCESS_DATA, ACCESS_CACHE),
		.need = any_perm(),
		.permission = nondet_bool(),
	};

	switch (access.kind) {
	case ACCESS_DATA:
		assume(one_of(access.need) || access.need == (PERM_W | PERM_T));
		assume(access.need != PERM_X);
		break;
	case ACCESS_FETCH:
		assume(access.need == PERM_X);
		break;
	case ACCESS_WALK:
	case ACCESS_CACHE:
		assume(access.need == PERM_R);
		break;
	}
	return access;
}

static inline struct backing any_backing(void)
{
	struct backing backing = {
		.kind = (enum backing_kind)any_between(BACKING_NONE, BACKING_POISON),
		.hpa = { any_page() << 12 },
		.order = (u8)any_between(0, 36),
		.writable = nondet_bool(),
		.can_tag = nondet_bool(),
		.own = nondet_bool(),
		.tagged = nondet_bool(),
	};

	return backing;
}

#endif
