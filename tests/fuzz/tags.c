// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libFuzzer over the tag codec: the first byte says what the others are: a page or a batch of so
 * many pages to decode, or the packed tags of a page. What is accepted comes back the same when
 * it is encoded. Sanitizers see what is read or written outside.
 */
#include <stdlib.h>

#include "tag/codec.h"
#include "tag/edges.h"

#define PACKED 0x40
#define ALONE  0x80

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void must(bool right)
{
	if (!right)
		abort();
}

static void check_tags(const u8 *tags)
{
	u8 out[TAG_PAGE_ROOM], back[TAG_PAGE_PACKED];
	struct tag_edges edges, portable;
	unsigned int size = tag_page_encode(tags, out);

	must(size >= 1 && size <= TAG_PAGE_MAX);
	must(tag_page_decode(out, size, back) == (int)size);
	must(!memcmp(tags, back, sizeof(back)));
	tag_edges(tags, &edges);
	tag_edges_portable(tags, &portable);
	must(!memcmp(&edges, &portable, sizeof(edges)));
}

static void try_page(const u8 *in, unsigned int size)
{
	u8 tags[TAG_PAGE_PACKED];
	int took = tag_page_decode(in, size, tags);

	must(took == -EINVAL || (took >= 1 && took <= (int)size && took <= (int)TAG_PAGE_MAX));
	if (took > 0)
		check_tags(tags);
}

static void try_batch(const u8 *in, unsigned int size, unsigned int pages)
{
	static u8 tags[TAG_BATCH_PAGES * TAG_PAGE_PACKED], back[sizeof(tags)];
	static u8 out[TAG_BATCH_ROOM];
	u64 holds, held;
	int took = tag_batch_decode(in, size, pages, &holds, tags);
	unsigned int again;

	must(took == -EINVAL || (took >= 1 && took <= (int)size));
	if (took < 0)
		return;
	must(pages == TAG_BATCH_PAGES || !(holds >> pages));
	again = tag_batch_encode(tags, holds, pages, out);
	must(again <= TAG_BATCH_MAX(pages));
	must(tag_batch_decode(out, again, pages, &held, back) == (int)again && held == holds);
	must(!memcmp(tags, back, (size_t)__builtin_popcountll(holds) * TAG_PAGE_PACKED));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *in;

	if (size < 2)
		return 0;
	/* Without anything behind it. */
	in = malloc(size - 1);
	must(in);
	memcpy(in, data + 1, size - 1);
	if (data[0] & ALONE)
		try_page(in, (unsigned int)size - 1);
	else if (!(data[0] & PACKED))
		try_batch(in, (unsigned int)size - 1, 1 + data[0] % TAG_BATCH_PAGES);
	else if (size > TAG_PAGE_PACKED)
		check_tags(in);
	free(in);
	return 0;
}
