// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* test-device: what tests/matrix/table does not say of a device's memory. */
#include <stdio.h>

#include "../abi/machine.h"
#include "../abi/tap.h"
#include "device.h"

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	env_init();
	test_mappings();
	test_assigned();
	return tap_end();
}
