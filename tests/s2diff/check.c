// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * check CPU SEED: reads what the image wrote (case.h), puts each case to emu/mmu and
 * reports as TAP: that all agree but for the known differences of QEMU; that the cases
 * came to every kind of end; that each known difference is one still.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define COMPLAINTS 10
#define LEVELS	   4

static struct machine machine;
static const char *cpu, *seed;
static unsigned int tests;

static struct {
	unsigned long cases, bad;
	unsigned long faults[EMU_FAULT_MEMORY + 1][LEVELS];
	unsigned long ends[CASE_ACCESSES][2]; /* served, refused */
	bool complete;
} seen;

static u64 number(char **text)
{
	return strtoull(*text, text, 16);
}

static bool case_parse(char *text, struct test_case *c)
{
	u64 *const head[] = { &c->hcr, &c->vtcr, &c->vttbr, &c->ipa,  &c->access,
			      &c->el,  &c->s1,	 &c->va,    &c->count };
	u64 *const tail[] = { &c->end, &c->esr, &c->far, &c->hpfar, &c->value, &c->where };

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		*head[i] = number(&text);
	if (c->count > 4 || c->access >= CASE_ACCESSES)
		return false;
	for (u64 i = 0; i < c->count; i++) {
		c->way[i].at = number(&text);
		c->way[i].before = number(&text);
		c->way[i].after = number(&text);
	}
	for (size_t i = 0; i < sizeof(tail) / sizeof(tail[0]); i++)
		*tail[i] = number(&text);
	return *text == '\n';
}

static void machine_parse(char *text)
{
	static const u8 pa_sizes[16] = { 32, 36, 40, 42, 44, 48, 48, 48 };
	u64 mmfr0 = number(&text), mmfr1 = number(&text), mmfr2 = number(&text);
	u64 pfr1 = number(&text), pfr2 = number(&text), isar0 = number(&text);

	machine = (struct machine){
		.mmu = {
			.hardware = true,
			.mte_perm = bits(pfr2, 3, 0),
			.xnx = bits(mmfr1, 31, 28),
			.pa_bits = pa_sizes[bits(mmfr0, 3, 0)],
			.hafdbs = (u8)bits(mmfr1, 3, 0),
			.ttst = bits(mmfr2, 31, 28),
		},
		.mte = bits(pfr1, 11, 8) >= 2,
		.fwb = bits(mmfr2, 43, 40),
		.atomics = bits(isar0, 23, 20),
	};
}

static void complain(const char *line, const struct expected *e, unsigned int diff)
{
	static const char *const names[] = { "end",   "class",	   "status", "S1PTW",
					     "WnR",   "TagAccess", "FAR",    "HPFAR",
					     "value", "where",	   "update" };

	printf("# other than expected:");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (diff >> i & 1)
			printf(" %s", names[i]);
	printf("\n#   emu/mmu: fault %d level %d pa %llx type %d notag %d\n", e->walk.fault,
	       e->walk.level, e->walk.pa, e->walk.type, e->walk.notag);
	printf("#   expected: end %d class %x status %x s1ptw %d wnr %d tag %d far %llx hpfar %llx"
	       " value %llx where %llx updated %llx\n",
	       e->end, e->class, e->status, e->s1ptw, e->wnr, e->tag, e->far, e->hpfar, e->value,
	       e->where, e->updated);
	printf("#   %s", line);
}

static void check_case(const char *line, const struct test_case *c)
{
	struct expected e;
	unsigned int diff;

	expect(&machine, c, &e);
	seen.cases++;
	seen.faults[e.walk.fault][e.walk.level]++;
	seen.ends[c->access][e.walk.fault != EMU_FAULT_NONE]++;
	diff = differences_excuse(&machine, c, &e, compare(c, &e));
	if (diff && seen.bad++ < COMPLAINTS)
		complain(line, &e, diff);
}

static void report(bool ok, const char *what)
{
	printf("%s %u - %s: %s\n", ok ? "ok" : "not ok", ++tests, cpu, what);
}

/* What docs/testing.md says of the CPUs, so that no kind of case is lost unseen. */
static const struct {
	const char *cpu;
	bool mte, mte_perm, fwb, xnx, atomics;
	u8 hafdbs, pa_bits;
} machines[] = {
	{ "max", true, true, true, true, true, 2, 48 },
	{ "neoverse-n2", true, false, true, true, true, 2, 48 },
	{ "cortex-a710", true, false, true, true, true, 2, 40 },
	{ "cortex-a76", false, false, false, true, true, 2, 40 },
	{ "cortex-a57", false, false, false, false, false, 0, 44 },
};

static void report_machine(void)
{
	const struct emu_mmu *mmu = &machine.mmu;
	bool ok = false;

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		ok = ok ||
		     (!strcmp(machines[i].cpu, cpu) && machines[i].mte == machine.mte &&
		      machines[i].mte_perm == mmu->mte_perm && machines[i].fwb == machine.fwb &&
		      machines[i].xnx == mmu->xnx && machines[i].atomics == machine.atomics &&
		      machines[i].hafdbs == mmu->hafdbs && machines[i].pa_bits == mmu->pa_bits);
	printf("# mte %d mte_perm %d fwb %d xnx %d atomics %d hafdbs %d pa_bits %d\n", machine.mte,
	       mmu->mte_perm, machine.fwb, mmu->xnx, machine.atomics, mmu->hafdbs, mmu->pa_bits);
	report(ok, "the CPU has what it is used for");
}

/* Each fault at each level where this CPU can have it. */
static void report_faults(void)
{
	int top = machine.mmu.pa_bits < 44;
	const struct {
		enum emu_fault fault;
		int first, last;
	} wanted[] = {
		{ EMU_FAULT_NONE, 1, 3 },
		{ EMU_FAULT_ADDRESS_SIZE, 0, 3 },
		{ EMU_FAULT_TRANSLATION, 0, 3 },
		{ EMU_FAULT_ACCESS_FLAG, 1, 3 },
		{ EMU_FAULT_PERMISSION, 1, 3 },
		{ EMU_FAULT_TAG, 1, machine.mmu.mte_perm ? 3 : 0 },
		{ EMU_FAULT_MEMORY, 1 + top, 3 },
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const unsigned long *count = seen.faults[wanted[i].fault];

		printf("# fault %d at levels 0 to 3: %lu %lu %lu %lu\n", wanted[i].fault, count[0],
		       count[1], count[2], count[3]);
		for (int level = wanted[i].first; level <= wanted[i].last; level++)
			ok = ok && count[level];
	}
	report(ok, "the cases came to each fault at each level");
}

static bool has_access(enum case_access access)
{
	if (access == CASE_ATOMIC)
		return machine.atomics;
	if (access == CASE_WALK_AF)
		return machine.mmu.hafdbs;
	return access < CASE_TAGLESS || machine.mte;
}

static void report_accesses(void)
{
	bool ok = true;

	for (enum case_access access = 0; access < CASE_ACCESSES; access++) {
		const unsigned long *count = seen.ends[access];

		if (!has_access(access))
			continue;
		printf("# access %d: served %lu, refused %lu\n", access, count[0], count[1]);
		ok = ok && count[1] && (count[0] || access == CASE_REGISTERS);
	}
	report(ok, "each access was served and refused");
}

static void report_differences(void)
{
	unsigned long count;
	const char *name;
	char text[128];

	for (unsigned int n = 0; (name = differences_seen(&machine, n, &count)); n++) {
		snprintf(text, sizeof(text), "QEMU still differs in %s, in %lu cases", name, count);
		report(count, text);
	}
}

int main(int argc, char **argv)
{
	char line[1024], text[128];
	struct test_case c;

	if (argc != 3)
		return 2;
	cpu = argv[1];
	seed = argv[2];
	while (fgets(line, sizeof(line), stdin)) {
		if (line[0] == 'm') {
			machine_parse(line + 1);
		} else if (line[0] == 'e') {
			seen.complete = strtoul(line + 1, NULL, 16) == seen.cases;
		} else if (line[0] == 'c' && case_parse(line + 1, &c)) {
			check_case(line, &c);
		} else {
			printf("Bail out! not a line of the image's: %s", line);
			return 1;
		}
	}
	snprintf(text, sizeof(text), "%lu cases of seed %s, %lu came out otherwise than in emu/mmu",
		 seen.cases, seed, seen.bad);
	report(!seen.bad && seen.cases, text);
	report(seen.complete, "the image ran to its end");
	report_machine();
	report_faults();
	report_accesses();
	report_differences();
	printf("1..%u\n", tests);
	return 0;
}
