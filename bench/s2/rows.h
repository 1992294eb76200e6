/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The operations on stage-2 tables that are measured, and main(). A subject includes this last,
 * so that a call of an operation costs no more than it does in a hypervisor.
 */
#ifndef BENCH_S2_ROWS_H
#define BENCH_S2_ROWS_H

#include <stdlib.h>

#include "../meter.h"
#include "../pool.h"
#include "subject.h"
#include "threads.h"

#define BLOCK	       512ULL /* pages */
#define DESC_W	       (1ULL << 7)
#define DESC_FRAME     0xfffffffff000ULL
#define LEVEL_PAGE     3
#define LEVEL_BLOCK    2
#define THREADS_ROUNDS 9

static void check_mapped(u64 gfn, int level, bool writable)
{
	u64 desc = subject_walk(gfn), order = level == LEVEL_PAGE ? 0 : 9;
	u64 frame = ((gfn + SUBJECT_HOST) >> order) << order;

	meter_check((desc & DESC_FRAME) >> 12 == frame, "the wrong page is mapped");
	meter_check(subject_level(gfn) == level, "the leaf is of the wrong level");
	meter_check(!!(desc & DESC_W) == writable, "the leaf has the wrong permission");
}

static void check_unmapped(u64 gfn)
{
	meter_check(!(subject_walk(gfn) & 1), "something is mapped");
}

/* Pages and their tables, none there before: one page in each of @blocks blocks. */
static void map_cold(u64 blocks)
{
	u32 *order = meter_shuffle((u32)blocks);

	subject_open();
	meter_start();
	for (u64 i = 0; i < blocks; i++)
		subject_map_page(order[i] * BLOCK + (order[i] & (BLOCK - 1)));
	meter_stop(blocks);
	check_mapped(0, LEVEL_PAGE, true);
	check_unmapped(1);
	subject_close();
	free(order);
}

static void map_pages_calls(u64 pages)
{
	subject_open();
	meter_start();
	for (u64 i = 0; i < pages; i++)
		subject_map_page(i);
	meter_stop(pages);
	check_mapped(pages - 1, LEVEL_PAGE, true);
	check_unmapped(pages);
	subject_close();
}

static void map_pages_range(u64 pages)
{
	subject_open();
	meter_start();
	subject_map_pages(0, pages);
	meter_stop(pages);
	check_mapped(0, LEVEL_PAGE, true);
	check_mapped(pages - 1, LEVEL_PAGE, true);
	check_unmapped(pages);
	subject_close();
}

static void map_blocks_calls(u64 blocks)
{
	subject_open();
	meter_start();
	for (u64 i = 0; i < blocks; i++)
		subject_map_block(i * BLOCK);
	meter_stop(blocks);
	check_mapped(blocks * BLOCK - 1, LEVEL_BLOCK, true);
	check_unmapped(blocks * BLOCK);
	subject_close();
}

static void walk_random(u64 pages)
{
	u32 *order = meter_shuffle((u32)pages);
	u64 sum = 0;

	subject_open();
	subject_map_pages(0, pages);
	meter_start();
	for (u64 i = 0; i < pages; i++)
		sum += (subject_walk(order[i]) & DESC_FRAME) >> 12;
	meter_stop(pages);
	meter_check(sum == pages * (pages - 1) / 2 + pages * SUBJECT_HOST, "a walk went wrong");
	subject_close();
	free(order);
}

static void protect_pages(u64 pages)
{
	subject_open();
	subject_map_pages(0, pages);
	meter_start();
	subject_protect(0, pages);
	meter_stop(pages);
	check_mapped(0, LEVEL_PAGE, false);
	check_mapped(pages - 1, LEVEL_PAGE, false);
	subject_close();
}

static void unmap_pages(u64 pages)
{
	subject_open();
	subject_map_pages(0, pages);
	meter_start();
	subject_unmap(0, pages);
	meter_stop(pages);
	check_unmapped(0);
	check_unmapped(pages - 1);
	subject_close();
}

static void split_blocks(u64 blocks)
{
	subject_open();
	for (u64 i = 0; i < blocks; i++)
		subject_map_block(i * BLOCK);
	meter_start();
	for (u64 i = 0; i < blocks; i++)
		subject_split(i * BLOCK, BLOCK);
	meter_stop(blocks);
	check_mapped(0, LEVEL_PAGE, true);
	check_mapped(blocks * BLOCK - 1, LEVEL_PAGE, true);
	subject_close();
}

static void join_blocks(u64 blocks)
{
	subject_open();
	subject_map_pages(0, blocks * BLOCK);
	meter_start();
	for (u64 i = 0; i < blocks; i++)
		subject_join(i * BLOCK, BLOCK);
	meter_stop(blocks);
	check_mapped(0, LEVEL_BLOCK, true);
	check_mapped(blocks * BLOCK - 1, LEVEL_BLOCK, true);
	subject_close();
}

/* A round of dirty logging in which 6 % of the pages, here and there, were written. */
static void protect_dirty(u64 pages)
{
	u32 *order = meter_shuffle((u32)pages);
	u64 *masks = calloc(pages / 64, sizeof(*masks)), dirty = pages * 6 / 100;

	subject_open();
	subject_map_pages(0, pages);
	subject_protect(0, pages);
	for (u64 i = 0; i < dirty; i++) {
		subject_dirty(order[i]);
		masks[order[i] / 64] |= 1ULL << order[i] % 64;
	}
	check_mapped(order[0], LEVEL_PAGE, true);
	meter_start();
	for (u64 i = 0; i < pages / 64; i++)
		if (masks[i])
			subject_protect_dirty(i * 64, masks[i]);
	meter_stop(dirty);
	for (u64 i = 0; i < dirty; i++)
		check_mapped(order[i], LEVEL_PAGE, false);
	subject_close();
	free(masks);
	free(order);
}

/*
 * Disjoint pages of the same tables, by one thread and by eight. What other threads cost shows
 * in the CPU time of a fault; how much the machine does at once follows from that.
 */
static void by_threads(u64 pages, u64 other)
{
	double one[THREADS_ROUNDS], eight[THREADS_ROUNDS], cpus = meter_cpus(THREADS_MAX);

	for (int i = 0; i < THREADS_ROUNDS; i++) {
		subject_open();
		one[i] = threads_run(1, pages, other, subject_cache, subject_fault);
		subject_close();
		subject_open();
		eight[i] = threads_run(THREADS_MAX, pages, other, subject_cache, subject_fault);
		check_mapped(0, LEVEL_PAGE, true);
		check_mapped(pages - 1, LEVEL_PAGE, true);
		subject_close();
	}
	meter_value("ns-1-thread", meter_median(one, THREADS_ROUNDS));
	meter_value("ns-8-threads", meter_median(eight, THREADS_ROUNDS));
	meter_value("scaling", cpus * one[THREADS_ROUNDS / 2] / eight[THREADS_ROUNDS / 2]);
}

static void fault_threads(u64 pages)
{
	by_threads(pages, 0);
}

/* A guest's exit and entry, and finding the page in the host's memory, are more than this. */
static void fault_threads_apart(u64 pages)
{
	by_threads(pages, 1000);
}

/* What other CPUs must wait for; 0 but in a build that counts them. */
static void fault_atomics(u64 pages)
{
	void *cache = subject_cache();
	u64 before;

	subject_open();
	before = bench_atomics;
	for (u64 i = 0; i < pages; i++)
		subject_fault(cache, i);
	meter_value("atomics", (double)(bench_atomics - before) / (double)pages);
	subject_close();
	free(cache);
}

static const struct meter_row rows[] = {
	{ "map-cold", map_cold, 32768, 4096 },
	{ "map-4k-calls", map_pages_calls, 1 << 20, 1 << 16 },
	{ "map-4k-range", map_pages_range, 1 << 20, 1 << 16 },
	{ "map-2m-calls", map_blocks_calls, 32768, 8192 },
	{ "walk-random", walk_random, 1 << 20, 1 << 16 },
	{ "protect-4k", protect_pages, 1 << 20, 1 << 16 },
	{ "unmap-4k", unmap_pages, 1 << 20, 1 << 16 },
	{ "split-2m", split_blocks, 512, 64 },
	{ "join-2m", join_blocks, 512, 64 },
	{ "protect-dirty", protect_dirty, 1 << 20, 1 << 16 },
	{ "fault-threads", fault_threads, 1 << 18, 1 << 12 },
	{ "fault-threads-apart", fault_threads_apart, 1 << 18, 1 << 12 },
	{ "fault-atomics", fault_atomics, 1 << 16, 1 << 9 },
};

int main(int argc, char **argv)
{
	pool_init();
	return meter_main(argc, argv, rows, sizeof(rows) / sizeof(*rows));
}

#endif
