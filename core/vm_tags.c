// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Tags of a VM's memory: lazily opened, and what is known of them (core/s2/tags.c). */
#include "vm_room.h"

int vm_enable_lazy_tags(struct vm *vm)
{
	int err = 0;

	seam_mutex_lock(&vm->lock);
	if (vm->started || vm->host->mte < 2)
		err = -EINVAL;
	else
		WRITE_ONCE(vm->lazy_tags, true);
	seam_mutex_unlock(&vm->lock);
	return err;
}

struct s2_tags vm_tags_look(struct vm *vm, struct gfn first, unsigned int count)
{
	struct s2_tags tags = { 0, 0 };
	u64 pages = s2_geom_pages(&vm->s2.geom);

	if (!READ_ONCE(vm->mte) || first.nr >= pages)
		return tags;
	if (count > pages - first.nr)
		count = (unsigned int)(pages - first.nr);
	seam_read_lock(&vm->s2_lock);
	tags = s2_tags_look(&vm->s2, first, count);
	seam_read_unlock(&vm->s2_lock);
	return tags;
}

static void vm_s2_tags_forget(struct vm *vm, struct gfn_range range)
{
	while (!gfn_range_empty(range)) {
		seam_write_lock(&vm->s2_lock);
		range.begin = s2_range_tags_forget(&vm->s2, range);
		seam_write_unlock(&vm->s2_lock);
		seam_relax();
	}
}

void vm_tags_written(struct vm *vm, struct gfn_range range)
{
	/* A fault that has looked at the host's flag before starts again. */
	vm_inval_begin(vm, range);
	vm_s2_tags_forget(vm, range);
	vm_inval_end(vm);
}

void vm_tags_share(struct vm *vm)
{
	struct gfn_range all = { 0, s2_geom_pages(&vm->s2.geom) };
	bool forgotten;

	seam_write_lock(&vm->s2_lock);
	vm->tags_shared = true;
	forgotten = vm->tags_forgotten;
	seam_write_unlock(&vm->s2_lock);
	/* No leaf says anything of tags any more: it is not to be looked for at each slot. */
	if (forgotten)
		return;
	vm_s2_tags_forget(vm, all);
	seam_write_lock(&vm->s2_lock);
	vm->tags_forgotten = true;
	seam_write_unlock(&vm->s2_lock);
}

/* Pages of 64 of whose tags no leaf says that there are none. */
static u32 tags_unknown(struct vm *vm, struct gfn first)
{
	struct s2_tags tags = vm_tags_look(vm, first, 64);
	u64 left = ~tags.known | tags.tagged;
	u32 count = 0;

	for (; left; left &= left - 1)
		count++;
	return count;
}

u32 vm_tags_count(struct vm *vm, struct gfn gfn, const struct backing *b)
{
	u64 pages = 1ULL << b->order, begin = gfn.nr & ~(pages - 1);
	u32 count = 0;

	if (pages < 64 || pages > TSR_LEVEL_COUNT || !b->tagged_count)
		return b->tagged_count;
	for (u64 i = 0; i < pages; i += 64)
		count += tags_unknown(vm, gfn_of(begin + i));
	return count < b->tagged_count ? count : b->tagged_count;
}

bool vm_tags_any(const struct vm *vm, struct gfn_range range)
{
	while (!gfn_range_empty(range)) {
		u64 left = gfn_range_count(range);
		unsigned int n = left < 64 ? (unsigned int)left : 64;

		if (s2_tags_look(&vm->s2, gfn_of(range.begin), n).tagged)
			return true;
		range.begin += n;
	}
	return false;
}

u64 vm_tags_soft(const struct fault_env *env, enum memtype type, const struct backing *b, int level,
		 perm_t perm)
{
	bool none = level == TSR_LEVEL_LAST ? !b->tagged : !b->tagged_count;

	if (!env->mte)
		return 0;
	/* What cannot hold tags has none. And the zero page may be opened, but for reading. */
	if (type != MEMTYPE_WB || !fault_holds_tags(env, b) || b->blank)
		return S2_DESC_UNTAGGED;
	return env->lazy && b->own && none && !(perm & PERM_T) ? S2_DESC_UNTAGGED : 0;
}
