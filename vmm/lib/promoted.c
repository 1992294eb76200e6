/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <errno.h>
#include <stdlib.h>

#include "tessera/promoted.h"

#define WORD_BITS 64

int tsr_promoted_init(struct tsr_promoted *promoted, uint64_t pages)
{
	promoted->pages = pages;
	promoted->bits = calloc(pages / WORD_BITS + 1, sizeof(promoted->bits[0]));
	return promoted->bits ? 0 : -ENOMEM;
}

void tsr_promoted_free(struct tsr_promoted *promoted)
{
	free(promoted->bits);
	promoted->bits = NULL;
}

bool tsr_promoted_test(const struct tsr_promoted *promoted, uint64_t page)
{
	uint64_t word = __atomic_load_n(&promoted->bits[page / WORD_BITS], __ATOMIC_RELAXED);

	return word >> (page % WORD_BITS) & 1;
}

void tsr_promoted_set(struct tsr_promoted *promoted, struct tsr_page_run run)
{
	for (uint64_t page = run.first; page < run.last; page++)
		__atomic_fetch_or(&promoted->bits[page / WORD_BITS],
				  UINT64_C(1) << (page % WORD_BITS), __ATOMIC_RELAXED);
}

/* Pages beyond the region's ends have no border with it: the mapping ends there anyway. */
static bool differs(const struct tsr_promoted *promoted, uint64_t page, bool other)
{
	return page < promoted->pages && tsr_promoted_test(promoted, page) != other;
}

int64_t tsr_promoted_cost(const struct tsr_promoted *promoted, struct tsr_page_run run)
{
	int64_t before = 0, after = 0;

	for (uint64_t page = run.first; page < run.last; page++)
		if (page)
			before += differs(promoted, page - 1, tsr_promoted_test(promoted, page));
	before += differs(promoted, run.last, tsr_promoted_test(promoted, run.last - 1));
	if (run.first)
		after += differs(promoted, run.first - 1, true);
	after += differs(promoted, run.last, true);
	return after - before;
}

bool tsr_promoted_next(const struct tsr_promoted *promoted, bool promoted_wanted, uint64_t from,
		       uint64_t to, struct tsr_page_run *run)
{
	while (from < to && tsr_promoted_test(promoted, from) != promoted_wanted)
		from++;
	run->first = from;
	while (from < to && tsr_promoted_test(promoted, from) == promoted_wanted)
		from++;
	run->last = from;
	return run->first < run->last;
}

static struct tsr_page_run unit_around(const struct tsr_promoted *promoted, uint64_t skew,
				       uint64_t page, uint64_t unit)
{
	uint64_t first = (skew + page) & ~(unit - 1);
	uint64_t last = first + unit;

	return (struct tsr_page_run){
		.first = first > skew ? first - skew : 0,
		.last = last - skew < promoted->pages ? last - skew : promoted->pages,
	};
}

struct tsr_page_run tsr_promoted_plan(const struct tsr_promoted *promoted, uint64_t skew,
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
