// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "check.h"

#define STATUS_ACCESS_FLAG  0x08
#define STATUS_PERMISSION_0 0x0c
#define STATUS_EXTERNAL	    0x10
#define DESC_AF		    (1ULL << 10)
#define DESC_S2AP_W	    (1ULL << 7)

static bool always(const struct machine *machine)
{
	return true;
}

static bool has_mte(const struct machine *machine)
{
	return machine->mte;
}

static bool has_mte_perm(const struct machine *machine)
{
	return machine->mmu.mte_perm;
}

static bool has_atomics(const struct machine *machine)
{
	return machine->atomics;
}

static bool has_flags(const struct machine *machine)
{
	return machine->mmu.hafdbs;
}

static bool has_small_pa(const struct machine *machine)
{
	return machine->mmu.pa_bits < 48;
}

static bool has_fwb_mte_only(const struct machine *machine)
{
	return machine->fwb && machine->mte && !machine->mmu.mte_perm;
}

static bool tag_fault_status(const struct machine *machine, const struct test_case *c,
			     const struct expected *e)
{
	return e->walk.fault == EMU_FAULT_TAG && bits(c->esr, 5, 0) == 0;
}

static bool ptw_level(const struct machine *machine, const struct test_case *c,
		      const struct expected *e)
{
	return e->walk.fault == EMU_FAULT_PERMISSION && e->s1ptw &&
	       bits(c->hcr, HCR_PTW_BIT, HCR_PTW_BIT) && bits(c->esr, 5, 0) == STATUS_PERMISSION_0;
}

static bool fault_sets_flag(const struct machine *machine, const struct test_case *c,
			    const struct expected *e)
{
	const struct descriptor *last = &c->way[c->count - 1];

	return (e->walk.fault == EMU_FAULT_PERMISSION || e->walk.fault == EMU_FAULT_TAG) &&
	       !(last->after & ~last->before & ~(DESC_AF | DESC_S2AP_W)) &&
	       !(last->before & ~last->after);
}

static bool tags_of_nothing(const struct machine *machine, const struct test_case *c,
			    const struct expected *e)
{
	return (c->access == CASE_LDG || c->access == CASE_STG) && e->end == END_EL1 &&
	       c->end == END_DONE;
}

/* The other behaviour that is allowed: as if the size were one that the CPU has. */
static bool size_beyond(const struct machine *machine, const struct test_case *c,
			const struct expected *e)
{
	unsigned int ia_bits = 64 - (unsigned int)bits(c->vtcr, 5, 0);

	return c->access == CASE_REGISTERS && ia_bits > machine->mmu.pa_bits && ia_bits <= 48 &&
	       bits(c->esr, 5, 0) < STATUS_ACCESS_FLAG;
}

static bool atomic_abort(const struct machine *machine, const struct test_case *c,
			 const struct expected *e)
{
	return c->access == CASE_ATOMIC && e->walk.pa >= RAM_END && c->end == END_EL1 &&
	       bits(c->esr, 5, 0) == STATUS_EXTERNAL;
}

static bool fwb_res0(const struct machine *machine, const struct test_case *c,
		     const struct expected *e)
{
	return (c->access == CASE_LDG || c->access == CASE_STG) &&
	       bits(c->hcr, HCR_FWB_BIT, HCR_FWB_BIT) && bits(e->walk.desc, 5, 3) == 7 &&
	       !c->where && (c->access == CASE_STG || !c->value);
}

static struct difference {
	const char *name;
	unsigned int fields;
	bool (*applies)(const struct machine *machine, const struct test_case *c,
			const struct expected *e);
	bool (*possible)(const struct machine *machine);
	unsigned long seen;
} differences[] = {
	{ "tag-fault-status", FIELD_STATUS, tag_fault_status, has_mte_perm, 0 },
	{ "ptw-level", FIELD_STATUS, ptw_level, always, 0 },
	{ "fault-sets-flag", FIELD_UPDATE, fault_sets_flag, has_flags, 0 },
	{ "tags-of-nothing", FIELD_END, tags_of_nothing, has_mte, 0 },
	{ "size-beyond", FIELD_STATUS, size_beyond, has_small_pa, 0 },
	{ "atomic-abort", FIELD_END | FIELD_UPDATE, atomic_abort, has_atomics, 0 },
	{ "fwb-res0", FIELD_VALUE | FIELD_WHERE, fwb_res0, has_fwb_mte_only, 0 },
};
#define DIFFERENCES (sizeof(differences) / sizeof(differences[0]))

unsigned int differences_excuse(const struct machine *machine, const struct test_case *c,
				const struct expected *e, unsigned int diff)
{
	for (size_t i = 0; i < DIFFERENCES; i++) {
		struct difference *d = &differences[i];

		if (!(diff & d->fields) || !d->possible(machine) || !d->applies(machine, c, e))
			continue;
		d->seen++;
		diff &= ~d->fields;
	}
	return diff;
}

const char *differences_seen(const struct machine *machine, unsigned int n, unsigned long *seen)
{
	for (size_t i = 0; i < DIFFERENCES; i++) {
		if (!differences[i].possible(machine) || n--)
			continue;
		*seen = differences[i].seen;
		return differences[i].name;
	}
	return NULL;
}
