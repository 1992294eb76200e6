// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The simplest that can be done as the subject: page by page, a byte that says how many bytes
 * follow, and those, each a run of 1 to 16 granules; 255: the packed tags follow.
 */
#include <err.h>

#include "codec_pages.h"

#define PACKED 255

static unsigned int encode_page(const u8 *tags, u8 *out)
{
	unsigned int granule = 0, count = 0;

	while (granule < TAG_GRANULES) {
		u8 tag = tag_at(tags, granule);
		unsigned int rest = 0;

		while (rest < 15 && granule + rest + 1 < TAG_GRANULES &&
		       tag_at(tags, granule + rest + 1) == tag)
			rest++;
		if (count == TAG_PAGE_PACKED - 1) {
			out[0] = PACKED;
			memcpy(out + 1, tags, TAG_PAGE_PACKED);
			return 1 + TAG_PAGE_PACKED;
		}
		out[1 + count++] = (u8)(tag << 4 | rest);
		granule += rest + 1;
	}
	out[0] = (u8)count;
	return 1 + count;
}

static unsigned int decode_page(const u8 *in, u8 *tags)
{
	unsigned int granule = 0;

	if (in[0] == PACKED) {
		memcpy(tags, in + 1, TAG_PAGE_PACKED);
		return 1 + TAG_PAGE_PACKED;
	}
	memset(tags, 0, TAG_PAGE_PACKED);
	for (unsigned int i = 0; i < in[0]; i++) {
		unsigned int rest = in[1 + i] & 0xf;

		if (granule + rest >= TAG_GRANULES)
			errx(1, "too many granules");
		for (unsigned int n = 0; n <= rest; n++, granule++)
			tags[granule / 2] |= in[1 + i] >> 4 << granule % 2 * 4;
	}
	return 1U + in[0];
}

#include "codec_rows.h"
