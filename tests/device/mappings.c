// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory as drivers map it: in pieces that are not contiguous, in blocks, when it is touched,
 * taken away and replaced under a live slot, several sorts in one slot. Each page holds its own
 * number, so that a page in a wrong place shows.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../abi/guest.h"
#include "../abi/machine.h"
#include "../abi/tap.h"
#include "device.h"
#include "testdev.h"

#define SIZE	 (2 * BLOCK)
#define PAGES	 (SIZE / PAGE)
#define STRIDE	 37 /* an odd number: each place in eight pages in turn */
#define SMALL	 (4 * PAGE)
#define OPTIONAL KVM_MEM_TSR_TAGS_OPTIONAL
#define READ	 KVM_MEMORY_EXIT_FLAG_READ
#define WRITE	 KVM_MEMORY_EXIT_FLAG_WRITE
#define EXEC	 KVM_MEMORY_EXIT_FLAG_EXEC

static int testdev;
static bool cacheable; /* docs/abi.md 9: S2FWB and CTR_EL0.DIC */

static void view_at(void *at, uint64_t flags, size_t size)
{
	if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, testdev,
		 (off_t)(flags << TESTDEV_SHIFT)) != at)
		err(2, "the test device maps nothing with flags %#lx", (unsigned long)flags);
}

/* Addresses that are a multiple of BLOCK, with nothing behind them. */
static uint8_t *space(size_t size)
{
	uintptr_t at = (uintptr_t)mmap(NULL, size + BLOCK, PROT_NONE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return (uint8_t *)((at + BLOCK - 1) & ~(BLOCK - 1));
}

static uint8_t *view(uint64_t flags, size_t size)
{
	uint8_t *at = space(size);

	view_at(at, flags, size);
	return at;
}

/* A store by this process; a compiler would make one of several of them. */
static void word_set(uint8_t *at, uint64_t value)
{
	*(volatile uint64_t *)at = value;
}

static uint64_t word(const uint8_t *at)
{
	return *(const volatile uint64_t *)at;
}

static void pages_number(uint64_t type)
{
	uint8_t *pages = view(type, SIZE);

	for (unsigned long i = 0; i < PAGES; i++)
		word_set(pages + i * PAGE, i);
	munmap(pages, SIZE);
}

/* The largest order of what stage 2 maps in the test slot; 0 if nothing. */
static unsigned int largest_order(struct machine *m, uint64_t gpa)
{
	struct kvm_tsr_extent extent[16];
	struct kvm_tsr_memory_query query = {
		.gpa = gpa,
		.pages = PAGES,
		.extents = (uintptr_t)extent,
	};
	unsigned int order = 0;

	while (query.pages) {
		query.count = 16;
		if (call(m->vm, KVM_TSR_QUERY_MEMORY, (unsigned long)&query))
			err(2, "KVM_TSR_QUERY_MEMORY");
		for (uint32_t i = 0; i < query.count; i++)
			order = extent[i].order > order ? extent[i].order : order;
	}
	return order;
}

/* The guest reads every STRIDEth page, finds its number, and leaves another. */
static bool guest_goes_through(struct machine *m, bool scattered)
{
	for (unsigned long i = 0; i < PAGES; i += STRIDE) {
		uint64_t want = scattered ? testdev_page(i) : i, value = ~0UL;
		uint64_t gpa = TEST_GPA + i * PAGE;

		if (!machine_finishes(m, guest_ldr, gpa, 0, &value) || value != want) {
			tap_note("page %lu has %#lx, not %#lx", i, (unsigned long)value,
				 (unsigned long)want);
			return false;
		}
		if (!machine_finishes(m, guest_str, gpa + 8, ~want, NULL))
			return false;
	}
	return true;
}

static bool host_finds_it(uint64_t type, bool scattered)
{
	uint8_t *pages = view(type, SIZE);
	bool pass = true;

	for (unsigned long i = 0; i < PAGES; i += STRIDE) {
		unsigned long page = scattered ? testdev_page(i) : i;

		pass = pass && word(pages + page * PAGE + 8) == ~page;
	}
	munmap(pages, SIZE);
	return pass;
}

static const struct type {
	const char *name;
	uint64_t flags;
} types[] = {
	{ "write-back", 0 },
	{ "write-combining", TESTDEV_WC },
	{ "write-combining, VM_ALLOW_ANY_UNCACHED", TESTDEV_WC | TESTDEV_ANY_UNCACHED },
	{ "Device", TESTDEV_DEVICE },
};

static const struct layout {
	const char *name;
	uint64_t flags;
} layouts[] = {
	{ "contiguous", 0 },
	{ "contiguous, when it is touched", TESTDEV_LAZY },
	{ "scattered", TESTDEV_SCATTERED },
	{ "scattered, when it is touched", TESTDEV_SCATTERED | TESTDEV_LAZY },
	{ "in blocks", TESTDEV_BLOCKS },
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static void one_layout(const struct type *type, const struct layout *layout)
{
	bool scattered = layout->flags & TESTDEV_SCATTERED;
	struct machine m;
	uint8_t *memory;

	pages_number(type->flags);
	memory = view(type->flags | layout->flags, SIZE);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tap_ok(guest_goes_through(&m, scattered) && host_finds_it(type->flags, scattered),
	       "%s, %s: each page in its place", type->name, layout->name);
	if (scattered)
		tap_ok(largest_order(&m, TEST_GPA) == 0, "%s, %s: mapped by pages", type->name,
		       layout->name);
	machine_close(&m);
	munmap(memory, SIZE);
}

static void all_layouts(void)
{
	for (unsigned int i = 0; i < COUNT_OF(types); i++) {
		if (!types[i].flags && !cacheable) {
			tap_skip("refused on this host", "write-back");
			continue;
		}
		for (unsigned int k = 0; k < COUNT_OF(layouts); k++)
			one_layout(&types[i], &layouts[k]);
	}
}

/* A driver takes its memory back. */
static void zapped(uint64_t flags, bool comes_back)
{
	const char *name = comes_back ? "memory that comes when it is touched" : "memory";
	uint8_t *memory = view(TESTDEV_WC | flags, SMALL);
	struct machine m;
	uint64_t value = 0;
	long ret;

	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SMALL, memory);
	machine_finishes(&m, guest_str, TEST_GPA, 0x1234, NULL);
	if (ioctl(testdev, TESTDEV_ZAP))
		err(2, "TESTDEV_ZAP");
	if (!comes_back) {
		machine_call(&m, guest_ldr, TEST_GPA, 0);
		ret = machine_run(&m);
		tap_ok(machine_faulted(&m, ret, READ, TEST_GPA), "%s taken back: a load exits",
		       name);
		view_at(memory, TESTDEV_WC, SMALL);
	}
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0x1234,
	       "%s taken back, and mapped again", name);
	machine_close(&m);
	munmap(memory, SMALL);
}

/* The VMM may not write what it has mapped read-only, and so may not the guest. */
static void read_only(void)
{
	uint8_t *memory = view(TESTDEV_WC | TESTDEV_LAZY, SMALL);
	struct machine m;
	long ret;

	word_set(memory, 77);
	mprotect(memory, SMALL, PROT_READ);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SMALL, memory);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, NULL), "mapped read-only: a load");
	machine_call(&m, guest_str, TEST_GPA, 1);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, WRITE, TEST_GPA), "mapped read-only: a store exits");
	mprotect(memory, SMALL, PROT_READ | PROT_WRITE);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 1, NULL) && word(memory) == 1,
	       "and goes on when that has changed");
	machine_close(&m);
	munmap(memory, SMALL);
}

static void plant_code(uint8_t *page)
{
	memcpy(page, guest_finish, 12);
	__builtin___clear_cache((char *)page, (char *)page + 12);
}

/* What a slot's addresses are mapped to changes; the next access goes by the new mapping. */
static void replaced(void)
{
	uint8_t *memory = space(SMALL);
	uint64_t value = 0;
	struct machine m;

	view_at(memory, TESTDEV_DEVICE, SMALL);
	word_set(memory, 0xd0d0);
	mmap(memory, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
	plant_code(memory + PAGE);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SMALL, memory);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 1, NULL) && word(memory) == 1 &&
		       machine_finishes(&m, guest_branch, TEST_GPA + PAGE, 0, NULL),
	       "anonymous memory under a slot");
	view_at(memory, TESTDEV_DEVICE, SMALL);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0xd0d0,
	       "replaced by a device's: a load finds that");
	machine_finishes(&m, guest_branch, TEST_GPA + PAGE, 0, &value);
	tap_ok(ESR_EC(value) == EC_INSN_ABORT && ESR_FSC(value) == FSC_EXTERNAL,
	       "a fetch is an external abort");
	mmap(memory, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0,
	       "replaced by anonymous memory: a load finds that");
	view_at(memory, TESTDEV_DEVICE, SMALL);
	tap_ok(word(memory) == 0xd0d0, "the device's memory is as it was");
	machine_close(&m);
	munmap(memory, SMALL);
}

/*
 * What the slot could not have been made over exits, with what the access needs. That device
 * memory is not fetched from comes first (docs/abi.md 5.1).
 */
static void refused_later(const char *name, unsigned int vm, uint32_t flags, uint64_t type)
{
	static const struct {
		const char *name;
		const void *snippet;
		uint64_t need;
	} accesses[] = {
		{ "a load", guest_ldr, READ },
		{ "a store", guest_str, WRITE },
		{ "a fetch", guest_branch, EXEC },
	};
	uint8_t *memory = memory_anon(SMALL);
	uint64_t value = 0;
	struct machine m;
	long ret;

	machine_open(&m, MACHINE_MMU | vm);
	if (vm & MACHINE_MTE)
		machine_checks(&m, false);
	machine_slot(&m, TEST_SLOT, flags, TEST_GPA, SMALL, memory);
	machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
	view_at(memory, type, SMALL);
	for (unsigned int i = 0; i < COUNT_OF(accesses); i++) {
		machine_call(&m, accesses[i].snippet, TEST_GPA, 0);
		ret = machine_run(&m);
		if (type && accesses[i].need == EXEC)
			tap_ok(ret == 0 && machine_done(&m, &value) &&
				       ESR_EC(value) == EC_INSN_ABORT,
			       "%s: a fetch is an abort", name);
		else
			tap_ok(machine_faulted(&m, ret, accesses[i].need, TEST_GPA), "%s: %s exits",
			       name, accesses[i].name);
	}
	mmap(memory, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 1, NULL) && word(memory) == 1,
	       "%s: back on anonymous memory it runs", name);
	machine_close(&m);
	munmap(memory, SMALL);
}

/* Device memory that comes to be behind a logged slot is logged. */
static void logged_later(void)
{
	uint8_t *memory = memory_anon(SMALL);
	uint64_t log = 0;
	struct kvm_dirty_log request = { .slot = TEST_SLOT, .dirty_bitmap = &log };
	struct machine m;

	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA, SMALL, memory);
	view_at(memory, TESTDEV_WC, SMALL);
	machine_finishes(&m, guest_ldr, TEST_GPA, 0, NULL);
	machine_finishes(&m, guest_str, TEST_GPA + PAGE, 1, NULL);
	tap_ok(!call(m.vm, KVM_GET_DIRTY_LOG, (unsigned long)&request) && log == 2,
	       "a device's memory behind a logged slot is logged");
	machine_close(&m);
	munmap(memory, SMALL);
}

/* A slot over several VMAs is judged by each, and each page by its own. */
static void several(unsigned int vm, uint32_t flags)
{
	const char *name = vm ? "MTE" : "no MTE";
	uint8_t *memory = memory_anon(SMALL);
	uint64_t value = 0;
	struct machine m;

	view_at(memory + PAGE, TESTDEV_WC | TESTDEV_ANY_UNCACHED, PAGE);
	view_at(memory + 2 * PAGE, TESTDEV_DEVICE, PAGE);
	plant_code(memory);
	machine_open(&m, MACHINE_MMU | vm);
	if (vm)
		machine_checks(&m, false);
	if (vm)
		tap_errno(machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SMALL, memory), EINVAL,
			  "%s: a slot partly over a device's memory, without the flag", name);
	tap_errno(machine_slot(&m, TEST_SLOT, flags, TEST_GPA, SMALL, memory), 0,
		  "%s: a slot over three sorts of memory", name);
	tap_ok(machine_finishes(&m, guest_branch, TEST_GPA, 0, NULL) &&
		       machine_finishes(&m, guest_str, TEST_GPA + PAGE, 5, NULL) &&
		       machine_finishes(&m, guest_ldr, TEST_GPA + 2 * PAGE, 0, &value) &&
		       value == 5,
	       "%s: each page is what it is", name);
	machine_finishes(&m, guest_branch, TEST_GPA + PAGE, 0, &value);
	tap_ok(ESR_EC(value) == EC_INSN_ABORT, "%s: no fetch from the device's", name);
	if (vm) {
		machine_finishes(&m, guest_stg, TEST_GPA + 3 * PAGE, 6, NULL);
		tap_ok(machine_finishes(&m, guest_ldg, TEST_GPA + 3 * PAGE, 0, &value) &&
			       value == 6,
		       "%s: anonymous memory beside it has tags", name);
	}
	machine_close(&m);
	munmap(memory, SMALL);
}

/* Memory that the device's driver puts in a VM_MIXEDMAP, page by page: as its other mappings. */
static void mixed(void)
{
	uint8_t *memory = view(TESTDEV_WC | TESTDEV_MIXED | TESTDEV_SCATTERED, SIZE);
	uint64_t value = 0;
	struct machine m;

	pages_number(TESTDEV_WC);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tap_ok(guest_goes_through(&m, true) && host_finds_it(TESTDEV_WC, true),
	       "VM_MIXEDMAP of a device's memory: each page in its place");
	machine_finishes(&m, guest_branch, TEST_GPA, 0, &value);
	tap_ok(ESR_EC(value) == EC_INSN_ABORT && ESR_FSC(value) == FSC_EXTERNAL,
	       "VM_MIXEDMAP of a device's memory: a fetch is an abort");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* Blocks where the host has blocks, and guest and host addresses are in step. */
static void blocks(uint64_t gpa, unsigned int order)
{
	uint8_t *memory = view(TESTDEV_WC | TESTDEV_BLOCKS, SIZE);
	struct machine m;

	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, gpa, SIZE, memory);
	machine_finishes(&m, guest_ldr, gpa + BLOCK, 0, NULL);
	tap_ok(largest_order(&m, gpa) == order, "a device's memory in blocks: mapped by 2^%u pages",
	       order);
	machine_close(&m);
	munmap(memory, SIZE);
}

/*
 * A table of the guest's stage 1 in a device's memory, of level 2: a walk through Device memory
 * is an external abort, as HCR_EL2.PTW makes it; non-cacheable memory is memory (docs/abi.md 9).
 */
static void walk(const char *name, uint64_t type, bool works)
{
	const uint64_t va = 5UL << 30, next = TEST_GPA + PAGE;
	uint8_t *memory = view(type, SMALL);
	uint64_t value = 0;
	struct machine m;
	long ret;

	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SMALL, memory);
	/* Level 1: a table; level 2: 2 MiB, Device, at CODE_GPA, access flag set. */
	word_set(m.code + (machine_get(&m, REG_TTBR0_EL1) - CODE_GPA) + (va >> 30) * 8, next | 3);
	word_set(memory + PAGE, CODE_GPA | 1UL << 10 | 1UL << 2 | 1);
	machine_call(&m, guest_ldr, va, 0);
	alarm_in(10000);
	ret = machine_run(&m);
	alarm_in(0);
	if (!tap_ok(ret == 0 && machine_done(&m, &value) &&
			    (works ? value == word(m.code) : ESR_FSC(value) == FSC_EXTERNAL_L2),
		    "%s: the guest's tables there %s", name, works ? "work" : "are an abort"))
		machine_explain(&m, ret);
	machine_close(&m);
	munmap(memory, SMALL);
}

/* Pages of a driver that are pages of the kernel: host RAM. */
static void kernel_pages(void)
{
	uint8_t *memory = view(TESTDEV_KERNEL | TESTDEV_MIXED | TESTDEV_SCATTERED, SMALL * 2);
	struct machine m;
	bool pass = true;

	plant_code(memory + PAGE);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SMALL * 2, memory);
	for (unsigned int i = 0; i < 8; i++) {
		pass &= machine_finishes(&m, guest_str, TEST_GPA + i * PAGE + 64, i, NULL);
		pass &= word(memory + i * PAGE + 64) == i;
	}
	tap_ok(pass && machine_finishes(&m, guest_branch, TEST_GPA + PAGE, 0, NULL),
	       "VM_MIXEDMAP of the kernel's pages");
	machine_close(&m);
	munmap(memory, SMALL * 2);
}

/* What core makes of the VMM's own entries. */
static void entries(void)
{
	mixed();
	blocks(TEST_GPA, 9);
	blocks(TEST_GPA + PAGE, 0);
	walk("Device memory", TESTDEV_DEVICE, false);
	walk("non-cacheable memory", TESTDEV_WC | TESTDEV_ANY_UNCACHED, true);
}

void test_mappings(void)
{
	testdev = open(TESTDEV_PATH, O_RDWR | O_CLOEXEC);
	if (testdev < 0) {
		tap_skip("no " TESTDEV_PATH, "a device's memory");
		return;
	}
	cacheable = env.cpu && (!strcmp(env.cpu, "max") || !strcmp(env.cpu, "neoverse-n2"));
	all_layouts();
	zapped(TESTDEV_LAZY, true);
	zapped(0, false);
	read_only();
	replaced();
	logged_later();
	several(0, 0);
	kernel_pages();
	entries();
	if (!cacheable)
		refused_later("write-back device memory", 0, 0, 0);
	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "a device's memory in a VM with MTE");
		return;
	}
	several(MACHINE_MTE, OPTIONAL);
	refused_later("a slot without the flag", MACHINE_MTE, 0, TESTDEV_WC);
	refused_later("TAGS_ON_TOUCH", MACHINE_MTE, OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH,
		      TESTDEV_WC);
	close(testdev);
}
