// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * KVM_TSR_TAG_BATCH of memory that the host has put elsewhere: docs/abi.md 6.6. With swap on,
 * and huge pages of 2 MiB in the pool.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define PAGES  TAGIO_PAGES
#define SIZE   (PAGES * PAGE)
#define PACKED TAGIO_PACKED
#define IN     KVM_TSR_TAG_BATCH_TO_GUEST

/* All of it; where there is no swap, or it is not done in a second, false. */
static bool put_out(uint8_t *memory)
{
	for (int tries = 0; tries < 50; tries++) {
		madvise(memory, SIZE, MADV_PAGEOUT);
		if (!tagio_resident(memory, PAGES))
			return true;
		usleep(20000);
	}
	return false;
}

static void swapped(const char *what, uint8_t *memory)
{
	struct machine m;

	machine_open(&m, tagio_mte | MACHINE_MMU);
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tagio_guest_store(&m, TEST_GPA, 5);
	tagio_guest_store(&m, TEST_GPA + 70 * PAGE, 7);
	memory[2 * PAGE] = 1;
	if (!put_out(memory)) {
		tap_skip("nothing is swapped out: is there swap?", "%s, swapped out", what);
		machine_close(&m);
		return;
	}
	tap_ok(tagio_reads(&m, 1, 1UL << 6, 0, 0) && tagio_tags[0] == 5 && tagio_tags[PACKED] == 7,
	       "%s: tags of pages that were swapped out", what);
	put_out(memory);
	memset(tagio_tags, 0x44, PACKED);
	tagio_bitmap[1] = 0;
	tap_ok(!tagio_call(&m, IN, 0, PAGES, PACKED) && tagio_done(PAGES, 1),
	       "%s: tags for one that is, and none for another", what);
	tap_ok(put_out(memory) && tagio_reads(&m, 1, 0, 0, 0) && tagio_tags[0] == 0x44,
	       "%s: they are what is swapped out then", what);
	put_out(memory);
	tap_ok(tagio_guest_load(&m, TEST_GPA) == 4 &&
		       tagio_guest_load(&m, TEST_GPA + 70 * PAGE) == 0,
	       "%s: and what the guest finds", what);
	machine_close(&m);
}

static void swapped_kinds(void)
{
	uint8_t *anon = memory_anon(SIZE);
	int memfd = memory_memfd(SIZE);
	uint8_t *shared = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);

	swapped("anonymous memory", anon);
	swapped("a memfd", shared);
	munmap(anon, SIZE);
	munmap(shared, SIZE);
	close(memfd);
}

/* Its pages have one flag for their tags, and yet each page its own. */
static void hugetlb(void)
{
	uint8_t *memory = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	struct machine m;

	if (memory == MAP_FAILED) {
		tap_skip("there is no huge page", "tags in bulk of hugetlb");
		return;
	}
	machine_open(&m, tagio_mte | MACHINE_MMU);
	if (machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, memory)) {
		tap_skip("the kernel's huge pages hold no tags", "tags in bulk of hugetlb");
	} else {
		tap_ok(tagio_reads(&m, 0, 0, 0, 0), "a huge page, never touched, has no tags");
		memset(tagio_tags, 0x66, PACKED);
		tagio_bitmap[1] = 2;
		tap_ok(!tagio_call(&m, IN, 0, PAGES, PACKED) && tagio_reads(&m, 0, 2, 0, 0),
		       "one page of it has tags, the others none");
		tap_ok(tagio_guest_load(&m, TEST_GPA + 65 * PAGE) == 6 &&
			       tagio_guest_load(&m, TEST_GPA + 66 * PAGE) == 0 &&
			       tagio_guest_store(&m, TEST_GPA + 511 * PAGE, 3),
		       "which the guest finds");
		tap_ok(!tagio_call(&m, 0, 511, 1, PACKED) && tagio_done(1, 1) && tagio_tags[0] == 3,
		       "and so does the VMM its own");
	}
	machine_close(&m);
	munmap(memory, BLOCK);
}

void test_taghost(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "TSR_TAG_BATCH on a busy host");
		return;
	}
	for (unsigned int lazy = 0; lazy <= MACHINE_LAZY; lazy += MACHINE_LAZY) {
		tagio_mte = MACHINE_MTE | lazy;
		swapped_kinds();
		hugetlb();
	}
}
