// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Accesses that touch more than their own page: those that cross into the next, and walks of
 * the guest's translation tables, which may update an access flag or dirty state: docs/abi.md
 * 4.2, 5.1 and 5.2.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

/* The exit flag for each attribute has the attribute's own number. */
#define R   KVM_MEMORY_ATTRIBUTE_NR
#define W   KVM_MEMORY_ATTRIBUTE_NW
#define X   KVM_MEMORY_ATTRIBUTE_NX
#define RW  (R | W)
#define CLR KVM_MEMORY_ATTRIBUTES_CLEAR

/* --- Accesses of two pages. --- */

static const struct crossing {
	const char *name;
	const void *snippet;
	uint64_t offset; /* of the address, in the first page */
	uint64_t needs;
} crossings[] = {
	{ "an unaligned load", guest_ldr, PAGE - 3, R },
	{ "an unaligned 2-byte load", guest_ldrh, PAGE - 1, R },
	{ "a load of a pair", guest_ldp, PAGE - 8, R },
	{ "an unaligned load of a pair", guest_ldp, PAGE - 13, R },
	{ "an unaligned store", guest_str, PAGE - 3, W },
	{ "an unaligned 4-byte store", guest_str_w, PAGE - 1, W },
	{ "a store of a pair", guest_stp, PAGE - 8, W },
	{ "an unaligned store of a pair", guest_stp, PAGE - 5, W },
};

/*
 * An exit for each of the @pages that are denied, in any order, and the same one again; then
 * the access is done.
 */
static bool crosses(struct machine *m, const struct crossing *c, unsigned int pages)
{
	machine_call(m, c->snippet, TEST_GPA + c->offset, 0x1122334455667788);
	while (pages) {
		long ret = machine_run(m);
		uint64_t gpa = m->run->memory_fault.gpa;
		unsigned int page = gpa == TEST_GPA ? 1 : 2;

		if (!(pages & page))
			gpa = pages & 1 ? TEST_GPA : TEST_GPA + PAGE;
		if (!machine_faulted(m, ret, c->needs, gpa) ||
		    !machine_faulted(m, machine_run(m), c->needs, gpa))
			return false;
		machine_attr(m, gpa, PAGE, 0, 0);
		pages &= ~page;
	}
	if (machine_run(m) == 0 && machine_done(m, NULL))
		return true;
	machine_explain(m, 0);
	return false;
}

static void crossing(void)
{
	static const char *const denied[] = { "neither", "the first", "the second", "both" };
	uint8_t *memory = memory_anon(4 * PAGE);
	struct machine m;

	machine_open(&m, MACHINE_MMU);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, 4 * PAGE, memory);
	for (unsigned int i = 0; i < ROW_COUNT(crossings); i++) {
		const struct crossing *c = &crossings[i];

		for (unsigned int pages = 0; pages < 4; pages++) {
			machine_attr(&m, TEST_GPA, PAGE, pages & 1 ? c->needs : 0, 0);
			machine_attr(&m, TEST_GPA + PAGE, PAGE, pages & 2 ? c->needs : 0, 0);
			tap_ok(crosses(&m, c, pages), "%s across two pages, %s denied", c->name,
			       denied[pages]);
		}
	}
	machine_close(&m);
	munmap(memory, 4 * PAGE);
}

/* --- Walks. --- */

#define TABLE_GPA  0xc0000000UL
#define TABLE_SLOT 2

/* TCR_EL1: hardware updates the access flag, and dirty state. */
#define TCR_HA (1UL << 39)
#define TCR_HD (1UL << 40)

/* A block's descriptor, Arm ARM D8.3. */
#define S1_AF	    (1UL << 10)
#define S1_READONLY (1UL << 7)
#define S1_DBM	    (1UL << 51)

#define ID_AA64MMFR1_EL1 ARM64_SYS_REG(3, 0, 0, 7, 1)

enum kind {
	PLAIN, /* nothing is updated */
	OLD,   /* the access flag is clear and is set by hardware */
	CLEAN, /* read-only, to be made writable by hardware when it is first written */
};

static const char *const kind_names[] = { "", ", access flag clear", ", clean" };

static const struct walk_row {
	const char *name;
	const void *snippet;
	enum kind kind;
	uint64_t needs; /* of the table's page, in the order in which it is asked for */
	bool updates;
} walk_rows[] = {
	{ "a load", guest_ldr, PLAIN, R, false },
	{ "a store", guest_str, PLAIN, R, false },
	{ "a fetch", guest_branch, PLAIN, R, false },
	{ "an address translation", guest_at, PLAIN, R, false },
	{ "a load", guest_ldr, OLD, RW, true },
	{ "a store", guest_str, OLD, RW, true },
	{ "a fetch", guest_branch, OLD, RW, true },
	{ "a swap", guest_swp, OLD, RW, true },
	{ "a load", guest_ldr, CLEAN, R, false },
	{ "a store", guest_str, CLEAN, RW, true },
	{ "a swap", guest_swp, CLEAN, RW, true },
};

struct walker {
	struct machine m;
	uint64_t *table; /* level 1, a page in TABLE_SLOT */
	uint8_t *memory; /* at TEST_GPA */
};

static uint64_t *test_entry(const struct walker *w)
{
	return &w->table[TEST_GPA >> 30];
}

/* Nothing of the new table is in a TLB yet: the machine has not run. */
static void walker_open(struct walker *w, enum kind kind, uint32_t slot_flags)
{
	uint64_t *entry;

	machine_open(&w->m, MACHINE_MMU);
	w->table = memory_anon(PAGE);
	w->memory = memory_anon(PAGE);
	memcpy(w->memory, guest_finish, 12);
	__builtin___clear_cache((char *)w->memory, (char *)w->memory + 12);
	memcpy(w->table, w->m.code + (machine_get(&w->m, REG_TTBR0_EL1) - CODE_GPA), PAGE);
	entry = test_entry(w);
	if (kind == OLD)
		*entry &= ~S1_AF;
	if (kind == CLEAN)
		*entry |= S1_READONLY | S1_DBM;
	machine_slot(&w->m, TEST_SLOT, 0, TEST_GPA, PAGE, w->memory);
	machine_slot(&w->m, TABLE_SLOT, slot_flags, TABLE_GPA, PAGE, w->table);
	machine_set(&w->m, REG_TTBR0_EL1, TABLE_GPA);
	machine_set(&w->m, REG_TCR_EL1,
		    machine_get(&w->m, REG_TCR_EL1) | (kind == OLD ? TCR_HA : 0) |
			    (kind == CLEAN ? TCR_HA | TCR_HD : 0));
}

static void walker_close(struct walker *w)
{
	machine_close(&w->m);
	munmap(w->table, PAGE);
	munmap(w->memory, PAGE);
}

static bool updated(const struct walker *w, enum kind kind)
{
	uint64_t entry = *test_entry(w);

	return kind == OLD ? entry & S1_AF : kind == CLEAN && !(entry & S1_READONLY);
}

/*
 * The needs that are denied come one by one, R first; each again when nothing is done; and the
 * table is not written before W is granted. The code's own walk comes first of all, and is
 * granted with the rest.
 */
static bool walks_rightly(struct walker *w, const struct walk_row *row, uint64_t attr)
{
	static const uint64_t order[] = { R, W };
	uint64_t lacking = row->needs & attr;

	machine_attr(&w->m, TABLE_GPA, PAGE, attr, 0);
	machine_call(&w->m, row->snippet, TEST_GPA, 0);
	for (unsigned int i = 0; i < ROW_COUNT(order); i++) {
		if (!(lacking & order[i]))
			continue;
		if (!machine_faulted(&w->m, machine_run(&w->m), order[i], TABLE_GPA) ||
		    !machine_faulted(&w->m, machine_run(&w->m), order[i], TABLE_GPA))
			return false;
		if (updated(w, row->kind)) {
			tap_note("the table was written before the exit");
			return false;
		}
		machine_attr(&w->m, TABLE_GPA, PAGE, order[i], CLR);
	}
	if (machine_run(&w->m) || !machine_done(&w->m, NULL)) {
		machine_explain(&w->m, 0);
		return false;
	}
	return updated(w, row->kind) == row->updates;
}

/* ID_AA64MMFR1_EL1.HAFDBS: 1 the access flag, 2 dirty state too. */
static uint64_t hafdbs(void)
{
	struct machine m;
	uint64_t value;

	machine_open(&m, 0);
	value = machine_get(&m, ID_AA64MMFR1_EL1) & 0xf;
	machine_close(&m);
	return value;
}

static void walks(void)
{
	uint64_t have = hafdbs();

	for (unsigned int i = 0; i < ROW_COUNT(walk_rows); i++) {
		const struct walk_row *row = &walk_rows[i];
		struct walker w;
		bool pass = true;

		if (row->kind > have) {
			tap_skip("the CPU does not update tables so", "a walk for %s%s", row->name,
				 kind_names[row->kind]);
			continue;
		}
		for (uint64_t attr = 0; attr <= (RW | X) && pass; attr++) {
			walker_open(&w, row->kind, 0);
			pass = walks_rightly(&w, row, attr);
			if (!pass)
				tap_note("with attributes %#llx of the table's page",
					 (unsigned long long)attr);
			walker_close(&w);
		}
		tap_ok(pass, "a walk for %s%s: needs %s, never EXEC", row->name,
		       kind_names[row->kind], row->needs == R ? "READ" : "READ and WRITE");
	}
}

/* A walk's update of a table in a READONLY slot is an abort for the guest, and no exit. */
static void readonly(void)
{
	struct walker w;
	uint64_t esr;

	if (!hafdbs()) {
		tap_skip("the CPU does not update tables", "a walk's update in a READONLY slot");
		return;
	}
	walker_open(&w, OLD, KVM_MEM_READONLY);
	machine_finishes(&w.m, guest_ldr, TEST_GPA, 0, NULL);
	esr = machine_get(&w.m, REG_ESR_EL1);
	tap_ok(ESR_EC(esr) == EC_DATA_ABORT &&
		       (ESR_FSC(esr) == FSC_EXTERNAL || ESR_FSC(esr) == FSC_EXTERNAL_L1),
	       "a walk's update in a READONLY slot is an external abort");
	tap_ok(!updated(&w, OLD), "and nothing is written");
	walker_close(&w);
}

void test_walks(void)
{
	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "crossing accesses and walks");
		return;
	}
	crossing();
	walks();
	readonly();
}
