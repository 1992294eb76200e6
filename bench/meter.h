/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a program of rows has around it: each row sets something up, and measures one stretch
 * of it, meter_start() to meter_stop().
 *
 *	PROGRAM				tries each row once, with little; TAP
 *	PROGRAM time [ROW [SIZE]]	CPU time, the median of several rounds: "ROW ns N"
 *	PROGRAM count [ROW [SIZE]]	under callgrind: "ROW count N" operations; a dump that is
 *					named after the row has the instructions they took
 *
 * The program runs on one CPU.
 */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include "seam_os.h"

struct meter_row {
	const char *name;
	void (*run)(u64 size); /* meter_start() and meter_stop() once each, or neither */
	u64 size;	       /* when timed */
	u64 few;	       /* when counted, or tried */
};

/* Returns the program's status. */
int meter_main(int argc, char **argv, const struct meter_row *rows, unsigned int count);

void meter_start(void);
/* @operations took place since meter_start(); less than one, if it was a part of it. */
void meter_stop(double operations);

/* A figure that is neither: "ROW UNIT VALUE". */
void meter_value(const char *unit, double value);

/* Ends the program: the row did not do what it measures. */
void meter_check(bool right, const char *what);

/* From now on the calling thread may run on any CPU that the program may. */
void meter_unpin(void);

/* Sorts the values. */
double meter_median(double *values, unsigned int count);

/* CPUs that the program may run on, @most at most. */
unsigned int meter_cpus(unsigned int most);

/* Numbers below @bound, each of them once, in the same disorder on each run; free() it. */
u32 *meter_shuffle(u32 bound);

#endif
