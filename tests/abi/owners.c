// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Pages that go from a VM with MTE to another owner: the same physical pages, which their
 * numbers tell, carry neither data nor tags of the first (docs/abi.md 9). Lines in caches are
 * the matter of the unit tests: emulated hosts have no caches.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define PAGES 64U
#define SIZE  (PAGES * PAGE)
#define TRIES 16

#ifndef PROT_MTE
#define PROT_MTE 0x20
#endif

/* /proc/PID/pagemap: bit 63 is set where bits 54:0 are a page frame. */
#define PAGEMAP_PRESENT (1UL << 63)
#define PAGEMAP_FRAME	((1UL << 55) - 1)

static uint64_t frames[PAGES];

static void frames_of(const uint8_t *memory, uint64_t *out)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t want = PAGES * sizeof(*out);

	if (fd < 0 || pread(fd, out, (size_t)want, (off_t)((uintptr_t)memory / PAGE * 8)) != want)
		err(2, "/proc/self/pagemap");
	close(fd);
	for (unsigned int i = 0; i < PAGES; i++)
		out[i] = out[i] & PAGEMAP_PRESENT ? out[i] & PAGEMAP_FRAME : 0;
}

/* Pages of which none is a huge page's. */
static uint8_t *pages_new(int prot)
{
	uint8_t *memory = memory_map(SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	return memory;
}

/* The first owner: a VM that fills each page with data and tags. Gives them back as it is told. */
static void first_owner(bool closes)
{
	uint8_t *memory = pages_new(PROT_READ | PROT_WRITE);
	uint64_t value = 0;
	struct machine m;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	for (unsigned int i = 0; i < PAGES; i++) {
		machine_finishes(&m, guest_str, TEST_GPA + i * PAGE, 0x5ec2e7, NULL);
		machine_finishes(&m, guest_stg, TEST_GPA + i * PAGE, 5, NULL);
	}
	if (!machine_finishes(&m, guest_ldg, TEST_GPA, 0, &value) || value != 5)
		errx(2, "a tag was not stored");
	frames_of(memory, frames);
	if (!closes) {
		/* Without the VM's end: as a balloon gives pages back. */
		memory_drop(memory, SIZE);
		machine_slot(&m, TEST_SLOT, 0, 0, 0, NULL);
	}
	machine_close(&m);
	munmap(memory, SIZE);
}

static bool had(uint64_t frame)
{
	for (unsigned int i = 0; i < PAGES; i++)
		if (frame && frames[i] == frame)
			return true;
	return false;
}

enum next { VM_WITH_MTE, VM_WITHOUT, HOST_WITH_TAGS, HOST, NEXT_COUNT };

static const char *const next_names[NEXT_COUNT] = {
	"another VM with MTE",
	"a VM without MTE",
	"the host, mapped PROT_MTE",
	"the host",
};

/* The tag of the granule at @at, of a PROT_MTE mapping. */
static unsigned int tag_of(const void *at)
{
	register uint64_t x0 __asm__("x0") = (uint64_t)(uintptr_t)at;

	__asm__ volatile(".arch_extension memtag\n\tldg x0, [x0]" : "+r"(x0) : : "memory");
	return x0 >> 56 & 15;
}

static bool page_is_clean(enum next next, struct machine *m, const uint8_t *page, uint64_t gpa)
{
	static const uint8_t zeroes[PAGE];
	uint64_t data = 0, tag = 0;

	switch (next) {
	case VM_WITH_MTE:
		/* Tags first: nothing else has touched them then. */
		if (!machine_finishes(m, guest_ldg, gpa, 0, &tag))
			return false;
		return machine_finishes(m, guest_ldr, gpa, 0, &data) && !tag && !data;
	case VM_WITHOUT:
		return machine_finishes(m, guest_ldr, gpa, 0, &data) && !data;
	case HOST_WITH_TAGS:
		return !tag_of(page) && !memcmp(page, zeroes, PAGE);
	case HOST:
	case NEXT_COUNT:
		break;
	}
	return !memcmp(page, zeroes, PAGE);
}

/* How many pages were the first owner's; clears @clean if one shows it. */
static unsigned int next_owner(enum next next, bool *clean)
{
	int prot = PROT_READ | PROT_WRITE | (next == HOST_WITH_TAGS ? PROT_MTE : 0);
	uint8_t *memory = pages_new(prot);
	unsigned int met = 0;
	struct machine m;
	uint64_t now[PAGES];

	machine_open(&m, next == VM_WITH_MTE ? MACHINE_MTE | MACHINE_MMU : MACHINE_MMU);
	/* They come with a write of the first byte, which is as it was. */
	for (unsigned int i = 0; i < PAGES; i++)
		*(volatile uint8_t *)(memory + i * PAGE) = 0;
	frames_of(memory, now);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	for (unsigned int i = 0; i < PAGES; i++) {
		if (!had(now[i]))
			continue;
		met++;
		*clean &= page_is_clean(next, &m, memory + i * PAGE, TEST_GPA + i * PAGE);
	}
	machine_close(&m);
	munmap(memory, SIZE);
	return met;
}

static void hand_over(enum next next, bool closes)
{
	const char *how = closes ? "the VM's end" : "unmapping";
	bool clean = true;
	unsigned int met = 0;

	for (int i = 0; i < TRIES && met < PAGES / 2; i++) {
		first_owner(closes);
		met += next_owner(next, &clean);
	}
	tap_ok(met > 0, "by %s pages come to %s", how, next_names[next]);
	tap_ok(clean, "without data and tags of the VM before");
	tap_note("%u pages", met);
}

/* One CPU, whose list of free pages gives back first what it took last. */
static void one_cpu(cpu_set_t *before)
{
	cpu_set_t one;

	sched_getaffinity(0, sizeof(*before), before);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

void test_owners(void)
{
	cpu_set_t before;

	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "pages of a VM with MTE");
		return;
	}
	if (access("/proc/self/pagemap", R_OK)) {
		tap_skip("there is no pagemap", "pages of a VM with MTE");
		return;
	}
	one_cpu(&before);
	for (enum next next = 0; next < NEXT_COUNT; next++) {
		hand_over(next, true);
		hand_over(next, false);
	}
	sched_setaffinity(0, sizeof(before), &before);
}
