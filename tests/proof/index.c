// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: the indices of a walk stay in their tables and tell every page from every other
 * sources: core/s2/geom.c core/s2/desc.c core/s2/s2.c
 * options: --unwind 40
 */
#include "proof.h"
#include "s2/walk.h"

static u64 root[16 * 512];

void *seam_table_alloc_contig(unsigned int count)
{
	return count <= 16 ? root : NULL;
}

/* The page that a walk's indices stand for. */
static u64 page_of(const struct s2 *s2, u64 nr)
{
	u64 page = (u64)(s2_root_entry(s2, nr) - s2->root);

	prove(page < s2_geom_root_entries(&s2->geom));
	for (int level = s2->geom.start_level + 1; level <= 3; level++) {
		prove(s2_index(nr, level) < 512);
		page = page << 9 | s2_index(nr, level);
	}
	return page;
}

int main(void)
{
	struct host host = any_host();
	int level = any_between(0, 3);
	u64 nr = any_page(), begin = s2_span_begin(nr, level);
	seam_rwlock_t lock;
	struct seam_tlb tlb;
	struct s2 s2;
	int err = s2_init(&s2, &host, (u8)any_between(32, 48), &tlb, &lock);

	prove(!err && s2.root == root);
	assume(nr < s2_geom_pages(&s2.geom));
	prove(page_of(&s2, nr) == nr);
	prove(begin <= nr && nr - begin < 1ULL << (9 * (3 - level)));
	prove(!(begin & ((1ULL << (9 * (3 - level))) - 1)));
	prove(s2_level_bytes(level) == 4096ULL << (9 * (3 - level)));
	prove(s2_level_pages(level) == 1ULL << (9 * (3 - level)));
	proved();
	return 0;
}
