// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The main way: from a stage-2 abort to a mapping or an exit. */
#include "vm_room.h"

/* What a fault looks up before it is judged. */
struct vm_view {
	u64 seq;
	struct gfn gfn;
	enum access_kind kind;
	struct slot slot; /* has_slot */
	bool has_slot;
	struct attr_view attr;
	perm_t mapped;		    /* permission faults only */
	struct vm_dirty_page dirty; /* what comes of it */
};

/* Into @view, of which the access is known and all else is zero. */
static void vm_look(struct vm *vm, const struct access *access, struct vm_view *view)
{
	const struct slot *slot;

	view->seq = READ_ONCE(vm->inval_seq);
	/* Pairs with smp_wmb() in vm_inval_end(). */
	smp_rmb();
	seam_rcu_read_lock();
	slot = slot_find(vm_slots(vm), view->gfn);
	view->has_slot = slot;
	if (slot) {
		view->slot = *slot;
		view->attr = attr_get(&vm->attr, view->gfn);
	}
	seam_rcu_read_unlock();
	if (access->permission && slot) {
		seam_read_lock(&vm->s2_lock);
		view->mapped = s2_lookup(&vm->s2, view->gfn).perm;
		seam_read_unlock(&vm->s2_lock);
	}
}

/*
 * A permission fault whose need is granted already: most likely another vCPU was faster.
 * Only if the very same fault comes twice in a row, with vm_wait_for_widening() between, is it
 * certain that there is a need which the syndrome hides.
 */
static bool vm_fault_was_raced(struct s2_cache *cache, const struct access *access,
			       const struct vm_view *view)
{
	bool granted = access->permission && perm_has(view->mapped, access->need);
	bool again = cache->again_nr == view->gfn.nr && cache->again_perm == view->mapped;

	cache->again_nr = view->gfn.nr;
	cache->again_perm = granted && !again ? view->mapped : PERM_NONE;
	return granted && !again;
}

/*
 * Whoever has widened an entry, and not yet told the TLBs, holds the lock: by what they still
 * hold the guest could fault any number of times.
 */
static void vm_wait_for_widening(struct vm *vm)
{
	seam_write_lock(&vm->s2_lock);
	seam_write_unlock(&vm->s2_lock);
}

static u64 vm_exit_flags(perm_t need)
{
	if (need & PERM_T)
		return ABI_EXIT_TAG;
	return (need & PERM_R ? ABI_EXIT_READ : 0) | (need & PERM_W ? ABI_EXIT_WRITE : 0) |
	       (need & PERM_X ? ABI_EXIT_EXEC : 0);
}

static void vm_exit(struct vm *vm, const struct vm_view *view, const struct fault_verdict *v,
		    struct vm_fault_result *result)
{
	result->outcome = VM_EXIT_FAULT;
	result->flags = vm_exit_flags(v->need);
	result->gpa = gfn_gpa(view->gfn).addr;
	result->size = TSR_PAGE_SIZE;
	if (v->private)
		result->flags |= ABI_EXIT_PRIVATE;
	result->error = v->poison ? -EHWPOISON : -EFAULT;
	seam_count(v->need & PERM_T ? &vm->stats.exits_tag : &vm->stats.exits_fault, 1);
}

/* One attempt under the lock, held as @exclusive says. */
static enum s2_map_result vm_map_locked(struct vm *vm, struct s2_cache *cache, struct vm_view *view,
					int level, struct s2_leaf *leaf, bool exclusive)
{
	u64 pages = 1ULL << TSR_LEVEL_ORDER(level);
	u64 begin = view->gfn.nr & ~(pages - 1);
	struct gfn_range range = { begin, begin + pages };

	if (!vm_inval_passes(vm, view->seq, range))
		return S2_UNCHANGED;
	if (vm->tags_shared)
		leaf->soft = 0;
	/* A vCPU has opened some of it since the host's flags were looked at. */
	if (exclusive && vm->lazy_tags && leaf->type == MEMTYPE_WB && !(leaf->perm & PERM_T) &&
	    vm_tags_any(vm, range))
		return S2_UNCHANGED;
	/* The slot is still what it was, and so its log is there. */
	if ((leaf->perm & PERM_W) && slot_logs(&view->slot))
		vm_dirty_mark(vm, &view->slot, view->gfn.nr - view->slot.gfns.begin, &view->dirty);
	return s2_map(&vm->s2, cache, view->gfn, level, leaf, exclusive);
}

/*
 * The level to map at. What is cleaned is cleaned with the lock held, now and when the guest
 * loses it: nobody is to wait for a GiB of that.
 */
static int vm_map_level(struct vm *vm, const struct fault_env *env, const struct vm_view *view,
			const struct backing *b, const struct fault_verdict *v, bool clean)
{
	struct backing piece;
	int level;

	/* Most memory is in smaller pieces than any block. */
	if (b->order < TSR_LEVEL_ORDER(TSR_LEVEL_LAST - 1))
		return TSR_LEVEL_LAST;
	piece = *b;
	if (env->lazy && (v->need & PERM_T))
		piece.tagged_count = vm_tags_count(vm, view->gfn, b);
	piece.order = fault_tags_order(env, v, &piece);
	level = fault_level(&view->slot, view->gfn, &piece, view->attr.level);
	return clean && level < TSR_LEVEL_LAST - 1 ? TSR_LEVEL_LAST - 1 : level;
}

/* 0, or -ENOMEM. */
static int vm_map(struct vm *vm, const struct fault_env *env, struct s2_cache *cache,
		  struct vm_view *view, const struct backing *b, const struct fault_verdict *v)
{
	bool clean = memtype_needs_clean(b->kind, vm->host);
	bool window = memtype_needs_window(b->kind, vm->host);
	int level = vm_map_level(vm, env, view, b, v, clean);
	struct s2_leaf leaf = {
		.hpa = hpa_of(b->hpa.addr & ~((TSR_PAGE_SIZE << TSR_LEVEL_ORDER(level)) - 1)),
		.type = v->type,
		.perm = v->perm,
		.clean = clean,
		.tags = env->mte && fault_holds_tags(env, b),
		.soft = vm_tags_soft(env, v->type, b, level, v->perm),
	};
	u64 bytes = TSR_PAGE_SIZE << TSR_LEVEL_ORDER(level);
	enum s2_map_result r;

	/* Ours is for the attempt; a leaf that comes of it has its own. */
	if (window && seam_window_open(leaf.hpa, bytes))
		return -ENOMEM;
	seam_read_lock(&vm->s2_lock);
	r = vm_map_locked(vm, cache, view, level, &leaf, false);
	seam_read_unlock(&vm->s2_lock);
	if (r == S2_EXCLUSIVE) {
		seam_write_lock(&vm->s2_lock);
		r = vm_map_locked(vm, cache, view, level, &leaf, true);
		seam_write_unlock(&vm->s2_lock);
	}
	if (r == S2_MAPPED)
		seam_count(level == TSR_LEVEL_LAST ? &vm->stats.pages_mapped
						   : &vm->stats.blocks_mapped,
			   1);
	if (window)
		seam_window_close(leaf.hpa, bytes);
	return 0;
}

static void vm_apply(struct vm *vm, const struct vm_view *view, const struct fault_verdict *v,
		     struct vm_fault_result *result)
{
	switch (v->action) {
	case FAULT_MMIO:
		result->outcome = VM_EXIT_MMIO;
		return;
	case FAULT_INJECT:
		result->outcome = VM_INJECT_ABORT;
		return;
	case FAULT_SKIP:
		result->outcome = VM_SKIP;
		return;
	case FAULT_EXIT:
		vm_exit(vm, view, v, result);
		return;
	case FAULT_RESUME:
	case FAULT_BACKING:
	case FAULT_MAP:
		return;
	}
}

static void vm_fail(struct vm_fault_result *result, int err)
{
	result->outcome = err == -EAGAIN ? VM_RESUME : VM_ERROR;
	result->error = err;
}

/*
 * log2 of the pages that the file may well supply in one piece: a piece of it lies as its pages do,
 * so that their numbers stand for addresses of the host.
 */
static u8 vm_gmem_order(const struct vm_view *view)
{
	const struct backing piece = {
		.hpa = hpa_of(slot_gfn_gmem(&view->slot, view->gfn) << TSR_PAGE_SHIFT),
		.order = TSR_LEVEL_ORDER(TSR_LEVEL_LAST - 1),
	};

	return (u8)TSR_LEVEL_ORDER(
		fault_level(&view->slot, view->gfn, &piece, (int)view->attr.level));
}

/* Where the page's memory comes from. As seam_backing_get(). */
static int vm_backing_get(struct vm *vm, const struct fault_env *env, struct s2_cache *cache,
			  const struct vm_view *view, perm_t need, struct backing *b)
{
	const struct slot *slot = &view->slot;
	u8 attrs = (u8)view->attr.bits;

	if (fault_from_gmem(slot, attrs))
		return vm_gmem_get(vm, view->seq, slot, view->gfn, vm_gmem_order(view), b);
	return seam_backing_get(vm, slot, view->gfn, fault_use(env, slot, attrs, need),
				&cache->memo, b);
}

/* The page has memory behind it: finds that, and maps it or says what is wrong with it. */
static void vm_fault_backing(struct vm *vm, struct s2_cache *cache, struct vm_view *view,
			     perm_t need, struct vm_fault_result *result)
{
	struct fault_env env = vm_fault_env(vm);
	const struct slot *slot = &view->slot;
	u8 attrs = (u8)view->attr.bits;
	struct fault_verdict v;
	struct backing b;
	int err = s2_cache_fill(cache, S2_TABLES_MAP);

	if (!err)
		err = vm_backing_get(vm, &env, cache, view, need, &b);
	if (err) {
		vm_fail(result, err);
		return;
	}
	v = fault_of_walk(view->kind, fault_resolve(&env, slot, attrs, need, &b));
	if (v.action == FAULT_MAP)
		err = vm_map(vm, &env, cache, view, &b, &v);
	else
		vm_apply(vm, view, &v, result);
	if (err)
		vm_fail(result, err);
	seam_backing_put(vm, &b, v.action == FAULT_MAP && (v.perm & PERM_W));
}

void vm_fault(struct vm *vm, struct s2_cache *cache, const struct access *access,
	      struct vm_fault_result *result)
{
	struct vm_view view = { .gfn = gpa_gfn(access->gpa), .kind = access->kind };
	struct fault_verdict v;
	bool raced;

	*result = (struct vm_fault_result){ .outcome = VM_RESUME };
	seam_count(&vm->stats.faults, 1);
	vm_look(vm, access, &view);
	raced = vm_fault_was_raced(cache, access, &view);
	v = fault_plan(access, view.has_slot ? &view.slot : NULL, (u8)view.attr.bits, view.mapped);
	/* What policy grants may be mapped on suspicion; what it denies must be needed. */
	if (v.action == FAULT_BACKING)
		vm_fault_backing(vm, cache, &view, v.need, result);
	else if (raced)
		vm_wait_for_widening(vm);
	else
		vm_apply(vm, &view, &v, result);
	result->dirty = view.dirty;
}
