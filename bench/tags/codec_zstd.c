// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* zstd at level 1 as the subject: a batch is a frame. */
#include <err.h>
#include <zstd.h>

#include "codec.h"

static unsigned int subject_encode(const u8 *tags, u8 *out)
{
	static ZSTD_CCtx *context;
	size_t size;

	if (!context)
		context = ZSTD_createCCtx();
	size = ZSTD_compressCCtx(context, out, SUBJECT_ROOM, tags, SUBJECT_BYTES, 1);
	if (ZSTD_isError(size))
		errx(1, "ZSTD_compressCCtx");
	return (unsigned int)size;
}

static void subject_decode(const u8 *in, unsigned int size, u8 *tags)
{
	static ZSTD_DCtx *context;

	if (!context)
		context = ZSTD_createDCtx();
	if (ZSTD_decompressDCtx(context, tags, SUBJECT_BYTES, in, size) != SUBJECT_BYTES)
		errx(1, "ZSTD_decompressDCtx");
}

#include "codec_rows.h"
