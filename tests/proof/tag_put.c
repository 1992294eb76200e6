// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a run of tags is put in its place of a page, and changes nothing before it
 * options: --unwind 9 --unwindset page_put.1:3 --object-bits 10
 * truncates: tags are taken from words and words from tags
 * takes: long
 */
#undef __SSE2__
#include "tag/body.c"
#include "proof.h"

/* Granules of a run at most: where stores are repeated for more, they are the same again. */
#define LONG 32

static u64 nibble(const u8 *tags, unsigned int n)
{
	return bits(tags[n / 2], n % 2 * 4 + 3, n % 2 * 4);
}

int main(void)
{
	u8 page[PAGE_ROOM];
	unsigned int granule = nondet_u8(), number = (unsigned int)any_between(0, 16 * LONG - 1);
	unsigned int n = nondet_u8(), end = granule + number / 16 + 1;
	u64 last = granule ? nibble(page, granule - 1) * 0x1111111111111111ULL : 0;
	u64 was = nibble(page, n);

	assume(run_fits(number, granule, 0, 0));
	prove(end <= 256);
	prove(page_put(page, granule, last, number, nondet_bool()) == end);
	if (n < granule)
		prove(nibble(page, n) == was);
	else if (n < end)
		prove(nibble(page, n) == number % 16);
	proved();
	return 0;
}
