// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* core/tag as the subject. */
#include <err.h>

#include "codec.h"

static unsigned int subject_encode(const u8 *tags, u8 *out)
{
	return tag_batch_encode(tags, ~0ULL, SUBJECT_PAGES, out);
}

static void subject_decode(const u8 *in, unsigned int size, u8 *tags)
{
	u64 holds;

	if (tag_batch_decode(in, size, SUBJECT_PAGES, &holds, tags) != (int)size)
		errx(1, "tag_batch_decode");
}

#include "codec_rows.h"
