// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory that the host manages in ways of its own: pages of hugetlb, by mapping and by memfd;
 * pages that the hardware has reported as broken (docs/abi.md 4, 5.1, 6.2 and 9).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define POOL "/proc/sys/vm/nr_hugepages"

static int pool_set(int pages)
{
	FILE *pool = fopen(POOL, "r+");
	int got = -1;

	if (!pool)
		return -1;
	fprintf(pool, "%d", pages);
	fflush(pool);
	rewind(pool);
	if (fscanf(pool, "%d", &got) != 1)
		got = -1;
	fclose(pool);
	return got;
}

/* log2 of the pages of the entry at the slot's begin. */
static int order_mapped(struct machine *m)
{
	struct kvm_tsr_extent extent = { 0 };
	struct kvm_tsr_memory_query query = {
		.gpa = TEST_GPA,
		.pages = 1,
		.extents = (uintptr_t)&extent,
		.count = 1,
	};

	if (call(m->vm, KVM_TSR_QUERY_MEMORY, (unsigned long)&query) || query.count != 1)
		return -1;
	return extent.flags & KVM_TSR_EXTENT_MAPPED ? extent.order : -1;
}

static void check_block(struct machine *m, const char *name)
{
	if (env.tsr)
		tap_ok(order_mapped(m) == 9, "%s: mapped as a block", name);
	else
		tap_skip(env_lacks(NEED_TSR), "%s: mapped as a block", name);
}

/* A huge page is used, taken away and given back. */
static void huge_page(const char *name, uint8_t *memory, int fd)
{
	const uint64_t last = TEST_GPA + BLOCK - PAGE;
	uint64_t value = 99;
	struct machine m;

	machine_open(&m, MACHINE_MMU);
	tap_errno(machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, memory), 0, "%s: a slot", name);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 7, NULL) && memory[0] == 7, "%s: a store",
	       name);
	memory[BLOCK - PAGE] = 9;
	tap_ok(machine_finishes(&m, guest_ldr, last, 0, &value) && value == 9, "%s: a load", name);
	check_block(&m, name);
	if (fd >= 0)
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, BLOCK);
	else
		madvise(memory, BLOCK, MADV_DONTNEED);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0,
	       "%s: given back, it is zero", name);
	tap_ok(machine_finishes(&m, guest_ldr, last, 0, &value) && value == 0, "%s: all of it",
	       name);
	mprotect(memory, BLOCK, PROT_NONE);
	machine_call(&m, guest_ldr, TEST_GPA, 0);
	tap_errno(machine_run(&m), EFAULT, "%s: PROT_NONE", name);
	mprotect(memory, BLOCK, PROT_READ | PROT_WRITE);
	tap_ok(machine_run(&m) == 0 && machine_done(&m, &value) && value == 0, "%s: and back",
	       name);
	munmap(memory, BLOCK);
	machine_call(&m, guest_ldr, TEST_GPA, 0);
	tap_errno(machine_run(&m), EFAULT, "%s: unmapped", name);
	machine_close(&m);
}

/* Newer kernels let them hold tags, 6.12 does not: either way it is as docs/abi.md 6.2 has it. */
static void huge_page_with_mte(uint8_t *memory)
{
	bool can_tag = mprotect(memory, BLOCK, PROT_READ | PROT_WRITE | 0x20 /* PROT_MTE */) == 0;
	uint64_t value = 99;
	struct machine m;

	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "hugetlb and MTE");
		munmap(memory, BLOCK);
		return;
	}
	mprotect(memory, BLOCK, PROT_READ | PROT_WRITE);
	machine_open(&m, MACHINE_MTE | MACHINE_MMU);
	tap_errno(machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, memory), can_tag ? 0 : EINVAL,
		  "hugetlb in a VM with MTE, which can%s hold tags", can_tag ? "" : "not");
	if (can_tag) {
		machine_finishes(&m, guest_stg, TEST_GPA + BLOCK - PAGE, 6, NULL);
		tap_ok(machine_finishes(&m, guest_ldg, TEST_GPA + BLOCK - PAGE, 0, &value) &&
			       value == 6,
		       "hugetlb: a tag is stored and read");
		madvise(memory, BLOCK, MADV_DONTNEED);
		tap_ok(machine_finishes(&m, guest_ldg, TEST_GPA + BLOCK - PAGE, 0, &value) &&
			       value == 0,
		       "hugetlb: given back, it has no tag");
	}
	machine_close(&m);
	munmap(memory, BLOCK);
}

static void hugetlb(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int memfd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);

	if (pool_set(2) < 2 || memfd < 0 || ftruncate(memfd, BLOCK)) {
		tap_skip("the host has no huge pages to give", "hugetlb");
		close(memfd);
		return;
	}
	huge_page("hugetlb", memory_map(BLOCK, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1),
		  -1);
	huge_page("a memfd of hugetlb", memory_map(BLOCK, rw, MAP_SHARED, memfd), memfd);
	huge_page_with_mte(memory_map(BLOCK, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1));
	close(memfd);
	pool_set(0);
}

/* A page is reported broken under a guest: an exit that says so; other memory there, it goes on. */
static void poison(void)
{
	const uint64_t gpa = TEST_GPA + PAGE;
	uint8_t *memory = memory_anon(4 * PAGE);
	uint64_t value = 0;
	struct machine m;
	void *fresh;
	long ret;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "poisoned memory");
		return;
	}
	madvise(memory, 4 * PAGE, MADV_NOHUGEPAGE);
	memset(memory, 1, 4 * PAGE);
	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 4 * PAGE, memory);
	machine_finishes(&m, guest_ldr, gpa, 0, &value);
	if (madvise(memory + PAGE, PAGE, MADV_HWPOISON)) {
		tap_skip("this kernel poisons no memory", "poisoned memory");
	} else {
		machine_call(&m, guest_ldr, gpa, 0);
		ret = machine_run(&m);
		tap_errno(ret, EHWPOISON, "a load from poisoned memory");
		tap_ok(m.run->exit_reason == KVM_EXIT_MEMORY_FAULT &&
			       m.run->memory_fault.flags == KVM_MEMORY_EXIT_FLAG_READ &&
			       m.run->memory_fault.gpa == gpa && m.run->memory_fault.size == PAGE,
		       "and the exit");
		tap_errno(machine_run(&m), EHWPOISON, "and again");
		fresh = mmap(memory + PAGE, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		tap_ok(fresh == memory + PAGE && machine_run(&m) == 0 && machine_done(&m, &value) &&
			       value == 0,
		       "with other memory in its place the guest goes on");
		tap_ok(machine_finishes(&m, guest_ldr, gpa + PAGE, 0, &value) &&
			       value == 0x0101010101010101UL,
		       "its neighbours are as they were");
	}
	machine_close(&m);
	munmap(memory, 4 * PAGE);
}

void test_hosted(void)
{
	hugetlb();
	poison();
}
