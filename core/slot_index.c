// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "slot_index.h"
#include "seam.h"

/* Is (@key, @id) before (@other_key, @other_id)? */
static bool slot_before(u64 key, u32 id, u64 other_key, u32 other_id)
{
	return key != other_key ? key < other_key : id < other_id;
}

/* How many spans begin at or before (@key, @id). */
static u32 spans_upto(const struct slot_index *index, u64 key, u32 id)
{
	u32 low = 0, high = index->count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct slot_span *span = &index->span[mid];

		if (slot_before(key, id, span->first, span->first_id))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* How many slots of the chunk are at or before (@key, @id). */
static u32 slots_upto(const struct slot_chunk *chunk, enum slot_order order, u64 key, u32 id)
{
	u32 low = 0, high = chunk->count;

	while (low < high) {
		u32 mid = low + (high - low) / 2;
		const struct slot *slot = &chunk->slot[mid];

		if (slot_before(key, id, slot_key(order, slot), slot->id))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

const struct slot *slot_index_find(const struct slot_index *index, enum slot_order order, u64 key,
				   u32 id)
{
	const struct slot_chunk *chunk;
	u32 at = index ? spans_upto(index, key, id) : 0;

	if (!at)
		return NULL;
	chunk = index->span[at - 1].chunk;
	return &chunk->slot[slots_upto(chunk, order, key, id) - 1];
}

const struct slot *slot_index_above(const struct slot_index *index, enum slot_order order, u64 key,
				    u32 id)
{
	u32 at = index ? spans_upto(index, key, id) : 0;

	if (at) {
		const struct slot_chunk *chunk = index->span[at - 1].chunk;
		u32 next = slots_upto(chunk, order, key, id);

		if (next < chunk->count)
			return &chunk->slot[next];
	}
	return index && at < index->count ? &index->span[at].chunk->slot[0] : NULL;
}

void *slot_edit_alloc(struct slot_edit *edit, size_t size)
{
	void *p = seam_alloc(size);

	if (p)
		edit->made[edit->made_count++] = p;
	return p;
}

void slot_edit_supersede(struct slot_edit *edit, void *p)
{
	if (p)
		edit->dead[edit->dead_count++] = p;
}

static u64 *chunk_reach(struct slot_chunk *chunk)
{
	return (u64 *)&chunk->slot[chunk->count];
}

/* The first slot of a chunk that ends after @begin; one does. */
static u32 chunk_seek(struct slot_chunk *chunk, u64 begin)
{
	const u64 *reach = chunk_reach(chunk);
	u32 low = 0, high = chunk->count - 1;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (reach[mid] > begin)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Is it there that a slot ends after @begin, and none before it does? */
static bool guess_is_right(const struct slot_index *index, u64 begin,
			   const struct slot_cursor *guess)
{
	u32 span = guess->span, slot = guess->slot;
	struct slot_chunk *chunk;
	const u64 *reach;

	if (span >= index->count || (span && index->span[span - 1].reach > begin))
		return false;
	chunk = index->span[span].chunk;
	reach = chunk_reach(chunk);
	return slot < chunk->count && reach[slot] > begin && (!slot || reach[slot - 1] <= begin);
}

void slot_index_seek(const struct slot_index *index, u64 begin, struct slot_cursor *cursor)
{
	u32 low = 0, high = index->count;

	cursor->begun = true;
	if (guess_is_right(index, begin, cursor))
		return;
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (index->span[mid].reach > begin)
			high = mid;
		else
			low = mid + 1;
	}
	cursor->span = low;
	/* The first to reach that far has a slot of its own that does. */
	cursor->slot = low < index->count ? chunk_seek(index->span[low].chunk, begin) : 0;
}

static size_t chunk_size(enum slot_order order, u32 count)
{
	size_t each = sizeof(struct slot) + (order == SLOT_BY_HVA ? sizeof(u64) : 0);

	return sizeof(struct slot_chunk) + count * each;
}

static struct slot_chunk *chunk_alloc(struct slot_edit *edit, enum slot_order order, u32 count)
{
	struct slot_chunk *chunk = slot_edit_alloc(edit, chunk_size(order, count));

	if (chunk)
		chunk->count = count;
	return chunk;
}

/* The chunk is complete: what an index is to know of it. */
static struct slot_span span_of(struct slot_chunk *chunk, enum slot_order order)
{
	struct slot_span span = {
		.first = slot_key(order, &chunk->slot[0]),
		.first_id = chunk->slot[0].id,
		.chunk = chunk,
	};
	u64 *reach = chunk_reach(chunk);

	for (u32 i = 0; order == SLOT_BY_HVA && i < chunk->count; i++) {
		u64 end = slot_hva_end(&chunk->slot[i]);

		span.max_end = end > span.max_end ? end : span.max_end;
		reach[i] = span.max_end;
	}
	return span;
}

/* Spans from @from on are new, or behind new ones. */
static void index_set_reach(struct slot_index *index, u32 from)
{
	u64 reach = from ? index->span[from - 1].reach : 0;

	for (u32 i = from; i < index->count; i++) {
		struct slot_span *span = &index->span[i];

		reach = span->max_end > reach ? span->max_end : reach;
		span->reach = reach;
	}
}

/* A new version in which the span at @at, if @drop, has given way to @count others. */
static int index_splice(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
			u32 at, bool drop, const struct slot_span *spans, u32 count)
{
	struct slot_index *old = *index, *new;
	u32 old_count = old ? old->count : 0;
	u32 new_count = old_count - drop + count;
	u32 rest = old_count - at - drop;

	slot_edit_supersede(edit, old);
	if (drop)
		slot_edit_supersede(edit, old->span[at].chunk);
	*index = NULL;
	if (!new_count)
		return 0;
	new = slot_edit_alloc(edit, sizeof(*new) + new_count * sizeof(struct slot_span));
	if (!new)
		return -ENOMEM;
	new->count = new_count;
	if (at)
		memcpy(new->span, old->span, at * sizeof(*spans));
	if (count)
		memcpy(&new->span[at], spans, count * sizeof(*spans));
	if (rest)
		memcpy(&new->span[at + count], &old->span[at + drop], rest * sizeof(*spans));
	if (order == SLOT_BY_HVA)
		index_set_reach(new, at);
	*index = new;
	return 0;
}

/* Slots [@from, @from + @count) of what @old would be with @slot inserted at @at. */
static struct slot_chunk *chunk_with(struct slot_edit *edit, enum slot_order order,
				     const struct slot_chunk *old, u32 at, const struct slot *slot,
				     u32 from, u32 count)
{
	struct slot_chunk *chunk = chunk_alloc(edit, order, count);
	u32 end = from + count, here = at >= from && at < end;
	u32 before = at <= from ? 0 : at < end ? at - from : count;

	if (!chunk)
		return NULL;
	if (before)
		memcpy(chunk->slot, &old->slot[from], before * sizeof(*slot));
	if (here)
		chunk->slot[before] = *slot;
	if (count > before + here)
		memcpy(&chunk->slot[before + here], &old->slot[from + before - (at < from)],
		       (count - before - here) * sizeof(*slot));
	return chunk;
}

int slot_index_insert(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
		      const struct slot *slot)
{
	u64 key = slot_key(order, slot);
	const struct slot_chunk *old = NULL;
	struct slot_span span[2];
	u32 where = 0, at = 0, total = 1, low;

	if (*index) {
		where = spans_upto(*index, key, slot->id);
		where -= where > 0;
		old = (*index)->span[where].chunk;
		at = slots_upto(old, order, key, slot->id);
		total = old->count + 1;
	}
	/* Slots that come in order fill their chunks. */
	low = total <= SLOT_CHUNK_MAX ? total : at < SLOT_CHUNK_MAX ? total / 2 : at;
	for (u32 i = 0, from = 0; from < total; i++) {
		u32 count = i ? total - low : low;
		struct slot_chunk *chunk = chunk_with(edit, order, old, at, slot, from, count);

		if (!chunk)
			return -ENOMEM;
		span[i] = span_of(chunk, order);
		from += count;
	}
	return index_splice(edit, order, index, where, old, span, total == low ? 1 : 2);
}

int slot_index_remove(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
		      const struct slot *slot)
{
	u64 key = slot_key(order, slot);
	u32 where = spans_upto(*index, key, slot->id) - 1;
	const struct slot_chunk *old = (*index)->span[where].chunk;
	u32 at = slots_upto(old, order, key, slot->id) - 1;
	struct slot_chunk *chunk;
	struct slot_span span;

	if (old->count == 1)
		return index_splice(edit, order, index, where, true, NULL, 0);
	chunk = chunk_alloc(edit, order, old->count - 1);
	if (!chunk)
		return -ENOMEM;
	memcpy(chunk->slot, old->slot, at * sizeof(*slot));
	memcpy(&chunk->slot[at], &old->slot[at + 1], (chunk->count - at) * sizeof(*slot));
	span = span_of(chunk, order);
	return index_splice(edit, order, index, where, true, &span, 1);
}

/* Does @a, if there is one, come before @b, if there is one? */
static bool slots_in_order(enum slot_order order, const struct slot *a, const struct slot *b)
{
	return !a || !b || slot_before(slot_key(order, a), a->id, slot_key(order, b), b->id);
}

/* May @slot stand where slot @at of span @where does? */
static bool slot_fits(const struct slot_index *index, enum slot_order order, u32 where, u32 at,
		      const struct slot *slot)
{
	const struct slot_chunk *chunk = index->span[where].chunk, *other;
	const struct slot *before = NULL, *after = NULL;

	if (at) {
		before = &chunk->slot[at - 1];
	} else if (where) {
		other = index->span[where - 1].chunk;
		before = &other->slot[other->count - 1];
	}
	if (at + 1 < chunk->count)
		after = &chunk->slot[at + 1];
	else if (where + 1 < index->count)
		after = &index->span[where + 1].chunk->slot[0];
	return slots_in_order(order, before, slot) && slots_in_order(order, slot, after);
}

/* Slot @at of span @where gives way to @slot, which fits and ends at the same address. */
static int index_replace(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
			 u32 where, u32 at, const struct slot *slot)
{
	struct slot_index *old = *index, *new;
	size_t size = sizeof(*old) + old->count * sizeof(old->span[0]);
	struct slot_chunk *before = old->span[where].chunk, *chunk;

	slot_edit_supersede(edit, old);
	slot_edit_supersede(edit, before);
	chunk = chunk_alloc(edit, order, before->count);
	new = chunk ? slot_edit_alloc(edit, size) : NULL;
	if (!new)
		return -ENOMEM;
	memcpy(chunk, before, chunk_size(order, before->count));
	chunk->slot[at] = *slot;
	memcpy(new, old, size);
	new->span[where].chunk = chunk;
	new->span[where].first = slot_key(order, &chunk->slot[0]);
	*index = new;
	return 0;
}

int slot_index_replace(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
		       const struct slot *before, const struct slot *slot)
{
	u64 key = slot_key(order, before);
	u32 where = spans_upto(*index, key, before->id) - 1;
	u32 at = slots_upto((*index)->span[where].chunk, order, key, before->id) - 1;
	int err;

	if (slot_fits(*index, order, where, at, slot))
		return index_replace(edit, order, index, where, at, slot);
	err = slot_index_remove(edit, order, index, before);
	return err ? err : slot_index_insert(edit, order, index, slot);
}
