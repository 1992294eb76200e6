// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: between guest pages and the VMM's addresses nothing leaves a slot or falls out of it
 * sources: core/slot.c
 * takes: long
 */
#include "proof.h"
#include "slot.h"

/* A slot as slot_plan() accepts it. */
static struct slot any_slot(void)
{
	struct slot slot = { .id = nondet_u32(), .flags = nondet_u32() };
	u64 pages = nondet_u64();

	slot.gfns.begin = any_page();
	assume(pages > 0 && pages <= ABI_SLOT_PAGES_MAX);
	slot.gfns.end = slot.gfns.begin + pages;
	assume(slot.gfns.end <= 1ULL << 36);
	slot.hva = hva_of(any_page() << 12);
	assume(slot.hva.addr + (pages << 12) <= 1ULL << 48);
	return slot;
}

static void prove_page(const struct slot *slot)
{
	struct gfn gfn = { any_page() };
	u64 hva;

	assume(gfn_range_contains(slot->gfns, gfn));
	hva = slot_gfn_hva(slot, gfn).addr;
	prove(!(hva & 0xfff) && hva >= slot->hva.addr && hva < slot_hva_end(slot));
	prove((hva - slot->hva.addr) >> 12 == gfn.nr - slot->gfns.begin);
}

/*
 * A notifier's range of any bytes that meets the slot: all pages that it touches, and no
 * others. It begins before the slot or in its page @first, and ends after it or in @last.
 */
static void prove_notified(const struct slot *slot)
{
	u64 first = nondet_u64(), last = nondet_u64(), begin = nondet_u64(), end = nondet_u64();
	u64 count = gfn_range_count(slot->gfns);
	struct gfn_range r;

	assume(first < count && last < count && first <= last);
	if (nondet_bool())
		begin = slot->hva.addr + (first << 12) + bits(nondet_u64(), 11, 0);
	else
		assume(!first && begin <= slot->hva.addr);
	if (nondet_bool())
		end = slot->hva.addr + (last << 12) + bits(nondet_u64(), 11, 0) + 1;
	else
		assume(last == count - 1 && end >= slot_hva_end(slot));
	assume(begin < end);
	r = slot_hva_gfns(slot, begin, end);
	prove(r.begin == slot->gfns.begin + first);
	prove(r.end == slot->gfns.begin + last + 1);
}

int main(void)
{
	struct slot slot = any_slot();

	prove(slot_hva_end(&slot) - slot.hva.addr == gfn_range_count(slot.gfns) << 12);
	prove_page(&slot);
	prove_notified(&slot);
	proved();
	return 0;
}
