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

static struct slot_chunk *chunk_alloc(struct slot_edit *edit, u32 count)
{
	struct slot_chunk *chunk =
		slot_edit_alloc(edit, sizeof(*chunk) + count * sizeof(struct slot));

	if (chunk)
		chunk->count = count;
	return chunk;
}

static struct slot_span span_of(struct slot_chunk *chunk, enum slot_order order)
{
	struct slot_span span = {
		.first = slot_key(order, &chunk->slot[0]),
		.first_id = chunk->slot[0].id,
		.chunk = chunk,
	};

	for (u32 i = 0; i < chunk->count; i++) {
		u64 end = slot_hva_end(&chunk->slot[i]);

		span.max_end = end > span.max_end ? end : span.max_end;
	}
	return span;
}

/* A new version in which the span at @at, if @drop, has given way to @count others. */
static int index_splice(struct slot_edit *edit, struct slot_index **index, u32 at, bool drop,
			const struct slot_span *spans, u32 count)
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
	*index = new;
	return 0;
}

/* Slots [@from, @from + @count) of what @old would be with @slot inserted at @at. */
static struct slot_chunk *chunk_with(struct slot_edit *edit, const struct slot_chunk *old, u32 at,
				     const struct slot *slot, u32 from, u32 count)
{
	struct slot_chunk *chunk = chunk_alloc(edit, count);

	for (u32 i = 0; chunk && i < count; i++) {
		u32 n = from + i;

		if (n == at)
			chunk->slot[i] = *slot;
		else
			chunk->slot[i] = old->slot[n < at ? n : n - 1];
	}
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
	low = total > SLOT_CHUNK_MAX ? total / 2 : total;
	for (u32 i = 0, from = 0; from < total; i++) {
		u32 count = i ? total - low : low;
		struct slot_chunk *chunk = chunk_with(edit, old, at, slot, from, count);

		if (!chunk)
			return -ENOMEM;
		span[i] = span_of(chunk, order);
		from += count;
	}
	return index_splice(edit, index, where, old, span, total == low ? 1 : 2);
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
		return index_splice(edit, index, where, true, NULL, 0);
	chunk = chunk_alloc(edit, old->count - 1);
	if (!chunk)
		return -ENOMEM;
	for (u32 i = 0; i < chunk->count; i++)
		chunk->slot[i] = old->slot[i < at ? i : i + 1];
	span = span_of(chunk, order);
	return index_splice(edit, index, where, true, &span, 1);
}
