// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The attribute store against a flat array. */
#include <stdlib.h>

#include "attr_node.h"
#include "world.h"

#define MODEL_BITS  33U /* of IPA: eight spans of 1 GiB, so that three levels take part */
#define MODEL_PAGES (1UL << (MODEL_BITS - TSR_PAGE_SHIFT))

static struct attr store;
static u8 *model;

static int begin(void **state)
{
	emu_phys_reset();
	attr_init(&store, MODEL_BITS);
	model = calloc(MODEL_PAGES, 1);
	return model ? 0 : -1;
}

static int end(void **state)
{
	attr_destroy(&store);
	free(model);
	return emu_allocs_live() ? -1 : 0;
}

static void change(u64 first, u64 last, enum attr_op op, u8 bits)
{
	struct gfn_range range = { first, last };
	struct attr_plan plan;

	assert_int_equal(attr_prepare(&store, range, op, bits, &plan), 0);
	attr_commit(&store, &plan);
	for (u64 nr = first; nr < last; nr++) {
		if (op == ATTR_EXACT)
			model[nr] = bits;
		else if (op == ATTR_SET)
			model[nr] |= bits;
		else
			model[nr] &= (u8)~bits;
	}
}

static bool uniform(u64 nr, int level)
{
	u64 span = 1ULL << TSR_LEVEL_ORDER(level), first = nr & ~(span - 1);

	return !memcmp(&model[first], &model[first + 1], span - 1);
}

/* Value and uniform level of a page: the largest uniform block, no smaller and no larger. */
static void compare_page(u64 nr)
{
	struct attr_view view = attr_get(&store, gfn_of(nr));
	int level = 3;

	while (level > 1 && uniform(nr, level - 1))
		level--;
	assert_int_equal(view.bits, model[nr]);
	assert_int_equal(view.level < 1 ? 1 : view.level, level);
}

static void compare_all(void)
{
	for (u64 nr = 0; nr < MODEL_PAGES; nr++)
		if (attr_get(&store, gfn_of(nr)).bits != model[nr])
			fail_msg("page %llx", nr);
}

/* Lengths from a page to everything, with borders that like to lie on blocks. */
static void random_range(u64 *seed, u64 *first, u64 *last)
{
	u64 a = random_below(seed, MODEL_PAGES), n = 1 + random_below(seed, 1000);
	unsigned int order = (unsigned int)random_below(seed, 4) * 9;

	if (random_below(seed, 2))
		a &= ~((1ULL << order) - 1);
	if (random_below(seed, 2))
		n = (1 + random_below(seed, 8)) << order;
	*first = a;
	*last = a + n < MODEL_PAGES ? a + n : MODEL_PAGES;
}

static void against_flat_array(void **state)
{
	u64 seed = 7;

	for (int i = 0; i < 20000; i++) {
		u64 first, last;

		random_range(&seed, &first, &last);
		if (last - first > 300000 && i % 16)
			continue;
		change(first, last, (enum attr_op)random_below(&seed, 3),
		       (u8)random_below(&seed, 32));
		compare_page(first);
		compare_page(last - 1);
		compare_page(first ? first - 1 : 0);
		compare_page(last < MODEL_PAGES ? last : 0);
		compare_page(random_below(&seed, MODEL_PAGES));
		if (i % 2000 == 0)
			compare_all();
	}
	compare_all();
}

static void one_value_takes_no_node(void **state)
{
	change(0, MODEL_PAGES, ATTR_EXACT, 5);
	assert_int_equal(emu_allocs_live(), 0);
	change(1000, 1001, ATTR_SET, 2);
	assert_int_equal(emu_allocs_live(), 4);
	assert_int_equal(attr_get(&store, gfn_of(1000)).level, 3);
	change(1000, 1001, ATTR_CLEAR, 2);
	assert_int_equal(emu_allocs_live(), 0);
	assert_int_equal(attr_get(&store, gfn_of(1000)).bits, 5);
	assert_true(attr_get(&store, gfn_of(1000)).level < 1);
}

static void nothing_changes_takes_no_node(void **state)
{
	emu_fail_nth(1);
	change(3, 70000, ATTR_CLEAR, 7);
	change(3, 70000, ATTR_EXACT, 0);
	assert_false(emu_fail_happened());
	assert_int_equal(emu_allocs_live(), 0);
}

/* The whole of a 48-bit space, and a hole in its very middle. */
static void whole_space(void **state)
{
	const u64 pages = 1ULL << 36, middle = pages / 2;
	struct attr big;
	struct attr_plan plan;

	attr_init(&big, 48);
	assert_int_equal(attr_prepare(&big, (struct gfn_range){ 0, pages }, ATTR_EXACT, 7, &plan),
			 0);
	attr_commit(&big, &plan);
	assert_int_equal(emu_allocs_live(), 0);
	assert_int_equal(attr_get(&big, gfn_of(pages - 1)).bits, 7);
	assert_int_equal(attr_prepare(&big, (struct gfn_range){ middle - 1, middle + 1 },
				      ATTR_CLEAR, 2, &plan),
			 0);
	assert_int_equal(plan.count, ATTR_PLAN_NODES);
	attr_commit(&big, &plan);
	assert_int_equal(attr_get(&big, gfn_of(middle - 2)).bits, 7);
	assert_int_equal(attr_get(&big, gfn_of(middle - 1)).bits, 5);
	assert_int_equal(attr_get(&big, gfn_of(middle)).bits, 5);
	assert_int_equal(attr_get(&big, gfn_of(middle + 1)).bits, 7);
	/* Two cuts: five inner nodes, as both share the first, and two leaves. */
	assert_int_equal(emu_allocs_live(), 7);
	attr_destroy(&big);
}

static void no_memory(void **state)
{
	const struct gfn_range range = { 0x1234, 0x54321 };

	change(0, 0x80000, ATTR_EXACT, 1);
	for (unsigned long nth = 1;; nth++) {
		struct attr_plan plan;
		unsigned long live = emu_allocs_live();
		int err;

		emu_fail_nth(nth);
		err = attr_prepare(&store, range, ATTR_SET, 2, &plan);
		if (!emu_fail_happened()) {
			assert_int_equal(err, 0);
			attr_plan_drop(&plan);
			assert_int_equal(emu_allocs_live(), live);
			assert_true(nth > 4);
			break;
		}
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(emu_allocs_live(), live);
	}
	emu_fail_nth(0);
	compare_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(against_flat_array, begin, end),
		cmocka_unit_test_setup_teardown(one_value_takes_no_node, begin, end),
		cmocka_unit_test_setup_teardown(nothing_changes_takes_no_node, begin, end),
		cmocka_unit_test_setup_teardown(whole_space, begin, end),
		cmocka_unit_test_setup_teardown(no_memory, begin, end),
	};

	return RUN(tests);
}
