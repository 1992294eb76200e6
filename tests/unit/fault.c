// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The policy, over every combination, against the tables of docs/abi.md (2, 5.1, 5.3
 * 6.2 and 6.4) restated here as rows of which the first that applies decides.
 */
#include "world.h"

struct combination {
	struct access access;
	perm_t mapped;
	bool hole;
	u32 flags;
	u8 attrs;
	bool mte, cmo;
	bool lazy; /* with mte alone */
	const struct host *host;
	struct backing backing;
};

/* What is to come of it; perm and type for FAULT_MAP alone. */
struct expected {
	enum fault_action action;
	perm_t need;
	perm_t perm;
	enum memtype type;
	bool poison;
};

/* "A tag access to a page that lacks W or R as well exits for that first. TAG comes alone." */
static perm_t first_of(perm_t lacking)
{
	static const perm_t order[] = { PERM_R, PERM_W, PERM_X, PERM_T };
	unsigned int i = 0;

	while (!(lacking & order[i]))
		i++;
	return order[i];
}

/* 5.1: "The need is what the hardware reports. Where the page grants that already ...". */
static perm_t the_need(const struct combination *c)
{
	if (!c->access.permission || (c->access.need & ~c->mapped))
		return c->access.need;
	if (c->access.kind == ACCESS_WALK)
		return PERM_W;
	return c->mapped & PERM_R ? PERM_NONE : PERM_R;
}

/* 9: cacheable memory that the kernel does not map. */
static bool serves_pfn_cached(const struct host *host, bool cmo)
{
	return cmo || (host->fwb && host->dic);
}

static bool is_device(enum backing_kind kind)
{
	return kind == BACKING_PFN_NC || kind == BACKING_PFN_DEVICE || kind == BACKING_RAM_UNCACHED;
}

/* 6.2, what creating a slot answers: false is EINVAL. */
static bool slot_accepts(u32 flags, const struct fault_env *env, enum backing_kind kind,
			 bool can_tag)
{
	bool optional = flags & ABI_MEM_TAGS_OPTIONAL, touch = flags & ABI_MEM_TAGS_ON_TOUCH;

	if (kind == BACKING_PFN_CACHED && !serves_pfn_cached(env->host, env->cmo))
		return false;
	if (!env->mte || can_tag)
		return true;
	if (!optional)
		return false;
	if (is_device(kind))
		return !touch;
	if (kind == BACKING_PFN_CACHED)
		return !touch && env->host->mte_perm;
	return env->host->mte_perm || touch;
}

/* 6.2, 6.4: with lazy tags what is the VMM's own does, too. */
static bool holds_tags(const struct combination *c)
{
	return c->backing.can_tag || (c->lazy && c->backing.own);
}

/* 6.4: what has no tags is closed until the guest wants some. */
static bool stays_closed(const struct combination *c)
{
	return c->lazy && c->host->mte_perm && !c->backing.tagged && !(the_need(c) & PERM_T);
}

static perm_t attrs_deny(u8 attrs)
{
	perm_t deny = 0;

	deny |= attrs & 1 ? PERM_R : 0;
	deny |= attrs & 2 ? PERM_W : 0;
	deny |= attrs & 4 ? PERM_X : 0;
	deny |= attrs & 16 ? PERM_T : 0;
	return deny;
}

/* 2: effective = all - slot - attributes - backing. */
static perm_t effective(const struct combination *c)
{
	perm_t perm = PERM_ALL & ~attrs_deny(c->attrs);

	if ((c->flags & ABI_MEM_READONLY) || !c->backing.writable)
		perm &= ~PERM_W;
	/* 4.5: what is logged is written by a fault of its own. */
	if ((c->flags & ABI_MEM_LOG_DIRTY_PAGES) && !(the_need(c) & PERM_W))
		perm &= ~PERM_W;
	if (is_device(c->backing.kind))
		perm &= ~PERM_X;
	else if (c->mte && (!holds_tags(c) || stays_closed(c)))
		perm &= ~PERM_T;
	return perm;
}

static struct expected expect_in_hole(enum access_kind kind)
{
	static const enum fault_action row[] = {
		[ACCESS_DATA] = FAULT_MMIO,
		[ACCESS_FETCH] = FAULT_INJECT,
		[ACCESS_WALK] = FAULT_INJECT,
		[ACCESS_CACHE] = FAULT_SKIP,
	};

	return (struct expected){ .action = row[kind] };
}

static struct expected expect(const struct combination *c)
{
	enum backing_kind kind = c->backing.kind;
	perm_t need = the_need(c), has = effective(c);
	struct expected exits = { .action = FAULT_EXIT };
	struct fault_env env = { .host = c->host, .mte = c->mte, .cmo = c->cmo };

	if (c->hole)
		return expect_in_hole(c->access.kind);
	if (!need)
		return (struct expected){ .action = FAULT_RESUME };
	if ((need & PERM_W) && (c->flags & ABI_MEM_READONLY))
		return (struct expected){ .action = c->access.kind == ACCESS_WALK ? FAULT_INJECT
										  : FAULT_MMIO };
	if (attrs_deny(c->attrs) & need) {
		exits.need = first_of(attrs_deny(c->attrs) & need);
		return exits;
	}
	/* Of what the host cannot supply, a tag read is a read. */
	exits.need = need == PERM_T ? PERM_R : first_of(need);
	exits.poison = kind == BACKING_POISON;
	if (kind == BACKING_NONE || kind == BACKING_POISON ||
	    (kind == BACKING_PFN_CACHED && !serves_pfn_cached(c->host, c->cmo)))
		return exits;
	if (need == PERM_X && is_device(kind))
		return (struct expected){ .action = FAULT_INJECT };
	if (need & ~has & ~PERM_T) {
		exits.need = first_of(need & ~has & ~PERM_T);
		return exits;
	}
	if (!slot_accepts(c->flags, &env, kind, holds_tags(c)))
		return exits;
	if (c->mte && !holds_tags(c) && !is_device(kind) && !c->host->mte_perm)
		return (struct expected){ .action = FAULT_EXIT, .need = PERM_T };
	if (need & ~has)
		return (struct expected){ .action = FAULT_EXIT, .need = PERM_T };
	/* Without R, W and X a page is not mapped, whatever its tags. */
	if (!(has & (PERM_R | PERM_W | PERM_X)))
		return (struct expected){ .action = FAULT_EXIT, .need = PERM_R };
	/* 9: nobody walks in Device memory. */
	if (c->access.kind == ACCESS_WALK && is_device(kind) && kind != BACKING_PFN_NC)
		return (struct expected){ .action = FAULT_INJECT };
	return (struct expected){
		.action = FAULT_MAP,
		.need = need,
		.perm = has,
		.type = kind == BACKING_PFN_NC ? MEMTYPE_NC
			: is_device(kind)      ? MEMTYPE_DEVICE
					       : MEMTYPE_WB,
	};
}

static void check(const struct combination *c)
{
	struct slot slot = { .id = 1, .flags = c->flags, .gfns = { 0, 1024 }, .hva = { HVA_BASE } };
	struct fault_env env = {
		.host = c->host,
		.mte = c->mte,
		.lazy = c->lazy,
		.cmo = c->cmo,
	};
	struct expected e = expect(c);
	struct fault_verdict v =
		fault_plan(&c->access, c->hole ? NULL : &slot, c->attrs, c->mapped);

	if (v.action == FAULT_BACKING)
		v = fault_of_walk(c->access.kind,
				  fault_resolve(&env, &slot, c->attrs, v.need, &c->backing));
	if (v.action != e.action ||
	    (v.action == FAULT_EXIT && (v.need != e.need || v.poison != e.poison)) ||
	    (v.action == FAULT_MAP && (v.need != e.need || v.perm != e.perm || v.type != e.type)))
		fail_msg("access %d need %x %d mapped %x, flags %x attrs %x mte %d perm %d, "
			 "kind %d writable %d can_tag %d: action %d need %x, expected %d %x",
			 c->access.kind, c->access.need, c->access.permission, c->mapped, c->flags,
			 c->attrs, c->mte, c->host->mte_perm, c->backing.kind, c->backing.writable,
			 c->backing.can_tag, v.action, v.need, e.action, e.need);
}

static const struct {
	enum access_kind kind;
	perm_t need;
} accesses[] = {
	{ ACCESS_DATA, PERM_R },	  { ACCESS_DATA, PERM_W }, { ACCESS_DATA, PERM_T },
	{ ACCESS_FETCH, PERM_X },	  { ACCESS_WALK, PERM_R }, { ACCESS_CACHE, PERM_R },
	{ ACCESS_DATA, PERM_W | PERM_T },
};

static const u32 slot_flags[] = {
	0,
	ABI_MEM_READONLY,
	ABI_MEM_LOG_DIRTY_PAGES,
	ABI_MEM_LOG_DIRTY_PAGES | ABI_MEM_READONLY,
	ABI_MEM_LOG_DIRTY_PAGES | ABI_MEM_TAGS_OPTIONAL,
	ABI_MEM_TAGS_OPTIONAL,
	ABI_MEM_TAGS_OPTIONAL | ABI_MEM_TAGS_ON_TOUCH,
	ABI_MEM_READONLY | ABI_MEM_TAGS_OPTIONAL,
	ABI_MEM_READONLY | ABI_MEM_TAGS_OPTIONAL | ABI_MEM_TAGS_ON_TOUCH,
};

/* Every backing there is, for what the combination says so far. */
static unsigned long check_backings(struct combination *c)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i <= BACKING_POISON * 16 + 15; i++) {
		c->backing = (struct backing){ .kind = (enum backing_kind)(i / 16),
					       .writable = i & 1,
					       .can_tag = i & 2,
					       .own = i & 4,
					       .tagged = i & 8 };
		if (c->backing.kind != BACKING_RAM && (i & 14))
			continue;
		if (!c->lazy && (i & 12))
			continue;
		check(c);
		n++;
	}
	return n;
}

static unsigned long check_attrs(struct combination *c)
{
	unsigned long n = 0;

	for (unsigned int bits = 0; bits < 16; bits++) {
		c->attrs = (u8)((bits & 7) | (bits & 8 ? ABI_ATTR_NT : 0));
		n += check_backings(c);
	}
	return n;
}

static unsigned long check_slots(struct combination *c)
{
	unsigned long n = 0;

	for (unsigned int i = 0; i < sizeof(slot_flags) / sizeof(slot_flags[0]); i++) {
		c->flags = slot_flags[i];
		n += check_attrs(c);
	}
	return n;
}

static void every_combination(void **state)
{
	static const struct host *const hosts[] = { &host_max, &host_n2, &host_a710, &host_a76 };
	unsigned long n = 0;

	for (unsigned int i = 0; i < 4 * 7 * 2 * 3 * 16 * 2; i++) {
		unsigned int a = i / 4 % 7, mte = i / 56 % 3;
		struct combination c = {
			.host = hosts[i % 4],
			.access = { gpa_of(0), accesses[a].kind, accesses[a].need, i / 28 % 2 },
			.mte = mte,
			.lazy = mte == 2,
			.mapped = (perm_t)(i / 168 % 16),
			.cmo = i / 2688,
		};

		if (!c.access.permission && c.mapped)
			continue;
		n += check_slots(&c);
		c.hole = true;
		check(&c);
	}
	assert_true(n > 500000);
}

/* The same rules, asked when the slot is made. */
static void slots_are_refused_alike(void **state)
{
	static const struct host *const hosts[] = { &host_max, &host_n2, &host_a710, &host_a76 };

	for (unsigned int i = 0; i < 4 * 9 * 2 * 5 * 2 * 2; i++) {
		struct fault_env env = {
			.host = hosts[i % 4],
			.mte = i / 36 % 2,
			.cmo = i / 720,
		};
		u32 flags = slot_flags[i / 4 % 9];
		enum backing_kind kind = (enum backing_kind)(BACKING_RAM + i / 72 % 5);
		bool can_tag = i / 360 % 2 && kind == BACKING_RAM;
		struct backing_survey survey = { .kinds = BIT(kind) | BIT(BACKING_NONE),
						 .untaggable = can_tag ? 0 : BIT(kind) };
		bool ok = slot_accepts(flags, &env, kind, can_tag);

		if (fault_slot_check(&env, flags, &survey) != (ok ? 0 : -EINVAL))
			fail_msg("flags %x kind %d can_tag %d mte %d", flags, kind, can_tag,
				 env.mte);
		/* With taggable memory beside it, it is judged no other way. */
		survey.kinds |= BIT(BACKING_RAM);
		if (kind != BACKING_RAM)
			assert_int_equal(fault_slot_check(&env, flags, &survey), ok ? 0 : -EINVAL);
		/* Remapped memory is not logged. */
		survey.remapped = true;
		ok &= !(flags & ABI_MEM_LOG_DIRTY_PAGES);
		survey.kinds = BIT(kind);
		assert_int_equal(fault_slot_check(&env, flags, &survey), ok ? 0 : -EINVAL);
	}
}

struct level_case {
	const char *what;
	struct gfn_range slot;
	u64 gfn, hfn;
	u8 order;
	int attr_level, level;
};

static const struct level_case level_cases[] = {
	{ "a block", { 0x40000, 0x50000 }, 0x40123, 0x80123, 9, 0, 2 },
	{ "1 GiB", { 0x40000, 0x80000 }, 0x40123, 0x80123, 18, 0, 1 },
	{ "larger pieces than there are blocks", { 0, 1ULL << 28 }, 0x40123, 0x80123, 27, -1, 1 },
	{ "the host maps pages", { 0x40000, 0x50000 }, 0x40123, 0x80123, 0, 0, 3 },
	{ "the host maps 64K", { 0x40000, 0x50000 }, 0x40123, 0x80123, 4, 0, 3 },
	{ "slot begins inside", { 0x40100, 0x50000 }, 0x40123, 0x80123, 9, 0, 3 },
	{ "slot ends inside", { 0x40000, 0x401ff }, 0x40123, 0x80123, 9, 0, 3 },
	{ "slot is the block", { 0x40000, 0x40200 }, 0x40123, 0x80123, 9, 0, 2 },
	{ "1 GiB ends inside", { 0x40000, 0x7fe00 }, 0x40123, 0x80123, 18, 0, 2 },
	{ "not congruent", { 0x40000, 0x50000 }, 0x40123, 0x80124, 9, 0, 3 },
	{ "congruent in 2 MiB only", { 0x40000, 0x80000 }, 0x40123, 0x80323, 18, 0, 2 },
	{ "attributes differ by pages", { 0x40000, 0x80000 }, 0x40123, 0x80123, 18, 3, 3 },
	{ "attributes differ by 2 MiB", { 0x40000, 0x80000 }, 0x40123, 0x80123, 18, 2, 2 },
};

static void levels(void **state)
{
	for (size_t i = 0; i < sizeof(level_cases) / sizeof(level_cases[0]); i++) {
		const struct level_case *c = &level_cases[i];
		struct slot slot = { .gfns = c->slot, .hva = { HVA_BASE } };
		struct backing b = { .kind = BACKING_RAM,
				     .hpa = { c->hfn * PAGE },
				     .order = c->order };
		int level = fault_level(&slot, gfn_of(c->gfn), &b, c->attr_level);

		if (level != c->level)
			fail_msg("%s: %d", c->what, level);
		slot.flags = ABI_MEM_LOG_DIRTY_PAGES;
		assert_int_equal(fault_level(&slot, gfn_of(c->gfn), &b, c->attr_level), 3);
		slot.flags |= ABI_MEM_READONLY;
		assert_int_equal(fault_level(&slot, gfn_of(c->gfn), &b, c->attr_level), c->level);
	}
}

/* 6.4: whose copy-on-write is broken for tags, by slot, attributes and need. */
static void uses(void **state)
{
	static const struct host *const hosts[] = { &host_max, &host_n2 };

	for (unsigned int i = 0; i < 2 * 2 * 9 * 2 * 7; i++) {
		struct fault_env env = { .host = hosts[i % 2], .mte = true, .lazy = i / 2 % 2 };
		struct slot slot = { .flags = slot_flags[i / 4 % 9], .gfns = { 0, 1024 } };
		u8 attrs = i / 36 % 2 ? ABI_ATTR_NW : 0;
		perm_t need = accesses[i / 72].need;
		bool stays = !env.lazy || !(slot.flags & ABI_MEM_TAGS_OPTIONAL) ||
			     (slot.flags & ABI_MEM_READONLY) || attrs;
		enum backing_use use = USE_READ;

		if (need & PERM_W)
			use = USE_WRITE;
		else if (!stays && ((need & PERM_T) || !env.host->mte_perm))
			use = USE_TAGS;
		assert_int_equal(fault_use(&env, &slot, attrs, need), use);
	}
}

/* 6.4, "Blocks": of 512 pages so many have tags, and one more wants some. */
static const struct {
	u32 count;
	perm_t need;
	u8 order;
} order_cases[] = {
	{ 0, PERM_R, 9 },
	{ 0, PERM_T, 0 },
	{ 1, PERM_R, 0 },
	{ 1, PERM_T, 0 },
	{ 511, PERM_R, 0 },
	{ 512, PERM_R, 9 },
	{ 512, PERM_W | PERM_T, 9 },
	{ FAULT_TAGS_WHOLE - 1, PERM_W | PERM_T, 0 },
	{ FAULT_TAGS_WHOLE, PERM_W | PERM_T, 9 },
	{ FAULT_TAGS_WHOLE, PERM_W, 0 },
};

static void blocks_with_tags(void **state)
{
	for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++) {
		struct fault_env env = { .host = &host_max, .mte = true, .lazy = true };
		struct backing b = { .kind = BACKING_RAM,
				     .order = 9,
				     .tagged_count = order_cases[i].count };
		struct fault_verdict v = { .need = order_cases[i].need, .type = MEMTYPE_WB };

		if (fault_tags_order(&env, &v, &b) != order_cases[i].order)
			fail_msg("%u have tags, needs %x", order_cases[i].count, v.need);
		v.type = MEMTYPE_NC;
		assert_int_equal(fault_tags_order(&env, &v, &b), 9);
		v.type = MEMTYPE_WB;
		env.host = &host_n2;
		assert_int_equal(fault_tags_order(&env, &v, &b), 9);
		env.host = &host_max;
		env.lazy = false;
		assert_int_equal(fault_tags_order(&env, &v, &b), 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uses),
		cmocka_unit_test(blocks_with_tags),
		cmocka_unit_test(every_combination),
		cmocka_unit_test(slots_are_refused_alike),
		cmocka_unit_test(levels),
	};

	return RUN(tests);
}
