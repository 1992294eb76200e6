// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* lz4 as the subject: a batch is a block, whose size somebody else keeps. */
#include <err.h>
#include <lz4.h>

#include "codec.h"

static unsigned int subject_encode(const u8 *tags, u8 *out)
{
	int size =
		LZ4_compress_default((const char *)tags, (char *)out, SUBJECT_BYTES, SUBJECT_ROOM);

	if (size <= 0)
		errx(1, "LZ4_compress_default");
	return (unsigned int)size;
}

static void subject_decode(const u8 *in, unsigned int size, u8 *tags)
{
	if (LZ4_decompress_safe((const char *)in, (char *)tags, (int)size, SUBJECT_BYTES) !=
	    (int)SUBJECT_BYTES)
		errx(1, "LZ4_decompress_safe");
}

#include "codec_rows.h"
