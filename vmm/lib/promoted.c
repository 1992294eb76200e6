/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "tessera/promoted.h"

/* Pages beyond the region's ends have no border with it: the mapping ends there anyway. */
static bool differs(const struct tsr_pages *promoted, uint64_t page, bool other)
{
	return page < promoted->pages && tsr_pages_test(promoted, page) != other;
}

int64_t tsr_promoted_cost(const struct tsr_pages *promoted, struct tsr_page_run run)
{
	int64_t before = 0, after = 0;

	for (uint64_t page = run.first; page < run.last; page++)
		if (page)
			before += differs(promoted, page - 1, tsr_pages_test(promoted, page));
	before += differs(promoted, run.last, tsr_pages_test(promoted, run.last - 1));
	if (run.first)
		after += differs(promoted, run.first - 1, true);
	after += differs(promoted, run.last, true);
	return after - before;
}

static struct tsr_page_run unit_around(const struct tsr_pages *promoted, uint64_t skew,
				       uint64_t page, uint64_t unit)
{
	uint64_t first = (skew + page) & ~(unit - 1);
	uint64_t last = first + unit;

	return (struct tsr_page_run){
		.first = first > skew ? first - skew : 0,
		.last = last - skew < promoted->pages ? last - skew : promoted->pages,
	};
}

struct tsr_page_run tsr_promoted_plan(const struct tsr_pages *promoted, uint64_t skew,
				      uint64_t page, uint64_t unit, int64_t spare)
{
	struct tsr_page_run run = unit_around(promoted, skew, page, unit);

	if (spare < 0)
		spare = 0;
	while (tsr_promoted_cost(promoted, run) > spare &&
	       (run.first > 0 || run.last < promoted->pages)) {
		unit *= 2;
		run = unit_around(promoted, skew, page, unit);
	}
	return run;
}
