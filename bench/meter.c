// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "meter.h"

enum meter_mode { METER_TRY, METER_TIME, METER_COUNT };

#define ROUNDS 5

static enum meter_mode mode;
static const struct meter_row *row;
static double started;
static double figure; /* nanoseconds an operation; negative: the row measured nothing */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

void meter_start(void)
{
	started = now();
	CALLGRIND_START_INSTRUMENTATION;
}

void meter_stop(double operations)
{
	CALLGRIND_STOP_INSTRUMENTATION;
	figure = (now() - started) / operations;
	if (mode != METER_COUNT)
		return;
	CALLGRIND_DUMP_STATS_AT(row->name);
	CALLGRIND_ZERO_STATS;
	printf("%s count %.9g\n", row->name, operations);
}

void meter_value(const char *unit, double value)
{
	if (mode == METER_TIME)
		printf("%s %s %.3f\n", row->name, unit, value);
}

void meter_check(bool right, const char *what)
{
	if (!right)
		errx(1, "%s: %s", row->name, what);
}

u32 *meter_shuffle(u32 bound)
{
	u32 *all = malloc(bound * sizeof(*all));
	u64 state = 1;

	if (!all)
		err(1, "no memory");
	for (u32 i = 0; i < bound; i++) {
		u32 other;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		other = (u32)((state >> 33) % (i + 1));
		all[i] = all[other];
		all[other] = i;
	}
	return all;
}

static cpu_set_t all_cpus;

/* The last CPU that may be used: the first has more interrupts. */
static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all_cpus), &all_cpus))
		err(1, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all_cpus))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
	}
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "sched_setaffinity");
}

void meter_unpin(void)
{
	if (sched_setaffinity(0, sizeof(all_cpus), &all_cpus))
		err(1, "sched_setaffinity");
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double meter_median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

unsigned int meter_cpus(unsigned int most)
{
	unsigned int count = (unsigned int)CPU_COUNT(&all_cpus);

	return count < most ? count : most;
}

static void time_row(u64 size)
{
	double rounds[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		figure = -1;
		row->run(size);
		if (figure < 0)
			return;
		rounds[i] = figure;
	}
	printf("%s ns %.1f\n", row->name, meter_median(rounds, ROUNDS));
}

int meter_main(int argc, char **argv, const struct meter_row *rows, unsigned int count)
{
	u64 size = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;

	if (argc > 1)
		mode = !strcmp(argv[1], "time") ? METER_TIME : METER_COUNT;
	pin();
	if (mode == METER_TRY)
		printf("1..%u\n", count);
	for (row = rows; row < rows + count; row++) {
		if (argc > 2 && strcmp(argv[2], row->name))
			continue;
		if (mode == METER_TIME)
			time_row(size ? size : row->size);
		else
			row->run(size ? size : row->few);
		if (mode == METER_TRY)
			printf("ok %zu - %s\n", (size_t)(row - rows) + 1, row->name);
		fflush(stdout);
	}
	return 0;
}
