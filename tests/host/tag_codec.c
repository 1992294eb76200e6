// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * tag-codec.sh: the codec as an arm64 program has it. Where runs begin is the same by the
 * portable form, and what is written the same as on any machine (tests/unit/tag_codec.c).
 */
#include <stdio.h>

#include "tag_pages.h"
#include "tag/edges.h"

#define PAGES 20000U

static unsigned int test;

static void report(bool ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++test, what);
}

static bool edges_agree(void)
{
	struct tag_source source = { .random = 5 };
	struct tag_edges edges, portable;
	u8 tags[TAG_PAGE_PACKED];

	for (unsigned int i = 0; i < PAGES; i++) {
		tag_source_page(&source, i % TAGS_KINDS, tags);
		tag_edges(tags, &edges);
		tag_edges_portable(tags, &portable);
		if (memcmp(&edges, &portable, sizeof(edges)))
			return false;
	}
	return true;
}

static bool pages_come_back(void)
{
	struct tag_source source = { .random = 9 };
	u8 tags[TAG_PAGE_PACKED], back[TAG_PAGE_PACKED], out[TAG_PAGE_ROOM];

	for (unsigned int i = 0; i < PAGES; i++) {
		int size;

		tag_source_page(&source, i % TAGS_KINDS, tags);
		size = (int)tag_page_encode(tags, out);
		if (tag_page_decode(out, (unsigned int)size, back) != size ||
		    memcmp(tags, back, sizeof(tags)))
			return false;
	}
	return true;
}

int main(void)
{
	report(edges_agree(), "where runs begin, by vectors and without");
	report(pages_come_back(), "pages come back");
	report(tag_pages_sum(TAG_PAGES_COUNT) == TAG_PAGES_SUM, "the same bytes as anywhere");
	printf("1..%u\n", test);
	return 0;
}
