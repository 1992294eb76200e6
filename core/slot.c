// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "slot.h"
#include "seam.h"

#define SLOT_FLAGS_KNOWN (ABI_MEM_READONLY | ABI_MEM_TAGS_ON_TOUCH | ABI_MEM_TAGS_OPTIONAL)

const struct slot *slot_find(const struct slots *slots, struct gfn gfn)
{
	u32 low = 0, high = slots ? slots->count : 0;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (gfn.nr < slots->slot[mid].gfns.begin)
			high = mid;
		else if (gfn.nr >= slots->slot[mid].gfns.end)
			low = mid + 1;
		else
			return &slots->slot[mid];
	}
	return NULL;
}

const struct slot *slot_by_id(const struct slots *slots, u32 id)
{
	u32 low = 0, high = slots ? slots->count : 0;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct slot *slot = &slots->slot[slots->by_id[mid]];

		if (id == slot->id)
			return slot;
		if (id < slot->id)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* How many slots, in the order of the VMM's addresses, begin below @end. */
static u32 slot_hva_below(const struct slots *slots, u64 end)
{
	u32 low = 0, high = slots->count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (slots->slot[slots->by_hva[mid].index].hva.addr < end)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct slot *slot_hva_next(const struct slots *slots, u64 begin, u64 end, u32 *cursor)
{
	/* The cursor is one more than the number of candidates left, so that 0 can begin. */
	u32 left;

	if (!slots || begin >= end)
		return NULL;
	left = *cursor ? *cursor - 1 : slot_hva_below(slots, end);
	while (left && slots->by_hva[left - 1].max_end > begin) {
		const struct slot *slot = &slots->slot[slots->by_hva[--left].index];

		if (slot_hva_end(slot) > begin) {
			*cursor = left + 1;
			return slot;
		}
	}
	*cursor = 1;
	return NULL;
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

static struct slots *slots_alloc(u32 count)
{
	size_t slots_size = sizeof(struct slots) + count * sizeof(struct slot);
	size_t hva_size = count * sizeof(struct slot_hva);
	struct slots *slots = seam_alloc(slots_size + hva_size + count * sizeof(u32));

	if (!slots)
		return NULL;
	slots->count = count;
	slots->by_hva = (struct slot_hva *)((char *)slots + slots_size);
	slots->by_id = (u32 *)((char *)slots + slots_size + hva_size);
	return slots;
}

/* Copies all slots of @now but the one numbered @skip. Returns how many. */
static u32 slots_copy_other(const struct slots *now, u32 skip, struct slots *next)
{
	u32 count = 0;

	for (u32 i = 0; now && i < now->count; i++)
		if (now->slot[i].id != skip)
			next->slot[count++] = now->slot[i];
	return count;
}

/* Puts @slot in its place among the first @count of @slots, sorted by guest page. */
static void slots_insert(struct slots *slots, u32 count, const struct slot *slot)
{
	u32 at = count;

	while (at && slots->slot[at - 1].gfns.begin > slot->gfns.begin) {
		slots->slot[at] = slots->slot[at - 1];
		at--;
	}
	slots->slot[at] = *slot;
}

static u64 slots_key_id(const struct slots *slots, u32 index)
{
	return slots->slot[index].id;
}

static u64 slots_key_hva(const struct slots *slots, u32 index)
{
	return slots->slot[index].hva.addr;
}

/* The largest of @order[@root] and what hangs below it comes to the top (heap sort). */
static void slots_sift(const struct slots *slots, u32 *order, u32 root, u32 count,
		       u64 (*key)(const struct slots *slots, u32 index))
{
	u32 child, index = order[root];

	while ((child = 2 * root + 1) < count) {
		if (child + 1 < count &&
		    key(slots, order[child + 1]) > key(slots, order[child]))
			child++;
		if (key(slots, order[child]) <= key(slots, index))
			break;
		order[root] = order[child];
		root = child;
	}
	order[root] = index;
}

static void slots_sort(const struct slots *slots, u32 *order,
		       u64 (*key)(const struct slots *slots, u32 index))
{
	u32 count = slots->count;

	for (u32 i = 0; i < count; i++)
		order[i] = i;
	for (u32 i = count / 2; i-- > 0;)
		slots_sift(slots, order, i, count, key);
	for (u32 i = count; i-- > 1;) {
		u32 top = order[0];

		order[0] = order[i];
		order[i] = top;
		slots_sift(slots, order, 0, i, key);
	}
}

/* Fills both indices; by_id serves as room for the other's sorting first. */
static void slots_index(struct slots *slots)
{
	u64 max_end = 0;

	slots_sort(slots, slots->by_id, slots_key_hva);
	for (u32 i = 0; i < slots->count; i++) {
		u64 end = slot_hva_end(&slots->slot[slots->by_id[i]]);

		max_end = end > max_end ? end : max_end;
		slots->by_hva[i] = (struct slot_hva){ slots->by_id[i], max_end };
	}
	slots_sort(slots, slots->by_id, slots_key_id);
}

static int slot_build(const struct slots *now, struct slot_change *change)
{
	u32 old = now ? now->count : 0;
	bool adds = change->kind != SLOT_DELETE;
	u32 id = adds ? change->after.id : change->before.id;
	u32 count = old - (change->kind != SLOT_CREATE) + adds;
	struct slots *next;

	change->next = NULL;
	if (!count)
		return 0;
	next = slots_alloc(count);
	if (!next)
		return -ENOMEM;
	old = slots_copy_other(now, id, next);
	if (adds)
		slots_insert(next, old, &change->after);
	slots_index(next);
	change->next = next;
	return 0;
}

/* What can be said of a request without looking at the slots there are. */
static int slot_check(const struct slot_request *req)
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
	return 0;
}

static bool slot_same_place(const struct slot *a, const struct slot *b)
{
	return a->gfns.begin == b->gfns.begin && a->gfns.end == b->gfns.end;
}

/* Sets the kind of the change from the slot that has the number now, if any. */
static int slot_classify(const struct slot *old, struct slot_change *change)
{
	const struct slot *new = &change->after;

	if (!old) {
		change->kind = SLOT_CREATE;
		return 0;
	}
	change->before = *old;
	if (new->hva.addr != old->hva.addr ||
	    gfn_range_count(new->gfns) != gfn_range_count(old->gfns) ||
	    ((new->flags ^ old->flags) & ABI_MEM_READONLY))
		return -EINVAL;
	if (!slot_same_place(new, old))
		change->kind = SLOT_MOVE;
	else
		change->kind = new->flags == old->flags ? SLOT_NOTHING : SLOT_FLAGS;
	return 0;
}

static bool slot_overlaps_other(const struct slots *slots, const struct slot *slot)
{
	for (u32 i = 0; slots && i < slots->count; i++)
		if (slots->slot[i].id != slot->id &&
		    gfn_range_overlaps(slots->slot[i].gfns, slot->gfns))
			return true;
	return false;
}

int slot_plan(const struct slots *now, const struct slot_request *req, u8 ipa_bits,
	      struct slot_change *change)
{
	const struct slot *old = slot_by_id(now, req->id);
	int err = slot_check(req);

	change->next = NULL;
	if (err)
		return err;
	if (!req->size) {
		if (!old)
			return -EINVAL;
		change->kind = SLOT_DELETE;
		change->before = *old;
		return slot_build(now, change);
	}
	change->after.id = req->id;
	change->after.flags = req->flags;
	change->after.hva = hva_of(req->hva);
	err = gfn_range_make(req->gpa, req->size, &change->after.gfns);
	if (err)
		return err;
	err = slot_classify(old, change);
	if (err || change->kind == SLOT_NOTHING)
		return err;
	if (slot_overlaps_other(now, &change->after))
		return -EEXIST;
	if (change->after.gfns.end > 1ULL << (ipa_bits - TSR_PAGE_SHIFT))
		return -EFAULT;
	return slot_build(now, change);
}

void slot_plan_drop(struct slot_change *change)
{
	seam_free(change->next);
	change->next = NULL;
}
