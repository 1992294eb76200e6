// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a range is refused or half open without a wrap, and what is asked of ranges is right
 * options: --refine
 */
#include "proof.h"

static void prove_make(void)
{
	u64 addr = nondet_u64(), size = nondet_u64();
	struct gfn_range r = { 5, 3 };
	int err = gfn_range_make(addr, size, &r);
	bool lawful = size && !(addr & 0xfff) && !(size & 0xfff) && addr <= ~0ULL - size;

	prove(err == 0 || err == -EINVAL);
	prove((err == 0) == lawful);
	if (err) {
		prove(r.begin == 5 && r.end == 3);
		return;
	}
	prove(r.begin << 12 == addr && r.begin < r.end && r.end <= 1ULL << 52);
	prove((r.end << 12) - addr == size);
	prove(gfn_range_count(r) == size >> 12 && !gfn_range_empty(r));
}

static void prove_sets(void)
{
	struct gfn_range a = { nondet_u64(), nondet_u64() }, b = { nondet_u64(), nondet_u64() };
	struct gfn gfn = { nondet_u64() };

	assume(a.begin <= a.end && b.begin <= b.end);
	prove(gfn_range_empty(a) == (gfn_range_count(a) == 0));
	prove(gfn_range_overlaps(a, b) == gfn_range_overlaps(b, a));
	/* Two ranges share a page just where their bounds say so. */
	if (gfn_range_contains(a, gfn) && gfn_range_contains(b, gfn))
		prove(gfn_range_overlaps(a, b));
	if (gfn_range_overlaps(a, b) && !gfn_range_empty(a) && !gfn_range_empty(b)) {
		struct gfn first = { a.begin > b.begin ? a.begin : b.begin };

		prove(gfn_range_contains(a, first) && gfn_range_contains(b, first));
	}
	prove(!gfn_range_empty(a) || !gfn_range_contains(a, gfn));
}

static void prove_pages(void)
{
	struct gpa gpa = { nondet_u64() };
	struct gfn gfn = { nondet_u64() };

	prove(gfn_gpa(gpa_gfn(gpa)).addr == (gpa.addr & ~0xfffULL));
	assume(gfn.nr < 1ULL << 52);
	prove(gpa_gfn(gfn_gpa(gfn)).nr == gfn.nr);
}

int main(void)
{
	prove_make();
	prove_sets();
	prove_pages();
	proved();
	return 0;
}
