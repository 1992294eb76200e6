// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_ARM_MTE_COPY_TAGS: docs/abi.md 6.5, api.rst 4.130. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tagio.h"
#include "tap.h"

#define PAGES 8UL
#define SIZE  (PAGES * PAGE)
#define END   (TEST_GPA + SIZE)
#define IN    KVM_ARM_TAGS_TO_GUEST
#define OUT   KVM_ARM_TAGS_FROM_GUEST
#define LOG   KVM_MEM_LOG_DIRTY_PAGES

static uint8_t bytes[PAGES * PAGE_GRANULES];

static long copy(struct machine *m, uint64_t flags, uint64_t gpa, uint64_t length, void *addr)
{
	struct kvm_arm_copy_mte_tags request = {
		.guest_ipa = gpa,
		.length = length,
		.addr = addr,
		.flags = flags,
	};

	return call(m->vm, KVM_ARM_MTE_COPY_TAGS, PTR(&request));
}

/* --- Bad input. @want is an errno, or 0: @done pages. --- */

static const struct copy_row {
	const char *name;
	uint64_t gpa, length, flags;
	unsigned long addr;
	int want;
	uint64_t done;
	uint64_t reserved[2];
} rows[] = {
	{ "from the guest", TEST_GPA, SIZE, OUT, PTR(bytes), 0, PAGES },
	{ "to the guest", TEST_GPA, SIZE, IN, PTR(bytes), 0, PAGES },
	{ "nothing", TEST_GPA, 0, OUT, PTR(bytes), 0, 0 },
	{ "nothing, of no slot, nowhere", 0, 0, IN, PTR_NULL, 0, 0 },
	{ "an address not aligned", TEST_GPA + 16, PAGE, OUT, PTR(bytes), EINVAL },
	{ "a length not aligned", TEST_GPA, PAGE + 16, OUT, PTR(bytes), EINVAL },
	{ "a length of 2^31", TEST_GPA, 1UL << 31, OUT, PTR(bytes), EINVAL },
	{ "a length of 2^31 less a page", END, (1UL << 31) - PAGE, OUT, PTR(bytes), EFAULT },
	{ "a length of 2^64 less a page", TEST_GPA, -PAGE, OUT, PTR(bytes), EINVAL },
	{ "flag 1", TEST_GPA, PAGE, 2, PTR(bytes), EINVAL },
	{ "flag 63", TEST_GPA, PAGE, 1UL << 63, PTR(bytes), EINVAL },
	{ "reserved[0]", TEST_GPA, PAGE, OUT, PTR(bytes), EINVAL, 0, { 1 } },
	{ "reserved[1]", TEST_GPA, PAGE, OUT, PTR(bytes), EINVAL, 0, { 0, 1 } },
	{ "no slot", END, PAGE, OUT, PTR(bytes), EFAULT },
	{ "no slot, to the guest", END, PAGE, IN, PTR(bytes), EFAULT },
	{ "the last page of all", -PAGE, PAGE, OUT, PTR(bytes), EFAULT },
	{ "over the end of a slot", END - 2 * PAGE, 4 * PAGE, OUT, PTR(bytes), 0, 2 },
	{ "the same, to the guest", END - 2 * PAGE, 4 * PAGE, IN, PTR(bytes), 0, 2 },
	{ "to NULL", TEST_GPA, PAGE, OUT, PTR_NULL, EFAULT },
	{ "to what is not mapped", TEST_GPA, PAGE, OUT, PTR_UNMAPPED, EFAULT },
	{ "to the kernel", TEST_GPA, PAGE, OUT, PTR_KERNEL, EFAULT },
	{ "from NULL", TEST_GPA, PAGE, IN, PTR_NULL, EFAULT },
	{ "from the kernel", TEST_GPA, PAGE, IN, PTR_KERNEL, EFAULT },
};

static const struct row pointer_rows[] = {
	{ "COPY_TAGS: NULL", 0, FD_VM, KVM_ARM_MTE_COPY_TAGS, PTR_NULL, EFAULT },
	{ "COPY_TAGS: unmapped", 0, FD_VM, KVM_ARM_MTE_COPY_TAGS, PTR_UNMAPPED, EFAULT },
	{ "COPY_TAGS: a kernel address", 0, FD_VM, KVM_ARM_MTE_COPY_TAGS, PTR_KERNEL, EFAULT },
	{ "COPY_TAGS of a closed fd", 0, FD_CLOSED, KVM_ARM_MTE_COPY_TAGS, PTR(bytes), EBADF },
};

static void bad_input(void)
{
	struct kvm_arm_copy_mte_tags request = { .guest_ipa = TEST_GPA, .addr = bytes };
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE);
	memory = tagio_slot(&m, 0, SIZE);
	for (unsigned int i = 0; i < ROW_COUNT(rows); i++) {
		const struct copy_row *row = &rows[i];
		long ret;

		request = (struct kvm_arm_copy_mte_tags){
			.guest_ipa = row->gpa,
			.length = row->length,
			.addr = (void *)row->addr,
			.flags = row->flags,
			.reserved = { row->reserved[0], row->reserved[1] },
		};
		ret = call(m.vm, KVM_ARM_MTE_COPY_TAGS, PTR(&request));
		if (row->want)
			tap_errno(ret, row->want, "COPY_TAGS: %s", row->name);
		else
			tap_ok(ret == (long)(row->done * PAGE), "COPY_TAGS: %s: %ld bytes",
			       row->name, ret);
	}
	rows_run(&m, pointer_rows, ROW_COUNT(pointer_rows));
	machine_close(&m);
	munmap(memory, SIZE);
	machine_open(&m, 0);
	memory = tagio_slot(&m, 0, SIZE);
	tap_errno(copy(&m, OUT, TEST_GPA, PAGE, bytes), EINVAL, "COPY_TAGS: a VM without MTE");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- What is moved. --- */

static unsigned int pattern(unsigned long granule)
{
	return (unsigned int)(granule * 7 + granule / 16) & 0xf;
}

static void both_ways(void)
{
	unsigned int wrong = 0;
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	memset(bytes, 0xff, sizeof(bytes));
	tap_ok(copy(&m, OUT, TEST_GPA, SIZE, bytes) == SIZE && !bytes[0] &&
		       !memcmp(bytes, bytes + 1, sizeof(bytes) - 1),
	       "memory never touched reads as zeroes");
	for (unsigned int i = 0; i < 16; i++)
		tagio_guest_store(&m, TEST_GPA + PAGE + i * 17 * GRANULE, 15 - i);
	tagio_guest_store(&m, TEST_GPA + 3 * PAGE - GRANULE, 9);
	tap_ok(copy(&m, OUT, TEST_GPA, SIZE, bytes) == SIZE, "a guest's tags are read");
	for (unsigned int i = 0; i < sizeof(bytes); i++) {
		unsigned int in = i - PAGE_GRANULES;
		unsigned int want = in < 256 && in % 17 == 0 ? 15 - in / 17 : 0;

		wrong += bytes[i] != (i == 3 * PAGE_GRANULES - 1 ? 9 : want);
	}
	tap_ok(!wrong, "each where it belongs (%u wrong)", wrong);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(pattern(i) | i << 4);
	tap_ok(copy(&m, IN, TEST_GPA, SIZE, bytes) == SIZE, "tags are written");
	for (unsigned int i = 0; i < sizeof(bytes); i += 43)
		wrong += tagio_guest_load(&m, TEST_GPA + i * GRANULE) != pattern(i);
	tap_ok(!wrong, "the guest reads them, the upper bits do not count (%u wrong)", wrong);
	memset(bytes, 0xff, sizeof(bytes));
	copy(&m, OUT, TEST_GPA, SIZE, bytes);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		wrong += bytes[i] != pattern(i);
	tap_ok(!wrong, "and so does the VMM (%u wrong)", wrong);
	machine_close(&m);
	munmap(memory, SIZE);
}

/* A page may be open for the guest, or without tag access, or nowhere. */
static void unopened(void)
{
	uint64_t value = 0;
	struct machine m;
	uint8_t *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	memset(bytes, 5, sizeof(bytes));
	memory[PAGE] = 77;
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA + 2 * PAGE, 0, NULL) &&
		       machine_finishes(&m, guest_str, TEST_GPA + 3 * PAGE, 0, NULL) &&
		       copy(&m, IN, TEST_GPA, SIZE, bytes) == SIZE,
	       "tags for pages that were touched, or not, by the VMM or the guest");
	tap_ok(tagio_guest_load(&m, TEST_GPA) == 5 && tagio_guest_load(&m, TEST_GPA + PAGE) == 5 &&
		       tagio_guest_load(&m, TEST_GPA + 2 * PAGE) == 5 &&
		       tagio_guest_load(&m, TEST_GPA + 3 * PAGE) == 5,
	       "are what the guest finds");
	tap_ok(machine_finishes(&m, guest_ldr_checked, TEST_GPA + PAGE, 5, &value) && value == 77,
	       "with the contents as they were");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* What is bad on the way ends it; what was done before is told. */
static void half_way(void)
{
	uint8_t *buffer = memory_anon(2 * PAGE), *at = buffer + PAGE - 3 * PAGE_GRANULES;
	struct machine m;
	uint8_t *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	memory_guard(buffer + PAGE);
	memset(at, 6, 3 * PAGE_GRANULES);
	tap_ok(copy(&m, IN, TEST_GPA, SIZE, at) == 3 * PAGE, "tags that end after three pages");
	tap_errno(copy(&m, IN, TEST_GPA + 3 * PAGE, PAGE, buffer + PAGE), EFAULT,
		  "and then the error");
	tap_ok(tagio_guest_load(&m, TEST_GPA + 3 * PAGE - GRANULE) == 6 &&
		       tagio_guest_load(&m, TEST_GPA + 3 * PAGE) == 0,
	       "three pages have them");
	tap_ok(copy(&m, OUT, TEST_GPA, SIZE, at) == 3 * PAGE, "room that ends after three pages");
	munmap(memory + 5 * PAGE, PAGE);
	tap_ok(copy(&m, OUT, TEST_GPA, SIZE, bytes) == 5 * PAGE, "memory that ends after five");
	tap_ok(copy(&m, IN, TEST_GPA, SIZE, bytes) == 5 * PAGE, "likewise, to the guest");
	machine_close(&m);
	munmap(memory, SIZE);
	munmap(buffer, 2 * PAGE);
}

/* The slot lets nobody write, or the host's mapping does not. */
static void not_writable(void)
{
	struct machine m;
	uint8_t *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, KVM_MEM_READONLY, SIZE);
	tap_errno(copy(&m, IN, TEST_GPA, PAGE, bytes), EFAULT, "to a READONLY slot");
	tap_ok(copy(&m, OUT, TEST_GPA, PAGE, bytes) == PAGE, "from a READONLY slot");
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 0, memory);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	mprotect(memory, PAGE, PROT_READ);
	tap_errno(copy(&m, IN, TEST_GPA, PAGE, bytes), EFAULT, "to memory that is mapped to read");
	tap_ok(copy(&m, OUT, TEST_GPA, PAGE, bytes) == PAGE, "from memory that is mapped to read");
	mprotect(memory, PAGE, PROT_NONE);
	tap_errno(copy(&m, OUT, TEST_GPA, PAGE, bytes), EFAULT, "from memory mapped for nothing");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* Tags of the VMM's own, by PROT_MTE, are the same tags. */
static void prot_mte(void)
{
	uint8_t *memory = tagio_host_map(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct machine m;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	if (!memory || machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory)) {
		tap_ok(false, "a slot of memory mapped with PROT_MTE");
		machine_close(&m);
		return;
	}
	tagio_host_store(memory + 5 * GRANULE, 3);
	memset(bytes, 0xff, sizeof(bytes));
	tap_ok(copy(&m, OUT, TEST_GPA, PAGE, bytes) == PAGE && bytes[5] == 3 && !bytes[4],
	       "the VMM's own tags are read");
	memset(bytes, 11, sizeof(bytes));
	tap_ok(copy(&m, IN, TEST_GPA, 2 * PAGE, bytes) == 2 * PAGE &&
		       tagio_host_load(memory + 5 * GRANULE) == 11 &&
		       tagio_host_load(memory + 2 * PAGE - GRANULE) == 11 &&
		       tagio_host_load(memory + 2 * PAGE) == 0,
	       "tags that are written are the VMM's own");
	tap_ok(tagio_guest_load(&m, TEST_GPA + PAGE) == 11, "and the guest's");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- Dirty logs. --- */

static void logged(void)
{
	uint64_t bits = 0;
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, LOG, SIZE);
	if (!env.tsr) {
		tap_errno(copy(&m, IN, TEST_GPA, PAGE, bytes), EBUSY, "to a slot with a log");
	} else {
		tap_ok(copy(&m, OUT, TEST_GPA, SIZE, bytes) == SIZE && !tagio_dirty(&m, &bits) &&
			       !bits,
		       "reading marks nothing in a log");
		tap_ok(copy(&m, IN, TEST_GPA + 2 * PAGE, 2 * PAGE, bytes) == 2 * PAGE &&
			       !tagio_dirty(&m, &bits) && bits == 0xc,
		       "writing marks the pages (%#llx)", (unsigned long long)bits);
	}
	machine_close(&m);
	munmap(memory, SIZE);
}

static void rings(void)
{
	uint64_t bits = 0;
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_RING);
	memory = tagio_slot(&m, 0, SIZE);
	tap_ok(copy(&m, IN, TEST_GPA, SIZE, bytes) == SIZE,
	       "a VM with rings, a slot without a log");
	machine_slot(&m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
	tap_errno(copy(&m, IN, TEST_GPA, PAGE, bytes), EBUSY, "logged to rings alone");
	tap_ok(copy(&m, OUT, TEST_GPA, SIZE, bytes) == SIZE, "which may be read");
	machine_close(&m);
	munmap(memory, SIZE);
	machine_open(&m, MACHINE_MTE | MACHINE_RING | MACHINE_RING_BITMAP);
	memory = tagio_slot(&m, LOG, SIZE);
	if (env.tsr)
		tap_ok(copy(&m, IN, TEST_GPA + PAGE, PAGE, bytes) == PAGE &&
			       !tagio_dirty(&m, &bits) && bits == 2,
		       "with bitmaps beside the rings: to the bitmap (%#llx)",
		       (unsigned long long)bits);
	else
		tap_errno(copy(&m, IN, TEST_GPA, PAGE, bytes), EBUSY, "with bitmaps beside rings");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* --- What only tessera has. --- */

/* Attributes bind the guest, not its VMM. */
static void attributes(void)
{
	uint64_t deny = KVM_MEMORY_ATTRIBUTE_NR | KVM_MEMORY_ATTRIBUTE_NW | KVM_MEMORY_ATTRIBUTE_NX;
	struct machine m;
	void *memory;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	memory = tagio_slot(&m, 0, SIZE);
	machine_attr(&m, TEST_GPA, SIZE, deny | (env.notag ? KVM_MEMORY_ATTRIBUTE_NT : 0), 0);
	memset(bytes, 4, sizeof(bytes));
	tap_ok(copy(&m, IN, TEST_GPA, SIZE, bytes) == SIZE &&
		       copy(&m, OUT, TEST_GPA, SIZE, bytes) == SIZE && bytes[7] == 4,
	       "pages with all attributes");
	machine_attr(&m, TEST_GPA, SIZE, 0, 0);
	tap_ok(tagio_guest_load(&m, TEST_GPA) == 4, "and the guest finds the tags without them");
	machine_close(&m);
	munmap(memory, SIZE);
}

static void untaggable(void)
{
	int file = memory_file(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	struct machine m;

	machine_open(&m, MACHINE_MTE);
	machine_slot(&m, TEST_SLOT, KVM_MEM_TSR_TAGS_OPTIONAL | KVM_MEM_TSR_TAGS_ON_TOUCH, TEST_GPA,
		     SIZE, memory);
	memset(bytes, 1, sizeof(bytes));
	tap_errno(copy(&m, IN, TEST_GPA, PAGE, bytes), EFAULT, "to memory that cannot hold tags");
	tap_ok(copy(&m, OUT, TEST_GPA, PAGE, bytes) == PAGE && !bytes[0] && !bytes[255],
	       "memory that cannot hold tags reads as zeroes");
	machine_close(&m);
	munmap(memory, SIZE);
	close(file);
}

void test_tagcopy(void)
{
	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "COPY_TAGS");
		return;
	}
	bad_input();
	both_ways();
	unopened();
	half_way();
	not_writable();
	prot_mte();
	logged();
	rings();
	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "COPY_TAGS: attributes, TAGS_OPTIONAL");
		return;
	}
	attributes();
	untaggable();
}
