// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdlib.h>

#include "check.h"
#include "phys.h"

#define PAGE_MASK 0xfffULL

/* ESR_ELx, D24.2. */
#define CLASS_FETCH	     0x20 /* from a lower level; one more: from EL1 to EL1 */
#define CLASS_DATA	     0x24
#define STATUS_EXTERNAL	     0x10
#define STATUS_EXTERNAL_S1L3 0x17 /* on a stage-1 walk, level 3 */

/* The case that is asked about: the walker's memory. */
static const struct test_case *current;

/* The image's tables: zero but for what the case lists. Nothing else has descriptors. */
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

/* Tag accesses to what is not Tagged are plain ones. */
static enum emu_access access_of(const struct test_case *c)
{
	bool tagged = c->s1 == S1_TAGGED;

	switch ((enum case_access)c->access) {
	case CASE_REGISTERS:
	case CASE_WALK:
		return EMU_TABLE_READ;
	case CASE_WALK_AF:
		return EMU_TABLE_WRITE;
	case CASE_STORE:
		return EMU_WRITE;
	case CASE_FETCH:
		return c->el ? EMU_FETCH_EL1 : EMU_FETCH_EL0;
	case CASE_ATOMIC:
		return EMU_ATOMIC;
	case CASE_LDG:
		return tagged ? EMU_TAG_READ : EMU_READ;
	case CASE_STG:
		return tagged ? EMU_TAG_WRITE : EMU_WRITE;
	case CASE_CHECKED_LOAD:
		return tagged ? EMU_CHECKED_READ : EMU_READ;
	case CASE_CHECKED_STORE:
		return tagged ? EMU_CHECKED_WRITE : EMU_WRITE;
	case CASE_LOAD:
	case CASE_ACCESSES:
		break;
	}
	return EMU_READ;
}

static bool is_fetch(const struct test_case *c)
{
	return c->access == CASE_FETCH || c->access == CASE_REGISTERS;
}

/* DFSC and IFSC: the level is in the low two bits. */
static unsigned int status_of(const struct emu_walk *walk)
{
	static const unsigned int base[] = {
		[EMU_FAULT_ADDRESS_SIZE] = 0x00, [EMU_FAULT_TRANSLATION] = 0x04,
		[EMU_FAULT_ACCESS_FLAG] = 0x08,	 [EMU_FAULT_PERMISSION] = 0x0c,
		[EMU_FAULT_TAG] = 0x0c,		 [EMU_FAULT_MEMORY] = 0x14,
	};

	return base[walk->fault] + (unsigned int)walk->level;
}

/* WnR says nothing of a stage-1 walk, and there is none in a fetch's syndrome. */
static unsigned int open_wnr(const struct test_case *c, const struct expected *e)
{
	return e->walk.s1ptw || is_fetch(c) ? FIELD_WNR : 0;
}

/* A stage-2 fault, taken to EL2. */
static void expect_abort(const struct test_case *c, struct expected *e)
{
	e->end = END_ABORT;
	e->class = is_fetch(c) ? CLASS_FETCH : CLASS_DATA;
	e->status = status_of(&e->walk);
	e->s1ptw = e->walk.s1ptw;
	e->wnr = e->walk.write;
	e->tag = e->walk.fault == EMU_FAULT_TAG;
	e->hpfar = c->ipa >> 12 << 4;
	e->open = FIELD_VALUE | open_wnr(c, e);
	/* HPFAR_EL2 is UNKNOWN on an external abort, and need not be set on a tag fault. */
	if (e->tag || e->walk.fault == EMU_FAULT_MEMORY)
		e->open |= FIELD_HPFAR;
}

/* There is no memory at the address: an external abort, taken to EL1 with HCR_EL2.TEA = 0. */
static void expect_no_memory(const struct test_case *c, struct expected *e)
{
	e->end = END_EL1;
	e->class = (is_fetch(c) ? CLASS_FETCH : CLASS_DATA) + (unsigned int)c->el;
	e->status = e->walk.s1ptw ? STATUS_EXTERNAL_S1L3 : STATUS_EXTERNAL;
	e->wnr = e->walk.write;
	e->open = FIELD_VALUE | FIELD_HPFAR | open_wnr(c, e);
}

/* A tag access, where a type that is not known may be Tagged or not: @page if it was. */
static u64 tagged_page(const struct test_case *c, const struct expected *e, bool was)
{
	bool tagged = e->walk.type == EMU_UNKNOWN ? was : e->walk.tagged;

	return tagged && c->s1 == S1_TAGGED ? e->walk.pa & ~PAGE_MASK : 0;
}

static void expect_done(const struct test_case *c, struct expected *e)
{
	u64 page = e->walk.pa & ~PAGE_MASK;

	e->open = FIELD_FAR | FIELD_HPFAR;
	switch ((enum case_access)c->access) {
	case CASE_REGISTERS:
	case CASE_LOAD:
	case CASE_FETCH:
	case CASE_ATOMIC:
	case CASE_CHECKED_LOAD:
		e->value = page;
		break;
	case CASE_LDG:
		e->value = page_tag(tagged_page(c, e, c->value));
		break;
	case CASE_STG:
		e->where = tagged_page(c, e, c->where);
		e->open |= FIELD_VALUE;
		break;
	case CASE_STORE:
	case CASE_CHECKED_STORE:
		e->where = page;
		e->open |= FIELD_VALUE;
		break;
	case CASE_WALK:
	case CASE_WALK_AF:
		/* The stage-1 descriptor leads to where stage 2 has nothing: the load's fault. */
		e->end = END_ABORT;
		e->class = CLASS_DATA;
		e->hpfar = (WALK_IPA + page) >> 12 << 4;
		e->where = c->access == CASE_WALK_AF ? page : 0;
		e->open = FIELD_STATUS | FIELD_VALUE;
		break;
	case CASE_ACCESSES:
		break;
	}
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

void expect(const struct machine *machine, const struct test_case *c, struct expected *e)
{
	struct emu_mmu mmu = machine->mmu;

	current = c;
	mmu.vttbr = c->vttbr;
	mmu.vtcr = c->vtcr;
	mmu.fwb = bits(c->hcr, HCR_FWB_BIT, HCR_FWB_BIT);
	mmu.ptw = bits(c->hcr, HCR_PTW_BIT, HCR_PTW_BIT);
	*e = (struct expected){
		.walk = emu_mmu_access(&mmu, c->ipa, access_of(c)),
		.far = c->access == CASE_REGISTERS ? VA_CODE : c->va,
	};
	e->updated = e->walk.fault ? e->walk.desc : e->walk.update;
	if (c->access == CASE_WALK_AF)
		expect_read_first(c, &mmu, e);
	if (e->walk.fault)
		expect_abort(c, e);
	else if (e->walk.pa < RAM_END)
		expect_done(c, e);
	else
		expect_no_memory(c, e);
}

/* Is the last descriptor updated as expected, and no other? */
static bool updates_agree(const struct test_case *c, const struct expected *e)
{
	for (u64 i = 0; i < c->count; i++) {
		const struct descriptor *d = &c->way[i];

		if (d->after != (d->at == e->walk.at ? e->updated : d->before))
			return false;
	}
	return true;
}

static unsigned int compare_syndrome(u64 esr, const struct expected *e)
{
	return (bits(esr, 31, 26) != e->class ? FIELD_CLASS : 0) |
	       (bits(esr, 5, 0) != e->status ? FIELD_STATUS : 0) |
	       (bits(esr, 7, 7) != e->s1ptw ? FIELD_S1PTW : 0) |
	       (bits(esr, 6, 6) != e->wnr ? FIELD_WNR : 0) |
	       (bits(esr, 41, 41) != e->tag ? FIELD_TAG : 0);
}

unsigned int compare(const struct test_case *c, const struct expected *e)
{
	unsigned int diff = 0;

	if (c->end != e->end)
		return FIELD_END;
	if (e->end != END_DONE)
		diff |= compare_syndrome(c->esr, e);
	diff |= c->far != e->far ? FIELD_FAR : 0;
	diff |= c->hpfar != e->hpfar ? FIELD_HPFAR : 0;
	diff |= c->value != e->value ? FIELD_VALUE : 0;
	diff |= c->where != e->where ? FIELD_WHERE : 0;
	diff |= !updates_agree(c, e) ? FIELD_UPDATE : 0;
	return diff & ~e->open;
}
