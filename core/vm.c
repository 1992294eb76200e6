// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "vm_room.h"

int vm_init(struct vm *vm, const struct host *host, unsigned int ipa_bits, struct seam_tlb *tlb)
{
	int err;

	if (ipa_bits < 32 || ipa_bits > host->ipa_bits || ipa_bits > 48)
		return -EINVAL;
	memset(vm, 0, sizeof(*vm));
	vm->host = host;
	vm->ipa_bits = (u8)ipa_bits;
	seam_mutex_init(&vm->lock);
	seam_rwsem_init(&vm->gmem_lock);
	seam_rwlock_init(&vm->s2_lock);
	err = attr_init(&vm->attr, vm->ipa_bits);
	if (err)
		return err;
	err = s2_init(&vm->s2, host, vm->ipa_bits, tlb, &vm->s2_lock);
	if (err)
		attr_destroy(&vm->attr);
	return err;
}

void vm_destroy(struct vm *vm)
{
	s2_cache_drain(&vm->cut);
	s2_destroy(&vm->s2);
	attr_destroy(&vm->attr);
	slots_destroy(vm->slots);
	vm->slots = NULL;
}

u64 vm_vttbr_baddr(const struct vm *vm)
{
	return seam_table_hpa(vm->s2.root).addr;
}

u64 vm_vtcr(const struct vm *vm)
{
	return s2_geom_vtcr(&vm->s2.geom, vm->host);
}

void vm_start(struct vm *vm)
{
	seam_mutex_lock(&vm->lock);
	vm->started = true;
	seam_mutex_unlock(&vm->lock);
}

/* --- The invalidate sequence. --- */

/* Adds @range, not empty, to what the open changes cover. s2_lock, exclusive. */
static void vm_inval_cover(struct vm *vm, struct gfn_range range)
{
	struct gfn_range *open = &vm->inval_range;

	if (gfn_range_empty(*open)) {
		*open = range;
		return;
	}
	if (range.begin < open->begin)
		open->begin = range.begin;
	if (range.end > open->end)
		open->end = range.end;
}

void vm_inval_begin(struct vm *vm, struct gfn_range range)
{
	seam_write_lock(&vm->s2_lock);
	vm->inval_open++;
	vm_inval_cover(vm, range);
	seam_write_unlock(&vm->s2_lock);
}

void vm_inval_end(struct vm *vm)
{
	seam_write_lock(&vm->s2_lock);
	/*
	 * A host change of addresses behind no slot concerns no fault. Were a slot made over
	 * them meanwhile, its own bracket would have left its range here.
	 */
	if (!gfn_range_empty(vm->inval_range)) {
		/* Pairs with smp_rmb() in vm_look(): the new sequence comes after the change. */
		smp_wmb();
		WRITE_ONCE(vm->inval_seq, vm->inval_seq + 1);
	}
	if (!--vm->inval_open)
		vm->inval_range = (struct gfn_range){ 0, 0 };
	seam_write_unlock(&vm->s2_lock);
}

bool vm_inval_passes(const struct vm *vm, u64 seq, struct gfn_range range)
{
	if (vm->inval_open && gfn_range_overlaps(vm->inval_range, range))
		return false;
	return vm->inval_seq == seq;
}

void vm_s2_unmap(struct vm *vm, struct gfn_range range, bool sleeps)
{
	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_unmap(&vm->s2, NULL, range);
		seam_write_unlock(&vm->s2_lock);
		if (sleeps)
			seam_relax();
	}
}

/* --- Attributes. --- */

u64 vm_attr_mask(const struct vm *vm)
{
	u64 mask = ABI_ATTR_NR | ABI_ATTR_NW | ABI_ATTR_NX | ABI_ATTR_PRIVATE;

	if (vm->host->mte_perm && READ_ONCE(vm->mte))
		mask |= ABI_ATTR_NT;
	return mask;
}

/* What leaves in the range may grant that the attributes deny from now on. */
static perm_t vm_attr_removes(enum attr_op op, u64 bits)
{
	perm_t remove = PERM_NONE;

	if (op == ATTR_CLEAR)
		return remove;
	if (bits & ABI_ATTR_NR)
		remove |= PERM_R;
	if (bits & ABI_ATTR_NW)
		remove |= PERM_W;
	if (bits & ABI_ATTR_NX)
		remove |= PERM_X;
	if (bits & ABI_ATTR_NT)
		remove |= PERM_T;
	return remove;
}

void vm_s2_write_protect(struct vm *vm, struct gfn_range range)
{
	/* Without tables the rest of a block is write-protected, too, and faults. */
	bool cuts = !s2_cache_fill(&vm->cut, S2_TABLES_CUT);

	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_write_protect(&vm->s2, cuts ? &vm->cut : NULL, range);
		seam_write_unlock(&vm->s2_lock);
		seam_relax();
	}
}

void vm_s2_join(struct vm *vm, struct gfn_range range)
{
	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_join(&vm->s2, range, 1);
		seam_write_unlock(&vm->s2_lock);
		seam_relax();
	}
}

/* Takes permissions from what is mapped; vm->lock. A bracket over the range is open. */
static void vm_s2_protect(struct vm *vm, struct gfn_range range, perm_t remove)
{
	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_protect(&vm->s2, &vm->cut, range, remove);
		seam_write_unlock(&vm->s2_lock);
		seam_relax();
	}
}

/*
 * The pages around @nr that the change has made alike are a block again. What has become wider
 * comes back by faults.
 */
static void vm_attr_join(struct vm *vm, u64 nr)
{
	const int level = TSR_LEVEL_LAST - 1;
	u64 pages = 1ULL << TSR_LEVEL_ORDER(level), begin = nr & ~(pages - 1);

	if (!attr_uniform(&vm->attr, gfn_of(nr), level))
		return;
	seam_write_lock(&vm->s2_lock);
	s2_range_join(&vm->s2, (struct gfn_range){ begin, begin + pages }, level);
	seam_write_unlock(&vm->s2_lock);
}

/* What it does to pages that are not so already. vm->lock. */
enum turn { TURN_NONE, TURN_SHARED, TURN_PRIVATE };

static enum turn vm_attr_turn(const struct vm *vm, enum attr_op op, u64 bits)
{
	bool named = bits & ABI_ATTR_PRIVATE;

	if (named && op != ATTR_CLEAR)
		return TURN_PRIVATE;
	if (vm->has_private && (named || op == ATTR_EXACT))
		return TURN_SHARED;
	return TURN_NONE;
}

static void vm_attr_commit(struct vm *vm, struct attr_plan *plan, struct gfn_range range,
			   perm_t remove, enum turn turn)
{
	if (turn)
		seam_rwsem_write_lock(&vm->gmem_lock);
	vm_inval_begin(vm, range);
	if (turn)
		vm_gmem_convert(vm, range, turn == TURN_PRIVATE);
	attr_commit(&vm->attr, plan);
	if (remove)
		vm_s2_protect(vm, range, remove);
	vm_inval_end(vm);
	if (turn)
		seam_rwsem_write_unlock(&vm->gmem_lock);
	if (remove) {
		vm_attr_join(vm, range.begin);
		vm_attr_join(vm, range.end - 1);
	}
}

int vm_attr_set(struct vm *vm, struct gfn_range range, enum attr_op op, u64 bits)
{
	perm_t remove = vm_attr_removes(op, bits);
	struct attr_plan plan;
	int err;

	if (gfn_range_empty(range) || range.end > s2_geom_pages(&vm->s2.geom))
		return -EINVAL;
	seam_mutex_lock(&vm->lock);
	err = bits & ~vm_attr_mask(vm) ? -EINVAL : 0;
	if (!err && remove)
		err = s2_cache_fill(&vm->cut, S2_TABLES_CUT);
	if (!err)
		err = attr_prepare(&vm->attr, range, op, (u8)bits, &plan);
	if (!err) {
		enum turn turn = vm_attr_turn(vm, op, bits);

		vm->has_private |= turn == TURN_PRIVATE;
		vm_attr_commit(vm, &plan, range, remove, turn);
	}
	seam_mutex_unlock(&vm->lock);
	return err;
}

/* --- The host's MMU notifier. --- */

/*
 * Opens a change of all that [@begin, @end) stands behind, in @slots, which were read under
 * the exclusive lock: a slot that is not seen here comes after, inside a bracket of its own
 * that makes the open range cover it until this one ends. How many slots, two for any more;
 * @pages are the first one's.
 */
static u32 vm_hva_open(struct vm *vm, const struct slots *slots, u64 begin, u64 end,
		       struct gfn_range *pages)
{
	struct slot_cursor cursor = vm->hva_guess;
	const struct slot *slot;
	u32 count = 0;

	vm->inval_open++;
	while ((slot = slot_hva_next(slots, begin, end, &cursor))) {
		struct gfn_range range = slot_hva_gfns(slot, begin, end);

		vm_inval_cover(vm, range);
		if (!count) {
			*pages = range;
			/* The next change is as a rule of the pages that follow. */
			vm->hva_guess.span = cursor.span;
			vm->hva_guess.slot = cursor.slot - 1;
		}
		count += count < 2;
	}
	return count;
}

/* A piece of what [@begin, @end) stands behind is unmapped. Was that the last? */
static bool vm_hva_unmap(struct vm *vm, u64 begin, u64 end)
{
	struct slot_cursor cursor = { 0 };
	const struct slots *slots;
	const struct slot *slot;
	bool last = true;

	seam_rcu_read_lock();
	slots = vm_slots(vm);
	while (last && (slot = slot_hva_next(slots, begin, end, &cursor))) {
		struct gfn_range pages = slot_hva_gfns(slot, begin, end);

		seam_write_lock(&vm->s2_lock);
		last = s2_range_unmap(&vm->s2, NULL, pages) >= pages.end;
		seam_write_unlock(&vm->s2_lock);
	}
	seam_rcu_read_unlock();
	return last;
}

static void vm_hva_invalidate(struct vm *vm, u64 begin, u64 end, bool sleeps)
{
	struct gfn_range pages = { 0, 0 };
	u32 count;

	seam_rcu_read_lock();
	seam_write_lock(&vm->s2_lock);
	count = vm_hva_open(vm, vm_slots(vm), begin, end, &pages);
	/* What the host changes is a page as a rule: it takes the lock once. */
	if (count == 1)
		pages.begin = s2_range_unmap(&vm->s2, NULL, pages);
	seam_write_unlock(&vm->s2_lock);
	seam_rcu_read_unlock();
	/* A slot may go from here on: who takes it away unmaps its pages before that. */
	if (count == 1)
		vm_s2_unmap(vm, pages, sleeps);
	/* What a piece has emptied costs the next no time. */
	while (count > 1 && !vm_hva_unmap(vm, begin, end))
		if (sleeps)
			seam_relax();
}

void vm_hva_invalidate_begin(struct vm *vm, u64 begin, u64 end)
{
	vm_hva_invalidate(vm, begin, end, false);
}

void vm_hva_invalidate_begin_turns(struct vm *vm, u64 begin, u64 end)
{
	vm_hva_invalidate(vm, begin, end, true);
}

void vm_hva_invalidate_end(struct vm *vm, u64 begin, u64 end)
{
	vm_inval_end(vm);
}

static bool vm_s2_age(struct vm *vm, struct gfn_range range, bool clear)
{
	bool young = false;

	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_age(&vm->s2, range, clear, &young);
		seam_write_unlock(&vm->s2_lock);
	}
	return young;
}

bool vm_hva_age(struct vm *vm, u64 begin, u64 end, bool clear)
{
	struct slot_cursor cursor = { 0 };
	const struct slots *slots;
	const struct slot *slot;
	bool young = false;

	seam_rcu_read_lock();
	slots = vm_slots(vm);
	while ((slot = slot_hva_next(slots, begin, end, &cursor)))
		young |= vm_s2_age(vm, slot_hva_gfns(slot, begin, end), clear);
	seam_rcu_read_unlock();
	return young;
}

void vm_release(struct vm *vm)
{
	struct gfn_range all = { 0, s2_geom_pages(&vm->s2.geom) };

	/* A fault that has looked at the host's flags of tags before starts again. */
	vm_inval_begin(vm, all);
	vm_s2_unmap(vm, all, true);
	vm_inval_end(vm);
}

void vm_clean(struct vm *vm)
{
	struct gfn_range range = { 0, s2_geom_pages(&vm->s2.geom) };

	if (vm->host->fwb)
		return;
	seam_count(&vm->stats.cleans, 1);
	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_clean(&vm->s2, range);
		seam_write_unlock(&vm->s2_lock);
		seam_relax();
	}
}
