// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Runs random cases and writes down what came of each. Arguments: seed and number of
 * cases, decimal.
 */
#include "plan.h"

/* Registers: Arm ARM D24.2. */
#define MDCR_TDE     (1ULL << 8) /* BRK goes to EL2 */
#define PSTATE_EL1H  0x3c5	 /* D, A, I and F masked */
#define PSTATE_EL0T  0x3c0
#define PAR_F	     1ULL
#define PAR_ADDRESS  0x0000fffffffff000ULL
#define ESR_EC(esr)  ((esr) >> 26 & 0x3f)
#define EC_HVC	     0x16
#define EC_BRK	     0x3c
#define MAIR_NO_TAGS 0x44ffffULL /* by enum case_s1 */
#define MAIR_TAGS    0x44fff0ULL

/* 39-bit addresses from TTBR0_EL1 alone, walks write-back and inner shareable, 4K granules. */
#define TCR_T0SZ       25ULL
#define TCR_WALKS      (1ULL << 8 | 1ULL << 10 | 3ULL << 12)
#define TCR_EPD1       (1ULL << 23)
#define TCR_T1SZ       (25ULL << 16)
#define TCR_TG1_4K     (2ULL << 30)
#define TCR_IPS_SHIFT  32
#define TCR_IPS_48     5
#define TCR_TBI0       (1ULL << 37)
#define TCR_HA	       (1ULL << 39)
#define TCR_BASE       (TCR_T0SZ | TCR_WALKS | TCR_EPD1 | TCR_T1SZ | TCR_TG1_4K | TCR_TBI0)
#define SCTLR_M	       (1ULL << 0)
#define SCTLR_C	       (1ULL << 2)
#define SCTLR_I	       (1ULL << 12)
#define SCTLR_TCF_SYNC (1ULL << 40 | 1ULL << 38) /* EL1's and EL0's */
#define SCTLR_ATA_BOTH (1ULL << 43 | 1ULL << 42)
#define SCTLR_RES1     0x30d00980ULL /* without later extensions; SPAN */
#define SCTLR_BASE     (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_I)

/* Stage-2 pages that are always mapped: all permissions, write-back. D8.3. */
#define S2_GOOD	     (0x3ULL | 3 << 6 | 3 << 8 | 1 << 10)
#define S2_WB	     (0xfULL << 2)
#define S2_WB_FORCED (0x6ULL << 2) /* with HCR_EL2.FWB */
#define TABLE	     0x3ULL

#define MAGIC	0x7e55e7a000000000ULL /* what is stored, with the number of the case */
#define STG_TAG 9ULL

extern const char guest_code[], guest_load[], guest_store[], guest_fetch[], guest_atomic[],
	guest_ldg[], guest_stg[];

void main(void);

static struct tables tables __attribute__((aligned(65536)));

struct result {
	enum case_end end;
	u64 esr, far, hpfar, value, where;
};

/* How each access is made: the code, and where in the page. */
static const struct access_form {
	const char *code;
	u64 offset;
} access_forms[] = {
	[CASE_REGISTERS] = { guest_load, PAGE_LOAD },
	[CASE_LOAD] = { guest_load, PAGE_LOAD },
	[CASE_STORE] = { guest_store, PAGE_STORE },
	[CASE_FETCH] = { guest_fetch, PAGE_FETCH },
	[CASE_ATOMIC] = { guest_atomic, PAGE_LOAD },
	[CASE_WALK] = { guest_load, VA_OF_ENTRY(PAGE_WALK) },
	[CASE_WALK_AF] = { guest_load, VA_OF_ENTRY(PAGE_AF) },
	[CASE_LDG] = { guest_ldg, PAGE_LDG },
	[CASE_STG] = { guest_stg, PAGE_STG },
	[CASE_CHECKED_LOAD] = { guest_load, PAGE_CHECK },
	[CASE_CHECKED_STORE] = { guest_store, PAGE_CHECK + STORE_NEXT },
};

static void stage1_begin(void)
{
	static const u64 ipa[] = { IPA_S1_L2, IPA_S1_L3 };

	tables.s1[0][0] = ipa[0] | TABLE;
	tables.s1[1][0] = ipa[1] | TABLE;
	tables.s1[2][VA_CODE / PAGE] =
		IPA_CODE | S1_PAGE | S1_ATTR(S1_WB) | S1_AP_EL0 | S1_AP_RO | S1_INNER | S1_AF;
	write_sysreg(mair_el1, features.mte ? MAIR_TAGS : MAIR_NO_TAGS);
	write_sysreg(ttbr0_el1, IPA_S1_L1);
	write_sysreg(vbar_el1, VA_CODE + VECTORS);
	write_sysreg(mdcr_el2, MDCR_TDE);
	for (int level = 1; level < 3; level++)
		tables.good[level][0] = (uintptr_t)tables.good[level + 1] | TABLE;
}

/* The way to the pages that are always mapped, from the start level on. */
static void good_write(const struct plan *plan)
{
	const u64 pages[IPA_GOOD] = { (uintptr_t)tables.s1[0], (uintptr_t)tables.s1[1],
				      (uintptr_t)tables.s1[2], (uintptr_t)guest_code };
	u64 *last = plan->start_level == 3 ? plan->root : tables.good[3];
	u64 attr = plan->hcr >> HCR_FWB_BIT & 1 ? S2_WB_FORCED : S2_WB;

	for (unsigned int i = 0; i < IPA_GOOD; i++)
		last[i] = pages[i] | S2_GOOD | attr;
	if (plan->start_level < 3)
		plan->root[0] = (uintptr_t)tables.good[plan->start_level + 1] | TABLE;
}

static void stage1_write(const struct plan *plan)
{
	bool checked = plan->access == CASE_CHECKED_LOAD || plan->access == CASE_CHECKED_STORE;
	u64 sctlr = SCTLR_BASE | (features.mte ? SCTLR_ATA_BOTH : 0);
	u64 tcr = TCR_BASE | (features.pa_bits == 48 ? TCR_IPS_48 : features.mmfr0 & 0xf)
				     << TCR_IPS_SHIFT;

	tables.s1[2][VA_TEST / PAGE] = plan->ipa | S1_PAGE | S1_ATTR((u64)plan->s1) | S1_INNER |
				       S1_AF | (plan->el ? 0 : S1_AP_EL0);
	tables.s1[1][VA_WALK >> 21] = plan->ipa | TABLE;
	write_sysreg(sctlr_el1, sctlr | (checked ? SCTLR_TCF_SYNC : 0));
	write_sysreg(tcr_el1, tcr | (plan->access == CASE_WALK_AF ? TCR_HA : 0));
}

static void tables_write(struct plan *plan)
{
	if (plan->access != CASE_REGISTERS)
		good_write(plan);
	for (unsigned int i = 0; i < plan->count; i++)
		*plan->way[i].at = plan->way[i].desc;
	stage1_write(plan);
	write_sysreg(hcr_el2, plan->hcr);
	write_sysreg(vtcr_el2, plan->vtcr);
	write_sysreg(vttbr_el2, plan->vttbr);
	barrier_all();
	__asm__ volatile("tlbi vmalls12e1" ::: "memory");
	barrier_all();
}

static void tables_clear(const struct plan *plan)
{
	for (unsigned int i = 0; i < IPA_GOOD; i++)
		plan->root[i] = 0;
	for (unsigned int i = 0; i < plan->count; i++)
		*plan->way[i].at = 0;
}

/* Where the CPU says that the page is; whether a store is there is looked up. 0: nowhere. */
static u64 page_of(const struct plan *plan)
{
	u64 par;

	if (plan->el)
		__asm__ volatile("at s12e1w, %0\n\tisb" ::"r"(plan->va) : "memory");
	else
		__asm__ volatile("at s12e0w, %0\n\tisb" ::"r"(plan->va) : "memory");
	par = read_sysreg(par_el1);
	if (par & PAR_F || (par & PAR_ADDRESS) < RAM_TARGET || (par & PAR_ADDRESS) >= RAM_END)
		return 0;
	return par & PAR_ADDRESS;
}

/* The page whose word at the offset is @value, put back to @was; or 0. */
static u64 find_word(u64 page, u64 offset, u64 value, u64 was)
{
	volatile u64 *word = (u64 *)(uintptr_t)(page + offset);

	if (!page || *word != value)
		return 0;
	*word = was;
	return page;
}

static u64 find_tag(u64 page)
{
	if (!page || el2_tag_load(page + PAGE_STG) != STG_TAG)
		return 0;
	el2_tag_store(page + PAGE_STG);
	return page;
}

/* A stage-1 descriptor that has got its access flag. */
static u64 find_flag(u64 hpfar)
{
	u64 page = (hpfar >> 4 << 12) - WALK_IPA;
	u64 flagged = (WALK_IPA + page) | S1_PAGE | S1_ATTR(S1_WB) | S1_INNER | S1_AP_EL0 | S1_AF;

	if (page < RAM_TARGET || page >= RAM_END)
		return 0;
	return find_word(page, PAGE_AF, flagged, flagged & ~(u64)S1_AF);
}

static void find_store(const struct plan *plan, u64 stored, struct result *result)
{
	u64 offset = access_forms[plan->access].offset;

	switch (plan->access) {
	case CASE_STORE:
	case CASE_CHECKED_STORE:
		if (result->end == END_DONE)
			result->where = find_word(page_of(plan), offset, stored, 0);
		break;
	case CASE_STG:
		if (result->end == END_DONE)
			result->where = find_tag(page_of(plan));
		break;
	case CASE_WALK_AF:
		if (result->end == END_ABORT)
			result->where = find_flag(result->hpfar);
		break;
	default:
		break;
	}
}

static void run(struct plan *plan, u64 number, struct result *result)
{
	const struct access_form *form = &access_forms[plan->access];
	bool walk = plan->access == CASE_WALK || plan->access == CASE_WALK_AF;
	struct guest_regs regs = {
		.x0 = MAGIC | number,
		.pc = VA_CODE + (u64)(form->code - guest_code),
		.pstate = plan->el ? PSTATE_EL1H : PSTATE_EL0T,
	};

	plan->va = (walk ? VA_WALK : VA_TEST) + form->offset;
	regs.x1 = plan->va;
	if (plan->access == CASE_STG)
		regs.x0 = plan->va | STG_TAG << 56;
	write_sysreg(hpfar_el2, 0);
	guest_run(&regs);
	*result = (struct result){
		.end = END_ABORT,
		.esr = read_sysreg(esr_el2),
		.far = read_sysreg(far_el2),
		.hpfar = read_sysreg(hpfar_el2),
		.value = regs.x0,
	};
	if (ESR_EC(result->esr) == EC_BRK) {
		result->end = END_DONE;
	} else if (ESR_EC(result->esr) == EC_HVC) {
		result->end = END_EL1;
		result->esr = read_sysreg(esr_el1);
		result->far = read_sysreg(far_el1);
	}
}

static void report(const struct plan *plan, const u64 *after, const struct result *result)
{
	const u64 line[] = { plan->hcr, plan->vtcr,    plan->vttbr, plan->ipa,	(u64)plan->access,
			     plan->el,	(u64)plan->s1, plan->va,    plan->count };
	const u64 end[] = { (u64)result->end, result->esr,   result->far,
			    result->hpfar,    result->value, result->where };

	out_text("c");
	for (unsigned int i = 0; i < sizeof(line) / sizeof(line[0]); i++)
		out_number(line[i]);
	for (unsigned int i = 0; i < plan->count; i++) {
		out_number((uintptr_t)plan->way[i].at);
		out_number(plan->way[i].desc);
		out_number(after[i]);
	}
	for (unsigned int i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		out_number(end[i]);
	out_text("\n");
}

static void run_case(u64 number)
{
	struct plan plan;
	struct result result;
	u64 after[4];

	plan_random(&plan, &tables);
	tables_write(&plan);
	run(&plan, number, &result);
	for (unsigned int i = 0; i < plan.count; i++)
		after[i] = *(volatile u64 *)plan.way[i].at;
	find_store(&plan, MAGIC | number, &result);
	tables_clear(&plan);
	report(&plan, after, &result);
}

/* The next decimal number of the command line; whatever is before it is passed over. */
static u64 argument(const char **text)
{
	u64 value = 0;

	while (**text && (**text < '0' || **text > '9'))
		(*text)++;
	for (; **text >= '0' && **text <= '9'; (*text)++)
		value = value * 10 + (u64)(**text - '0');
	return value;
}

void main(void)
{
	char line[128];
	const char *text = line;
	u64 seed, count;

	out_command_line(line, sizeof(line));
	seed = argument(&text);
	count = argument(&text);
	random_seed(seed);
	el2_begin();
	stage1_begin();
	out_text("m");
	out_number(features.mmfr0);
	out_number(features.mmfr1);
	out_number(features.mmfr2);
	out_number(features.pfr1);
	out_number(features.pfr2);
	out_number(features.isar0);
	out_text("\n");
	for (u64 i = 0; i < count; i++)
		run_case(i);
	out_text("e");
	out_number(count);
	out_text("\n");
	el2_exit(0);
}
