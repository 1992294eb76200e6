// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lazy tags: when the tags of a page are opened, what a guest finds there, and where the VMM
 * is asked all the same: docs/abi.md 6.4. What accesses come to over files is in tags.c.
 */
#include <err.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define LAZY	 (MACHINE_MTE | MACHINE_MMU | MACHINE_LAZY)
#define OPTIONAL KVM_MEM_TSR_TAGS_OPTIONAL
#define ON_TOUCH KVM_MEM_TSR_TAGS_ON_TOUCH
#define TAG	 KVM_MEMORY_EXIT_FLAG_TAG

/* docs/abi.md 6.4: as many pages of a block are opened alone. */
#define WHOLE 8

/* What stage 2 has at @gpa: KVM_TSR_EXTENT_*, and log2 of the entry's pages. */
static unsigned int mapping(struct machine *m, uint64_t gpa, unsigned int *order)
{
	struct kvm_tsr_extent extent = { 0 };
	struct kvm_tsr_memory_query query = {
		.gpa = gpa,
		.pages = 1,
		.extents = PTR(&extent),
		.count = 1,
	};

	if (call(m->vm, KVM_TSR_QUERY_MEMORY, PTR(&query)) || query.count != 1)
		return 0;
	if (order)
		*order = extent.order;
	return extent.flags;
}

/* Where tags can be denied at all. */
static bool is_open(struct machine *m, uint64_t gpa)
{
	return mapping(m, gpa, NULL) & KVM_TSR_EXTENT_TAG;
}

static bool tag_is(struct machine *m, uint64_t gpa, uint64_t tag)
{
	uint64_t value = 99;

	if (machine_finishes(m, guest_ldg, gpa, 0, &value) && value == tag)
		return true;
	tap_note("tag %lu, should be %lu", (unsigned long)value, (unsigned long)tag);
	return false;
}

static bool tag_set(struct machine *m, uint64_t gpa, uint64_t tag)
{
	return machine_finishes(m, guest_stg, gpa, tag, NULL);
}

/* KVM_CAP_TSR_LAZY_TAGS comes after MTE and after the slots, too. */
static void order_of_calls(void)
{
	uint8_t *memory = memory_anon(2 * PAGE);
	struct machine m;

	machine_open(&m, MACHINE_NO_VCPU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 2 * PAGE, memory);
	tap_errno(machine_cap(&m, KVM_CAP_ARM_MTE), 0, "MTE, and then lazy tags: MTE");
	tap_errno(machine_cap(&m, KVM_CAP_TSR_LAZY_TAGS), 0, "and lazy tags");
	machine_close(&m);
	machine_open(&m, MACHINE_LAZY & ~MACHINE_MTE);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 2 * PAGE, memory);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 1, NULL),
	       "without MTE lazy tags change nothing");
	machine_close(&m);
	munmap(memory, 2 * PAGE);
}

/* What is used without tags stays closed, and its neighbour's tags are no matter. */
static void first_use(void)
{
	uint8_t *memory = memory_anon(4 * PAGE);
	struct machine m;

	madvise(memory, 4 * PAGE, MADV_NOHUGEPAGE);
	machine_open(&m, LAZY);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 4 * PAGE, memory);
	machine_checks(&m, false);
	machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
	machine_finishes(&m, guest_str, TEST_GPA + PAGE, 1, NULL);
	if (env.notag)
		tap_ok(!is_open(&m, TEST_GPA) && !is_open(&m, TEST_GPA + PAGE),
		       "pages are closed to tags until these are used");
	else
		tap_ok(is_open(&m, TEST_GPA), "each page counts as tagged");
	tap_ok(tag_set(&m, TEST_GPA, 5) && is_open(&m, TEST_GPA), "the first tag store opens one");
	tap_ok(tag_is(&m, TEST_GPA, 5) && tag_is(&m, TEST_GPA + 16, 0), "and is there, alone");
	if (env.notag)
		tap_ok(!is_open(&m, TEST_GPA + PAGE), "its neighbour stays closed");
	tap_ok(tag_is(&m, TEST_GPA + 2 * PAGE, 0) && tag_set(&m, TEST_GPA + 2 * PAGE, 3) &&
		       tag_is(&m, TEST_GPA + 2 * PAGE, 3),
	       "memory that is first read by its tags");
	memory_drop(memory, 4 * PAGE);
	tap_ok(tag_is(&m, TEST_GPA, 0) && tag_is(&m, TEST_GPA + 2 * PAGE, 0),
	       "memory that is given back has no old tags");
	machine_close(&m);
	munmap(memory, 4 * PAGE);
}

/* Private pages of a file that must not be written: TAG, until they are the VMM's own. */
static void files_that_stay(void)
{
	const uint32_t flags = OPTIONAL | ON_TOUCH;
	int file = memory_file(4 * PAGE);
	uint8_t *memory = memory_map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	struct machine m;

	machine_open(&m, LAZY);
	machine_slot(&m, TEST_SLOT, flags | KVM_MEM_READONLY, TEST_GPA, PAGE, memory);
	machine_slot(&m, TEST_SLOT + 1, flags, TEST_GPA + PAGE, 3 * PAGE, memory + PAGE);
	machine_call(&m, guest_ldg, TEST_GPA, 0);
	tap_ok(machine_faulted(&m, machine_run(&m), TAG, TEST_GPA), "a READONLY slot: TAG");
	machine_attr(&m, TEST_GPA + PAGE, 2 * PAGE, KVM_MEMORY_ATTRIBUTE_NW, 0);
	machine_call(&m, guest_ldg, TEST_GPA + PAGE, 0);
	tap_ok(machine_faulted(&m, machine_run(&m), TAG, TEST_GPA + PAGE), "NW: TAG");
	memory[PAGE] = 1;
	memory[0] = 1;
	tap_ok(tag_is(&m, TEST_GPA + PAGE, 0), "NW, the VMM has written the page: no exit");
	tap_ok(tag_is(&m, TEST_GPA, 0), "a READONLY slot, likewise");
	mprotect(memory + 3 * PAGE, PAGE, PROT_READ);
	machine_call(&m, guest_ldg, TEST_GPA + 3 * PAGE, 0);
	tap_ok(machine_faulted(&m, machine_run(&m), TAG, TEST_GPA + 3 * PAGE),
	       "a mapping without PROT_WRITE: TAG");
	mprotect(memory + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	tap_ok(tag_is(&m, TEST_GPA + 3 * PAGE, 0), "and with it: no exit");
	tap_ok(memory[3 * PAGE] == 0x5a && memory[PAGE + 1] == 0x5a, "what the file had is there");
	machine_close(&m);
	munmap(memory, 4 * PAGE);
	close(file);
}

/* Where the host denies nothing NT is not served. */
static void denied(void)
{
	uint8_t *memory = memory_anon(PAGE);
	struct machine m;

	machine_open(&m, LAZY);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, PAGE, memory);
	if (machine_attr(&m, TEST_GPA, PAGE, KVM_MEMORY_ATTRIBUTE_NT, 0)) {
		tap_skip(env_lacks(NEED_NOTAG), "NT: TAG");
	} else {
		machine_call(&m, guest_stg, TEST_GPA, 4);
		tap_ok(machine_faulted(&m, machine_run(&m), TAG, TEST_GPA), "NT: TAG");
		machine_attr(&m, TEST_GPA, PAGE, 0, 0);
		tap_ok(machine_run(&m) == 0 && machine_done(&m, NULL) && tag_is(&m, TEST_GPA, 4),
		       "and without it no exit");
	}
	machine_close(&m);
	munmap(memory, PAGE);
}

/* Tags that are stored and nothing else: the page is dirty. */
static void logged(void)
{
	uint8_t *memory = memory_anon(64 * PAGE);
	uint64_t bits = 0;
	struct kvm_dirty_log log = { .slot = TEST_SLOT, .dirty_bitmap = &bits };
	struct machine m;

	machine_open(&m, LAZY);
	machine_checks(&m, false);
	machine_slot(&m, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA, 64 * PAGE, memory);
	machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
	machine_finishes(&m, guest_ldr, TEST_GPA + PAGE, 1, NULL);
	call(m.vm, KVM_GET_DIRTY_LOG, PTR(&log));
	tag_is(&m, TEST_GPA + 2 * PAGE, 0);
	tag_set(&m, TEST_GPA + PAGE, 1);
	call(m.vm, KVM_GET_DIRTY_LOG, PTR(&log));
	tap_ok(bits == 2, "a tag that is stored is logged, one that is read is not");
	tag_set(&m, TEST_GPA + PAGE, 2);
	call(m.vm, KVM_GET_DIRTY_LOG, PTR(&log));
	tap_ok(bits == 2 && tag_is(&m, TEST_GPA + PAGE, 2), "and again, when it was open before");
	machine_close(&m);
	munmap(memory, 64 * PAGE);
}

/* --- Blocks. --- */

static void block_is(struct machine *m, uint64_t gpa, unsigned int order, bool open,
		     const char *what)
{
	unsigned int has = 99, flags = mapping(m, gpa, &has);

	if (!tap_ok(has == order && !(flags & KVM_TSR_EXTENT_TAG) == !open, "%s", what))
		tap_note("order %u, flags %#x", has, flags);
}

/* A whole block is split by its first tag, and is one again when enough have come. */
static void blocks(void)
{
	uint8_t *memory =
		memory_map(2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint8_t *block = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));
	bool right = true;
	struct machine m;

	madvise(block, BLOCK, MADV_HUGEPAGE);
	memset(block, 0, BLOCK);
	machine_open(&m, LAZY);
	machine_checks(&m, false);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, block);
	machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
	block_is(&m, TEST_GPA, 9, false, "a block is closed as a whole");
	for (uint64_t i = 0; i < WHOLE; i++)
		right &= tag_set(&m, TEST_GPA + 3 * i * PAGE, i + 1);
	tap_ok(right, "tags in %d of its pages", WHOLE);
	block_is(&m, TEST_GPA + 3 * PAGE, 0, true, "a page that has tags is open");
	block_is(&m, TEST_GPA + PAGE, 0, false, "one that has none is not");
	right = tag_set(&m, TEST_GPA + 100 * PAGE, 15);
	block_is(&m, TEST_GPA + PAGE, 9, true, "the next one opens all");
	for (uint64_t i = 0; i < WHOLE; i++)
		right &= tag_is(&m, TEST_GPA + 3 * i * PAGE, i + 1);
	tap_ok(right && tag_is(&m, TEST_GPA + 511 * PAGE, 0) &&
		       tag_is(&m, TEST_GPA + 100 * PAGE, 15),
	       "and each has the tags that it had, or none");
	machine_attr(&m, TEST_GPA + PAGE, PAGE, KVM_MEMORY_ATTRIBUTE_NW, 0);
	machine_attr(&m, TEST_GPA + PAGE, PAGE, 0, 0);
	machine_finishes(&m, guest_str, TEST_GPA + PAGE, 1, NULL);
	block_is(&m, TEST_GPA, 9, true, "cut by an attribute, it comes back whole");
	machine_close(&m);
	munmap(memory, 2 * BLOCK);
}

/* --- Two vCPUs. --- */

#define RACE_PAGES 64UL

static pthread_barrier_t at_page;

struct racer {
	struct machine *m;
	uint64_t tag;
	bool right;
};

/* Each page's first tags come from both at once, in granules of their own. */
static void *race(void *arg)
{
	struct racer *r = arg;

	for (uint64_t i = 0; i < RACE_PAGES; i++) {
		uint64_t at = TEST_GPA + i * PAGE + 16 * r->tag;

		pthread_barrier_wait(&at_page);
		r->right &= tag_set(r->m, at, r->tag) && tag_is(r->m, at, r->tag);
	}
	return NULL;
}

static void two_vcpus(void)
{
	uint8_t *memory = memory_anon(RACE_PAGES * PAGE);
	struct machine first, second;
	struct racer racers[2] = { { &first, 1, true }, { &second, 2, true } };
	pthread_t thread;
	bool right = true;

	machine_open(&first, LAZY);
	machine_second(&second, &first, LAZY);
	machine_slot(&first, TEST_SLOT, 0, TEST_GPA, RACE_PAGES * PAGE, memory);
	pthread_barrier_init(&at_page, NULL, 2);
	if (pthread_create(&thread, NULL, race, &racers[1]))
		err(2, "no thread");
	race(&racers[0]);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&at_page);
	for (uint64_t i = 0; i < RACE_PAGES; i++)
		right &= tag_is(&first, TEST_GPA + i * PAGE + 16, 1) &&
			 tag_is(&first, TEST_GPA + i * PAGE + 32, 2) &&
			 tag_is(&second, TEST_GPA + i * PAGE, 0);
	tap_ok(racers[0].right && racers[1].right && right,
	       "two vCPUs store the first tags of a page at once: none is lost");
	machine_close(&second);
	machine_close(&first);
	munmap(memory, RACE_PAGES * PAGE);
}

void test_lazy(void)
{
	if (!env.tsr || !env.mte) {
		tap_skip(env_lacks(NEED_TSR | NEED_MTE), "lazy tags");
		return;
	}
	order_of_calls();
	first_use();
	files_that_stay();
	denied();
	logged();
	if (env.notag)
		blocks();
	else
		tap_skip(env_lacks(NEED_NOTAG), "blocks that are closed to tags");
	two_vcpus();
}
