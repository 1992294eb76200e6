/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A VMM that stops at a TAG exit (--on-tag-fault stop): the guest gets as far as
 * its first tag access to memory that cannot hold tags, and no further.
 */
#include "guest.h"

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;

	mte_need();
	ram = ram_need(1, 1);
	tap_note("a tag access follows");
	mte_stg(mte_pointer(ram.base, 1));
	tap_ok(false, "the guest went on");
	return tap_done();
}
