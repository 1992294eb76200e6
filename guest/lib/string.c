/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the compiler expects to find; plain loops, since guests are small. */
#include "types.h"

void *memset(void *to, int byte, size_t size)
{
	u8 *p = to;

	while (size--)
		*p++ = (u8)byte;
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	u8 *p = to;
	const u8 *q = from;

	while (size--)
		*p++ = *q++;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *p = a, *q = b;

	for (; size; size--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}
