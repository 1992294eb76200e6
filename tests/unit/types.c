// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world.h"

struct range_case {
	const char *what;
	u64 addr, size;
	int err;
	u64 begin, end;
};

static const struct range_case range_cases[] = {
	{ "a page", 0x1000, 0x1000, 0, 1, 2 },
	{ "the first page", 0, 0x1000, 0, 0, 1 },
	{ "all but the last page", 0, 0xfffffffffffff000, 0, 0, 0xfffffffffffff },
	{ "the last page, whose end does not fit", 0xfffffffffffff000, 0x1000, -EINVAL, 0, 0 },
	{ "wraps", 0xffffffffffffe000, 0x4000, -EINVAL, 0, 0 },
	{ "nothing", 0x1000, 0, -EINVAL, 0, 0 },
	{ "address unaligned", 0x1001, 0x1000, -EINVAL, 0, 0 },
	{ "size unaligned", 0x1000, 0x1fff, -EINVAL, 0, 0 },
};

static void range_make(void **state)
{
	for (size_t i = 0; i < sizeof(range_cases) / sizeof(range_cases[0]); i++) {
		const struct range_case *c = &range_cases[i];
		struct gfn_range r = { 77, 99 };
		int err = gfn_range_make(c->addr, c->size, &r);

		if (err != c->err)
			fail_msg("%s: %d", c->what, err);
		assert_int_equal(r.begin, err ? 77 : c->begin);
		assert_int_equal(r.end, err ? 99 : c->end);
	}
}

static void range_questions(void **state)
{
	struct gfn_range a = { 2, 5 }, b = { 5, 7 }, c = { 4, 6 }, none = { 3, 3 };

	assert_false(gfn_range_overlaps(a, b));
	assert_true(gfn_range_overlaps(a, c) && gfn_range_overlaps(c, b));
	assert_true(gfn_range_empty(none) && !gfn_range_empty(a));
	assert_true(gfn_range_contains(a, gfn_of(2)) && gfn_range_contains(a, gfn_of(4)));
	assert_false(gfn_range_contains(a, gfn_of(5)) || gfn_range_contains(a, gfn_of(1)));
	assert_int_equal(gfn_range_count(a), 3);
}

static void addresses(void **state)
{
	assert_int_equal(gpa_gfn(gpa_of(0x40001fff)).nr, 0x40001);
	assert_int_equal(gfn_gpa(gfn_of(0x40001)).addr, 0x40001000);
	assert_int_equal(TSR_LEVEL_ORDER(3), 0);
	assert_int_equal(TSR_LEVEL_ORDER(2), 9);
	assert_int_equal(TSR_LEVEL_ORDER(1), 18);
}

static void permissions(void **state)
{
	assert_true(perm_has(PERM_R | PERM_W, PERM_R));
	assert_false(perm_has(PERM_R | PERM_W, PERM_R | PERM_X));
	assert_true(perm_has(PERM_NONE, PERM_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_make),
		cmocka_unit_test(range_questions),
		cmocka_unit_test(addresses),
		cmocka_unit_test(permissions),
	};

	return RUN(tests);
}
