// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Slots: api.rst 4.35 and docs/abi.md 4.2. */
#include <linux/kvm.h>
#include "../../include/uapi/tessera.h"

#include "../../core/slot_index.h"
#include "world.h"

#define IPA 40U

static_assert(ABI_MEM_LOG_DIRTY_PAGES == KVM_MEM_LOG_DIRTY_PAGES, "uABI");
static_assert(ABI_MEM_READONLY == KVM_MEM_READONLY, "uABI");
static_assert(ABI_MEM_TAGS_ON_TOUCH == KVM_MEM_TSR_TAGS_ON_TOUCH, "uABI");
static_assert(ABI_MEM_TAGS_OPTIONAL == KVM_MEM_TSR_TAGS_OPTIONAL, "uABI");
static_assert(ABI_ATTR_NR == KVM_MEMORY_ATTRIBUTE_NR, "uABI");
static_assert(ABI_ATTR_NW == KVM_MEMORY_ATTRIBUTE_NW, "uABI");
static_assert(ABI_ATTR_NX == KVM_MEMORY_ATTRIBUTE_NX, "uABI");
static_assert(ABI_ATTR_PRIVATE == KVM_MEMORY_ATTRIBUTE_PRIVATE, "uABI");
static_assert(ABI_ATTR_NT == KVM_MEMORY_ATTRIBUTE_NT, "uABI");
static_assert(ABI_EXIT_READ == KVM_MEMORY_EXIT_FLAG_READ, "uABI");
static_assert(ABI_EXIT_WRITE == KVM_MEMORY_EXIT_FLAG_WRITE, "uABI");
static_assert(ABI_EXIT_EXEC == KVM_MEMORY_EXIT_FLAG_EXEC, "uABI");
static_assert(ABI_EXIT_PRIVATE == KVM_MEMORY_EXIT_FLAG_PRIVATE, "uABI");
static_assert(ABI_EXIT_TAG == KVM_MEMORY_EXIT_FLAG_TAG, "uABI");

/* A table under test, changed as vm_slot.c does it. */
static struct slots *table;

static int change(struct slot_request req, enum slot_change_kind *kind)
{
	struct slot_change c;
	int err = slot_plan(table, &req, NULL, IPA, SLOT_LOG_CLEAN, &c);

	if (kind)
		*kind = c.kind;
	if (err || c.kind == SLOT_NOTHING)
		return err;
	table = c.next;
	slot_plan_finish(&c);
	return 0;
}

static int begin(void **state)
{
	emu_phys_reset();
	table = NULL;
	return 0;
}

static int end(void **state)
{
	slots_destroy(table);
	return emu_allocs_live() ? -1 : 0;
}

struct slot_case {
	const char *what;
	struct slot_request req;
	int err;
	enum slot_change_kind kind; /* err == 0 */
};

#define RO   ABI_MEM_READONLY
#define OPT  ABI_MEM_TAGS_OPTIONAL
#define TCH  ABI_MEM_TAGS_ON_TOUCH
#define LOG  ABI_MEM_LOG_DIRTY_PAGES
#define LAST ((1ULL << IPA) - 0x1000)

/* One after the other; the table they leave is that of the next. */
static const struct slot_case slot_cases[] = {
	{ "delete of nothing", { 0, 0, 0, 0, 0 }, -EINVAL, 0 },
	{ "create", { 0, 0, 0x40000000, 0x10000, 0x7f0000000000 }, 0, SLOT_CREATE },
	{ "the same again", { 0, 0, 0x40000000, 0x10000, 0x7f0000000000 }, 0, SLOT_NOTHING },
	{ "size changes", { 0, 0, 0x40000000, 0x11000, 0x7f0000000000 }, -EINVAL, 0 },
	{ "hva changes", { 0, 0, 0x40000000, 0x10000, 0x7f0000001000 }, -EINVAL, 0 },
	{ "READONLY changes", { 0, RO, 0x40000000, 0x10000, 0x7f0000000000 }, -EINVAL, 0 },
	{ "flags change", { 0, OPT, 0x40000000, 0x10000, 0x7f0000000000 }, -EINVAL, 0 },
	{ "overlaps the end", { 1, 0, 0x4000f000, 0x2000, 0x7f1000000000 }, -EEXIST, 0 },
	{ "overlaps the begin", { 1, 0, 0x3ffff000, 0x2000, 0x7f1000000000 }, -EEXIST, 0 },
	{ "lies within", { 1, 0, 0x40001000, 0x1000, 0x7f1000000000 }, -EEXIST, 0 },
	{ "lies around", { 1, 0, 0x3ff00000, 0x200000, 0x7f1000000000 }, -EEXIST, 0 },
	{ "touches", { 1, RO, 0x40010000, 0x1000, 0x7f0000000000 }, 0, SLOT_CREATE },
	{ "moves", { 0, 0, 0x50000000, 0x10000, 0x7f0000000000 }, 0, SLOT_MOVE },
	{ "moves over itself", { 0, 0, 0x50001000, 0x10000, 0x7f0000000000 }, 0, SLOT_MOVE },
	{ "moves onto another", { 0, 0, 0x4000f000, 0x10000, 0x7f0000000000 }, -EEXIST, 0 },
	{ "moves over both", { 1, RO, 0x50010000, 0x1000, 0x7f0000000000 }, -EEXIST, 0 },
	{ "gpa unaligned", { 2, 0, 0x60000800, 0x1000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "size unaligned", { 2, 0, 0x60000000, 0x1800, 0x7f1000000000 }, -EINVAL, 0 },
	{ "hva unaligned", { 2, 0, 0x60000000, 0x1000, 0x7f1000000001 }, -EINVAL, 0 },
	{ "number too large", { 32767, 0, 0x60000000, 0x1000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "other address space", { 0x10000, 0, 0x60000000, 0x1000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "largest number", { 32766, 0, 0x60000000, 0x1000, 0x7f1000000000 }, 0, SLOT_CREATE },
	{ "gpa wraps", { 2, 0, 0xfffffffffffff000, 0x2000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "hva wraps", { 2, 0, 0x60001000, 0x2000, 0xfffffffffffff000 }, -EINVAL, 0 },
	{ "too many pages", { 2, 0, 0x60001000, 1ULL << 43, 0x7f1000000000 }, -EINVAL, 0 },
	{ "beyond the IPA size", { 2, 0, LAST, 0x2000, 0x7f1000000000 }, -EFAULT, 0 },
	{ "far beyond", { 2, 0, 1ULL << 50, 0x1000, 0x7f1000000000 }, -EFAULT, 0 },
	{ "the last page", { 2, 0, LAST, 0x1000, 0x7f1000000000 }, 0, SLOT_CREATE },
	{ "a log comes", { 1, RO | LOG, 0x50020000, 0x1000, 0x7f0000000000 }, 0, SLOT_MOVE },
	{ "and goes", { 1, RO, 0x50020000, 0x1000, 0x7f0000000000 }, 0, SLOT_FLAGS },
	{ "and comes", { 1, RO | LOG, 0x50020000, 0x1000, 0x7f0000000000 }, 0, SLOT_FLAGS },
	{ "twice", { 1, RO | LOG, 0x50020000, 0x1000, 0x7f0000000000 }, 0, SLOT_NOTHING },
	{ "and READONLY goes", { 1, LOG, 0x50020000, 0x1000, 0x7f0000000000 }, -EINVAL, 0 },
	{ "a log moves", { 1, RO | LOG, 0x50010000, 0x1000, 0x7f0000000000 }, -EEXIST, 0 },
	{ "elsewhere", { 1, RO | LOG, 0x50030000, 0x1000, 0x7f0000000000 }, 0, SLOT_MOVE },
	{ "guest_memfd: not here", { 3, 4, 0x70000000, 0x1000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "unknown flag", { 3, 1U << 16, 0x70000000, 0x1000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "ON_TOUCH alone", { 3, TCH, 0x70000000, 0x1000, 0x7f1000000000 }, -EINVAL, 0 },
	{ "ON_TOUCH", { 3, OPT | TCH, 0x70000000, 0x1000, 0x7f1000000000 }, 0, SLOT_CREATE },
	{ "delete", { 3, 0, 0, 0, 0 }, 0, SLOT_DELETE },
	{ "delete it again", { 3, 0, 0, 0, 0 }, -EINVAL, 0 },
	{ "where it was", { 4, 0, 0x70000000, 0x1000, 0x7f1000000000 }, 0, SLOT_CREATE },
};

static void rules(void **state)
{
	for (size_t i = 0; i < sizeof(slot_cases) / sizeof(slot_cases[0]); i++) {
		const struct slot_case *c = &slot_cases[i];
		enum slot_change_kind kind;
		int err = change(c->req, &kind);

		if (err != c->err || (!err && kind != c->kind))
			fail_msg("%s: error %d, kind %d", c->what, err, kind);
	}
	assert_int_equal(slot_find(table, gfn_of(0x50010))->id, 0);
	assert_null(slot_find(table, gfn_of(0x50000)));
	assert_null(slot_find(table, gfn_of(0x50011)));
	assert_int_equal(slot_gfn_hva(slot_find(table, gfn_of(0x50003)), gfn_of(0x50003)).addr,
			 0x7f0000002000);
}

/*
 * Pages of a guest, each of which one slot or none has: what the table is to say. So many
 * slots that an index has several chunks; a few are large, and most lie within others by the
 * VMM's addresses.
 */
#define MODEL_PAGES 1024U
#define MODEL_SLOTS 300U
#define MODEL_HVAS  256U

struct model {
	struct slot slot[MODEL_SLOTS];
	bool used[MODEL_SLOTS];
};

static bool model_free(const struct model *m, u32 id, u64 begin, u64 count)
{
	for (u32 i = 0; i < MODEL_SLOTS; i++)
		if (m->used[i] && i != id && m->slot[i].gfns.begin < begin + count &&
		    begin < m->slot[i].gfns.end)
			return false;
	return true;
}

static void model_compare(const struct model *m)
{
	for (u64 nr = 0; nr < MODEL_PAGES; nr++) {
		const struct slot *slot = slot_find(table, gfn_of(nr));
		bool found = false;

		for (u32 i = 0; i < MODEL_SLOTS; i++)
			if (m->used[i] && gfn_range_contains(m->slot[i].gfns, gfn_of(nr))) {
				found = true;
				assert_true(slot && slot->id == i);
			}
		assert_true(found || !slot);
	}
	for (u32 i = 0; i < MODEL_SLOTS; i++) {
		const struct slot *slot = slot_by_id(table, i);

		assert_true(!slot == !m->used[i]);
		if (slot)
			assert_memory_equal(slot, &m->slot[i], sizeof(*slot));
	}
}

/* Whatever is guessed. */
static void model_compare_hva(const struct model *m, u64 first, u64 last, struct slot_cursor cursor)
{
	const struct slot *slot;
	bool seen[MODEL_SLOTS] = { false };

	while ((slot = slot_hva_next(table, first, last, &cursor))) {
		struct gfn_range part = slot_hva_gfns(slot, first, last);

		assert_false(seen[slot->id]);
		seen[slot->id] = true;
		for (u64 nr = slot->gfns.begin; nr < slot->gfns.end; nr++) {
			u64 hva = slot_gfn_hva(slot, gfn_of(nr)).addr;

			assert_true(gfn_range_contains(part, gfn_of(nr)) ==
				    (hva + PAGE > first && hva < last));
		}
	}
	for (u32 i = 0; i < MODEL_SLOTS; i++)
		assert_true(seen[i] == (m->used[i] && m->slot[i].hva.addr < last &&
					slot_hva_end(&m->slot[i]) > first));
}

static void model_step(struct model *m, u64 *seed)
{
	u32 id = (u32)random_below(seed, MODEL_SLOTS);
	u64 first = random_below(seed, MODEL_PAGES), most = id % 32 ? 4 : 64;
	u64 count = 1 + random_below(seed, most);
	struct slot_request req = { id, 0, first * PAGE, count * PAGE,
				    HVA_BASE + random_below(seed, MODEL_HVAS) * PAGE };
	int err;

	if (m->used[id] && !random_below(seed, 8)) {
		req.size = 0;
		assert_int_equal(change(req, NULL), 0);
		m->used[id] = false;
		return;
	}
	if (m->used[id]) {
		count = gfn_range_count(m->slot[id].gfns);
		/* Half of them stay between the same others, or nearly. */
		if (random_below(seed, 2) && m->slot[id].gfns.begin >= 4)
			first = m->slot[id].gfns.begin - 4 + random_below(seed, 9);
		req.size = count * PAGE;
		req.hva = m->slot[id].hva.addr;
		req.gpa = first * PAGE;
	}
	err = model_free(m, id, first, count) ? 0 : -EEXIST;
	assert_int_equal(change(req, NULL), err);
	if (err)
		return;
	m->used[id] = true;
	m->slot[id] = (struct slot){
		.id = id,
		.gfns = { first, first + count },
		.hva = hva_of(req.hva),
	};
}

static void against_model(void **state)
{
	struct model m = { 0 };
	u64 seed = 42;

	for (int i = 0; i < 4000; i++) {
		u64 first = HVA_BASE + random_below(&seed, MODEL_HVAS + 80) * PAGE;
		struct slot_cursor guess = { 0 };

		model_step(&m, &seed);
		guess.span = (u32)random_below(&seed, 6);
		guess.slot = (u32)random_below(&seed, SLOT_CHUNK_MAX + 2);
		model_compare_hva(&m, first, first + (1 + random_below(&seed, 8)) * PAGE, guess);
		if (i % 32)
			continue;
		model_compare(&m);
	}
	assert_true(table->count > 3 * SLOT_CHUNK_MAX);
}

/* So many that every index has several chunks, made in an order that is good for none. */
static void as_many_as_there_may_be(void **state)
{
	const u32 count = ABI_SLOT_COUNT, stride = 12347;

	for (u32 i = 0, id = 0; i < count; i++, id = (id + stride) % count) {
		struct slot_request req = { id, 0, (u64)id * 2 * PAGE, PAGE,
					    HVA_BASE + (u64)(count - id) * PAGE };

		assert_int_equal(change(req, NULL), 0);
	}
	assert_int_equal(table->count, count);
	for (u32 id = 0; id < count; id++) {
		struct slot_cursor cursor = { 0 };
		u64 hva = HVA_BASE + (u64)(count - id) * PAGE;

		assert_int_equal(slot_by_id(table, id)->id, id);
		assert_int_equal(slot_find(table, gfn_of(id * 2))->id, id);
		assert_null(slot_find(table, gfn_of(id * 2 + 1)));
		if (id % 64)
			continue;
		assert_int_equal(slot_hva_next(table, hva, hva + 1, &cursor)->id, id);
		assert_null(slot_hva_next(table, hva, hva + 1, &cursor));
	}
	for (u32 i = 0, id = 7; i < count; i++, id = (id + stride) % count)
		assert_int_equal(change((struct slot_request){ id, 0, 0, 0, 0 }, NULL), 0);
	assert_null(table);
}

/* One after the other: a chunk is full before the next begins. */
static void in_order(void **state)
{
	const u32 count = 10 * SLOT_CHUNK_MAX;

	for (u32 id = 0; id < count; id++) {
		struct slot_request req = { id, 0, (u64)id * PAGE, PAGE, HVA_BASE + id * PAGE };

		assert_int_equal(change(req, NULL), 0);
	}
	for (int order = 0; order < SLOT_ORDERS; order++)
		assert_int_equal(table->index[order]->count, 10);
}

/* A change that runs out of memory at any of its allocations has changed nothing. */
static void no_memory(void **state)
{
	struct slot_request move = { 3, 0, 0x80000000, PAGE, HVA_BASE };

	for (u32 id = 0; id < 300; id++)
		assert_int_equal(
			change((struct slot_request){ id, 0, id * PAGE, PAGE, HVA_BASE }, NULL), 0);
	for (unsigned long nth = 1;; nth++) {
		const struct slots *before = table;
		unsigned long live = emu_allocs_live();
		int err;

		emu_fail_nth(nth);
		err = change(move, NULL);
		if (!emu_fail_happened()) {
			assert_int_equal(err, 0);
			assert_true(nth > 9);
			break;
		}
		assert_int_equal(err, -ENOMEM);
		assert_ptr_equal(table, before);
		assert_int_equal(emu_allocs_live(), live);
		assert_int_equal(slot_find(table, gfn_of(3))->id, 3);
	}
	emu_fail_nth(0);
	assert_null(slot_find(table, gfn_of(3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rules, begin, end),
		cmocka_unit_test_setup_teardown(against_model, begin, end),
		cmocka_unit_test_setup_teardown(as_many_as_there_may_be, begin, end),
		cmocka_unit_test_setup_teardown(in_order, begin, end),
		cmocka_unit_test_setup_teardown(no_memory, begin, end),
	};

	return RUN(tests);
}
