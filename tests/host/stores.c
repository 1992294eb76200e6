/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Whether the machine itself keeps what a program stores when it swaps: nothing of Tessera is
 * used. A page that comes back from swap and is first read is clean, and its copy in the swap
 * stays valid; the first store after that has to make it dirty (Arm ARM D8.5, hardware
 * management of dirty state), or the next swapping goes back to the copy. Swap has to be on a
 * disk: what comes back from memory's own (zram) often keeps no copy.
 *
 * usage: test-stores GROUP [lost]    (this process's cgroup, whose memory can be reclaimed)
 *
 * With `lost` it expects the stores after loads to be lost, all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	 4096UL
#define PAGES	 256UL
#define ROUNDS	 4
#define PATIENCE 200 /* times 20 ms, for what is on its way to the disk */

static volatile uint64_t *memory;
static uint64_t stamp; /* the last value that was stored: each is stored once */
static int reclaim;

static volatile uint64_t *word(unsigned long page, unsigned int index)
{
	return memory + page * PAGE / sizeof(uint64_t) + index;
}

static void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Pages in the swap's cache count as there. */
static unsigned long pages_there(void)
{
	unsigned char there[PAGES];
	unsigned long count = 0;

	if (mincore((void *)memory, PAGES * PAGE, there))
		bail("mincore");
	for (unsigned long i = 0; i < PAGES; i++)
		count += there[i] & 1;
	return count;
}

/* All of it is on the disk, and nowhere else. */
static void swap_out(void)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (madvise((void *)memory, PAGES * PAGE, MADV_PAGEOUT))
			bail("MADV_PAGEOUT");
		/* EAGAIN: there was not so much. The pages that are written by now go with it. */
		if (write(reclaim, "64M", 3) < 0 && errno != EAGAIN)
			bail("memory.reclaim");
		if (!pages_there())
			return;
		usleep(20000);
	}
	errno = ETIMEDOUT;
	bail("swapping out");
}

/* The count of pages whose store was lost. */
static unsigned long stores_lost(bool load_first)
{
	unsigned long lost = 0;

	for (int round = 0; round < ROUNDS; round++) {
		swap_out();
		stamp++;
		for (unsigned long i = 0; i < PAGES; i++) {
			if (load_first)
				(void)*word(i, 1);
			*word(i, 0) = stamp;
		}
		swap_out();
		for (unsigned long i = 0; i < PAGES; i++)
			lost += *word(i, 0) != stamp;
	}
	return lost;
}

static void ok(int number, bool passed, const char *what, unsigned long lost)
{
	printf("%sok %d - %s: %lu of %lu stores were lost\n", passed ? "" : "not ", number, what,
	       lost, ROUNDS * PAGES);
}

int main(int argc, char **argv)
{
	bool expect_lost = argc > 2 && !strcmp(argv[2], "lost");
	unsigned long lost;
	char path[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		return 2;
	snprintf(path, sizeof(path), "%s/memory.reclaim", argv[1]);
	reclaim = open(path, O_WRONLY | O_CLOEXEC);
	if (reclaim < 0)
		bail(path);
	/* This program's own memory stays. */
	if (mlockall(MCL_CURRENT))
		bail("mlockall");
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED || madvise((void *)memory, PAGES * PAGE, MADV_NOHUGEPAGE))
		bail("mmap");
	for (unsigned long i = 0; i < PAGES; i++)
		*word(i, 0) = 1;
	printf("1..2\n");
	lost = stores_lost(false);
	ok(1, !lost, "a store to a page that was swapped out", lost);
	lost = stores_lost(true);
	ok(2, lost == (expect_lost ? ROUNDS * PAGES : 0), "a store after a load there", lost);
	return 0;
}
