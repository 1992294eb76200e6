// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: fault_plan() decides every access, and the host's memory is asked for none denied
 * sources: core/fault.c core/memtype.c
 */
#include "policy.h"

static void prove_hole(const struct access *access, struct fault_verdict v)
{
	prove(v.action == FAULT_MMIO || v.action == FAULT_INJECT || v.action == FAULT_SKIP);
	prove((v.action == FAULT_MMIO) == (access->kind == ACCESS_DATA));
	prove((v.action == FAULT_SKIP) == (access->kind == ACCESS_CACHE));
}

static void prove_slot(const struct access *access, const struct slot *slot, u8 attrs,
		       perm_t mapped, struct fault_verdict v)
{
	perm_t grants = fault_perm(slot, attrs);

	switch (v.action) {
	case FAULT_EXIT:
		prove(one_of(v.need) && !v.poison);
		/* Of what is private a permission lacks, or the memory; no tags would supply it. */
		prove(v.private || !(v.need & grants));
		prove(!v.private || ((attrs & ABI_ATTR_PRIVATE) && v.need != PERM_T &&
				     !(slot->flags & ABI_MEM_GUEST_MEMFD)));
		break;
	case FAULT_BACKING:
		prove(v.need && perm_has(grants, v.need));
		/* Never the VMM's memory for what is private. */
		prove(!(attrs & ABI_ATTR_PRIVATE) || fault_from_gmem(slot, attrs));
		/* All that the syndrome asks for, or what it hides. */
		prove(perm_has(v.need, access->need) || access->permission);
		break;
	case FAULT_MMIO:
		prove((slot->flags & ABI_MEM_READONLY) && (v.need & PERM_W));
		prove(access->kind != ACCESS_WALK);
		break;
	case FAULT_INJECT:
		prove((slot->flags & ABI_MEM_READONLY) && access->kind == ACCESS_WALK);
		break;
	case FAULT_RESUME:
		prove(access->permission && perm_has(mapped, access->need));
		break;
	case FAULT_SKIP:
	case FAULT_MAP:
		prove(false);
	}
}

/* PRIVATE says where memory comes from, and denies nothing: T least of all. */
static void prove_privacy(const struct access *access, const struct slot *slot, u8 attrs,
			  perm_t mapped, struct fault_verdict v)
{
	u8 other = attrs ^ ABI_ATTR_PRIVATE;
	struct fault_verdict w = fault_plan(access, slot, other, mapped);

	prove(fault_perm(slot, attrs) == fault_perm(slot, other));
	if (!v.private && !w.private)
		prove(v.action == w.action && v.need == w.need && v.poison == w.poison);
	else
		prove(v.private != w.private);
}

int main(void)
{
	struct access access = any_access();
	struct slot slot = any_slot();
	bool hole = nondet_bool();
	u8 attrs = nondet_u8();
	perm_t mapped = any_perm();
	struct fault_verdict v = fault_plan(&access, hole ? NULL : &slot, attrs, mapped);

	prove(v.action >= FAULT_MMIO && v.action <= FAULT_BACKING);
	if (hole)
		prove_hole(&access, v);
	else
		prove_slot(&access, &slot, attrs, mapped, v);
	if (!hole)
		prove_privacy(&access, &slot, attrs, mapped, v);
	proved();
	return 0;
}
