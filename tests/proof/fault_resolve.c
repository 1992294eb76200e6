// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: fault_resolve() decides every backing, and maps no more than all concerned grant
 * sources: core/fault.c core/memtype.c
 */
#include "policy.h"

static void prove_map(const struct fault_env *env, const struct slot *slot, u8 attrs, perm_t need,
		      const struct backing *b, struct fault_verdict v)
{
	bool cacheable = v.type == MEMTYPE_WB;

	prove(v.type == memtype_of(b->kind, env->host, env->cmo) && v.type != MEMTYPE_REFUSED);
	/* Cacheable for both, or for neither: the host's own mapping decides. */
	prove(cacheable == (b->kind == BACKING_RAM || b->kind == BACKING_PFN_CACHED));
	/* What the kernel cannot maintain is served where that need not be, or was asked for. */
	if (b->kind == BACKING_PFN_CACHED)
		prove(env->cmo || (env->host->fwb && env->host->dic));
	prove(perm_has(v.perm, need) && perm_has(fault_perm(slot, attrs), v.perm & RWXT));
	prove(v.perm & (PERM_R | PERM_W | PERM_X));
	prove(b->writable || !(v.perm & PERM_W));
	/* Each first write of what is logged comes here. */
	prove(!slot_logs(slot) || !(v.perm & PERM_W) || (need & PERM_W));
	prove(cacheable || !(v.perm & PERM_X));
	/* No tag is lost: it is stored in memory that holds it, or the access comes here. */
	if (env->mte && cacheable && !fault_holds_tags(env, b))
		prove(env->host->mte_perm && !(v.perm & PERM_T) &&
		      (slot->flags & ABI_MEM_TAGS_OPTIONAL));
	/* Lazy: what has no tags is closed, or this access wants them. */
	if (env->lazy && cacheable && env->host->mte_perm && (v.perm & PERM_T))
		prove((need & PERM_T) || b->tagged);
	prove(b->kind != BACKING_NONE && b->kind != BACKING_POISON);
}

static void prove_exit(const struct slot *slot, u8 attrs, const struct backing *b,
		       struct fault_verdict v)
{
	prove(one_of(v.need));
	prove(v.poison == (b->kind == BACKING_POISON));
	/* What no tags nor permissions would help of what is private. */
	prove(!v.private || ((attrs & ABI_ATTR_PRIVATE) && v.need != PERM_T));
	prove(!v.poison || v.private == ((attrs & ABI_ATTR_PRIVATE) != 0));
	/* TAG is reported only to a VMM that said it can act on it, or denied it itself. */
	if (v.need == PERM_T)
		prove((slot->flags & ABI_MEM_TAGS_OPTIONAL) || (attrs & ABI_ATTR_NT));
}

int main(void)
{
	struct host host = any_host();
	struct fault_env env = {
		.host = &host,
		.mte = nondet_bool(),
		.lazy = nondet_bool(),
		.cmo = nondet_bool(),
	};
	struct slot slot = any_slot();
	u8 attrs = nondet_u8();
	perm_t need = any_perm();
	struct backing b = any_backing();
	struct fault_verdict v, w;

	assume((!env.mte || host.mte) && (!env.lazy || env.mte));
	/* Needs that fault_plan() lets through. */
	assume(one_of(need) || need == (PERM_W | PERM_T));
	assume(perm_has(fault_perm(&slot, attrs), need));
	v = fault_resolve(&env, &slot, attrs, need, &b);
	prove(v.action == FAULT_MAP || v.action == FAULT_EXIT || v.action == FAULT_INJECT);
	if (v.action == FAULT_MAP)
		prove_map(&env, &slot, attrs, need, &b, v);
	if (v.action == FAULT_EXIT)
		prove_exit(&slot, attrs, &b, v);
	if (v.action == FAULT_INJECT)
		prove(need == PERM_X && memtype_of(b.kind, &host, env.cmo) != MEMTYPE_WB);
	w = fault_of_walk(ACCESS_WALK, v);
	prove(w.action != FAULT_MAP || w.type != MEMTYPE_DEVICE);
	prove(w.action == v.action || (w.action == FAULT_INJECT && v.type == MEMTYPE_DEVICE));
	proved();
	return 0;
}
