// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Reads what the image wrote (case.h) and puts each case to emu/mmu: the same end, or the
 * difference is one that exceptions[] names. TAP; the argument is the CPU's name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "mmu.h"
#include "phys.h"

#define PAGE_MASK 0xfffULL

/* The fields that may differ. */
enum field {
	FIELD_END = 1 << 0,
	FIELD_CLASS = 1 << 1, /* ESR_ELx.EC */
	FIELD_STATUS = 1 << 2, /* DFSC or IFSC: kind and level */
	FIELD_S1PTW = 1 << 3,
	FIELD_WNR = 1 << 4,
	FIELD_TAG = 1 << 5, /* ISS2.TagAccess */
	FIELD_FAR = 1 << 6,
	FIELD_HPFAR = 1 << 7,
	FIELD_VALUE = 1 << 8,
	FIELD_WHERE = 1 << 9,
	FIELD_UPDATE = 1 << 10,
};

static const char *const field_names[] = { "end", "class", "status",  "S1PTW", "WnR",	 "TagAccess",
					   "FAR", "HPFAR", "value", "where", "update" };

struct descriptor {
	u64 at, before, after;
};

struct test_case {
	u64 hcr, vtcr, vttbr, ipa, access, el, s1, va, count;
	struct descriptor way[4];
	u64 end, esr, far, hpfar, value, where;
};

/* What the case should have come to. A field that is not to be compared is so in `open`. */
struct expected {
	struct emu_walk walk;
	u64 updated; /* the last descriptor afterwards */
	enum case_end end;
	unsigned int class, status;
	bool s1ptw, wnr, tag;
	u64 far, hpfar, value, where;
	unsigned int open;
};

static struct emu_mmu machine;
static bool machine_mte;
static const struct test_case *current;

/* The emulated memory: the tables are what the case lists, and zero. */
bool emu_phys_desc(u64 hpa, u64 *desc)
{
	*desc = 0;
	for (u64 i = 0; i < current->count; i++)
		if (current->way[i].at == hpa)
			*desc = current->way[i].before;
	return hpa >= RAM_BEGIN && hpa < RAM_TARGET;
}

bool emu_phys_update(u64 hpa, u64 was, u64 desc)
{
	return true;
}

static u64 bits(u64 value, unsigned int high, unsigned int low)
{
	return (value >> low) & ((1ULL << (high - low + 1)) - 1);
}

/* Tag accesses to what is not Tagged are plain ones. */
static enum emu_access access_of(const struct test_case *c)
{
	bool tagged = c->s1 == S1_TAGGED;

	switch ((enum case_access)c->access) {
	case CASE_LOAD:
		return EMU_READ;
	case CASE_STORE:
		return EMU_WRITE;
	case CASE_FETCH:
		return c->el ? EMU_FETCH_EL1 : EMU_FETCH_EL0;
	case CASE_ATOMIC:
		return EMU_ATOMIC;
	case CASE_REGISTERS:
	case CASE_WALK:
		return EMU_TABLE_READ;
	case CASE_WALK_AF:
		return EMU_TABLE_WRITE;
	case CASE_LDG:
		return tagged ? EMU_TAG_READ : EMU_READ;
	case CASE_STG:
		return tagged ? EMU_TAG_WRITE : EMU_WRITE;
	case CASE_CHECKED_LOAD:
		return tagged ? EMU_CHECKED_READ : EMU_READ;
	case CASE_CHECKED_STORE:
		return tagged ? EMU_CHECKED_WRITE : EMU_WRITE;
	case CASE_ACCESSES:
		break;
	}
	printf("Bail out! access %llu\n", c->access);
	exit(1);
}

static bool is_fetch(const struct test_case *c)
{
	return c->access == CASE_FETCH || c->access == CASE_REGISTERS;
}

/* DFSC and IFSC, D24.2: the level is in the low two bits. */
static unsigned int status_of(const struct emu_walk *walk)
{
	static const unsigned int base[] = {
		[EMU_FAULT_ADDRESS_SIZE] = 0x00, [EMU_FAULT_TRANSLATION] = 0x04,
		[EMU_FAULT_ACCESS_FLAG] = 0x08,	 [EMU_FAULT_PERMISSION] = 0x0c,
		[EMU_FAULT_TAG] = 0x0c,		 [EMU_FAULT_MEMORY] = 0x14,
	};

	return base[walk->fault] + (unsigned int)walk->level;
}

/* A stage-2 fault, taken to EL2. */
static void expect_abort(const struct test_case *c, struct expected *e)
{
	e->end = END_ABORT;
	e->class = is_fetch(c) ? 0x20 : 0x24;
	e->status = status_of(&e->walk);
	e->s1ptw = e->walk.s1ptw;
	e->wnr = e->walk.write;
	e->tag = e->walk.fault == EMU_FAULT_TAG;
	e->hpfar = c->ipa >> 12 << 4;
	/* HPFAR_EL2 is UNKNOWN on an external abort, and need not be set on a tag fault. */
	if (e->tag || e->walk.fault == EMU_FAULT_MEMORY)
		e->open |= FIELD_HPFAR;
	/* WnR says nothing of a stage-1 walk, and there is none in a fetch's syndrome. */
	if (e->s1ptw || is_fetch(c))
		e->open |= FIELD_WNR;
}

/* There is no memory at the address: an external abort, taken to EL1 with HCR_EL2.TEA = 0. */
static void expect_no_memory(const struct test_case *c, struct expected *e)
{
	e->end = END_EL1;
	e->class = (is_fetch(c) ? 0x20 : 0x24) + (unsigned int)c->el;
	/* The walk's is one of stage 1, which read its descriptor of level 3 there. */
	e->status = e->walk.s1ptw ? 0x17 : 0x10;
	e->wnr = e->walk.write;
	e->open |= FIELD_HPFAR;
	if (e->walk.s1ptw || is_fetch(c))
		e->open |= FIELD_WNR;
}

static void expect_done(const struct test_case *c, struct expected *e)
{
	u64 page = e->walk.pa & ~PAGE_MASK;
	bool tagged = e->walk.tagged && c->s1 == S1_TAGGED;

	e->open |= FIELD_VALUE | FIELD_HPFAR;
	switch ((enum case_access)c->access) {
	case CASE_LDG:
		e->value = tagged ? page_tag(page) : 0;
		/* A type that is not known may be Tagged or not. */
		if (e->walk.type == EMU_UNKNOWN && c->value)
			e->value = page_tag(page);
		break;
	case CASE_STG:
		e->where = tagged ? page : 0;
		if (e->walk.type == EMU_UNKNOWN && c->where)
			e->where = page;
		return;
	case CASE_STORE:
	case CASE_CHECKED_STORE:
		e->where = page;
		return;
	case CASE_WALK:
	case CASE_WALK_AF:
		/* The stage-1 descriptor leads to where stage 2 has nothing: the load's fault. */
		e->end = END_ABORT;
		e->class = 0x24;
		e->hpfar = (WALK_IPA + page) >> 12 << 4;
		e->where = c->access == CASE_WALK_AF ? page : 0;
		e->open = FIELD_STATUS | FIELD_VALUE;
		return;
	default:
		e->value = page;
	}
	e->open &= ~(unsigned int)FIELD_VALUE;
}

/*
 * A walk that sets the access flag has read the descriptor before, with all that comes of
 * reading; and if there is no memory, that is all it does.
 */
static void expect_read_first(const struct test_case *c, const struct emu_mmu *mmu,
			      struct expected *e)
{
	struct emu_walk read = emu_mmu_access(mmu, c->ipa, EMU_TABLE_READ);

	if (read.fault)
		return;
	if (e->walk.fault || read.pa >= RAM_END)
		e->updated = read.update;
	if (read.pa >= RAM_END)
		e->walk = read;
}

static void expect(const struct test_case *c, struct expected *e)
{
	struct emu_mmu mmu = machine;

	mmu.vttbr = c->vttbr;
	mmu.vtcr = c->vtcr;
	mmu.fwb = bits(c->hcr, 46, 46);
	mmu.ptw = bits(c->hcr, 2, 2);
	current = c;
	*e = (struct expected){ .walk = emu_mmu_access(&mmu, c->ipa, access_of(c)), .far = c->va };
	e->updated = e->walk.fault ? e->walk.desc : e->walk.update;
	if (c->access == CASE_WALK_AF)
		expect_read_first(c, &mmu, e);
	if (e->walk.fault)
		e->open |= FIELD_VALUE;
	if (e->walk.fault)
		expect_abort(c, e);
	else if (e->walk.pa < RAM_END)
		expect_done(c, e);
	else
		expect_no_memory(c, e);
	if (e->end == END_EL1)
		e->open |= FIELD_VALUE;
	if (e->end == END_DONE)
		e->open |= FIELD_FAR;
	if (c->access == CASE_REGISTERS)
		e->far = c->far & PAGE_MASK ? VA_CODE | (c->far & PAGE_MASK) : VA_CODE;
}

/* Were the descriptors updated as expected, and no others? */
static bool updates_agree(const struct test_case *c, const struct expected *e)
{
	for (u64 i = 0; i < c->count; i++) {
		const struct descriptor *d = &c->way[i];

		if (d->after != (d->at == e->walk.at ? e->updated : d->before))
			return false;
	}
	return true;
}

static unsigned int compare(const struct test_case *c, const struct expected *e)
{
	unsigned int diff = 0;

	if (c->end != e->end)
		return FIELD_END;
	if (e->end != END_DONE) {
		diff |= bits(c->esr, 31, 26) != e->class ? FIELD_CLASS : 0;
		diff |= bits(c->esr, 5, 0) != e->status ? FIELD_STATUS : 0;
		diff |= bits(c->esr, 7, 7) != e->s1ptw ? FIELD_S1PTW : 0;
		diff |= bits(c->esr, 6, 6) != e->wnr ? FIELD_WNR : 0;
		diff |= bits(c->esr, 41, 41) != e->tag ? FIELD_TAG : 0;
	}
	diff |= c->far != e->far ? FIELD_FAR : 0;
	diff |= (c->hpfar & ~0xfULL) != e->hpfar ? FIELD_HPFAR : 0;
	diff |= c->value != e->value ? FIELD_VALUE : 0;
	diff |= c->where != e->where ? FIELD_WHERE : 0;
	diff |= !updates_agree(c, e) ? FIELD_UPDATE : 0;
	return diff & ~e->open;
}

/* --- The differences that are known: docs/decisions.md, "QEMU beside the Arm ARM". --- */

static bool always(void)
{
	return true;
}

static bool has_mte(void)
{
	return machine_mte;
}

static bool has_mte_perm(void)
{
	return machine.mte_perm;
}

static bool has_flags(void)
{
	return machine.hafdbs;
}

static bool tag_fault_status(const struct test_case *c, const struct expected *e)
{
	return e->walk.fault == EMU_FAULT_TAG && bits(c->esr, 5, 0) == 0;
}

static bool ptw_level(const struct test_case *c, const struct expected *e)
{
	return e->walk.fault == EMU_FAULT_PERMISSION && e->s1ptw && bits(c->hcr, 2, 2) &&
	       bits(c->esr, 5, 0) == 0x0c;
}

static bool fault_sets_flag(const struct test_case *c, const struct expected *e)
{
	const struct descriptor *last = &c->way[c->count - 1];

	return (e->walk.fault == EMU_FAULT_PERMISSION || e->walk.fault == EMU_FAULT_TAG) &&
	       !(last->after & ~last->before & ~(1ULL << 10 | 1ULL << 7)) &&
	       !(last->before & ~last->after);
}

static bool tags_of_nothing(const struct test_case *c, const struct expected *e)
{
	return (c->access == CASE_LDG || c->access == CASE_STG) && e->end == END_EL1 &&
	       c->end == END_DONE;
}

static bool size_beyond(const struct test_case *c, const struct expected *e)
{
	return c->access == CASE_REGISTERS && e->status == 0x04 &&
	       64 - bits(c->vtcr, 5, 0) > machine.pa_bits;
}

static bool atomic_abort(const struct test_case *c, const struct expected *e)
{
	return c->access == CASE_ATOMIC && e->walk.pa >= RAM_END && c->end == END_EL1 &&
	       bits(c->esr, 5, 0) == 0x10;
}

static struct exception {
	const char *name;
	unsigned int fields;
	bool (*applies)(const struct test_case *c, const struct expected *e);
	bool (*possible)(void); /* on this machine */
	unsigned long seen;
} exceptions[] = {
	{ "tag-fault-status", FIELD_STATUS, tag_fault_status, has_mte_perm, 0 },
	{ "ptw-level", FIELD_STATUS, ptw_level, always, 0 },
	{ "fault-sets-flag", FIELD_UPDATE, fault_sets_flag, has_flags, 0 },
	{ "tags-of-nothing", FIELD_END, tags_of_nothing, has_mte, 0 },
	{ "size-beyond", FIELD_STATUS, size_beyond, always, 0 },
	{ "atomic-abort", FIELD_END | FIELD_UPDATE, atomic_abort, always, 0 },
};
#define EXCEPTIONS (sizeof(exceptions) / sizeof(exceptions[0]))

/* Takes from @diff what an exception excuses. */
static unsigned int excuse(const struct test_case *c, const struct expected *e, unsigned int diff)
{
	for (size_t i = 0; i < EXCEPTIONS && diff; i++) {
		struct exception *x = &exceptions[i];

		if (!(diff & x->fields) || !x->applies(c, e))
			continue;
		x->seen++;
		diff &= ~x->fields;
	}
	return diff;
}

/* --- Input. --- */

static u64 number(char **text)
{
	return strtoull(*text, text, 16);
}

static bool case_parse(char *text, struct test_case *c)
{
	u64 *const head[] = { &c->hcr, &c->vtcr, &c->vttbr, &c->ipa, &c->access,
			      &c->el,  &c->s1,	 &c->va,    &c->count };
	u64 *const tail[] = { &c->end, &c->esr, &c->far, &c->hpfar, &c->value, &c->where };

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		*head[i] = number(&text);
	if (c->count > 4)
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
	u64 pfr2;

	machine_mte = bits(number(&text), 11, 8) >= 2;
	pfr2 = number(&text);
	machine = (struct emu_mmu){
		.hardware = true,
		.mte_perm = bits(pfr2, 3, 0),
		.xnx = bits(mmfr1, 31, 28),
		.pa_bits = pa_sizes[bits(mmfr0, 3, 0)],
		.hafdbs = (u8)bits(mmfr1, 3, 0),
		.ttst = bits(mmfr2, 31, 28),
	};
}

static void complain(const char *line, const struct expected *e, unsigned int diff)
{
	printf("# differs in");
	for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++)
		if (diff >> i & 1)
			printf(" %s", field_names[i]);
	printf("\n#   emu: fault %d level %d end %d class %x status %x s1ptw %d wnr %d tag %d\n",
	       e->walk.fault, e->walk.level, e->end, e->class, e->status, e->s1ptw, e->wnr, e->tag);
	printf("#   pa %llx type %d notag %d hpfar %llx value %llx where %llx update %llx\n",
	       e->walk.pa, e->walk.type, e->walk.notag, e->hpfar, e->value, e->where,
	       e->walk.update);
	printf("#   %s", line);
}

#define COMPLAINTS 20
#define LEVELS	   4

int main(int argc, char **argv)
{
	static unsigned long kinds[EMU_FAULT_MEMORY + 1][LEVELS];
	unsigned long cases = 0, bad = 0;
	bool ended = false;
	char line[1024];

	while (fgets(line, sizeof(line), stdin)) {
		struct test_case c;
		struct expected e;
		unsigned int diff;

		if (line[0] == 'm') {
			machine_parse(line + 1);
			continue;
		}
		if (line[0] == 'e') {
			ended = strtoul(line + 1, NULL, 16) == cases;
			continue;
		}
		if (line[0] != 'c' || !case_parse(line + 1, &c)) {
			printf("Bail out! %s", line);
			return 1;
		}
		cases++;
		expect(&c, &e);
		kinds[e.walk.fault][e.walk.level]++;
		diff = excuse(&c, &e, compare(&c, &e));
		if (diff && bad++ < COMPLAINTS)
			complain(line, &e, diff);
	}
	printf("%s - %lu cases, %lu differ\n", bad || !ended ? "not ok" : "ok", cases, bad);
	for (size_t i = 0; i < EXCEPTIONS; i++)
		printf("# %s %lu\n", exceptions[i].name, exceptions[i].seen);
	for (int fault = 0; fault <= EMU_FAULT_MEMORY; fault++)
		printf("# %d: %lu %lu %lu %lu\n", fault, kinds[fault][0], kinds[fault][1],
		       kinds[fault][2], kinds[fault][3]);
	return 0;
}
