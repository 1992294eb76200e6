// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Run lengths as they are commonly written, over the same search for where runs begin that ours
 * has, as the subject: page by page, a byte that is the tag of all or says that runs or packed
 * tags follow; runs: their number, a byte for where each begins, and their tags, two a byte.
 */
#include <err.h>

#include "codec_pages.h"
#include "tag/edges.h"

#define RUNS	 16
#define PACKED	 17
#define RUNS_MAX 84 /* 2 + 84 * 1.5 is no more than the packed tags */

static unsigned int edges_list(const struct tag_edges *edges, u8 *begin)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < TAG_GRANULES / 64; i++) {
		for (u64 word = edges->word[i]; word; word &= word - 1) {
			if (count == RUNS_MAX)
				return RUNS_MAX + 1;
			begin[count++] = (u8)(64 * i + (unsigned int)__builtin_ctzll(word));
		}
	}
	return count;
}

static unsigned int encode_page(const u8 *tags, u8 *out)
{
	struct tag_edges edges;
	unsigned int count;
	u8 *nibbles;

	tag_edges(tags, &edges);
	count = edges_list(&edges, out + 2);
	if (count == 1) {
		out[0] = tag_at(tags, 0);
		return 1;
	}
	if (count > RUNS_MAX) {
		out[0] = PACKED;
		memcpy(out + 1, tags, TAG_PAGE_PACKED);
		return 1 + TAG_PAGE_PACKED;
	}
	out[0] = RUNS;
	out[1] = (u8)count;
	nibbles = out + 2 + count;
	for (unsigned int i = 0; i < count; i += 2) {
		u8 next = i + 1 < count ? tag_at(tags, out[2 + i + 1]) : 0;

		nibbles[i / 2] = (u8)(tag_at(tags, out[2 + i]) | next << 4);
	}
	return 2 + count + (count + 1) / 2;
}

static unsigned int decode_runs(const u8 *in, u8 *tags)
{
	unsigned int count = in[0];
	const u8 *begin = in + 1, *nibbles = in + 1 + count;

	if (count > RUNS_MAX || begin[0])
		errx(1, "too many runs");
	for (unsigned int i = 0; i < count; i++) {
		u8 tag = tag_at(nibbles, i);
		unsigned int end = i + 1 < count ? begin[i + 1] : TAG_GRANULES;
		unsigned int at = begin[i];

		if (end <= at)
			errx(1, "a run of no granule");
		if (at % 2)
			tags[at / 2] = (u8)((tags[at / 2] & 0xf) | tag << 4);
		memset(tags + (at + 1) / 2, tag * 0x11, (end + 1) / 2 - (at + 1) / 2);
	}
	return 1 + count + (count + 1) / 2;
}

static unsigned int decode_page(const u8 *in, u8 *tags)
{
	if (in[0] < RUNS) {
		memset(tags, in[0] * 0x11, TAG_PAGE_PACKED);
		return 1;
	}
	if (in[0] == RUNS)
		return 1 + decode_runs(in + 1, tags);
	memcpy(tags, in + 1, TAG_PAGE_PACKED);
	return 1 + TAG_PAGE_PACKED;
}

#include "codec_rows.h"
