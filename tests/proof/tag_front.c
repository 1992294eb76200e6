// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: the heads of a batch are read back as they were; any bytes are read without going too far
 * options: --unwind 33 --object-bits 10
 * truncates: bits are taken from words
 * takes: long
 */
#undef __SSE2__
#include "tag/codec.c"
#include "proof.h"

#define PAGES 4 /* and more are no different */
#define BYTES (1 + 1 + (PAGES * 5 + 7) / 8)

static void prove_back(void)
{
	u8 heads[PAGES], back[PAGES], front[BATCH_FRONT_MAX + 8];
	unsigned int pages = (unsigned int)any_between(1, PAGES), n = nondet_u8();
	unsigned int size;

	for (unsigned int i = 0; i < PAGES; i++)
		heads[i] = (u8)any_between(0, 31);
	size = front_encode(heads, pages, front);
	prove(size >= 1 && size <= 1 + 1 + (pages * 5 + 7) / 8);
	prove(front_decode(front, size, pages, back) == (int)size);
	if (n < pages)
		prove(back[n] == heads[n]);
}

/* What can be read ends where the array does. */
static void prove_inside(void)
{
	u8 in[BYTES + 1], heads[PAGES];
	unsigned int size = (unsigned int)any_between(0, BYTES + 1), n = nondet_u8();
	unsigned int pages = (unsigned int)any_between(1, PAGES);
	int took = front_decode(in + sizeof(in) - size, size, pages, heads);

	prove(took == -EINVAL || (took >= 1 && took <= (int)size));
	if (took > 0 && n < pages)
		prove(heads[n] < 32);
}

int main(void)
{
	prove_back();
	prove_inside();
	proved();
	return 0;
}
