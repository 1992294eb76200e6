// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Dirty rings: KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_RESET_DIRTY_RINGS, KVM_EXIT_DIRTY_RING_FULL;
 * docs/abi.md 4.5, api.rst 7.36.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define LOG	KVM_MEM_LOG_DIRTY_PAGES
#define ENTRIES (PAGE / sizeof(struct kvm_dirty_gfn))
#define ROOM	(ENTRIES - 64) /* entries after which a vCPU stops */
#define PAGES	1024UL
#define SIZE	(PAGES * PAGE)
#define MOST	(1UL << 20)

static struct kvm_dirty_gfn *ring;
static unsigned int next; /* the entry to look at */

static long enable(struct machine *m, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap request = { .cap = cap, .args = { arg } };

	return call(m->vm, KVM_ENABLE_CAP, PTR(&request));
}

static long get(struct machine *m)
{
	static uint64_t bits[PAGES / 64];
	struct kvm_dirty_log log = { .slot = TEST_SLOT, .dirty_bitmap = bits };

	return call(m->vm, KVM_GET_DIRTY_LOG, PTR(&log));
}

static void *map_ring(struct machine *m, int prot, int flags)
{
	return mmap(NULL, PAGE, prot, flags, m->vcpu, KVM_DIRTY_LOG_PAGE_OFFSET * PAGE);
}

/* --- Bad input. --- */

static const struct size_row {
	const char *name;
	uint64_t bytes;
	int want;
} sizes[] = {
	{ "0", 0, EINVAL },
	{ "a page and a half", PAGE + PAGE / 2, EINVAL },
	{ "half a page", PAGE / 2, EINVAL },
	{ "more than the most", 2 * MOST, E2BIG },
	{ "a page", PAGE, 0 },
	{ "twice", PAGE, EINVAL },
};

static void bad_input(void)
{
	struct machine m;

	machine_open(&m, 0);
	tap_errno(call(m.vm, KVM_RESET_DIRTY_RINGS, 0), EINVAL, "RESET_DIRTY_RINGS without rings");
	tap_errno(enable(&m, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, PAGE), EINVAL,
		  "a ring after the first vCPU");
	tap_errno(enable(&m, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0), EINVAL,
		  "bitmaps beside rings without rings");
	ring = map_ring(&m, PROT_READ, MAP_PRIVATE);
	tap_ok(ring != MAP_FAILED, "where the ring would be anything can be mapped");
	munmap(ring, PAGE);
	machine_close(&m);
	machine_open(&m, MACHINE_NO_VCPU);
	tap_ok(call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING_ACQ_REL) == MOST,
	       "the largest ring has 1 MiB");
	for (unsigned int i = 0; i < ROW_COUNT(sizes); i++)
		tap_errno(enable(&m, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, sizes[i].bytes), sizes[i].want,
			  "a ring of %s", sizes[i].name);
	tap_errno(enable(&m, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0), 0, "bitmaps beside rings");
	tap_ok(call(m.vm, KVM_RESET_DIRTY_RINGS, 0) == 0, "RESET_DIRTY_RINGS without vCPUs");
	machine_close(&m);
	machine_open(&m, MACHINE_NO_VCPU);
	enable(&m, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, PAGE);
	ring = memory_anon(PAGE);
	machine_slot(&m, 2, 0, TEST_GPA, PAGE, ring);
	tap_errno(enable(&m, KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP, 0), EINVAL,
		  "bitmaps beside rings after the first slot");
	machine_close(&m);
	munmap(ring, PAGE);
}

/* --- A vCPU's ring. --- */

/* A machine with a ring of a page, and 4 MiB at TEST_GPA. */
static void open_ring(struct machine *m, bool bitmap, uint8_t *memory)
{
	machine_open(m, MACHINE_RING | (bitmap ? MACHINE_RING_BITMAP : 0));
	ring = map_ring(m, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (ring == MAP_FAILED)
		errx(2, "no ring");
	next = 0;
	machine_slot(m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
}

/* Takes the next entry, if there is one: its page. */
static bool take(uint64_t *page)
{
	struct kvm_dirty_gfn *entry = &ring[next % ENTRIES];

	if (__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) != KVM_DIRTY_GFN_F_DIRTY ||
	    entry->slot != TEST_SLOT)
		return false;
	*page = entry->offset;
	__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	next++;
	return true;
}

static bool takes(uint64_t want)
{
	uint64_t page;

	return take(&page) && page == want;
}

static long reset(struct machine *m)
{
	return call(m->vm, KVM_RESET_DIRTY_RINGS, 0);
}

static bool stores(struct machine *m, uint64_t page)
{
	return machine_finishes(m, guest_str, TEST_GPA + page * PAGE + 8, page, NULL);
}

static void entries(struct machine *m, bool bitmap)
{
	uint64_t page;

	tap_ok(!take(&page), "the ring is empty at first");
	machine_finishes(m, guest_ldr, TEST_GPA, 0, NULL);
	tap_ok(stores(m, 5) && stores(m, 5) && stores(m, 700), "stores to two pages");
	tap_ok(takes(5) && takes(700) && !take(&page), "are two entries");
	tap_ok(stores(m, 5) && !take(&page), "before the reset no more come");
	tap_ok(reset(m) == 2 && reset(m) == 0, "both are reset, once");
	tap_ok(!ring[0].flags && !ring[1].flags, "and free");
	tap_ok(stores(m, 5) && takes(5) && !take(&page), "another store is another entry");
	reset(m);
	tap_errno(get(m), bitmap ? 0 : ENXIO, "GET_DIRTY_LOG, bitmaps beside rings: %d", bitmap);
	tap_ok(map_ring(m, PROT_READ, MAP_PRIVATE) == MAP_FAILED && errno == EINVAL,
	       "the ring is not mapped privately");
	/* From 6.17 on Linux lets no file of this kind be executed: EPERM. */
	tap_ok(map_ring(m, PROT_READ | PROT_EXEC, MAP_SHARED) == MAP_FAILED &&
		       (errno == EINVAL || errno == EPERM),
	       "nor to be executed");
}

/* Goes on with a vCPU whose ring is full; how many entries it made by then. */
static unsigned int drain(struct machine *m, bool *seen)
{
	unsigned int count = 0;
	uint64_t page;

	for (; take(&page); count++)
		if (page < PAGES)
			seen[page] = true;
	return reset(m) == count ? count : 0;
}

static void full(struct machine *m)
{
	unsigned int count = 0, exits = 0, pages = 0, drained;
	bool seen[PAGES] = { false };
	long ret;

	machine_call(m, guest_touch_loop, TEST_GPA, PAGES);
	ret = machine_run(m);
	tap_ok(ret == 0 && m->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL,
	       "with 64 entries left KVM_RUN ends");
	ret = machine_run(m);
	tap_ok(ret == 0 && m->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL, "and ends again");
	while (ret == 0 && m->run->exit_reason == KVM_EXIT_DIRTY_RING_FULL && exits++ < PAGES) {
		drained = drain(m, seen);
		count += drained;
		ret = drained >= ROOM ? machine_run(m) : -1;
	}
	count += drain(m, seen);
	for (uint64_t page = 0; page < PAGES; page++)
		pages += seen[page];
	tap_note("%u entries, %u exits", count, exits);
	/* The store at which the ring became full was not made yet when its entry was reset. */
	tap_ok(machine_done(m, NULL) && pages == PAGES && count <= PAGES + exits,
	       "each page stored to is an entry, or two at an exit");
}

/* A vCPU whose ring is full takes none of the entries that are left, however often it is run. */
static void stolen_time_when_full(uint8_t *memory)
{
	static const uint64_t ipa = TEST_GPA;
	const struct kvm_device_attr place = {
		.group = KVM_ARM_VCPU_PVTIME_CTRL,
		.attr = KVM_ARM_VCPU_PVTIME_IPA,
		.addr = PTR(&ipa),
	};
	unsigned int exits = 0, count = 0;
	struct machine m;
	uint64_t page;

	open_ring(&m, false, memory);
	tap_errno(call(m.vcpu, KVM_SET_DEVICE_ATTR, PTR(&place)), 0,
		  "stolen time in a logged slot");
	machine_call(&m, guest_touch_loop, TEST_GPA, PAGES);
	while (exits < ENTRIES && machine_run(&m) == 0 &&
	       m.run->exit_reason == KVM_EXIT_DIRTY_RING_FULL)
		exits++;
	while (count <= ENTRIES && take(&page))
		count++;
	tap_note("%u entries, %u exits", count, exits);
	tap_ok(exits == ENTRIES && count >= ROOM && count < ENTRIES, "no entry is overwritten");
	munmap(ring, PAGE);
	machine_close(&m);
}

/* What a VMM writes into the ring harms itself alone. */
static void nonsense(struct machine *m)
{
	memset(ring, 0xff, PAGE);
	tap_ok(reset(m) == 0, "entries that the VMM made up are not reset");
	memset(ring, 0, PAGE);
	stores(m, 9);
	ring[next % ENTRIES] = (struct kvm_dirty_gfn){ KVM_DIRTY_GFN_F_RESET, 0xffffffff, ~0UL };
	tap_ok(reset(m) == 1, "an entry of no page is reset");
	next++;
	stores(m, 10);
	ring[next % ENTRIES] = (struct kvm_dirty_gfn){ KVM_DIRTY_GFN_F_RESET, TEST_SLOT, PAGES };
	tap_ok(reset(m) == 1, "and so is one beyond the slot");
	next++;
	tap_ok(stores(m, 11) && takes(11) && reset(m) == 1, "and the ring goes on");
}

void test_ring(void)
{
	uint8_t *memory = memory_anon(SIZE);
	struct machine m;

	/* With a ring and no bitmap mainline maps blocks, and tells of their first pages alone. */
	if (!env.tsr)
		madvise(memory, SIZE, MADV_NOHUGEPAGE);
	bad_input();
	for (unsigned int bitmap = 0; bitmap < 2; bitmap++) {
		open_ring(&m, bitmap, memory);
		entries(&m, bitmap);
		full(&m);
		if (env.tsr)
			nonsense(&m);
		else
			tap_skip("mainline believes it", "what the VMM writes into the ring");
		munmap(ring, PAGE);
		machine_close(&m);
	}
	if (env.tsr)
		stolen_time_when_full(memory);
	else
		tap_skip("mainline overwrites", "stolen time while the ring is full");
	munmap(memory, SIZE);
}
