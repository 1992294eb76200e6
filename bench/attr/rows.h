/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The operations on attributes that are measured, and main(). A subject includes this last, so
 * that a call of an operation costs no more than it does in a hypervisor.
 */
#ifndef BENCH_ATTR_ROWS_H
#define BENCH_ATTR_ROWS_H

#include <stdlib.h>

#include "../meter.h"
#include "subject.h"

#define GIB	  (1ULL << 18) /* pages */
#define BLOCK	  512ULL
#define MANY	  3
#define FEW	  5
#define BEGIN	  GIB /* where guests' memory begins */
#define PER_MILLE 10  /* of pages that differ, in the fragmented pattern */
#define SET_PAGES (256 * GIB)
#define TERABYTE  (1024 * GIB)

enum pattern { UNIFORM, FRAGMENTED, CHECKERBOARD };

/* Memory of @pages pages that was set whole, and then in part. */
static void fill(u64 pages, enum pattern pattern)
{
	u32 *order = NULL;

	subject_open();
	subject_set(BEGIN, pages, MANY);
	if (pattern == FRAGMENTED)
		order = meter_shuffle((u32)pages);
	for (u64 i = 0; pattern == FRAGMENTED && i < pages * PER_MILLE / 1000; i++)
		subject_set(BEGIN + order[i], 1, FEW);
	for (u64 i = 1; pattern == CHECKERBOARD && i < pages; i += 2)
		subject_set(BEGIN + i, 1, FEW);
	free(order);
}

static u64 limit(u64 pages)
{
	return pages < SUBJECT_LIMIT ? pages : SUBJECT_LIMIT;
}

/* Done once before, so that the heap has what it takes. */
static void set(u64 pages, u8 before)
{
	pages = limit(pages);
	subject_open();
	subject_set(BEGIN, pages, MANY);
	subject_close();
	subject_open();
	if (before)
		subject_set(BEGIN, pages, before);
	meter_start();
	subject_set(BEGIN, pages, MANY);
	meter_stop((double)pages / SET_PAGES);
	meter_check(!subject_get(BEGIN - 1) && subject_get(BEGIN) == MANY, "the begin is wrong");
	meter_check(subject_get(BEGIN + pages - 1) == MANY && !subject_get(BEGIN + pages),
		    "the end is wrong");
	subject_close();
}

static void set_empty(u64 pages)
{
	set(pages, 0);
}

static void set_uniform(u64 pages)
{
	set(pages, FEW);
}

/* One page in a hundred differs; random pages change sides, as many to as fro. */
static void toggle(u64 pages)
{
	u32 *order = meter_shuffle((u32)pages);
	u64 count = pages * PER_MILLE / 1000;

	fill(pages, FRAGMENTED);
	meter_start();
	for (u64 i = 0; i < count; i++) {
		subject_set(BEGIN + order[i], 1, MANY);
		subject_set(BEGIN + order[i + count], 1, FEW);
	}
	meter_stop(2.0 * (double)count);
	meter_check(subject_get(BEGIN + order[0]) == MANY, "a page was not set");
	meter_check(subject_get(BEGIN + order[count]) == FEW, "a page was not set back");
	subject_close();
	free(order);
}

static void get(u64 pages, enum pattern pattern, u64 sum)
{
	u32 *order = meter_shuffle((u32)pages);

	fill(pages, pattern);
	meter_start();
	for (u64 i = 0; i < pages; i++)
		sum -= subject_get(BEGIN + order[i]);
	meter_stop((double)pages);
	meter_check(!sum, "a value is wrong");
	subject_close();
	free(order);
}

static void get_uniform(u64 pages)
{
	get(pages, UNIFORM, pages * MANY);
}

static void get_fragmented(u64 pages)
{
	get(pages, FRAGMENTED, pages * MANY + pages * PER_MILLE / 1000 * (FEW - MANY));
}

static void get_checkerboard(u64 pages)
{
	get(pages, CHECKERBOARD, pages * MANY + pages / 2 * (FEW - MANY));
}

static void ask(u64 pages, enum pattern pattern)
{
	u32 *order = meter_shuffle((u32)pages);
	u64 found = 0, count = pages / 16;

	fill(pages, pattern);
	meter_start();
	for (u64 i = 0; i < count; i++)
		found += subject_uniform(BEGIN + order[i], MANY);
	meter_stop((double)count);
	meter_check(pattern == FRAGMENTED ? found < count / 20
					  : found == (pattern == UNIFORM ? count : 0),
		    "an answer is wrong");
	subject_close();
	free(order);
}

static void ask_uniform(u64 pages)
{
	ask(pages, UNIFORM);
}

static void ask_fragmented(u64 pages)
{
	ask(pages, FRAGMENTED);
}

static void ask_checkerboard(u64 pages)
{
	ask(pages, CHECKERBOARD);
}

static void clear_fragmented(u64 pages)
{
	pages = limit(pages);
	fill(pages, FRAGMENTED);
	meter_start();
	subject_set(BEGIN, pages, 0);
	meter_stop((double)pages * PER_MILLE / 1000);
	for (u64 i = 0; i < pages; i += BLOCK - 1)
		meter_check(!subject_get(BEGIN + i), "a page was not cleared");
	subject_close();
}

static void memory_checkerboard(u64 pages)
{
	fill(pages, CHECKERBOARD);
	meter_value("bytes", (double)subject_memory() / (double)pages);
	subject_close();
}

static void memory_terabyte(u64 pages)
{
	pages = limit(pages);
	subject_open();
	subject_set(0, pages, MANY);
	meter_value("bytes", (double)subject_memory() * TERABYTE / (double)pages);
	subject_close();
}

static const struct meter_row rows[] = {
	{ "set-empty", set_empty, SET_PAGES, SET_PAGES },
	{ "set-uniform", set_uniform, SET_PAGES, SET_PAGES },
	{ "toggle", toggle, 16 * GIB, GIB },
	{ "get-uniform", get_uniform, 16 * GIB, GIB },
	{ "get-fragmented", get_fragmented, 16 * GIB, GIB },
	{ "get-checkerboard", get_checkerboard, 4 * GIB, GIB / 4 },
	{ "ask-uniform", ask_uniform, 16 * GIB, GIB },
	{ "ask-fragmented", ask_fragmented, 16 * GIB, GIB },
	{ "ask-checkerboard", ask_checkerboard, 4 * GIB, GIB / 4 },
	{ "clear-fragmented", clear_fragmented, SET_PAGES, 4 * GIB },
	{ "memory-checkerboard", memory_checkerboard, 4 * GIB, GIB / 4 },
	{ "memory-terabyte", memory_terabyte, TERABYTE, TERABYTE },
};

int main(int argc, char **argv)
{
	return meter_main(argc, argv, rows, sizeof(rows) / sizeof(*rows));
}

#endif
