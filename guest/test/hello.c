/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The console and the exit: the least that a guest can do. */
#include "control.h"
#include "tap.h"

u64 main(u64 a, u64 b, u64 c, u64 d);

u64 main(u64 a, u64 b, u64 c, u64 d)
{
	tap_note("hello from the guest, with %lu %lu %lu %lu", a, b, c, d);
	tap_ok(true, "the console works");
	return tap_done();
}
