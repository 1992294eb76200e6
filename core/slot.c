// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "slot.h"
#include "slot_index.h"
#include "seam.h"

/* What a slot keeps from its creation to its end. */
#define SLOT_FLAGS_FIXED (ABI_MEM_READONLY | ABI_MEM_TAGS_ON_TOUCH | ABI_MEM_TAGS_OPTIONAL)
#define SLOT_FLAGS_KNOWN (SLOT_FLAGS_FIXED | ABI_MEM_LOG_DIRTY_PAGES | ABI_MEM_GUEST_MEMFD)
/* What does not go with a file, as in mainline: its writes are not logged, nor emulated. */
#define SLOT_FLAGS_NOT_GMEM (ABI_MEM_LOG_DIRTY_PAGES | ABI_MEM_READONLY)

/* The slot that holds @gfn or is the last before it. */
static const struct slot *slot_upto(const struct slots *slots, u64 gfn_nr)
{
	return slots ? slot_index_find(slots->index[SLOT_BY_GFN], SLOT_BY_GFN, gfn_nr, ~0U) : NULL;
}

const struct slot *slot_find(const struct slots *slots, struct gfn gfn)
{
	const struct slot *slot = slot_upto(slots, gfn.nr);

	return slot && gfn.nr < slot->gfns.end ? slot : NULL;
}

const struct slot *slot_from(const struct slots *slots, struct gfn gfn)
{
	const struct slot *slot = slot_find(slots, gfn);

	if (slot || !slots)
		return slot;
	return slot_index_above(slots->index[SLOT_BY_GFN], SLOT_BY_GFN, gfn.nr, ~0U);
}

const struct slot *slot_by_id(const struct slots *slots, u32 id)
{
	const struct slot *slot = NULL;

	if (slots)
		slot = slot_index_find(slots->index[SLOT_BY_ID], SLOT_BY_ID, id, id);
	return slot && slot->id == id ? slot : NULL;
}

/* The first slot from the cursor on, by address, that ends after @begin. */
static const struct slot *slot_hva_from(const struct slot_index *index, u64 begin,
					struct slot_cursor *cursor)
{
	for (; cursor->span < index->count; cursor->span++, cursor->slot = 0) {
		const struct slot_span *span = &index->span[cursor->span];

		if (span->max_end <= begin)
			continue;
		for (; cursor->slot < span->chunk->count; cursor->slot++)
			if (slot_hva_end(&span->chunk->slot[cursor->slot]) > begin)
				return &span->chunk->slot[cursor->slot++];
	}
	return NULL;
}

const struct slot *slot_hva_next(const struct slots *slots, u64 begin, u64 end,
				 struct slot_cursor *cursor)
{
	const struct slot *slot;

	if (!slots || begin >= end)
		return NULL;
	if (!cursor->begun)
		slot_index_seek(slots->index[SLOT_BY_HVA], begin, cursor);
	slot = slot_hva_from(slots->index[SLOT_BY_HVA], begin, cursor);
	return slot && slot->hva.addr < end ? slot : NULL;
}

struct gfn_range slot_hva_gfns(const struct slot *slot, u64 begin, u64 end)
{
	u64 first = slot->hva.addr, last = slot_hva_end(slot);
	struct gfn_range gfns = slot->gfns;

	if (begin > first)
		gfns.begin += (begin - first) >> TSR_PAGE_SHIFT;
	if (end < last)
		gfns.end -= (last - end) >> TSR_PAGE_SHIFT;
	return gfns;
}

static int slot_check_file(const struct slot_request *req, const struct slot_file *file)
{
	u64 end;

	if (!(req->flags & ABI_MEM_GUEST_MEMFD))
		return 0;
	if (!file || (req->flags & SLOT_FLAGS_NOT_GMEM) || (file->offset & (TSR_PAGE_SIZE - 1)) ||
	    __builtin_add_overflow(file->offset, req->size, &end))
		return -EINVAL;
	return 0;
}

/* What can be said of a request without looking at the slots there are. */
static int slot_check(const struct slot_request *req, const struct slot_file *file)
{
	u64 end;

	if (req->flags & ~SLOT_FLAGS_KNOWN)
		return -EINVAL;
	if ((req->flags & ABI_MEM_TAGS_ON_TOUCH) && !(req->flags & ABI_MEM_TAGS_OPTIONAL))
		return -EINVAL;
	if ((req->gpa | req->size | req->hva) & (TSR_PAGE_SIZE - 1))
		return -EINVAL;
	if (req->id >= ABI_SLOT_COUNT)
		return -EINVAL;
	if (__builtin_add_overflow(req->gpa, req->size, &end) ||
	    __builtin_add_overflow(req->hva, req->size, &end))
		return -EINVAL;
	if (req->size >> TSR_PAGE_SHIFT > ABI_SLOT_PAGES_MAX)
		return -EINVAL;
	return slot_check_file(req, file);
}

/* Sets the kind of the change from the slot that has the number now, if any. */
static int slot_classify(const struct slot *old, struct slot_change *change)
{
	const struct slot *new = &change->after;

	if (!old) {
		change->kind = SLOT_CREATE;
		return 0;
	}
	/* Mainline: a slot with a file stays as it is. */
	if ((new->flags | old->flags) & ABI_MEM_GUEST_MEMFD)
		return -EINVAL;
	if (new->hva.addr != old->hva.addr ||
	    gfn_range_count(new->gfns) != gfn_range_count(old->gfns) ||
	    ((new->flags ^ old->flags) & SLOT_FLAGS_FIXED))
		return -EINVAL;
	if (new->gfns.begin != old->gfns.begin)
		change->kind = SLOT_MOVE;
	else if (new->flags != old->flags)
		change->kind = SLOT_FLAGS;
	else
		change->kind = SLOT_NOTHING;
	return 0;
}

static bool slot_overlaps_other(const struct slots *slots, const struct slot *new)
{
	const struct slot *slot = slot_upto(slots, new->gfns.end - 1);

	while (slot && slot->gfns.end > new->gfns.begin) {
		if (slot->id != new->id)
			return true;
		slot = slot->gfns.begin ? slot_upto(slots, slot->gfns.begin - 1) : NULL;
	}
	return false;
}

static int slot_build_order(const struct slots *now, struct slot_change *change,
			    enum slot_order order)
{
	struct slot_index **index = &change->next->index[order];

	if (now)
		*index = now->index[order];
	switch (change->kind) {
	case SLOT_NOTHING:
		break;
	case SLOT_CREATE:
		return slot_index_insert(&change->edit, order, index, &change->after);
	case SLOT_DELETE:
		return slot_index_remove(&change->edit, order, index, &change->before);
	case SLOT_MOVE:
	case SLOT_FLAGS:
		return slot_index_replace(&change->edit, order, index, &change->before,
					  &change->after);
	}
	return 0;
}

/* A log goes with its slot when that moves, and ends with the flag. */
static int slot_prepare_log(enum slot_log log, struct slot_change *change)
{
	struct slot *after = &change->after;

	if (!(after->flags & ABI_MEM_LOG_DIRTY_PAGES))
		return 0;
	after->log = change->before.log;
	if (log == SLOT_LOG_NONE)
		return 0;
	if (!after->log)
		after->log = dirty_log_make(gfn_range_count(after->gfns), log == SLOT_LOG_DIRTY);
	return after->log ? 0 : -ENOMEM;
}

/* Builds the table that is to be published as change->next. The plan's on failure, too. */
static int slot_build(struct slots *now, struct slot_change *change)
{
	u32 count = (now ? now->count : 0) + (change->kind == SLOT_CREATE) -
		    (change->kind == SLOT_DELETE);
	int err = 0;

	change->next = slot_edit_alloc(&change->edit, sizeof(*change->next));
	if (!change->next)
		return -ENOMEM;
	change->next->count = count;
	for (int order = 0; !err && order < SLOT_ORDERS; order++)
		err = slot_build_order(now, change, (enum slot_order)order);
	if (err)
		return err;
	slot_edit_supersede(&change->edit, now);
	if (!count) {
		slot_edit_supersede(&change->edit, change->next);
		change->next = NULL;
	}
	return 0;
}

static void slot_form(const struct slot_request *req, const struct slot_file *file,
		      struct slot *slot)
{
	slot->id = req->id;
	slot->flags = req->flags;
	slot->hva = hva_of(req->hva);
	if (!(req->flags & ABI_MEM_GUEST_MEMFD))
		return;
	if (file->all)
		slot->flags |= SLOT_GMEM_ALL;
	slot->gmem = file->gmem;
	slot->gmem_page = file->offset >> TSR_PAGE_SHIFT;
}

/* The slot that is asked for: how does it compare with what is there? */
static int slot_judge(const struct slots *now, const struct slot *old,
		      const struct slot_request *req, u8 ipa_bits, struct slot_change *change)
{
	int err;

	if (!req->size) {
		change->kind = SLOT_DELETE;
		return old ? 0 : -EINVAL;
	}
	err = gfn_range_make(req->gpa, req->size, &change->after.gfns);
	if (!err)
		err = slot_classify(old, change);
	if (err || change->kind == SLOT_NOTHING)
		return err;
	if (slot_overlaps_other(now, &change->after))
		return -EEXIST;
	return change->after.gfns.end > 1ULL << (ipa_bits - TSR_PAGE_SHIFT) ? -EFAULT : 0;
}

int slot_plan(struct slots *now, const struct slot_request *req, const struct slot_file *file,
	      u8 ipa_bits, enum slot_log log, struct slot_change *change)
{
	const struct slot *old;
	int err = slot_check(req, file);

	memset(change, 0, sizeof(*change));
	if (err)
		return err;
	old = slot_by_id(now, req->id);
	if (old)
		change->before = *old;
	if (req->size)
		slot_form(req, file, &change->after);
	err = slot_judge(now, old, req, ipa_bits, change);
	if (err || change->kind == SLOT_NOTHING)
		return err;
	if ((change->after.flags & ABI_MEM_GUEST_MEMFD) && !change->after.gmem)
		return file->error;
	err = slot_prepare_log(log, change);
	if (!err)
		err = slot_build(now, change);
	if (err)
		slot_plan_drop(change);
	return err;
}

void slot_plan_drop(struct slot_change *change)
{
	struct slot_edit *edit = &change->edit;

	while (edit->made_count)
		seam_free(edit->made[--edit->made_count]);
	if (change->after.log != change->before.log)
		dirty_log_free(change->after.log);
	change->after.log = NULL;
	edit->dead_count = 0;
	change->next = NULL;
}

void slot_plan_finish(struct slot_change *change)
{
	struct slot_edit *edit = &change->edit;

	while (edit->dead_count)
		seam_free_rcu(edit->dead[--edit->dead_count]);
	if (change->before.log != change->after.log)
		dirty_log_free(change->before.log);
	change->before.log = NULL;
	edit->made_count = 0;
}

static void slot_destroy(const struct slot *slot)
{
	dirty_log_free(slot->log);
	if (slot->gmem)
		seam_gmem_unbind(slot->gmem, slot->gmem_page, slot->gfns);
}

static void slots_destroy_each(struct slots *slots)
{
	const struct slot_index *index = slots->index[SLOT_BY_ID];

	for (u32 i = 0; i < index->count; i++)
		for (u32 j = 0; j < index->span[i].chunk->count; j++)
			slot_destroy(&index->span[i].chunk->slot[j]);
}

void slots_destroy(struct slots *slots)
{
	if (slots)
		slots_destroy_each(slots);
	for (int order = 0; slots && order < SLOT_ORDERS; order++) {
		struct slot_index *index = slots->index[order];

		for (u32 i = 0; i < index->count; i++)
			seam_free(index->span[i].chunk);
		seam_free(index);
	}
	seam_free(slots);
}
