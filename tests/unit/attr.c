// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The attribute store against a flat array. */
#include <stdlib.h>

#include "attr.h"
#include "world.h"

#define MODEL_BITS  33U /* of IPA: eight spans of 1 GiB, so that three levels take part */
#define MODEL_PAGES (1UL << (MODEL_BITS - TSR_PAGE_SHIFT))

static struct attr store;
static u8 *model;

/* Nodes that are there: all of memory but the store's root. */
static unsigned long nodes_live(void)
{
	return emu_allocs_live() - 1;
}

static int begin(void **state)
{
	emu_phys_reset();
	assert_int_equal(attr_init(&store, MODEL_BITS), 0);
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

/* Each allocation of a change fails once: nothing is held and nothing has changed. How many? */
static unsigned long fails(struct gfn_range range, enum attr_op op, u8 bits)
{
	unsigned long live = emu_allocs_live(), nth = 0;
	struct attr_plan plan;
	bool failed;

	do {
		int err;

		emu_fail_nth(++nth);
		err = attr_prepare(&store, range, op, bits, &plan);
		failed = emu_fail_happened();
		assert_int_equal(err, failed ? -ENOMEM : 0);
		if (!failed)
			attr_plan_drop(&plan);
		assert_int_equal(emu_allocs_live(), live);
	} while (failed);
	emu_fail_nth(0);
	return nth - 1;
}

static bool uniform(u64 nr, int level)
{
	u64 span = 1ULL << TSR_LEVEL_ORDER(level), first = nr & ~(span - 1);

	return !memcmp(&model[first], &model[first + 1], span - 1);
}

/* Value and uniform level of a page: the largest uniform block down from @top, no smaller. */
static void compare_page(u64 nr, int top)
{
	struct attr_view view = attr_get(&store, gfn_of(nr));
	int level = 3;

	while (level > top && uniform(nr, level - 1))
		level--;
	assert_int_equal(view.bits, model[nr]);
	assert_int_equal(view.level < top ? top : view.level, level);
	for (int block = top; block <= 3; block++)
		assert_int_equal(attr_uniform(&store, gfn_of(nr), block), block >= level);
}

/* The next page that differs, as far as @reach from here. */
static void compare_next(u64 nr, u64 reach)
{
	u64 end = nr + reach < MODEL_PAGES ? nr + reach : MODEL_PAGES, next = nr + 1;

	while (next < end && model[next] == model[nr])
		next++;
	assert_int_equal(attr_next(&store, gfn_of(nr), end), next < end ? next : end);
}

/* Every page, by way of the boundaries. */
static void compare_all(void)
{
	for (u64 nr = 0, next; nr < MODEL_PAGES; nr = next) {
		u64 bits = attr_get(&store, gfn_of(nr)).bits;

		next = attr_next(&store, gfn_of(nr), MODEL_PAGES);
		assert_true(next > nr && next <= MODEL_PAGES);
		if (next < MODEL_PAGES && model[next] == bits)
			fail_msg("no boundary at page %llx", next);
		for (; nr < next; nr++)
			if (model[nr] != bits)
				fail_msg("page %llx", nr);
	}
}

/* Lengths from a page to everything, with borders that like to lie on blocks. */
static void random_range(u64 *seed, u64 *first, u64 *last)
{
	static const u64 most[] = { 1, 4, 20, 600, 600, 2000 };
	u64 a = random_below(seed, MODEL_PAGES),
	    n = 1 + random_below(seed, most[random_below(seed, 6)]);
	unsigned int order = (unsigned int)random_below(seed, 3) * 9;

	/* Near to each other, so that they meet. */
	if (random_below(seed, 16))
		a = (a & 0x1fff) | (a & (3ULL << 18));
	if (random_below(seed, 4) == 0)
		a &= ~((1ULL << order) - 1);
	if (random_below(seed, 1024) == 0)
		n = (1 + random_below(seed, 3)) << order;
	if (random_below(seed, 65536) == 0)
		n = MODEL_PAGES - a;
	*first = a;
	*last = a + n < MODEL_PAGES ? a + n : MODEL_PAGES;
}

static void random_change(u64 *seed)
{
	u64 first, last, somewhere;
	enum attr_op op = (enum attr_op)random_below(seed, 3);
	u8 bits = (u8)(random_below(seed, 4) ? random_below(seed, 4) : random_below(seed, 128));

	random_range(seed, &first, &last);
	if (random_below(seed, 16) == 0)
		assert_true(fails((struct gfn_range){ first, last }, op, bits) <= ATTR_PLAN_NODES);
	change(first, last, op, bits);
	somewhere = first + random_below(seed, last - first);
	compare_page(first, 2);
	compare_page(last - 1, 2);
	compare_page(somewhere, 2);
	compare_page(first ? first - 1 : 0, 2);
	compare_page(last < MODEL_PAGES ? last : 0, 2);
	compare_next(somewhere, 1500);
}

static void against_flat_array(void **state)
{
	const char *full = getenv("TSR_FULL");
	u64 seed = 7, count = full && *full ? 10000000 : 100000;

	for (u64 i = 0; i < count; i++) {
		random_change(&seed);
		if (i % 256 == 0)
			compare_page(random_below(&seed, MODEL_PAGES), 1);
		if (i % (count / 8) == 0)
			compare_all();
	}
	compare_all();
	change(0, MODEL_PAGES, ATTR_CLEAR, ATTR_BITS_MAX);
	assert_int_equal(nodes_live(), 0);
}

/* What a pattern of many pieces takes, and that it is all given back. */
static void memory(void **state)
{
	for (u64 nr = 1; nr < MODEL_PAGES; nr += 2)
		change(nr, nr + 1, ATTR_SET, 1);
	assert_true(nodes_live() * sizeof(struct attr_node) <= MODEL_PAGES * 11 / 10);
	change(0, MODEL_PAGES, ATTR_SET, 1);
	assert_int_equal(nodes_live(), 0);
}

static void one_value_takes_no_node(void **state)
{
	change(0, MODEL_PAGES, ATTR_EXACT, 5);
	assert_int_equal(nodes_live(), 0);
	change(1000, 1001, ATTR_SET, 2);
	assert_int_equal(nodes_live(), 3);
	assert_int_equal(attr_get(&store, gfn_of(1000)).level, 3);
	change(1000, 1001, ATTR_CLEAR, 2);
	assert_int_equal(nodes_live(), 0);
	assert_int_equal(attr_get(&store, gfn_of(1000)).bits, 5);
	assert_true(attr_get(&store, gfn_of(1000)).level < 1);
}

static void nothing_changes_takes_no_node(void **state)
{
	emu_fail_nth(1);
	change(3, 70000, ATTR_CLEAR, 7);
	change(3, 70000, ATTR_EXACT, 0);
	assert_false(emu_fail_happened());
	assert_int_equal(nodes_live(), 0);
}

/* The whole of a 48-bit space, and a hole in its very middle. */
static void whole_space(void **state)
{
	const u64 pages = 1ULL << 36, middle = pages / 2;
	struct attr big;
	struct attr_plan plan;

	assert_int_equal(attr_init(&big, 48), 0);
	assert_int_equal(attr_prepare(&big, (struct gfn_range){ 0, pages }, ATTR_EXACT, 7, &plan),
			 0);
	attr_commit(&big, &plan);
	/* Nothing but its root. */
	assert_int_equal(nodes_live(), 1);
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
	/* Two cuts that have nothing but the root in common. */
	assert_int_equal(nodes_live(), 1 + 6);
	attr_destroy(&big);
}

static void no_memory(void **state)
{
	change(0, 0x80000, ATTR_EXACT, 1);
	change(0x54320, 0x54328, ATTR_EXACT, 3);
	/* A leaf is there at one end; and none at either. */
	assert_int_equal(fails((struct gfn_range){ 0x1234, 0x54321 }, ATTR_SET, 2), 2);
	assert_int_equal(fails((struct gfn_range){ 0x81234, 0x1fffff }, ATTR_SET, 2), 4);
	compare_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(against_flat_array, begin, end),
		cmocka_unit_test_setup_teardown(memory, begin, end),
		cmocka_unit_test_setup_teardown(one_value_takes_no_node, begin, end),
		cmocka_unit_test_setup_teardown(nothing_changes_takes_no_node, begin, end),
		cmocka_unit_test_setup_teardown(whole_space, begin, end),
		cmocka_unit_test_setup_teardown(no_memory, begin, end),
	};

	return RUN(tests);
}
