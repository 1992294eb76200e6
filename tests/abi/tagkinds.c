// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_TSR_TAG_BATCH with all kinds of memory, and while others are at work: docs/abi.md 6.6. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define PAGES  TAGIO_PAGES
#define WORDS  TAGIO_WORDS
#define SIZE   (PAGES * PAGE)
#define PACKED TAGIO_PACKED
#define IN     KVM_TSR_TAG_BATCH_TO_GUEST
#define OUT    0
#define LOG    KVM_MEM_LOG_DIRTY_PAGES

/* Pages that are in the page cache alone; their tags were stored through another mapping. */
static void cached(void)
{
	int memfd = memory_memfd(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	uint8_t *other = tagio_host_map(SIZE, MAP_SHARED, memfd);
	struct machine m;

	if (!tap_ok(other, "a memfd mapped with PROT_MTE"))
		return;
	machine_open(&m, tagio_mte | MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tagio_host_store(other + 66 * PAGE + GRANULE, 8);
	other[68 * PAGE] = 1;
	tap_ok(tagio_reads(&m, 0, 1UL << 2, 0, 0) && tagio_tags[0] == 8 << 4,
	       "a memfd's tags, of a page that the slot's mapping has not touched");
	tap_ok(tagio_resident(other, PAGES) == 2, "and no other page is made");
	munmap(memory, SIZE);
	memory = mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, memfd, 0);
	tap_ok(tagio_reads(&m, 0, 1UL << 2, 0, 0) && tagio_tags[0] == 8 << 4,
	       "likewise, mapped privately");
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	tap_ok(!tagio_call(&m, IN, 0, PAGES, 0) &&
		       tagio_host_load(other + 66 * PAGE + GRANULE) == 8 &&
		       tagio_guest_load(&m, TEST_GPA + 66 * PAGE + GRANULE) == 0,
	       "tags taken from a private mapping stay with the file");
	machine_close(&m);
	munmap(memory, SIZE);
	munmap(other, SIZE);
	close(memfd);
}

/* One page of a huge page, to and from. */
static void huge(void)
{
	uint8_t *area = memory_anon(2 * BLOCK);
	uint8_t *memory = (uint8_t *)((PTR(area) + BLOCK - 1) & ~(BLOCK - 1));
	struct machine m;

	if (madvise(memory, BLOCK, MADV_HUGEPAGE)) {
		tap_skip("the kernel has no transparent huge pages", "tags in a huge page");
		return;
	}
	machine_open(&m, tagio_mte | MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, memory);
	memory[0] = 1;
	tagio_guest_store(&m, TEST_GPA + 65 * PAGE, 6);
	tap_ok(tagio_reads(&m, 0, 2, 0, 0) && tagio_tags[0] == 6,
	       "one page of a huge page has tags");
	tagio_bitmap[1] = 0;
	tagio_bitmap[2] = 1UL << 8;
	tap_ok(!tagio_call(&m, IN, 0, PAGES, PACKED) && tagio_reads(&m, 0, 0, 1UL << 8, 0),
	       "and then another");
	tap_ok(tagio_guest_load(&m, TEST_GPA + 136 * PAGE) == 6 &&
		       tagio_guest_load(&m, TEST_GPA + 65 * PAGE) == 0,
	       "which the guest finds");
	machine_close(&m);
	munmap(area, 2 * BLOCK);
}

static void untaggable(void)
{
	int file = memory_file(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	struct machine m;

	machine_open(&m, tagio_mte);
	machine_slot(&m, TEST_SLOT, KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, TEST_GPA,
		     SIZE, memory);
	memory[0] = 1;
	tap_ok(tagio_reads(&m, 0, 0, 0, 0), "memory that cannot hold tags has none");
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	tap_ok(!tagio_call(&m, IN, 0, PAGES, 0), "and may be given none");
	tagio_bitmap[0] = 1UL << 5;
	tap_errno(tagio_call(&m, IN, 0, PAGES, PACKED), EFAULT, "but not some");
	tap_ok(tagio_done(5, 0), "up to there is done");
	machine_close(&m);
	munmap(memory, SIZE);
	close(file);
}

/* The VMM's own page of a private mapping of a file holds tags; with lazy tags it is made one. */
static void private_file(bool lazy)
{
	int file = memory_file(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	struct machine m;
	uint8_t byte = 0;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, TEST_GPA,
		     SIZE, memory);
	memset(tagio_tags, 0x33, PACKED);
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	tagio_bitmap[0] = 1UL << 2;
	if (lazy) {
		tap_ok(!tagio_call(&m, IN, 0, PAGES, PACKED) && tagio_done(PAGES, 1) &&
			       tagio_guest_load(&m, TEST_GPA + 2 * PAGE) == 3,
		       "tags for a page of a private file mapping");
		tap_ok(tagio_reads(&m, 1UL << 2, 0, 0, 0) && memory[2 * PAGE] == 0x5a,
		       "which has them, and its contents");
		memory[2 * PAGE] = 1;
		tap_ok(pread(file, &byte, 1, 2 * PAGE) == 1 && byte == 0x5a, "a page of its own");
	} else {
		tap_errno(tagio_call(&m, IN, 0, PAGES, PACKED), EFAULT,
			  "tags for a page of a private file mapping, without lazy tags");
	}
	machine_close(&m);
	munmap(memory, SIZE);
	close(file);
}

static void read_only(void)
{
	struct machine m;
	void *memory;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	tagio_guest_store(&m, TEST_GPA + 4 * PAGE, 2);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 0, memory);
	machine_slot(&m, TEST_SLOT, KVM_MEM_READONLY, TEST_GPA, SIZE, memory);
	tap_ok(tagio_reads(&m, 1UL << 4, 0, 0, 0), "from a READONLY slot");
	tagio_bitmap[0] = 0;
	tap_errno(tagio_call(&m, IN, 0, PAGES, 0), EFAULT, "whose tags cannot be taken");
	tap_ok(tagio_done(4, 0), "up to there is done");
	tap_ok(!tagio_call(&m, IN, 5, PAGES - 5, 0), "where there are none, nothing is to be done");
	machine_close(&m);
	munmap(memory, SIZE);
}

static void logged(void)
{
	uint64_t bits[WORDS] = { 0 };
	struct machine m;
	void *memory;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	tagio_guest_store(&m, TEST_GPA + 4 * PAGE, 2);
	machine_slot(&m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
	memset(tagio_bitmap, 0, sizeof(tagio_bitmap));
	tagio_bitmap[1] = 1;
	tap_ok(tagio_reads(&m, 1UL << 4, 0, 0, 0) && !tagio_dirty(&m, bits) && !bits[0],
	       "reading marks nothing in a log");
	tagio_bitmap[0] = 0;
	tagio_bitmap[1] = 1;
	tap_ok(!tagio_call(&m, IN, 0, PAGES, PACKED) && !tagio_dirty(&m, bits) &&
		       bits[0] == 1UL << 4 && bits[1] == 1 && !bits[2] && !bits[3],
	       "writing marks the pages that changed");
	machine_close(&m);
	munmap(memory, SIZE);
	machine_open(&m, tagio_mte | MACHINE_RING);
	memory = tagio_slot(&m, LOG, SIZE);
	tap_errno(tagio_call(&m, IN, 0, PAGES, PACKED), EBUSY, "logged to rings alone");
	tap_ok(tagio_done(64, 0), "up to there is done");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- While others are at work. --- */

/* A signal ends it at a word; from there it goes on, to the end. */
static void signals(void)
{
	const size_t size = 16UL << 30, words = size / PAGE / 64;
	void *memory = memory_map(size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	uint64_t *all = memory_anon(words * 8), at = 0;
	const struct itimerval often = { { 0, 3000 }, { 0, 3000 } }, never = { { 0, 0 }, { 0, 0 } };
	unsigned int interrupted = 0;
	struct machine m;
	bool whole = true;

	machine_open(&m, tagio_mte);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, size, memory);
	alarm_in(0);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long ret = -EINTR; ret == -EINTR; at += tagio_batch.pages_done) {
		tagio_batch = (struct kvm_tsr_tag_batch){
			.gpa = TEST_GPA + at * PAGE,
			.pages = size / PAGE - at,
			.bitmap = PTR(all + at / 64),
		};
		ret = call(m.vm, KVM_TSR_TAG_BATCH, PTR(&tagio_batch));
		interrupted += ret == -EINTR;
		whole &= (!ret || ret == -EINTR) && tagio_batch.pages_done % 64 == 0;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	tap_ok(whole && at == size / PAGE, "calls that go on after signals come to the end");
	tap_ok(interrupted > 0, "with EINTR, %u times", interrupted);
	machine_close(&m);
	munmap(memory, size);
	munmap(all, words * 8);
}

static struct race {
	struct machine m;
	_Atomic bool stop;
	unsigned long stores;
} race;

static void *race_guest(void *opaque)
{
	for (unsigned int i = 0; !race.stop; i++, race.stores++)
		if (!tagio_guest_store(&race.m, TEST_GPA + (i % PAGES) * PAGE, i % 3 ? 7 : 0))
			break;
	return NULL;
}

/* A vCPU tags, beside that the VMM reads: each page has what was stored at some time. */
static void races(void)
{
	struct timespec begin, now;
	unsigned int wrong = 0, calls = 0;
	pthread_t thread;
	void *memory;

	machine_open(&race.m, tagio_mte | MACHINE_MMU);
	memory = tagio_slot(&race.m, 0, SIZE);
	race.stop = false;
	race.stores = 0;
	pthread_create(&thread, NULL, race_guest, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		memset(tagio_tags, 0, sizeof(tagio_tags));
		wrong += tagio_call(&race.m, OUT, 0, PAGES, sizeof(tagio_tags)) != 0;
		for (unsigned int i = 0; i < sizeof(tagio_tags); i++)
			wrong +=
				tagio_tags[i] != (i % PACKED || i >= tagio_batch.tags_done ? 0 : 7);
		wrong += tagio_call(&race.m, IN, 0, PAGES, sizeof(tagio_tags)) != 0;
		calls++;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begin.tv_sec < 1);
	race.stop = true;
	pthread_join(thread, NULL);
	tap_ok(!wrong && race.stores > 0,
	       "%u calls each way beside %lu tags stored by a vCPU (%u wrong)", calls, race.stores,
	       wrong);
	machine_close(&race.m);
	munmap(memory, SIZE);
}

void test_tagkinds(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "TSR_TAG_BATCH of all kinds of memory");
		return;
	}
	for (unsigned int lazy = 0; lazy <= MACHINE_LAZY; lazy += MACHINE_LAZY) {
		tagio_mte = MACHINE_MTE | lazy;
		cached();
		huge();
		untaggable();
		private_file(lazy);
		read_only();
		logged();
		races();
	}
	signals();
}
