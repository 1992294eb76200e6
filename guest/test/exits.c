/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Round trips: x0 times (1000 if 0), by x1: 0 a hypercall that the hypervisor
 * answers (PSCI_VERSION), 1 a load that the VMM answers. Also what the benchmark
 * counts: the difference between two runs is the loop alone.
 */
#include "guest.h"

#define DEFAULT_COUNT 1000

static u64 hypercalls(u64 count)
{
	s64 version = smccc_call(PSCI_VERSION, 0, 0, 0);
	u64 same = 0;

	while (count--)
		same += smccc_call(PSCI_VERSION, 0, 0, 0) == version;
	return same;
}

static u64 mmio_loads(u64 count)
{
	u64 same = 0;

	control_write(CONTROL_SCRATCH, 0x5ca7c4);
	while (count--)
		same += control_read(CONTROL_SCRATCH) == 0x5ca7c4;
	return same;
}

u64 main(u64 count, u64 kind, unused u64 c, unused u64 d)
{
	if (!count)
		count = DEFAULT_COUNT;
	if (kind)
		tap_is(mmio_loads(count), count, "%lu loads answered by the VMM", count);
	else
		tap_is(hypercalls(count), count, "%lu hypercalls answered alike", count);
	return tap_done();
}
