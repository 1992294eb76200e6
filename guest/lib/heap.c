/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Chunks lie one after the other; neighbours that are free become one when room is sought. */
#include "heap.h"
#include "mte.h"

struct chunk {
	u64 size; /* with this header */
	u64 used; /* the tag of its memory; 0: it is free */
};

_Static_assert(sizeof(struct chunk) == HEAP_HEADER, "heap.h");
_Static_assert(HEAP_HEADER == MTE_GRANULE, "a header has a tag of its own");

static struct chunk *chunk_at(u64 address)
{
	return (struct chunk *)address;
}

static struct chunk *chunk_of(u64 pointer)
{
	return chunk_at(mte_pointer(pointer, 0) - HEAP_HEADER);
}

static u64 chunk_memory(const struct chunk *chunk)
{
	return (u64)chunk + HEAP_HEADER;
}

/* As glibc does it: the largest step that fits. @size is a multiple of a granule. */
static void tag_range(u64 pointer, u64 size, bool zero)
{
	const u64 pair = 2 * MTE_GRANULE;
	u64 block = mte_zva_size(), end = pointer + size, step;

	for (; pointer < end; pointer += step) {
		if (pointer % block == 0 && end - pointer >= block) {
			step = block;
			(zero ? mte_dc_gzva : mte_dc_gva)(pointer);
		} else if (pointer % pair == 0 && end - pointer >= pair) {
			step = pair;
			(zero ? mte_stz2g : mte_st2g)(pointer);
		} else {
			step = MTE_GRANULE;
			(zero ? mte_stzg : mte_stg)(pointer);
		}
	}
}

void heap_init(struct heap *heap, u64 base, u64 end)
{
	heap->base = base;
	heap->end = end;
	*chunk_at(base) = (struct chunk){ .size = end - base };
}

/* A free chunk of at least @size bytes, all told, or NULL. */
static struct chunk *find(struct heap *heap, u64 size)
{
	struct chunk *chunk;

	for (u64 at = heap->base; at < heap->end; at += chunk->size) {
		chunk = chunk_at(at);
		if (chunk->used)
			continue;
		while (at + chunk->size < heap->end && !chunk_at(at + chunk->size)->used)
			chunk->size += chunk_at(at + chunk->size)->size;
		if (chunk->size >= size)
			return chunk;
	}
	return NULL;
}

static u64 take(struct heap *heap, u64 size, bool zero)
{
	struct chunk *chunk;
	u64 pointer;

	size = HEAP_HEADER + (size ? (size + MTE_GRANULE - 1) & ~(MTE_GRANULE - 1UL) : MTE_GRANULE);
	spin_lock(&heap->lock);
	chunk = find(heap, size);
	if (!chunk) {
		spin_unlock(&heap->lock);
		return 0;
	}
	if (chunk->size - size > HEAP_HEADER) {
		*chunk_at((u64)chunk + size) = (struct chunk){ .size = chunk->size - size };
		chunk->size = size;
	}
	pointer = mte_irg(chunk_memory(chunk), 1 << 0);
	chunk->used = mte_tag_of(pointer);
	size = chunk->size;
	spin_unlock(&heap->lock);
	tag_range(pointer, size - HEAP_HEADER, zero);
	return pointer;
}

u64 heap_alloc(struct heap *heap, u64 size)
{
	return take(heap, size, false);
}

u64 heap_zalloc(struct heap *heap, u64 size)
{
	return take(heap, size, true);
}

bool heap_free(struct heap *heap, u64 pointer)
{
	struct chunk *chunk = chunk_of(pointer);

	mte_load(pointer);
	if (chunk->used != mte_tag_of(pointer))
		return false;
	tag_range(chunk_memory(chunk), heap_size(pointer), false);
	spin_lock(&heap->lock);
	chunk->used = 0;
	spin_unlock(&heap->lock);
	return true;
}

u64 heap_size(u64 pointer)
{
	return chunk_of(pointer)->size - HEAP_HEADER;
}

static bool is_sound(const struct heap *heap, const struct chunk *chunk)
{
	u64 end = (u64)chunk + chunk->size;

	if (!chunk->size || chunk->size % MTE_GRANULE || end > heap->end || mte_ldg((u64)chunk))
		return false;
	for (u64 at = chunk_memory(chunk); at < end; at += MTE_GRANULE) {
		if (mte_ldg(at) != chunk->used)
			return false;
	}
	return true;
}

u64 heap_errors(struct heap *heap, u64 *used)
{
	u64 errors = 0, count = 0;
	struct chunk *chunk;

	spin_lock(&heap->lock);
	for (u64 at = heap->base; at < heap->end; at += chunk->size) {
		chunk = chunk_at(at);
		count += chunk->used != 0;
		errors += !is_sound(heap, chunk);
		if (!chunk->size)
			break;
	}
	spin_unlock(&heap->lock);
	if (used)
		*used = count;
	return errors;
}
