// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * KVM_EXIT_MEMORY_FAULT: where attributes reach, and what the host's own mappings do to a guest's
 * accesses: docs/abi.md 4.2, 4.3 and 5.1. What each access needs is perms.c's.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SIZE (16 * PAGE)
#define NR   KVM_MEMORY_ATTRIBUTE_NR
#define NW   KVM_MEMORY_ATTRIBUTE_NW
#define NX   KVM_MEMORY_ATTRIBUTE_NX
#define NRWX (NR | NW | NX)
#define SET  KVM_MEMORY_ATTRIBUTES_SET
#define CLR  KVM_MEMORY_ATTRIBUTES_CLEAR

/* The first page of the test slot ends as a snippet does, for fetches from it. */
static void plant_code(uint8_t *page)
{
	memcpy(page, guest_finish, 12);
	__builtin___clear_cache((char *)page, (char *)page + 12);
}

/* What NW on one page means for the pages around it, for holes and for slots to come. */
static void reach(void)
{
	uint8_t *memory = memory_anon(SIZE);
	struct machine m;
	long ret;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "reach of attributes");
		return;
	}
	machine_open(&m, 0);
	tap_errno(machine_attr(&m, TEST_GPA + PAGE, PAGE, NW, 0), 0, "NW before there is a slot");
	machine_call(&m, guest_str, TEST_GPA + PAGE, 1);
	tap_ok(machine_run(&m) == 0 && m.run->exit_reason == KVM_EXIT_MMIO && !machine_done(&m, 0),
	       "a hole with NW is still MMIO");
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 1, NULL), "the page before is writable");
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA + 2 * PAGE, 1, NULL),
	       "the page after is writable");
	machine_call(&m, guest_str, TEST_GPA + PAGE, 1);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, NW, TEST_GPA + PAGE), "NW set before holds in the slot");
	machine_slot(&m, TEST_SLOT, 0, 0, 0, NULL);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, NW, TEST_GPA + PAGE), "and in a slot made again");
	machine_attr(&m, 0, 1UL << IPA_BITS, 0, 0);
	tap_ok(machine_run(&m) == 0 && machine_done(&m, NULL), "0 over everything ends it");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* SET and CLEAR leave other bits alone; 0 does not. Judged by what the guest can do. */
static void deltas(void)
{
	static const struct {
		uint64_t bits, flags, holds;
	} steps[] = {
		{ NR, 0, NR },	      { NW, SET, NR | NW }, { NR, SET, NR | NW },
		{ NR, CLR, NW },      { NX, SET, NW | NX }, { NR | NX, SET, NRWX },
		{ NW | NX, CLR, NR }, { NW, 0, NW },	    { 0, 0, 0 },
	};
	static const struct {
		const char *name;
		const void *snippet;
		uint64_t needs;
	} probes[] = {
		{ "load", guest_ldr, NR },
		{ "store", guest_str, NW },
		{ "fetch", guest_branch, NX },
	};
	uint8_t *memory = memory_anon(SIZE);
	struct machine m;
	uint64_t mask;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	mask = (uint64_t)call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);
	for (unsigned int i = 0; i < ROW_COUNT(steps); i++) {
		bool pass = true;

		if ((mask & NRWX) != NRWX) {
			tap_skip("NR, NW and NX are not all served", "delta %u", i);
			continue;
		}
		plant_code(memory);
		pass = !machine_attr(&m, TEST_GPA, PAGE, steps[i].bits, steps[i].flags);
		for (unsigned int p = 0; p < ROW_COUNT(probes); p++) {
			bool denied = steps[i].holds & probes[p].needs;
			bool done = machine_finishes(&m, probes[p].snippet,
						     TEST_GPA + (p == 1 ? 64 : 0), 1, NULL);

			pass = pass && done == !denied;
		}
		tap_ok(pass, "delta %u: bits %#llx, flags %#llx leave %#llx", i,
		       (unsigned long long)steps[i].bits, (unsigned long long)steps[i].flags,
		       (unsigned long long)steps[i].holds);
	}
	machine_close(&m);
	munmap(memory, SIZE);
}

/* One page of a 2 MiB block: the rest stays accessible, before and after. */
static void block(void)
{
	const uint64_t page = TEST_GPA + 77 * PAGE;
	uint8_t *memory = memory_anon(2 * BLOCK);
	uint8_t *aligned = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));
	struct machine m;
	uint64_t value;
	long ret;

	madvise(aligned, BLOCK, MADV_HUGEPAGE);
	memset(aligned, 0x33, BLOCK);
	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, BLOCK, aligned);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 1, NULL), "a block is writable");
	machine_attr(&m, page, PAGE, NW, 0);
	machine_call(&m, guest_str, page, 2);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, NW, page), "NW on one page of a block");
	tap_ok(machine_finishes(&m, guest_ldr, page, 0, &value) && value == 0x3333333333333333,
	       "that page can be read");
	tap_ok(machine_finishes(&m, guest_str, page - 8, 3, NULL) &&
		       machine_finishes(&m, guest_str, page + PAGE, 3, NULL),
	       "its neighbours can be written");
	machine_attr(&m, page, PAGE, 0, 0);
	tap_ok(machine_finishes(&m, guest_str, page, 4, NULL) && aligned[77 * PAGE] == 4,
	       "without NW it can be written");
	machine_attr(&m, TEST_GPA, BLOCK, NW, 0);
	machine_call(&m, guest_str, TEST_GPA + BLOCK - 8, 5);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, NW, TEST_GPA + BLOCK - PAGE), "NW on the whole block");
	machine_close(&m);
	munmap(memory, 2 * BLOCK);
}

/* What the host's own mapping lacks or loses. */
static const struct host_row {
	const char *name;
	const void *snippet;
	int prot; /* of the VMA; -1: unmapped */
	uint64_t flags;
} host_rows[] = {
	{ "a load, nothing mapped", guest_ldr, -1, KVM_MEMORY_EXIT_FLAG_READ },
	{ "a store, nothing mapped", guest_str, -1, KVM_MEMORY_EXIT_FLAG_WRITE },
	{ "a fetch, nothing mapped", guest_branch, -1, KVM_MEMORY_EXIT_FLAG_EXEC },
	{ "a load, PROT_NONE", guest_ldr, PROT_NONE, KVM_MEMORY_EXIT_FLAG_READ },
	{ "a store, PROT_READ", guest_str, PROT_READ, KVM_MEMORY_EXIT_FLAG_WRITE },
};

static void host_mappings(void)
{
	for (unsigned int i = 0; i < ROW_COUNT(host_rows); i++) {
		const struct host_row *row = &host_rows[i];
		uint8_t *memory = memory_anon(SIZE);
		struct machine m;
		long ret;

		if (!env.tsr && row->prot < 0) {
			tap_skip("mainline complains in the kernel's log", "%s", row->name);
			continue;
		}
		machine_open(&m, 0);
		machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
		machine_finishes(&m, guest_str, TEST_GPA, 1, NULL);
		if (row->prot < 0)
			munmap(memory, SIZE);
		else
			mprotect(memory, SIZE, row->prot);
		machine_call(&m, row->snippet, TEST_GPA, 1);
		ret = machine_run(&m);
		tap_errno(ret, EFAULT, "%s: EFAULT", row->name);
		if (env.tsr)
			tap_ok(machine_faulted(&m, ret, row->flags, TEST_GPA), "%s: the exit",
			       row->name);
		else
			tap_skip(env_lacks(NEED_TSR), "%s: the exit", row->name);
		if (mmap(memory, SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory)
			plant_code(memory);
		tap_ok(machine_run(&m) == 0 && machine_done(&m, NULL),
		       "%s: goes on once there is memory", row->name);
		machine_close(&m);
		munmap(memory, SIZE);
	}
}

/* The guest follows what the VMM does with the mapping, without a further call. */
static void follows(void)
{
	uint8_t *memory = memory_anon(SIZE);
	int memfd = memory_memfd(SIZE);
	struct machine m;
	uint64_t value;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_finishes(&m, guest_str, TEST_GPA, 0x1234, NULL);
	memory[1] = 0x56;
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0x5634,
	       "the guest reads what the VMM writes");
	memory_drop(memory, SIZE);
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0,
	       "after the VMM has given it back it reads zero");
	mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd, 0);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 0x77, NULL) &&
		       pread(memfd, &value, 8, 0) == 8 && value == 0x77,
	       "over a new mapping it writes there");
	memory[0] = 0x78;
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA, 0, &value) && value == 0x78,
	       "and reads what the VMM writes there");
	machine_close(&m);
	close(memfd);
	munmap(memory, SIZE);
}

/* The zero page is never written through: a page that was only read stays private. */
static void zero_page(void)
{
	uint8_t *memory = memory_anon(SIZE);
	uint8_t *other = memory_anon(SIZE);
	struct machine m;
	uint64_t value;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_slot(&m, 2, 0, TEST_GPA + SIZE, SIZE, other);
	machine_finishes(&m, guest_ldr, TEST_GPA, 0, NULL);
	machine_finishes(&m, guest_ldr, TEST_GPA + SIZE, 0, NULL);
	tap_ok(machine_finishes(&m, guest_str, TEST_GPA, 0x99, NULL) && memory[0] == 0x99,
	       "a store after a load of fresh memory arrives");
	tap_ok(machine_finishes(&m, guest_ldr, TEST_GPA + SIZE, 0, &value) && value == 0 &&
		       other[0] == 0,
	       "and in that memory alone");
	machine_close(&m);
	munmap(memory, SIZE);
	munmap(other, SIZE);
}

void test_fault(void)
{
	reach();
	if (env.tsr) {
		deltas();
		block();
	} else {
		tap_skip(env_lacks(NEED_TSR), "deltas and blocks");
	}
	host_mappings();
	follows();
	zero_page();
}
