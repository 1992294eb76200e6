// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "fault.h"

static struct fault_verdict verdict(enum fault_action action, perm_t need)
{
	return (struct fault_verdict){ .action = action, .need = need };
}

/* Of what lacks, what an exit asks for: R, W, X before T, which is the order of the bits. */
static struct fault_verdict fault_lacks(perm_t lacking)
{
	return verdict(FAULT_EXIT, lacking & -lacking);
}

/* The host cannot supply the page: the access itself, since no tags would help. */
static struct fault_verdict fault_refused(perm_t need)
{
	return need == PERM_T ? fault_lacks(PERM_R) : fault_lacks(need);
}

/* Likewise, of a page with @attrs. */
static struct fault_verdict fault_unsupplied(perm_t need, u8 attrs)
{
	struct fault_verdict v = fault_refused(need);

	v.private = (attrs & ABI_ATTR_PRIVATE) != 0;
	return v;
}

bool fault_from_gmem(const struct slot *slot, u8 attrs)
{
	return (slot->flags & ABI_MEM_GUEST_MEMFD) &&
	       ((slot->flags & SLOT_GMEM_ALL) || (attrs & ABI_ATTR_PRIVATE));
}

static struct fault_verdict fault_hole(enum access_kind kind)
{
	switch (kind) {
	case ACCESS_DATA:
		return verdict(FAULT_MMIO, PERM_NONE);
	case ACCESS_FETCH:
	case ACCESS_WALK:
		return verdict(FAULT_INJECT, PERM_NONE);
	case ACCESS_CACHE:
		return verdict(FAULT_SKIP, PERM_NONE);
	}
	return verdict(FAULT_INJECT, PERM_NONE);
}

/*
 * What the access lacks, where the entry of the page grants what the syndrome says: a
 * walk that may read wanted to write (AF, dirty state), any other wanted to read.
 */
static perm_t fault_hidden_need(const struct access *access, perm_t mapped)
{
	if (access->kind == ACCESS_WALK)
		return PERM_W;
	return mapped & PERM_R ? PERM_NONE : PERM_R;
}

struct fault_verdict fault_plan(const struct access *access, const struct slot *slot, u8 attrs,
				perm_t mapped)
{
	perm_t need = access->need, lacking;

	if (!slot)
		return fault_hole(access->kind);
	if (access->permission && perm_has(mapped, need)) {
		need = fault_hidden_need(access, mapped);
		if (!need)
			return verdict(FAULT_RESUME, PERM_NONE);
	}
	if ((need & PERM_W) && (slot->flags & ABI_MEM_READONLY))
		return verdict(access->kind == ACCESS_WALK ? FAULT_INJECT : FAULT_MMIO, need);
	lacking = need & ~fault_perm(slot, attrs);
	if (lacking)
		return fault_lacks(lacking);
	if ((attrs & ABI_ATTR_PRIVATE) && !fault_from_gmem(slot, attrs))
		return fault_unsupplied(need, attrs);
	return verdict(FAULT_BACKING, need);
}

static enum memtype fault_type(const struct fault_env *env, enum backing_kind kind)
{
	return memtype_of(kind, env->host, env->cmo);
}

enum backing_use fault_use(const struct fault_env *env, const struct slot *slot, u8 attrs,
			   perm_t need)
{
	if (need & PERM_W)
		return USE_WRITE;
	if (!env->lazy || !(slot->flags & ABI_MEM_TAGS_OPTIONAL) ||
	    !(fault_perm(slot, attrs) & PERM_W))
		return USE_READ;
	/* Without FEAT_MTE_PERM each access may be one to tags. */
	return (need & PERM_T) || !env->host->mte_perm ? USE_TAGS : USE_READ;
}

enum tag_rule {
	TAGS_FREE,    /* tag accesses need no care here */
	TAGS_LAZY,    /* map without T until tags are accessed, or are there */
	TAGS_CLOSED,  /* map without T */
	TAGS_TOUCHED, /* do not map: the VMM has promised to supply taggable memory */
	TAGS_REFUSED, /* such memory does not belong in such a slot */
};

/* docs/abi.md, "Slots in a VM with MTE", one cell of its table. */
static inline enum tag_rule fault_tag_rule(const struct fault_env *env, u32 flags,
					   enum backing_kind kind, enum memtype type, bool holds)
{
	bool cacheable = type == MEMTYPE_WB;

	if (!env->mte)
		return TAGS_FREE;
	if (holds)
		return env->lazy && cacheable && env->host->mte_perm ? TAGS_LAZY : TAGS_FREE;
	if (!(flags & ABI_MEM_TAGS_OPTIONAL))
		return TAGS_REFUSED;
	/* What is no ordinary memory cannot be promoted. */
	if ((flags & ABI_MEM_TAGS_ON_TOUCH) && kind != BACKING_RAM)
		return TAGS_REFUSED;
	/* Combined attributes that are not write-back are Untagged: nothing can fault. */
	if (!cacheable)
		return TAGS_FREE;
	if (env->host->mte_perm)
		return TAGS_CLOSED;
	return flags & ABI_MEM_TAGS_ON_TOUCH ? TAGS_TOUCHED : TAGS_REFUSED;
}

static struct fault_verdict fault_map(perm_t perm, perm_t need, enum memtype type)
{
	struct fault_verdict v = verdict(FAULT_MAP, need);

	if (!perm_has(perm, need))
		return fault_lacks(need & ~perm);
	/* A tag access alone: what else it needs was granted when it faulted, and is no more. */
	if (!(perm & (PERM_R | PERM_W | PERM_X)))
		return fault_lacks(PERM_R);
	v.perm = perm;
	v.type = type;
	return v;
}

struct fault_verdict fault_resolve(const struct fault_env *env, const struct slot *slot, u8 attrs,
				   perm_t need, const struct backing *backing)
{
	enum memtype type = fault_type(env, backing->kind);
	perm_t perm = fault_perm(slot, attrs), lacking;
	struct fault_verdict v;

	if (type == MEMTYPE_REFUSED) {
		v = fault_unsupplied(need, attrs);
		v.poison = backing->kind == BACKING_POISON;
		return v;
	}
	if (!backing->writable || (slot_logs(slot) && !(need & PERM_W)))
		perm &= ~PERM_W;
	if (type != MEMTYPE_WB) {
		perm &= ~PERM_X;
		if (need == PERM_X)
			return verdict(FAULT_INJECT, need);
	}
	lacking = need & ~perm & ~PERM_T;
	if (lacking)
		return fault_lacks(lacking);
	switch (fault_tag_rule(env, slot->flags, backing->kind, type,
			       fault_holds_tags(env, backing))) {
	case TAGS_FREE:
		return fault_map(perm, need, type);
	case TAGS_LAZY:
		if (!(need & PERM_T) && !backing->tagged)
			perm &= ~PERM_T;
		return fault_map(perm, need, type);
	case TAGS_CLOSED:
		return fault_map(perm & ~PERM_T, need, type);
	case TAGS_TOUCHED:
		return fault_lacks(PERM_T);
	case TAGS_REFUSED:
		return fault_refused(need);
	}
	return fault_refused(need);
}

u8 fault_tags_order(const struct fault_env *env, const struct fault_verdict *v,
		    const struct backing *backing)
{
	u32 count = backing->tagged_count;

	if (!env->lazy || v->type != MEMTYPE_WB || !env->host->mte_perm ||
	    count == 1ULL << backing->order)
		return backing->order;
	if (v->need & PERM_T)
		return count < FAULT_TAGS_WHOLE ? 0 : backing->order;
	return count ? 0 : backing->order;
}

/* Do all pages of the block of @pages around @gfn lie in the slot and run in step? */
static bool fault_block_fits(const struct slot *slot, struct gfn gfn, const struct backing *backing,
			     u64 pages)
{
	u64 begin = gfn.nr & ~(pages - 1);
	u64 hfn = backing->hpa.addr >> TSR_PAGE_SHIFT;

	return begin >= slot->gfns.begin && begin + pages <= slot->gfns.end &&
	       !((gfn.nr ^ hfn) & (pages - 1));
}

int fault_level(const struct slot *slot, struct gfn gfn, const struct backing *backing,
		int attr_level)
{
	int level = attr_level > 1 ? attr_level : 1;

	if (slot_logs(slot))
		return TSR_LEVEL_LAST;
	while (level < TSR_LEVEL_LAST) {
		unsigned int order = TSR_LEVEL_ORDER(level);

		if (order <= backing->order && fault_block_fits(slot, gfn, backing, 1ULL << order))
			break;
		level++;
	}
	return level;
}

int fault_slot_check(const struct fault_env *env, u32 flags, const struct backing_survey *survey)
{
	if ((flags & ABI_MEM_LOG_DIRTY_PAGES) && survey->remapped)
		return -EINVAL;
	for (int kind = BACKING_RAM; kind < BACKING_POISON; kind++) {
		enum memtype type = fault_type(env, (enum backing_kind)kind);

		if (!(survey->kinds & BIT(kind)))
			continue;
		if (type == MEMTYPE_REFUSED)
			return -EINVAL;
		if (fault_tag_rule(env, flags, (enum backing_kind)kind, type,
				   !(survey->untaggable & BIT(kind))) == TAGS_REFUSED)
			return -EINVAL;
	}
	return 0;
}
