// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What each access needs of the page it touches, with each set of attributes, at EL1 and at
 * EL0, on pages and in blocks: docs/abi.md 4.2 and 5.1 restated. What may be denied exits, once
 * for each attempt and each need, does nothing until it is granted, and is done then.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

/* The exit flag for each attribute has the attribute's own number. */
#define R   KVM_MEMORY_ATTRIBUTE_NR
#define W   KVM_MEMORY_ATTRIBUTE_NW
#define X   KVM_MEMORY_ATTRIBUTE_NX
#define T   KVM_MEMORY_ATTRIBUTE_NT
#define RW  (R | W)
#define RT  (R | T)
#define WT  (W | T)
#define RWT (R | W | T)
#define ALL (R | W | X | T)
#define CLR KVM_MEMORY_ATTRIBUTES_CLEAR

enum {
	NORMAL = 1 << 0,  /* not defined on Device memory, which the MMU being off makes it */
	EL1 = 1 << 1,	  /* not at EL0 */
	TAGS = 1 << 2,	  /* in a VM with MTE */
	CHECKED = 1 << 3, /* Tag Checked: likewise */
	QUIET = 1 << 4,	  /* where there are no caches it needs nothing at all */
	BLOCKS = 1 << 5,  /* tried inside blocks as well */
	TWICE = 1 << 6,	  /* writes data, then tags: the data may be there before the exit */
};

static const struct access {
	const char *name;
	const void *snippet;
	uint64_t needs;
	unsigned int flags;
} accesses[] = {
	{ "an 8-byte load", guest_ldr, R, BLOCKS },
	{ "a 4-byte load", guest_ldr_w, R },
	{ "a 2-byte load", guest_ldrh, R },
	{ "a byte load", guest_ldrb, R },
	{ "a sign-extending load", guest_ldrsw, R },
	{ "a load-acquire", guest_ldar, R },
	{ "a load with writeback", guest_ldr_post, R },
	{ "a load of a pair", guest_ldp, R },
	{ "an FP load", guest_ldr_v, R, EL1 },
	{ "a load-exclusive", guest_ldxr, R, NORMAL },
	{ "an 8-byte store", guest_str, W, BLOCKS },
	{ "a 4-byte store", guest_str_w, W },
	{ "a byte store", guest_strb, W },
	{ "a store-release", guest_stlr, W },
	{ "a store of a pair", guest_stp, W },
	{ "DC ZVA", guest_dc_zva, W, NORMAL },
	{ "a swap", guest_swp, RW, NORMAL | BLOCKS },
	{ "an atomic add", guest_ldadd, RW, NORMAL },
	{ "a compare-and-swap", guest_cas, RW, NORMAL },
	{ "an exclusive pair", guest_exclusive, RW, NORMAL },
	{ "an exclusive pair of pairs", guest_exclusive_pair, RW, NORMAL },
	{ "a fetch", guest_branch, X, BLOCKS },
	{ "DC CVAC", guest_dc_cvac, R, NORMAL | QUIET },
	{ "DC CVAP", guest_dc_cvap, R, NORMAL | QUIET },
	{ "DC CIVAC", guest_dc_civac, R, NORMAL | QUIET },
	{ "IC IVAU", guest_ic_ivau, R, NORMAL | QUIET },
	{ "LDG", guest_ldg, RT, TAGS | BLOCKS },
	{ "LDGM", guest_ldgm, RT, TAGS | EL1 },
	{ "STG", guest_stg, WT, TAGS | BLOCKS },
	{ "ST2G", guest_st2g, WT, TAGS },
	{ "STZG", guest_stzg, WT, TAGS },
	{ "STZ2G", guest_stz2g, WT, TAGS },
	{ "STGP", guest_stgp, WT, TAGS | TWICE },
	{ "STGM", guest_stgm, WT, TAGS | EL1 },
	{ "DC GVA", guest_dc_gva, WT, TAGS },
	{ "DC GZVA", guest_dc_gzva, WT, TAGS | TWICE },
	{ "a checked load", guest_ldr, RT, CHECKED | BLOCKS },
	{ "a checked load of a pair", guest_ldp, RT, CHECKED },
	{ "a checked load-exclusive", guest_ldxr, RT, CHECKED },
	{ "a checked store", guest_str, WT, CHECKED | BLOCKS },
	{ "a checked store of a pair", guest_stp, WT, CHECKED },
	{ "a checked DC ZVA", guest_dc_zva, WT, CHECKED },
	{ "a checked swap", guest_swp, RWT, CHECKED | BLOCKS },
	{ "a checked exclusive pair", guest_exclusive, RWT, CHECKED },
};

/* The memory of test_huge() cannot hold tags: a VM without MTE. */
static bool untagged;

/* Where an access is tried. */
struct place {
	const char *name;
	uint8_t *memory; /* of the slot at TEST_GPA */
	uint64_t size;
	uint64_t offset;     /* of the page that is touched */
	uint64_t attr, span; /* what the attributes are set on, by offset */
	unsigned int order;  /* log2 of the pages that stage 2 maps as one there */
};

struct trial {
	struct machine m;
	const struct place *place;
	uint64_t mask; /* the attributes that the VM offers */
	bool mmu;
	bool mte;
	bool el0;
};

static void call_access(struct trial *t, const void *snippet, uint64_t gpa)
{
	/* The tag is that of fresh memory: 0. */
	if (t->el0)
		machine_call_el0(&t->m, snippet, gpa, 0x10);
	else
		machine_call(&t->m, snippet, gpa, 0x10);
}

static bool finishes(struct trial *t, const void *snippet, uint64_t gpa)
{
	call_access(t, snippet, gpa);
	return machine_run(&t->m) == 0 && machine_done(&t->m, NULL);
}

static uint8_t *touched(const struct trial *t)
{
	return t->place->memory + t->place->offset;
}

/* The page ends as a snippet does, for fetches from it. */
static void plant_code(struct trial *t)
{
	memcpy(touched(t), guest_finish, 12);
	__builtin___clear_cache((char *)touched(t), (char *)touched(t) + 12);
}

/*
 * Of what lacks one need comes at a time: R and W in the hardware's order, and tags last; but
 * of an atomic the load's tags may come before the store's W.
 */
static bool exits_rightly(struct trial *t, long ret, const struct access *access, uint64_t lacking)
{
	uint64_t flag = t->m.run->memory_fault.flags;
	uint64_t first = lacking & ((access->needs & RW) == RW ? R : RW);

	if (!flag || (flag & lacking) != flag || (flag & (flag - 1)) || (flag == T && first))
		flag = lacking;
	return machine_faulted(&t->m, ret, flag, TEST_GPA + t->place->offset);
}

/* Until the access is done: an exit for each need that lacks, and the same one again. */
static bool exits_and_goes_on(struct trial *t, const struct access *access, uint64_t lacking)
{
	const struct place *place = t->place;
	uint8_t before[PAGE];
	bool quiet = access->flags & QUIET;

	memcpy(before, touched(t), PAGE);
	for (; lacking; quiet = false) {
		long ret = machine_run(&t->m);
		uint64_t pc = machine_get(&t->m, REG_PC), flag;

		if (quiet && !ret && machine_done(&t->m, NULL))
			return true;
		flag = t->m.run->memory_fault.flags;
		if (!exits_rightly(t, ret, access, lacking))
			return false;
		if (!machine_faulted(&t->m, machine_run(&t->m), flag, TEST_GPA + place->offset) ||
		    machine_get(&t->m, REG_PC) != pc) {
			tap_note("the second time it is another exit, or PC has moved");
			return false;
		}
		if (!(access->flags & TWICE) && memcmp(before, touched(t), PAGE)) {
			tap_note("memory has changed before the exit");
			return false;
		}
		machine_attr(&t->m, TEST_GPA + place->attr, place->span, flag, CLR);
		lacking &= ~flag;
	}
	if (machine_run(&t->m) == 0 && machine_done(&t->m, NULL))
		return true;
	machine_explain(&t->m, 0);
	return false;
}

/* log2 of the pages of the stage-2 entry that maps the place; -1 if there is none. */
static int mapped_order(struct trial *t)
{
	struct kvm_tsr_extent extent = { 0 };
	struct kvm_tsr_memory_query query = {
		.gpa = TEST_GPA + t->place->offset,
		.pages = 1,
		.extents = (uintptr_t)&extent,
		.count = 1,
	};

	if (call(t->m.vm, KVM_TSR_QUERY_MEMORY, (unsigned long)&query) < 0)
		return -1;
	return extent.flags & KVM_TSR_EXTENT_MAPPED ? extent.order : -1;
}

/* Nothing is mapped of the slot at first; @warm: all of the place is, with all permissions. */
static bool prepare(struct trial *t, bool warm)
{
	const struct place *place = t->place;
	uint64_t gpa = TEST_GPA + place->offset;

	machine_attr(&t->m, TEST_GPA, place->size, 0, 0);
	machine_slot(&t->m, TEST_SLOT, 0, 0, 0, NULL);
	if (machine_slot(&t->m, TEST_SLOT, 0, TEST_GPA, place->size, place->memory)) {
		tap_note("the slot cannot be made");
		return false;
	}
	if (!warm)
		return true;
	if (!finishes(t, guest_str, gpa + 64) || !finishes(t, guest_branch, gpa))
		return false;
	if (mapped_order(t) == (int)place->order)
		return true;
	tap_note("it is mapped with order %d", mapped_order(t));
	return false;
}

/* Around a page whose attributes differ from theirs the others are as they were. */
static bool neighbours(struct trial *t)
{
	uint64_t gpa = TEST_GPA + t->place->offset;

	return t->place->span != PAGE ||
	       (finishes(t, guest_str, gpa - 8) && finishes(t, guest_ldr, gpa + PAGE));
}

static bool one_set(struct trial *t, const struct access *access, uint64_t attr, bool warm)
{
	const struct place *place = t->place;

	plant_code(t);
	if (!prepare(t, warm))
		return false;
	machine_attr(&t->m, TEST_GPA + place->attr, place->span, attr, 0);
	call_access(t, access->snippet, TEST_GPA + place->offset);
	if (exits_and_goes_on(t, access, access->needs & attr) && neighbours(t))
		return true;
	tap_note("%s, with%s%s%s%s denied", warm ? "mapped before" : "not mapped before",
		 attr & R ? " R" : "", attr & W ? " W" : "", attr & X ? " X" : "",
		 attr & T ? " T" : "");
	return false;
}

static void every_set(struct trial *t, const struct access *access)
{
	bool pass = true;
	unsigned int sets = 0;

	if (t->mte)
		machine_checks(&t->m, access->flags & CHECKED);
	for (uint64_t attr = 0; attr <= ALL && pass; attr++) {
		if (attr & ~(t->mask & ALL))
			continue;
		pass = one_set(t, access, attr, false) && one_set(t, access, attr, true);
		sets++;
	}
	tap_ok(pass && sets, "%s at %s%s, %s: with each of %u sets of attributes", access->name,
	       t->el0 ? "EL0" : "EL1", t->mmu ? "" : ", MMU off", t->place->name, sets);
}

/* Every access that makes sense there. */
static void every_access(const struct place *place, bool mmu, bool el0, unsigned int wanted)
{
	bool mte = mmu && env.mte && !untagged;
	struct trial t = { .place = place, .mmu = mmu, .mte = mte, .el0 = el0 };

	machine_open(&t.m, (mmu ? MACHINE_MMU : 0) | (mte ? MACHINE_MTE : 0));
	t.mask = (uint64_t)call(t.m.vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);
	for (unsigned int i = 0; i < ROW_COUNT(accesses); i++) {
		unsigned int flags = accesses[i].flags;

		if ((flags & wanted) != wanted || (!mmu && (flags & NORMAL)) ||
		    (!mte && (flags & (TAGS | CHECKED))) || (el0 && (flags & EL1)))
			continue;
		every_set(&t, &accesses[i]);
	}
	machine_close(&t.m);
}

static void pages(void)
{
	struct place place = {
		.name = "a page",
		.size = 8 * PAGE,
		.offset = 3 * PAGE,
		.attr = 3 * PAGE,
		.span = PAGE,
	};

	place.memory = memory_anon(place.size);
	every_access(&place, false, false, 0);
	every_access(&place, true, false, 0);
	every_access(&place, true, true, 0);
	munmap(place.memory, place.size);
}

/* @memory: a block's, that the host maps in one piece, and stage 2 by 2^@order pages. */
static void in_block(const char *name, const char *whole, uint8_t *memory, uint64_t size,
		     unsigned int order)
{
	struct place place = {
		.name = name,
		.memory = memory,
		.size = size,
		.offset = size / 2 + 77 * PAGE,
		.attr = size / 2 + 77 * PAGE,
		.span = PAGE,
		.order = order,
	};

	every_access(&place, true, false, BLOCKS);
	place.name = whole;
	place.attr = 0;
	place.span = size;
	every_access(&place, true, false, BLOCKS);
}

static void blocks(void)
{
	uint8_t *memory = memory_anon(2 * BLOCK);
	uint8_t *aligned = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));

	madvise(aligned, BLOCK, MADV_HUGEPAGE);
	memset(aligned, 0, BLOCK);
	in_block("a page of 2 MiB", "all of 2 MiB", aligned, BLOCK, 9);
	munmap(memory, 2 * BLOCK);
}

/* Are there tags in @memory? Huge pages hold them on newer kernels. */
static bool holds_tags(const void *memory, uint64_t size)
{
	struct machine m;
	long ret;

	if (!env.mte)
		return false;
	machine_open(&m, MACHINE_MTE | MACHINE_NO_VCPU);
	ret = machine_slot(&m, TEST_SLOT, 0, TEST_GPA, size, memory);
	machine_close(&m);
	return !ret;
}

/* Without FEAT_S2FWB memory is cleaned for a guest, by 2 MiB at the most (docs/abi.md 13). */
static bool is_cleaned(void)
{
	return env.cpu && (!strcmp(env.cpu, "cortex-a76") || !strcmp(env.cpu, "neoverse-n1"));
}

void test_huge(void)
{
	const uint64_t size = PAGE << 18;
	uint8_t *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 30 << MAP_HUGE_SHIFT, -1, 0);
	if (!env.tsr || memory == MAP_FAILED) {
		tap_ok(false, "a huge page of 1 GiB, under tessera");
		return;
	}
	untagged = !holds_tags(memory, size);
	if (env.mte && untagged)
		tap_skip("this kernel's huge pages hold no tags", "tags in blocks of 1 GiB");
	in_block("a page of 1 GiB", "all of 1 GiB", memory, size, is_cleaned() ? 9 : 18);
	munmap(memory, size);
}

void test_perms(void)
{
	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "permissions");
		return;
	}
	if (!env.mte)
		tap_skip(env_lacks(NEED_MTE), "permissions of tags");
	pages();
	blocks();
}
