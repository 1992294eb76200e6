// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * KVM_EXIT_MEMORY_FAULT and what attributes, READONLY slots and the host's own mappings do
 * to a guest's accesses: docs/abi.md 4.2 and 5.1 restated.
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

/* What an access needs; the attribute bits that deny it. */
static const struct access {
	const char *name;
	const void *snippet;
	uint64_t needs;
	bool normal; /* not defined on Device memory, which the MMU being off makes it */
} accesses[] = {
	{ "an 8-byte load", guest_ldr, NR },
	{ "a 4-byte load", guest_ldr_w, NR },
	{ "a 2-byte load", guest_ldrh, NR },
	{ "a byte load", guest_ldrb, NR },
	{ "a sign-extending load", guest_ldrsw, NR },
	{ "a load-acquire", guest_ldar, NR },
	{ "a load with writeback", guest_ldr_post, NR },
	{ "a load of a pair", guest_ldp, NR },
	{ "an FP load", guest_ldr_v, NR },
	{ "an 8-byte store", guest_str, NW },
	{ "a 4-byte store", guest_str_w, NW },
	{ "a byte store", guest_strb, NW },
	{ "a store-release", guest_stlr, NW },
	{ "a store of a pair", guest_stp, NW },
	{ "DC ZVA", guest_dc_zva, NW, true },
	{ "a swap", guest_swp, NR | NW, true },
	{ "an atomic add", guest_ldadd, NR | NW, true },
	{ "an exclusive pair", guest_exclusive, NR | NW, true },
	{ "a fetch", guest_branch, NX },
};

/* The exit flag for each attribute has the attribute's own number. */
static bool exits_rightly(struct machine *m, long ret, uint64_t lacking, uint64_t gpa)
{
	uint64_t flags = m->run->memory_fault.flags;

	/* Of several needs one comes at a time, and which is first is the hardware's. */
	if ((flags & lacking) != flags || flags == 0 || (flags & (flags - 1)))
		flags = lacking;
	return machine_faulted(m, ret, flags, gpa);
}

/*
 * One access to a page with @attr. Expected: an exit for each need that is denied, the
 * same one again if nothing is done, PC not moved, and after the last grant the access.
 */
static bool access_page(struct machine *m, const struct access *access, uint64_t attr, uint64_t gpa)
{
	uint64_t lacking = access->needs & attr;
	uint64_t pc;

	machine_call(m, access->snippet, gpa, 0x11);
	pc = machine_get(m, REG_PC);
	while (lacking) {
		long ret = machine_run(m);
		uint64_t flag = m->run->memory_fault.flags;

		if (!exits_rightly(m, ret, lacking, gpa & ~(PAGE - 1)))
			return false;
		if (!machine_faulted(m, machine_run(m), flag, gpa & ~(PAGE - 1))) {
			tap_note("the second time it is another exit");
			return false;
		}
		if (access->snippet == guest_ldr_v || access->snippet == guest_exclusive)
			pc = machine_get(m, REG_PC);
		if (machine_get(m, REG_PC) != (access->needs == NX ? gpa : pc)) {
			tap_note("PC has moved");
			return false;
		}
		machine_attr(m, gpa & ~(PAGE - 1), PAGE, flag, CLR);
		lacking &= ~flag;
	}
	if (machine_run(m) == 0 && machine_done(m, NULL))
		return true;
	machine_explain(m, 0);
	return false;
}

/* The first page of the test slot ends as a snippet does, for fetches from it. */
static void plant_code(uint8_t *page)
{
	memcpy(page, guest_finish, 12);
	__builtin___clear_cache((char *)page, (char *)page + 12);
}

/*
 * Each access with each combination of the attributes that this VM offers, on a page that
 * was never mapped (cold) and on one that was mapped with everything (warm).
 */
static bool cold_and_warm(struct machine *m, const struct access *access, uint64_t attr,
			  uint8_t *memory)
{
	for (int warm = 0; warm < 2; warm++) {
		memory_drop(memory, PAGE);
		plant_code(memory);
		machine_attr(m, TEST_GPA, PAGE, 0, 0);
		if (warm && !(machine_finishes(m, guest_str, TEST_GPA + 64, 0, NULL) &&
			      machine_finishes(m, guest_branch, TEST_GPA, 0, NULL)))
			return false;
		machine_attr(m, TEST_GPA, PAGE, attr, 0);
		if (!access_page(m, access, attr, TEST_GPA)) {
			tap_note("on a %s page", warm ? "warm" : "cold");
			return false;
		}
	}
	return true;
}

static void attribute_matrix(struct machine *m, uint8_t *memory, uint64_t mask, bool mmu)
{
	for (unsigned int i = 0; i < ROW_COUNT(accesses); i++) {
		if (accesses[i].normal && !mmu)
			continue;
		for (uint64_t attr = 0; attr <= NRWX; attr++) {
			if (attr & ~mask)
				continue;
			tap_ok(cold_and_warm(m, &accesses[i], attr, memory),
			       "MMU %s: %s with%s%s%s%s", mmu ? "on" : "off", accesses[i].name,
			       attr & NR ? " NR" : "", attr & NW ? " NW" : "",
			       attr & NX ? " NX" : "", attr ? "" : "out attributes");
		}
	}
	machine_attr(m, TEST_GPA, SIZE, 0, 0);
}

static void attributes(bool mmu)
{
	uint8_t *memory = memory_anon(SIZE);
	struct machine m;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "attributes, MMU %s", mmu ? "on" : "off");
		return;
	}
	machine_open(&m, mmu ? MACHINE_MMU : 0);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	attribute_matrix(&m, memory,
			 (uint64_t)call(m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES), mmu);
	machine_close(&m);
	munmap(memory, SIZE);
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
	static const struct access probes[] = {
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

/* An access that crosses from one page into another that is denied. */
static void crossing(void)
{
	uint8_t *memory = memory_anon(SIZE);
	struct machine m;
	uint64_t value;
	long ret;

	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_attr(&m, TEST_GPA, 2 * PAGE, NW, 0);
	machine_call(&m, guest_str, TEST_GPA + PAGE - 4, 0x1122334455667788);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, NW,
			       m.run->memory_fault.gpa == TEST_GPA ? TEST_GPA : TEST_GPA + PAGE),
	       "a store across two pages with NW exits for one");
	machine_attr(&m, m.run->memory_fault.gpa, PAGE, 0, 0);
	ret = machine_run(&m);
	tap_ok(machine_faulted(&m, ret, NW,
			       m.run->memory_fault.gpa == TEST_GPA ? TEST_GPA : TEST_GPA + PAGE),
	       "then for the other");
	machine_attr(&m, TEST_GPA, 2 * PAGE, 0, 0);
	memcpy(&value, memory + PAGE - 4, 8);
	tap_ok(value == 0, "and has written nothing so far");
	tap_ok(machine_run(&m) == 0 && machine_done(&m, NULL), "with both open it is done");
	memcpy(&value, memory + PAGE - 4, 8);
	tap_ok(value == 0x1122334455667788, "and has written all of it");
	machine_close(&m);
	munmap(memory, SIZE);
}

/* The guest's stage-1 walk needs R: never an EXEC, whatever it walks for. */
static void walks(void)
{
	struct machine m;
	uint64_t table;
	long ret;

	machine_open(&m, MACHINE_MMU);
	table = machine_get(&m, REG_TTBR0_EL1);
	if (machine_attr(&m, table, PAGE, NR, 0)) {
		tap_skip("NR is not served", "walks of the guest's tables");
	} else {
		machine_call(&m, guest_ldr, CODE_GPA, 0);
		ret = machine_run(&m);
		tap_ok(machine_faulted(&m, ret, NR, table), "a walk for a fetch needs READ");
		machine_attr(&m, table, PAGE, 0, 0);
		tap_ok(machine_run(&m) == 0 && machine_done(&m, NULL), "and goes on with it");
	}
	machine_attr(&m, table, PAGE, NW | NX, 0);
	tap_ok(machine_finishes(&m, guest_ldr, CODE_GPA, 0, NULL),
	       "a walk without updates needs neither W nor X");
	machine_close(&m);
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
	attributes(false);
	attributes(true);
	reach();
	if (env.tsr) {
		deltas();
		block();
		crossing();
		walks();
	} else {
		tap_skip(env_lacks(NEED_TSR), "deltas, blocks, crossing accesses and walks");
	}
	host_mappings();
	follows();
	zero_page();
}
