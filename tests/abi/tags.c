// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Tags: which access exits with TAG over memory that cannot hold them, on a host with
 * FEAT_MTE_PERM and on one without, and what a guest finds in memory that can:
 * docs/abi.md 5.1 and 6.2.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define SIZE	 (4 * PAGE)
#define TAGGED	 (MACHINE_MTE | MACHINE_MMU | lazy)
#define OPTIONAL KVM_MEM_TSR_TAGS_OPTIONAL
#define ON_TOUCH KVM_MEM_TSR_TAGS_ON_TOUCH
#define TAG	 KVM_MEMORY_EXIT_FLAG_TAG
#define NR	 KVM_MEMORY_ATTRIBUTE_NR
#define NW	 KVM_MEMORY_ATTRIBUTE_NW

/* MACHINE_LAZY, when the tables are gone through with lazy tags. */
static unsigned int lazy;

/* docs/abi.md 4.2: what each access needs besides R, W or X. */
static const struct access {
	const char *name;
	const void *snippet;
	bool tags;
	uint64_t also; /* the attribute that denies its other need */
} accesses[] = {
	{ "STG", guest_stg, true, NW },
	{ "ST2G", guest_st2g, true, NW },
	{ "STZG", guest_stzg, true, NW },
	{ "STZ2G", guest_stz2g, true, NW },
	{ "STGP", guest_stgp, true, NW },
	{ "STGM", guest_stgm, true, NW },
	{ "DC GVA", guest_dc_gva, true, NW },
	{ "DC GZVA", guest_dc_gzva, true, NW },
	{ "LDG", guest_ldg, true, NR },
	{ "LDGM", guest_ldgm, true, NR },
	{ "a checked load", guest_ldr_checked, true, NR },
	{ "a checked store", guest_str_checked, true, NW },
};

/* With SCTLR_EL1.TCF = 0 ordinary accesses are Unchecked. */
static const struct access unchecked[] = {
	{ "a load", guest_ldr, false, NR },
	{ "a store", guest_str, false, NW },
	{ "DC ZVA", guest_dc_zva, false, NW },
	{ "a fetch", guest_branch, false, 0 },
};

#define SCTLR_TCF (3UL << 40)

static const char *lazy_name(void)
{
	return lazy ? "lazy: " : "";
}

static void *file_memory(int file, int flags)
{
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, flags, file);

	memcpy(memory + 2 * PAGE, guest_finish, 12);
	return memory;
}

/* What promotion comes to for one page: the same bytes in memory that can hold tags. */
static void promote(uint8_t *page)
{
	uint8_t copy[PAGE];

	memcpy(copy, page, PAGE);
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == page)
		memcpy(page, copy, PAGE);
}

/* The access exits with TAG, as often as it is tried, and goes on once there are tags. */
static bool exits_with_tag(struct machine *m, const struct access *access, uint64_t gpa,
			   uint8_t *page)
{
	uint64_t pc;

	machine_call(m, access->snippet, gpa, 0);
	if (!machine_faulted(m, machine_run(m), TAG, gpa))
		return false;
	pc = machine_get(m, REG_PC);
	if (!machine_faulted(m, machine_run(m), TAG, gpa))
		return false;
	if (machine_get(m, REG_PC) != pc) {
		tap_note("PC has moved");
		return false;
	}
	promote(page);
	if (machine_run(m) == 0 && machine_done(m, NULL))
		return true;
	machine_explain(m, 0);
	return false;
}

/* A page of its own for each access, in a machine of its own. */
static void one_access(const struct access *access, uint32_t flags, int file, int map, bool checked)
{
	uint8_t *memory = file_memory(file, map);
	/* 6.4: of a private mapping the VMM gets a page of its own, which holds tags. */
	bool expect = (access->tags || !env.notag) && !(lazy && map == MAP_PRIVATE);
	const uint64_t gpa = TEST_GPA + 2 * PAGE;
	struct machine m;
	bool pass;

	machine_open(&m, TAGGED);
	if (!checked)
		machine_set(&m, REG_SCTLR_EL1, machine_get(&m, REG_SCTLR_EL1) & ~SCTLR_TCF);
	machine_slot(&m, TEST_SLOT, flags, TEST_GPA, SIZE, memory);
	if (expect)
		pass = exits_with_tag(&m, access, gpa, memory + 2 * PAGE);
	else
		pass = machine_finishes(&m, access->snippet, gpa, 0, NULL);
	tap_ok(pass, "%s%s over a %s file mapping, %s: %s", lazy_name(), access->name,
	       map == MAP_PRIVATE ? "private" : "shared",
	       flags & ON_TOUCH ? "both flags" : "TAGS_OPTIONAL", expect ? "TAG" : "no exit");
	machine_close(&m);
	munmap(memory, SIZE);
}

static void all_accesses(uint32_t flags, int map)
{
	for (unsigned int i = 0; i < ROW_COUNT(accesses); i++) {
		int file = memory_file(SIZE);

		one_access(&accesses[i], flags, file, map, true);
		close(file);
	}
	for (unsigned int i = 0; i < ROW_COUNT(unchecked); i++) {
		int file = memory_file(SIZE);

		one_access(&unchecked[i], flags, file, map, false);
		close(file);
	}
}

/* What denies R or W comes before TAG. */
static void precedence(void)
{
	for (unsigned int i = 0; i < ROW_COUNT(accesses); i++) {
		const struct access *access = &accesses[i];
		int file = memory_file(SIZE);
		uint8_t *memory = file_memory(file, MAP_PRIVATE);
		struct machine m;
		long ret;

		machine_open(&m, TAGGED);
		machine_slot(&m, TEST_SLOT, OPTIONAL | ON_TOUCH, TEST_GPA, SIZE, memory);
		if (machine_attr(&m, TEST_GPA, PAGE, access->also, 0)) {
			tap_skip("the attribute is not served", "%s: R or W before TAG",
				 access->name);
		} else {
			machine_call(&m, access->snippet, TEST_GPA, 0);
			ret = machine_run(&m);
			tap_ok(machine_faulted(&m, ret, access->also, TEST_GPA),
			       "%s: %s before TAG", access->name, access->also == NR ? "R" : "W");
			machine_attr(&m, TEST_GPA, PAGE, 0, 0);
			ret = machine_run(&m);
			tap_ok(machine_faulted(&m, ret, TAG, TEST_GPA), "%s: then TAG",
			       access->name);
		}
		machine_close(&m);
		munmap(memory, SIZE);
		close(file);
	}
}

/* Memory that can hold tags: stored and read back, zero at first, checked. */
static void round_trip(const char *name, uint8_t *memory, uint32_t flags)
{
	struct machine m;
	uint64_t value = 99;
	uint64_t esr;

	machine_open(&m, TAGGED);
	machine_slot(&m, TEST_SLOT, flags, TEST_GPA, SIZE, memory);
	tap_ok(machine_finishes(&m, guest_ldg, TEST_GPA, 0, &value) && value == 0,
	       "%s%s: tags are zero at first", lazy_name(), name);
	machine_finishes(&m, guest_stg, TEST_GPA, 7, NULL);
	tap_ok(machine_finishes(&m, guest_ldg, TEST_GPA, 0, &value) && value == 7,
	       "%s%s: a tag is stored and read", lazy_name(), name);
	tap_ok(machine_finishes(&m, guest_ldr_checked, TEST_GPA, 7, &value) && value == 0,
	       "%s%s: a load with this tag", lazy_name(), name);
	machine_finishes(&m, guest_ldr_checked, TEST_GPA, 8, &value);
	esr = machine_get(&m, REG_ESR_EL1);
	tap_ok(ESR_EC(esr) == EC_DATA_ABORT && ESR_FSC(esr) == FSC_TAG_CHECK,
	       "%s%s: a load with another is a tag check fault at EL1", lazy_name(), name);
	tap_ok((machine_get(&m, REG_FAR_EL1) & ((1UL << 56) - 1)) == TEST_GPA,
	       "%s%s: with its address", lazy_name(), name);
	machine_close(&m);
}

/* A VM never sees the tags of the one that had the page before, nor loses a neighbour's. */
static void stale_tags(void)
{
	int memfd = memory_memfd(SIZE);
	uint8_t *memory = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	struct machine a, b;
	uint64_t value = 99;

	machine_open(&a, TAGGED);
	machine_open(&b, TAGGED);
	machine_slot(&a, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_slot(&b, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_finishes(&a, guest_stg, TEST_GPA, 5, NULL);
	tap_ok(machine_finishes(&b, guest_ldg, TEST_GPA, 0, &value) && value == 5,
	       "%stwo VMs on one memfd share its tags", lazy_name());
	machine_close(&a);
	tap_ok(machine_finishes(&b, guest_ldg, TEST_GPA, 0, &value) && value == 5,
	       "%sand they outlive the VM that stored them", lazy_name());
	machine_close(&b);
	if (ftruncate(memfd, 0) || ftruncate(memfd, SIZE))
		err(2, "a memfd cannot be emptied");
	machine_open(&a, TAGGED);
	machine_slot(&a, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	tap_ok(machine_finishes(&a, guest_ldg, TEST_GPA, 0, &value) && value == 0,
	       "%smemory that is given anew has no old tags", lazy_name());
	machine_close(&a);
	munmap(memory, SIZE);
	close(memfd);
}

/* A slot's mapping replaced by memory that may not be there: the check comes again. */
static void replaced(void)
{
	uint8_t *memory = memory_anon(SIZE);
	int file = memory_file(SIZE);
	struct machine m;
	long ret;

	machine_open(&m, TAGGED);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_finishes(&m, guest_str, TEST_GPA, 0, NULL);
	mmap(memory, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0);
	machine_call(&m, guest_ldr, TEST_GPA, 0);
	ret = machine_run(&m);
	tap_errno(ret, EFAULT, "a slot without the flag, mapped to a file later: EFAULT");
	if (env.tsr)
		tap_ok(machine_faulted(&m, ret, KVM_MEMORY_EXIT_FLAG_READ, TEST_GPA),
		       "and the exit");
	else
		tap_skip(env_lacks(NEED_TSR), "and the exit");
	promote(memory);
	tap_ok(machine_run(&m) == 0 && machine_done(&m, NULL), "back on anonymous memory it runs");
	machine_close(&m);
	munmap(memory, SIZE);
	close(file);
}

static void holders(void)
{
	int memfd = memory_memfd(SIZE);
	uint8_t *anon = memory_anon(SIZE);
	uint8_t *read = memory_anon(SIZE);
	uint8_t *shared = memory_map(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	volatile uint8_t touch = read[0];

	(void)touch;
	round_trip("anonymous memory", anon, 0);
	round_trip("anonymous memory that was read before", read, 0);
	round_trip("a memfd", shared, 0);
	munmap(anon, SIZE);
	munmap(read, SIZE);
	munmap(shared, SIZE);
	close(memfd);
	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "anonymous memory with both flags");
		return;
	}
	anon = memory_anon(SIZE);
	round_trip("anonymous memory with both flags", anon, OPTIONAL | ON_TOUCH);
	munmap(anon, SIZE);
}

void test_tags(void)
{
	if (!env.mte) {
		tap_skip(env_lacks(NEED_MTE), "tags");
		return;
	}
	holders();
	stale_tags();
	replaced();
	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "TAG exits");
		return;
	}
	all_accesses(OPTIONAL | ON_TOUCH, MAP_PRIVATE);
	all_accesses(OPTIONAL | ON_TOUCH, MAP_SHARED);
	if (env.notag)
		all_accesses(OPTIONAL, MAP_PRIVATE);
	else
		tap_skip(env_lacks(NEED_NOTAG), "TAGS_OPTIONAL alone over a file");
	precedence();
	lazy = MACHINE_LAZY;
	holders();
	stale_tags();
	all_accesses(OPTIONAL | ON_TOUCH, MAP_PRIVATE);
	all_accesses(OPTIONAL | ON_TOUCH, MAP_SHARED);
}
