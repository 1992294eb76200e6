/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tags of five kinds (tests/unit/tag_pages.h), encoded, decoded and weighed, and main(). A
 * subject includes this last.
 */
#ifndef BENCH_TAGS_CODEC_ROWS_H
#define BENCH_TAGS_CODEC_ROWS_H

#include <err.h>
#include <stdlib.h>

#include "../meter.h"
#include "codec.h"
#include "tag_pages.h"

/* Pages that stay in a CPU's cache, and how often they are gone through. */
#define PAGES 2048U
#define TIMES 16U

struct pages {
	u8 *tags, *encoded, *decoded;
	unsigned int sizes[PAGES / SUBJECT_PAGES];
	unsigned int count; /* batches */
};

static u8 *bytes(size_t count)
{
	u8 *p = calloc(1, count);

	if (!p)
		err(1, "no memory");
	return p;
}

static void encode_all(struct pages *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		p->sizes[i] =
			subject_encode(p->tags + i * SUBJECT_BYTES, p->encoded + i * SUBJECT_ROOM);
}

static void decode_all(const struct pages *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		subject_decode(p->encoded + i * SUBJECT_ROOM, p->sizes[i],
			       p->decoded + i * SUBJECT_BYTES);
}

static void open_pages(struct pages *p, enum tag_kind kind, u64 pages)
{
	struct tag_source source = { .random = 1 };

	p->count = (unsigned int)(pages / SUBJECT_PAGES);
	meter_check(p->count && p->count <= PAGES / SUBJECT_PAGES, "64 to 2048 pages");
	p->tags = bytes(p->count * SUBJECT_BYTES);
	p->decoded = bytes(p->count * SUBJECT_BYTES);
	p->encoded = bytes(p->count * SUBJECT_ROOM);
	for (unsigned int i = 0; i < p->count * SUBJECT_PAGES; i++)
		tag_source_page(&source, kind, p->tags + i * TAG_PAGE_PACKED);
	encode_all(p);
	decode_all(p);
}

static void close_pages(struct pages *p)
{
	meter_check(!memcmp(p->tags, p->decoded, p->count * SUBJECT_BYTES), "tags are not back");
	free(p->tags);
	free(p->decoded);
	free(p->encoded);
}

static void weigh(enum tag_kind kind, u64 pages)
{
	struct pages p;
	u64 sum = 0;

	open_pages(&p, kind, pages);
	for (unsigned int i = 0; i < p.count; i++)
		sum += p.sizes[i];
	meter_value("bytes", (double)sum / (double)pages);
	close_pages(&p);
}

static void encode(enum tag_kind kind, u64 pages)
{
	struct pages p;

	open_pages(&p, kind, pages);
	meter_start();
	for (unsigned int i = 0; i < TIMES; i++)
		encode_all(&p);
	meter_stop((double)pages * TIMES);
	close_pages(&p);
}

static void decode(enum tag_kind kind, u64 pages)
{
	struct pages p;

	open_pages(&p, kind, pages);
	meter_start();
	for (unsigned int i = 0; i < TIMES; i++)
		decode_all(&p);
	meter_stop((double)pages * TIMES);
	close_pages(&p);
}

#define ROWS_OF(name, kind)                  \
	static void weigh_##name(u64 pages)  \
	{                                    \
		weigh(kind, pages);          \
	}                                    \
	static void encode_##name(u64 pages) \
	{                                    \
		encode(kind, pages);         \
	}                                    \
	static void decode_##name(u64 pages) \
	{                                    \
		decode(kind, pages);         \
	}

ROWS_OF(zero, TAGS_ZERO)
ROWS_OF(uniform, TAGS_UNIFORM)
ROWS_OF(heap, TAGS_HEAP)
ROWS_OF(small, TAGS_SMALL_HEAP)
ROWS_OF(random, TAGS_RANDOM)

static const struct meter_row rows[] = {
	{ "size-zero", weigh_zero, PAGES, 128 },
	{ "size-uniform", weigh_uniform, PAGES, 128 },
	{ "size-heap", weigh_heap, PAGES, 128 },
	{ "size-small-heap", weigh_small, PAGES, 128 },
	{ "size-random", weigh_random, PAGES, 128 },
	{ "encode-zero", encode_zero, PAGES, 512 },
	{ "encode-uniform", encode_uniform, PAGES, 512 },
	{ "encode-heap", encode_heap, PAGES, 512 },
	{ "encode-small-heap", encode_small, PAGES, 512 },
	{ "encode-random", encode_random, PAGES, 512 },
	{ "decode-zero", decode_zero, PAGES, 512 },
	{ "decode-uniform", decode_uniform, PAGES, 512 },
	{ "decode-heap", decode_heap, PAGES, 512 },
	{ "decode-small-heap", decode_small, PAGES, 512 },
	{ "decode-random", decode_random, PAGES, 512 },
};

int main(int argc, char **argv)
{
	return meter_main(argc, argv, rows, sizeof(rows) / sizeof(*rows));
}

#endif
