/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The numbers after the image arrive in x0 to x3; expected: 1 0x20 0x300000000 4. */
#include "guest.h"

u64 main(u64 a, u64 b, u64 c, u64 d)
{
	tap_is(a, 1, "x0");
	tap_is(b, 0x20, "x1");
	tap_is(c, 0x300000000, "x2");
	tap_is(d, 4, "x3");
	return tap_done();
}
