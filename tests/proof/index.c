// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: the indices of a walk stay in their tables and tell every page from every other
 * sources: core/s2/geom.c
 * options: --unwind 8
 */
#include "proof.h"
#include "s2/walk.h"

static u64 root[16 * 512];

/* The page that a walk's indices stand for. */
static u64 page_of(const struct s2_geom *geom, u64 nr)
{
	unsigned int root = (unsigned int)(nr >> TSR_LEVEL_ORDER(geom->start_level));
	u64 page = root;

	prove(root < s2_geom_root_entries(geom));
	for (int level = geom->start_level + 1; level <= 3; level++) {
		prove(s2_index(nr, level) < 512);
		page = page << 9 | s2_index(nr, level);
	}
	return page;
}

int main(void)
{
	struct s2_geom geom = s2_geom_make((u8)any_between(32, 48));
	struct s2 s2 = { .geom = geom, .root = root };
	int level = any_between(0, 3);
	u64 nr = any_page(), begin = s2_span_begin(nr, level);

	assume(nr < s2_geom_pages(&geom));
	prove(page_of(&geom, nr) == nr);
	prove((u64)(s2_root_entry(&s2, nr) - s2.root) < s2_geom_root_entries(&geom));
	prove(begin <= nr && nr - begin < 1ULL << (9 * (3 - level)));
	prove(!(begin & ((1ULL << (9 * (3 - level))) - 1)));
	prove(s2_level_bytes(level) == 4096ULL << (9 * (3 - level)));
	proved();
	return 0;
}
