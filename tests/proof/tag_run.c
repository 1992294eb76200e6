// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a run is read back as it was written; any bytes are read without going too far
 * options: --unwind 34 --object-bits 10
 * truncates: bits are taken from words
 */
#undef __SSE2__
#include "tag/body.c"
#include "proof.h"

#define LIMIT 64 /* bits of a body; a longer one is no different */
#define ROOM  (LIMIT / 8 + 8)

/* One run, of any length up to 256, by each code. */
static void prove_back(void)
{
	struct runs runs = { .count = 1, .number = { (u16)any_between(0, 4095) } };
	unsigned int at = 0, low = (unsigned int)any_between(4, 9), width, quotient;
	u8 body[TAG_BODY_ROOM] = { 0 };

	quotient = runs.number[0] >> low;
	prove(rice_encode(&runs, low, body) == (quotient + 1 + low + 7) / 8);
	prove(rice_read(body, &at, TAG_RUNS_BITS_MAX, low) == runs.number[0]);
	prove(at == quotient + 1 + low);

	width = (unsigned int)any_between(5, 12);
	assume(runs.number[0] >> width == 0);
	at = 0;
	prove(fixed_encode(&runs, width, body) == (width + 7) / 8);
	prove(fixed_read(body, &at, width) == runs.number[0]);
	prove(at == width);
}

/*
 * Wherever a body's runs have got to: CBMC looks that nothing is read from eight bytes behind
 * the limit on.
 */
static void prove_inside(void)
{
	u8 body[ROOM];
	unsigned int limit = (unsigned int)any_between(0, LIMIT);
	unsigned int begin = (unsigned int)any_between(0, LIMIT), at = begin;
	unsigned int low = (unsigned int)any_between(4, 9);

	assume(begin <= limit);
	(void)rice_read(body, &at, limit, low);
	prove(at > begin);
	at = begin;
	prove(fixed_read(body, &at, low + 1) < 1U << (low + 1) && at == begin + low + 1);
}

/* How the encoder chooses stays in what heads can say. */
static void prove_low(void)
{
	unsigned int count = (unsigned int)any_between(1, 256), low = rice_low(count);

	prove(low >= 4 && low <= 9);
	prove(low == 4 || count << (low - 4) <= 177);
	prove(low == 9 || count << (low - 3) > 177);
}

int main(void)
{
	prove_back();
	prove_inside();
	prove_low();
	proved();
	return 0;
}
