/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "control.h"
#include "cpu.h"
#include "leave.h"
#include "smccc.h"

#define BUSY_LOOPS 200000

void leave(u64 round)
{
	switch (round % 3) {
	case 0:
		smccc_call(PSCI_VERSION, 0, 0, 0);
		break;
	case 1:
		control_read(CONTROL_CLOCK);
		break;
	default:
		for (u32 i = 0; i < BUSY_LOOPS; i++)
			cpu_relax();
		break;
	}
}
