// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "drive.h"

#define SEEDS	   600U
#define SEEDS_FULL 60000U
#define SEEDS_BAD  6000U

const struct host *drive_host(u64 seed)
{
	static struct host no_bbm, no_fwb_bbm;

	no_bbm = host_max;
	no_bbm.bbm = 0;
	no_fwb_bbm = host_a76;
	no_fwb_bbm.bbm = 2;
	switch (seed / 2 % 4) {
	case 0:
		return &host_max;
	case 1:
		return &no_bbm;
	case 2:
		return &host_a76;
	}
	return &no_fwb_bbm;
}

static const char *drive(u64 seed)
{
	const char *error = drive_lock(seed);

	if (error)
		return error;
	switch (seed % 3) {
	case 0:
		return drive_s2(seed);
	case 1:
		return drive_vm(seed);
	}
	return drive_tags(seed);
}

/* The first complaint that is the one expected, or any if none is; NULL: there is none. */
static const char *find(u64 first, u64 count, u64 *seed)
{
	for (*seed = first; *seed < first + count; ++*seed) {
		const char *error = drive(*seed);

		if (error && (!*bad_expected || strstr(error, bad_expected)))
			return error;
	}
	return NULL;
}

static u64 seeds(void)
{
	const char *full = getenv("TSR_FULL");

	if (*bad_expected)
		return SEEDS_BAD;
	return full && *full ? SEEDS_FULL : SEEDS;
}

/* One seed as an argument is run alone. What a run leaves behind goes with the process. */
int main(int argc, char **argv)
{
	u64 first = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
	u64 count = argc > 1 ? 1 : seeds(), seed;
	const char *error = bad_applies ? find(first, count, &seed) : NULL;
	bool ok = bad_applies && !error == !*bad_expected;

	printf("1..1\n%sok 1 - %s\n", ok ? "" : "not ",
	       *bad_expected ? bad_expected : "no complaint");
	if (!bad_applies)
		puts("# its line of tests/bad/list changes nothing in core any more");
	if (error)
		printf("# seed %llu: %s\n", seed, error);
	fflush(stdout);
	if (error)
		_exit(!ok);
	return !ok;
}
