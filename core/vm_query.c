// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "vm_room.h"

/* Look-ups in a call: a fraction of a millisecond in which nobody changes slots or attributes. */
#define QUERY_BUDGET 4096U
/* And how many of them without a turn for who waits to change the tables. */
#define QUERY_PIECE 64U

/* The first page after the naturally aligned 2^@order pages around @nr. */
static u64 span_end(u64 nr, unsigned int order)
{
	return (nr >> order << order) + (1ULL << order);
}

static unsigned int level_order(int level)
{
	return (unsigned int)TSR_LEVEL_ORDER(level);
}

/* What page @nr, in @slot, is; and as much after it as one look tells about. */
static struct vm_extent query_page(const struct vm *vm, const struct slot *slot, u64 nr, u64 end)
{
	struct attr_view view = attr_get(&vm->attr, gfn_of(nr));
	struct s2_entry entry = s2_lookup(&vm->s2, gfn_of(nr));
	struct vm_extent extent = { .slot = slot->id, .attributes = view.bits };
	u64 attr_end = span_end(nr, level_order((int)view.level));
	u64 s2_end = span_end(nr, level_order(entry.level));

	if (end > slot->gfns.end)
		end = slot->gfns.end;
	if (end > attr_end)
		end = attr_end;
	if (end > s2_end)
		end = s2_end;
	extent.gfns = (struct gfn_range){ nr, end };
	if (entry.kind != S2_LEAF)
		return extent;
	extent.mapped = true;
	extent.young = entry.young;
	extent.perm = vm->mte ? entry.perm : entry.perm & ~PERM_T;
	extent.order = (u8)level_order(entry.level);
	return extent;
}

/* Makes @extent longer by @next, if they are alike and it follows. */
static bool query_join(struct vm_extent *extent, const struct vm_extent *next)
{
	if (extent->gfns.end != next->gfns.begin || extent->slot != next->slot ||
	    extent->attributes != next->attributes || extent->mapped != next->mapped ||
	    extent->young != next->young || extent->perm != next->perm ||
	    extent->order != next->order)
		return false;
	extent->gfns.end = next->gfns.end;
	return true;
}

/* Up to QUERY_PIECE look-ups; vm->lock and s2_lock are held. True: @out is full. */
static bool query_piece(struct vm *vm, struct gfn_range *range, struct vm_extent *out,
			unsigned int max, unsigned int *count)
{
	unsigned int looks;

	for (looks = 0; looks < QUERY_PIECE && !gfn_range_empty(*range); looks++) {
		const struct slot *slot = slot_from(vm_slots(vm), gfn_of(range->begin));
		struct vm_extent extent;

		if (!slot || slot->gfns.begin >= range->end) {
			range->begin = range->end;
			break;
		}
		if (range->begin < slot->gfns.begin)
			range->begin = slot->gfns.begin;
		extent = query_page(vm, slot, range->begin, range->end);
		if (!*count || !query_join(&out[*count - 1], &extent)) {
			if (*count == max)
				return true;
			out[(*count)++] = extent;
		}
		range->begin = extent.gfns.end;
	}
	return false;
}

unsigned int vm_query(struct vm *vm, struct gfn_range *range, struct vm_extent *out,
		      unsigned int max)
{
	unsigned int budget, count = 0;
	bool full = false;

	seam_mutex_lock(&vm->lock);
	for (budget = QUERY_BUDGET; budget && !full && !gfn_range_empty(*range);
	     budget -= QUERY_PIECE) {
		seam_rcu_read_lock();
		seam_read_lock(&vm->s2_lock);
		full = query_piece(vm, range, out, max, &count);
		seam_read_unlock(&vm->s2_lock);
		seam_rcu_read_unlock();
	}
	seam_mutex_unlock(&vm->lock);
	return count;
}
