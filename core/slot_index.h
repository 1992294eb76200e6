/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Slots in one order: an array of chunks, each an array of slots, both sorted and
 * immutable once published. A change copies one chunk and the array of chunks, some
 * 28 KiB among 32767 slots, and shares the rest with the version before.
 *
 * Three indices hold all slots of a VM: by guest page, by the VMM's address, by number.
 * Keys may be equal only by the VMM's address; equal ones are ordered by number.
 *
 * Slots may overlap in the VMM's addresses, one of them may hold many. So that those which
 * hold an address are found by halving all the same, that order knows of each slot how far
 * it and all before it reach: a number that never falls.
 */
#ifndef CORE_SLOT_INDEX_H
#define CORE_SLOT_INDEX_H

#include "slot.h"

#define SLOT_CHUNK_MAX 64U

struct slot_chunk {
	u32 count; /* 1..SLOT_CHUNK_MAX */
	/* By the VMM's address, a u64 for each is behind them: the highest end so far. */
	struct slot slot[];
};

struct slot_span {
	u64 first;    /* key of the chunk's first slot */
	u32 first_id; /* its number */
	u64 max_end;  /* by the VMM's address: the highest slot_hva_end() in the chunk, */
	u64 reach;    /* and in all up to this one */
	struct slot_chunk *chunk;
};

struct slot_index {
	u32 count; /* not 0: an index of nothing is NULL */
	struct slot_span span[];
};

static inline u64 slot_key(enum slot_order order, const struct slot *slot)
{
	switch (order) {
	case SLOT_BY_GFN:
		return slot->gfns.begin;
	case SLOT_BY_HVA:
		return slot->hva.addr;
	case SLOT_BY_ID:
	case SLOT_ORDERS:
		return slot->id;
	}
	return slot->id;
}

/* The last slot whose (key, number) is at most (@key, @id), or NULL. @index may be NULL. */
const struct slot *slot_index_find(const struct slot_index *index, enum slot_order order, u64 key,
				   u32 id);

/* The first slot whose (key, number) is above (@key, @id), or NULL. @index may be NULL. */
const struct slot *slot_index_above(const struct slot_index *index, enum slot_order order, u64 key,
				    u32 id);

/*
 * Sets @cursor to the first slot by the VMM's address that ends after @begin, or behind the
 * last slot. What it was may be a good guess.
 */
void slot_index_seek(const struct slot_index *index, u64 begin, struct slot_cursor *cursor);

/*
 * Make a new version with @slot in it, or without it (it is there), or with it in place of
 * @before, which has the same number and the same addresses of the VMM: where @before stands, if
 * it fits there. The result is NULL when nothing is left. What is made and what is superseded is
 * noted in @edit.
 * Errors: -ENOMEM; @edit says what was made.
 */
int slot_index_insert(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
		      const struct slot *slot);
int slot_index_remove(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
		      const struct slot *slot);
int slot_index_replace(struct slot_edit *edit, enum slot_order order, struct slot_index **index,
		       const struct slot *before, const struct slot *slot);

/* Memory that @edit owns until the edit is finished. */
void *slot_edit_alloc(struct slot_edit *edit, size_t size);
/* @p is part of the version before, or made by this edit, and in the new version no more. */
void slot_edit_supersede(struct slot_edit *edit, void *p);

#endif
