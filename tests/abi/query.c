// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* KVM_TSR_QUERY_MEMORY: docs/abi.md 4.4. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define NW	KVM_MEMORY_ATTRIBUTE_NW
#define SIZE	(16 * PAGE)
#define IPA_END (1UL << IPA_BITS)
#define COUNT	8

static struct kvm_tsr_extent found[COUNT];

/* Bad input; a row leaves out what is right. */
static const struct query_row {
	const char *name;
	uint64_t gpa, pages;
	unsigned long extents;
	uint32_t count, flags;
	int want;
} rows[] = {
	{ "a page", TEST_GPA, 1, PTR(found), COUNT, 0, 0 },
	{ "room for one extent", TEST_GPA, 16, PTR(found), 1, 0, 0 },
	{ "more room than is taken", TEST_GPA, 16, PTR(found), UINT32_MAX, 0, 0 },
	{ "the whole IPA space", 0, IPA_END / PAGE, PTR(found), COUNT, 0, 0 },
	{ "a page in no slot, nowhere to write", 0, 1, PTR_UNMAPPED, COUNT, 0, 0 },
	{ "gpa not aligned", TEST_GPA + 8, 1, PTR(found), COUNT, 0, EINVAL },
	{ "no pages", TEST_GPA, 0, PTR(found), COUNT, 0, EINVAL },
	{ "no room", TEST_GPA, 1, PTR(found), 0, 0, EINVAL },
	{ "flag 0", TEST_GPA, 1, PTR(found), COUNT, 1, EINVAL },
	{ "flag 31", TEST_GPA, 1, PTR(found), COUNT, 1U << 31, EINVAL },
	{ "an array that is not aligned", TEST_GPA, 1, PTR(found) + 4, COUNT, 0, EINVAL },
	{ "beyond the IPA space", IPA_END, 1, PTR(found), COUNT, 0, EINVAL },
	{ "partly beyond it", IPA_END - PAGE, 2, PTR(found), COUNT, 0, EINVAL },
	{ "more bytes than 64 bits", 0, 1UL << 52, PTR(found), COUNT, 0, EINVAL },
	{ "all pages of 64 bits", 0, ~0UL, PTR(found), COUNT, 0, EINVAL },
	{ "an array at NULL", TEST_GPA, 1, PTR_NULL, COUNT, 0, EFAULT },
	{ "an array that is not mapped", TEST_GPA, 1, PTR_UNMAPPED, COUNT, 0, EFAULT },
	{ "an array in the kernel", TEST_GPA, 1, PTR_KERNEL, COUNT, 0, EFAULT },
};

static const struct row pointer_rows[] = {
	{ "NULL", NEED_TSR, FD_VM, KVM_TSR_QUERY_MEMORY, PTR_NULL, EFAULT },
	{ "unmapped", NEED_TSR, FD_VM, KVM_TSR_QUERY_MEMORY, PTR_UNMAPPED, EFAULT },
	{ "a kernel address", NEED_TSR, FD_VM, KVM_TSR_QUERY_MEMORY, PTR_KERNEL, EFAULT },
	{ "of a vCPU", NEED_TSR, FD_VCPU, KVM_TSR_QUERY_MEMORY, PTR(found), ENOTTY },
	{ "of /dev/kvm", NEED_TSR, FD_SYSTEM, KVM_TSR_QUERY_MEMORY, PTR(found), ENOTTY },
};

/* Asks about SIZE bytes from TEST_GPA; how many extents, -1 if it does not come to an end. */
static int ask(struct machine *m)
{
	struct kvm_tsr_memory_query query = { .gpa = TEST_GPA, .pages = SIZE / PAGE };
	unsigned int count = 0;

	memset(found, 0xff, sizeof(found));
	for (int calls = 0; query.pages && calls < 100 && count < COUNT; calls++) {
		query.extents = PTR(&found[count]);
		query.count = COUNT - count;
		if (call(m->vm, KVM_TSR_QUERY_MEMORY, PTR(&query)))
			return -1;
		count += query.count;
	}
	return query.pages || query.gpa != TEST_GPA + SIZE ? -1 : (int)count;
}

static bool is(unsigned int i, uint64_t page, uint64_t pages, uint64_t attributes, uint16_t flags)
{
	const struct kvm_tsr_extent *e = &found[i];

	if (e->gpa == TEST_GPA + page * PAGE && e->pages == pages && e->slot == 1 &&
	    e->attributes == attributes && e->flags == flags && !e->order && !e->pad)
		return true;
	tap_note("extent %u: gpa %#llx pages %llu slot %u attributes %#llx flags %#x order %u", i,
		 e->gpa, e->pages, e->slot, e->attributes, e->flags, e->order);
	return false;
}

static void contents(struct machine *m, uint16_t tag)
{
	const uint16_t rx = KVM_TSR_EXTENT_READ | KVM_TSR_EXTENT_EXEC;
	const uint16_t there = KVM_TSR_EXTENT_MAPPED | KVM_TSR_EXTENT_YOUNG | tag;

	tap_ok(ask(m) == 1 && is(0, 0, 16, 0, 0), "nothing is mapped before the first access");
	machine_attr(m, TEST_GPA + PAGE, PAGE, NW, KVM_MEMORY_ATTRIBUTES_SET);
	tap_ok(ask(m) == 3 && is(0, 0, 1, 0, 0) && is(1, 1, 1, NW, 0) && is(2, 2, 14, 0, 0),
	       "attributes are told");
	tap_ok(machine_finishes(m, guest_str, TEST_GPA, 1, NULL) &&
		       machine_finishes(m, guest_ldr, TEST_GPA + PAGE, 0, NULL),
	       "a store to one page, a load from the next");
	tap_ok(ask(m) == 3 && is(0, 0, 1, 0, rx | KVM_TSR_EXTENT_WRITE | there) &&
		       is(1, 1, 1, NW, rx | there) && is(2, 2, 14, 0, 0),
	       "and so are the mappings");
}

void test_query(void)
{
	struct machine m;
	void *memory;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "TSR_QUERY_MEMORY");
		return;
	}
	for (unsigned int mte = 0; mte <= (env.mte ? 1 : 0); mte++) {
		machine_open(&m, mte ? MACHINE_MTE : 0);
		memory = memory_anon(SIZE);
		madvise(memory, SIZE, MADV_NOHUGEPAGE);
		machine_slot(&m, 1, 0, TEST_GPA, SIZE, memory);
		contents(&m, mte ? KVM_TSR_EXTENT_TAG : 0);
		for (unsigned int i = 0; i < ROW_COUNT(rows); i++) {
			struct kvm_tsr_memory_query query = {
				.gpa = rows[i].gpa,
				.pages = rows[i].pages,
				.extents = rows[i].extents,
				.count = rows[i].count,
				.flags = rows[i].flags,
			};

			tap_errno(call(m.vm, KVM_TSR_QUERY_MEMORY, PTR(&query)), rows[i].want,
				  "TSR_QUERY_MEMORY: %s", rows[i].name);
		}
		rows_run(&m, pointer_rows, ROW_COUNT(pointer_rows));
		machine_close(&m);
		memory_drop(memory, SIZE);
	}
}
