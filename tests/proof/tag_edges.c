// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: where runs of tags begin is found in any page
 * options: --unwind 65
 * truncates: tags are taken from words and words from tags
 */
#undef __SSE2__
#include "tag/body.c"
#include "proof.h"

static u64 nibble(const u8 *tags, unsigned int n)
{
	return bits(tags[n / 2], n % 2 * 4 + 3, n % 2 * 4);
}

static void prove_edges(void)
{
	struct tag_edges edges;
	u8 tags[128];
	unsigned int n = nondet_u8();

	tag_edges(tags, &edges);
	prove(bit(edges.word[n / 64], n % 64) == (!n || nibble(tags, n) != nibble(tags, n - 1)));
}

/* One tag, just where no run begins but the first. */
static void prove_same(void)
{
	struct tag_edges edges;
	u8 tags[128];

	tag_edges(tags, &edges);
	prove(all_same(tags) ==
	      (edges.word[0] == 1 && !edges.word[1] && !edges.word[2] && !edges.word[3]));
}

int main(void)
{
	prove_edges();
	prove_same();
	proved();
	return 0;
}
