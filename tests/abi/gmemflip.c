// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Pages become private and shared while two vCPUs store and load there, and others make holes
 * in the file: docs/abi.md 4.6. A vCPU finds what it has stored last or zero; the VMM finds
 * nothing that was stored while a page was private, and gets nothing while it is.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define PRIVATE KVM_MEMORY_ATTRIBUTE_PRIVATE
#define SEEN	(GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)
#define PAGES	32UL
#define SIZE	(PAGES * PAGE)
#define VCPUS	2

struct flip;

struct runner {
	struct flip *flip;
	struct machine m;
	unsigned int index, seed;
	pthread_t thread;
	_Atomic uint64_t rounds;
};

struct flip {
	struct runner runner[VCPUS];
	int fd;
	bool seen; /* the file can be mapped, and is all there is */
	bool mte;
	uint8_t *memory; /* what the VMM has of shared pages */
	/* What the page's vCPU is about to store, or has stored, last; ever more. */
	_Atomic uint64_t stored[PAGES];
	_Atomic bool stop;
	_Atomic unsigned int failed; /* a vCPU found what it must not, or exited */
	unsigned int leaked;	     /* to the VMM: what was private */
	unsigned int reached;	     /* the VMM's memory: stores to what is private */
	unsigned int conversions;
	unsigned int seed;
};

/* --- The vCPUs: each has every second page. --- */

/* Stores more than ever before, and loads it: that, or nothing, or what lies in shared memory. */
static bool round_of(struct runner *r, uint64_t page)
{
	struct flip *f = r->flip;
	uint64_t gpa = TEST_GPA + page * PAGE, value = ++f->stored[page], got = ~0UL;

	if (!machine_finishes(&r->m, guest_str, gpa, value, NULL) ||
	    !machine_finishes(&r->m, guest_ldr, gpa, 0, &got))
		return false;
	return got == value || !got || (!f->seen && got < value);
}

/* Tags likewise, of four bits. */
static bool tags_of(struct runner *r, uint64_t page)
{
	uint64_t gpa = TEST_GPA + page * PAGE + 64, tag = 1 + page % 15, got = ~0UL;

	return machine_finishes(&r->m, guest_stg, gpa, tag, NULL) &&
	       machine_finishes(&r->m, guest_ldg, gpa, 0, &got) && (got == tag || !got);
}

static void *runs(void *arg)
{
	struct runner *r = arg;
	struct flip *f = r->flip;

	while (!f->stop) {
		uint64_t page = (uint64_t)rand_r(&r->seed) % (PAGES / VCPUS) * VCPUS + r->index;

		if (!round_of(r, page) || (f->mte && !tags_of(r, page))) {
			machine_explain(&r->m, 0);
			f->failed++;
			break;
		}
		r->rounds++;
	}
	return NULL;
}

static void *punches(void *arg)
{
	struct flip *f = arg;
	unsigned int seed = 7;

	while (!f->stop) {
		off_t page = rand_r(&seed) % (off_t)PAGES;

		if (fallocate(f->fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, page * (off_t)PAGE,
			      (off_t)PAGE))
			f->failed++;
		usleep(2000);
	}
	return NULL;
}

/* --- The VMM. --- */

static uint64_t host_load(const struct flip *f, uint64_t page)
{
	return *(volatile uint64_t *)(f->memory + page * PAGE);
}

/* By a system call, which says what a load would die of. */
static bool host_is_kept_out(const struct flip *f, uint64_t page)
{
	int pipes[2];
	bool out;

	if (pipe(pipes))
		err(2, "a pipe");
	out = write(pipes[1], f->memory + page * PAGE, 8) < 0;
	close(pipes[0]);
	close(pipes[1]);
	return out;
}

static void convert(struct flip *f, uint64_t first, uint64_t count, bool private)
{
	if (machine_attr(&f->runner[0].m, TEST_GPA + first * PAGE, count * PAGE, PRIVATE,
			 private ? KVM_MEMORY_ATTRIBUTES_SET : KVM_MEMORY_ATTRIBUTES_CLEAR))
		errx(2, "KVM_SET_MEMORY_ATTRIBUTES");
	f->conversions++;
}

static void one_flip(struct flip *f)
{
	uint64_t first = (uint64_t)rand_r(&f->seed) % PAGES, before, now;
	uint64_t count = 1 + (uint64_t)rand_r(&f->seed) % (PAGES - first);
	uint64_t page = first + (uint64_t)rand_r(&f->seed) % count;

	convert(f, first, count, true);
	if (f->seen) {
		f->reached += !host_is_kept_out(f, page);
		usleep((unsigned int)rand_r(&f->seed) % 2000);
	} else {
		before = host_load(f, page);
		usleep((unsigned int)rand_r(&f->seed) % 2000);
		f->reached += host_load(f, page) != before;
	}
	/* What is about to be stored may come after; what was before may not. */
	before = f->stored[page];
	convert(f, first, count, false);
	now = host_load(f, page);
	f->leaked += f->seen && now && now < before;
}

static void flip_open(struct flip *f, unsigned int flags, bool seen)
{
	struct machine *m = &f->runner[0].m;

	*f = (struct flip){ .seen = seen, .mte = flags & MACHINE_MTE, .seed = 1 };
	machine_open(m, flags);
	machine_second(&f->runner[1].m, m, flags);
	f->fd = (int)machine_gmem(m, SIZE, seen ? SEEN : 0);
	f->memory = seen ? memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd)
			 : memory_anon(SIZE);
	if (machine_gmem_slot(m, TEST_SLOT, 0, TEST_GPA, SIZE, seen ? NULL : f->memory, f->fd, 0))
		errx(2, "a slot with guest_memfd");
	for (unsigned int i = 0; i < VCPUS; i++) {
		f->runner[i].flip = f;
		f->runner[i].index = i;
		f->runner[i].seed = i + 1;
		if (f->mte)
			machine_checks(&f->runner[i].m, false);
	}
}

static void flip_run(struct flip *f, time_t seconds)
{
	time_t end = time(NULL) + seconds;
	pthread_t puncher;

	for (unsigned int i = 0; i < VCPUS; i++)
		if (pthread_create(&f->runner[i].thread, NULL, runs, &f->runner[i]))
			errx(2, "no thread");
	if (pthread_create(&puncher, NULL, punches, f))
		errx(2, "no thread");
	while (time(NULL) < end && !f->failed)
		one_flip(f);
	f->stop = true;
	for (unsigned int i = 0; i < VCPUS; i++)
		pthread_join(f->runner[i].thread, NULL);
	pthread_join(puncher, NULL);
}

static void flip_close(struct flip *f)
{
	machine_close(&f->runner[1].m);
	machine_close(&f->runner[0].m);
	munmap(f->memory, SIZE);
	close(f->fd);
}

static void flips(unsigned int flags, bool seen)
{
	const char *full = getenv("TSR_FULL"), *name = seen ? "a mapped file" : "split memory";
	static struct flip f;
	struct stat stat;

	flip_open(&f, flags, seen);
	flip_run(&f, full && *full ? 20 : 2);
	tap_note("%u conversions, %llu and %llu rounds", f.conversions,
		 (unsigned long long)f.runner[0].rounds, (unsigned long long)f.runner[1].rounds);
	tap_ok(!f.failed && f.runner[0].rounds && f.runner[1].rounds && f.conversions > 1,
	       "%s: a vCPU finds what it stored last, or nothing", name);
	tap_ok(!f.reached, "%s: what is private does not reach the VMM", name);
	tap_ok(!f.leaked, "%s: and is not there when it is shared", name);
	machine_attr(&f.runner[0].m, 0, 1UL << IPA_BITS, 0, 0);
	tap_ok(seen || (!fstat(f.fd, &stat) && !stat.st_blocks),
	       "%s: the file has nothing of what is shared", name);
	flip_close(&f);
}

void test_gmemflip(void)
{
	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "conversions under two vCPUs");
		return;
	}
	flips(0, false);
	flips(0, true);
	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "conversions under two vCPUs with MTE");
		return;
	}
	flips(MACHINE_MMU | MACHINE_MTE | MACHINE_LAZY, false);
	flips(MACHINE_MMU | MACHINE_MTE, true);
}
