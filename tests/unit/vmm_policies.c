/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Policies over the same memory: vmm/lib/{gate,lazy,watch,protect,promote}.c, over real
 * files and memory, with attributes that are only recorded, as a hypervisor would.
 */
#include "alloc_fail.h"
#include "policies_world.h"

static void test_several_on_one_page(void **state)
{
	struct tsr_range code = { BASE + 4 * TSR_PAGE_SIZE, BASE + 8 * TSR_PAGE_SIZE };
	struct tsr_range around = { BASE, BASE + 16 * TSR_PAGE_SIZE };
	struct world world;

	world_lazy(&world, BYTES, TSR_PAGE_SIZE);
	assert_int_equal(tsr_watch_add(&world.watch, around, R | W | T), 0);
	assert_int_equal(tsr_watch_add(&world.watch, code, X), 0);
	assert_int_equal(tsr_protection_add(&world.text, code, false), 0);
	assert_settled(&world);
	assert_int_equal(denied_at(&world, 5), R | W | X | T);
	assert_int_equal(denied_at(&world, 9), R | W | X | T);
	assert_int_equal(denied_at(&world, 16), R | W | X);

	/* Watched and not there: reported, then brought. Protected pages stay so. */
	assert_int_equal(touch(&world, 5, R), 2);
	assert_int_equal(denied_at(&world, 5), W | X);
	assert_int_equal(world.reports, 1);
	assert_int_equal(touch(&world, 5, X), 1);
	assert_int_equal(world.reports, 2);
	assert_int_equal(touch(&world, 5, W), 1);
	assert_int_equal(world.violations, 1);
	assert_int_equal(denied_at(&world, 5), W);
	assert_int_equal(touch(&world, 9, W), 2);
	assert_int_equal(denied_at(&world, 9), 0);
	assert_int_equal(touch(&world, 20, X), 1);
	assert_int_equal(world.reports, 3);
	assert_settled(&world);

	/* Armed again, only what is watched is closed again. */
	assert_int_equal(tsr_watch_arm(&world.watch), 0);
	assert_int_equal(denied_at(&world, 5), R | W | X | T);
	assert_int_equal(denied_at(&world, 9), R | W | T);
	assert_int_equal(denied_at(&world, 20), 0);
	assert_int_equal(touch(&world, 9, T), 1);
	assert_int_equal(world.reports, 4);
	assert_settled(&world);
	world_free(&world);
}

/* Each watch of a page reports its own first access, whatever another has seen there. */
static void test_watches_overlap(void **state)
{
	struct tsr_range page = { BASE, BASE + TSR_PAGE_SIZE };
	struct world world;

	world_make(&world, TSR_RAM_ANON, NULL);
	assert_int_equal(tsr_watch_add(&world.watch, page, R), 0);
	assert_int_equal(tsr_watch_add(&world.watch, page, R | W), 0);
	assert_int_equal(tsr_watch_add(&world.watch, page, X), 0);
	assert_int_equal(touch(&world, 0, R), 1);
	assert_int_equal(denied_at(&world, 0), X);
	assert_int_equal(touch(&world, 0, X), 1);
	assert_int_equal(world.reports, 2);
	assert_int_equal(tsr_watch_arm(&world.watch), 0);
	assert_int_equal(touch(&world, 0, W), 1);
	assert_int_equal(denied_at(&world, 0), R | X);
	assert_int_equal(touch(&world, 0, R), 1);
	assert_int_equal(world.reports, 4);
	assert_settled(&world);
	world_free(&world);
}

/* A promotion's write restriction, on memory that is watched, and lifted in between. */
static void test_promotion_among_others(void **state)
{
	struct tsr_range all = { BASE, BASE + BYTES }, block = { BASE, BASE + TSR_BLOCK_SIZE };
	struct tsr_promotion promotion;
	struct world world;
	char path[32];

	close(file_make(path, BYTES));
	world_make(&world, TSR_RAM_FILE_PRIVATE, path);
	assert_int_equal(tsr_watch_add(&world.watch, all, W), 0);
	assert_int_equal(touch(&world, 3, W), 1);
	assert_int_equal(tsr_gate_no_write(&world.gate, block, true), 0);
	assert_int_equal(denied_at(&world, 3), W);
	assert_int_equal(denied_at(&world, 4), W);
	assert_settled(&world);
	assert_int_equal(tsr_gate_no_write(&world.gate, block, false), 0);
	assert_int_equal(denied_at(&world, 3), 0);
	assert_int_equal(denied_at(&world, 4), W);
	assert_settled(&world);
	assert_int_equal(tsr_promote(&world.promoter, BASE, world.changes, &promotion, NULL), 0);
	assert_int_equal(promotion.copied, TSR_BLOCK_SIZE);
	assert_settled(&world);
	/* A range that is not held is lifted without effect. */
	assert_int_equal(tsr_gate_no_write(&world.gate, all, false), 0);
	assert_int_equal(denied_at(&world, 4), W);
	unlink(path);
	world_free(&world);
}

/* A fault whose reason went before its handler ran is tried again, once for each change. */
static void test_stale(void **state)
{
	struct tsr_fault fault = { .flags = W, .gpa = BASE, .size = TSR_PAGE_SIZE };
	struct tsr_range page = { BASE, BASE + TSR_PAGE_SIZE };
	struct world world;
	struct tsr_why why;

	world_make(&world, TSR_RAM_ANON, NULL);
	assert_int_equal(tsr_watch_add(&world.watch, page, W), 0);
	fault.entered = world.changes;
	assert_int_equal(touch(&world, 0, W), 1);
	assert_int_equal(tsr_fault_dispatch(world.chain, 4, NULL, &fault, &why), TSR_RESOLVED);
	assert_int_equal(world.reports, 1);
	fault.entered = world.changes;
	assert_int_equal(tsr_fault_dispatch(world.chain, 4, NULL, &fault, &why), TSR_STOP);
	fault.entered--;
	fault.poisoned = true;
	assert_int_equal(tsr_fault_dispatch(world.chain, 4, NULL, &fault, &why), TSR_STOP);
	world_free(&world);
}

/* The Nth change of attributes fails: an error each time, and no page too open. */
static void test_failing_changes(void **state)
{
	struct tsr_range area = { BASE, BASE + 8 * TSR_PAGE_SIZE };
	struct tsr_range code = { area.end, area.end + TSR_PAGE_SIZE };
	struct tsr_range copied = { code.end, code.end + TSR_PAGE_SIZE };

	for (int nth = 1; nth <= 6; nth++) {
		struct world world;
		int failed = 0;

		world_make(&world, TSR_RAM_ANON, NULL);
		world.fail_at = nth;
		failed += tsr_watch_add(&world.watch, area, W) == -ENOMEM;
		failed += tsr_protection_add(&world.text, code, true) == -ENOMEM;
		failed += tsr_gate_no_write(&world.gate, copied, true) == -ENOMEM;
		failed += touch(&world, 1, W) < 0;
		failed += tsr_watch_arm(&world.watch) == -ENOMEM;
		failed += tsr_gate_no_write(&world.gate, copied, false) == -ENOMEM;
		assert_int_equal(failed, 1);
		for (uint64_t page = 0; page < PAGES; page++) {
			tsr_gate_lock(&world.gate);
			assert_int_equal(tsr_gate_denied(&world.gate, BASE + page * TSR_PAGE_SIZE) &
						 ~denied_at(&world, page),
					 0);
			tsr_gate_unlock(&world.gate);
		}
		tsr_gate_no_write(&world.gate, copied, false);
		world_free(&world);
	}
}

static void test_limits(void **state)
{
	struct tsr_range page = { BASE, BASE + TSR_PAGE_SIZE };
	struct tsr_keeper keeper = { .opaque = NULL };
	struct world world;
	int error = 0, count = 0;

	world_make(&world, TSR_RAM_ANON, NULL);
	for (; !error; count++)
		error = tsr_watch_add(&world.watch, page, W);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(count, TSR_WATCH_AREAS_MAX + 1);
	for (error = count = 0; !error; count++)
		error = tsr_protection_add(&world.text, page, false);
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(count, TSR_PROTECTED_MAX + 1);
	for (error = count = 0; !error; count++)
		error = tsr_gate_add(&world.gate, keeper);
	assert_int_equal(error, -ENOSPC);
	world.gate.keeper_count = 3;
	world_free(&world);
}

static void test_image_code(void **state)
{
	static const struct {
		uint64_t gpa, size;
		bool executable, writable;
		uint64_t first, last; /* pages that are protected */
	} cases[] = {
		{ BASE, 2 * TSR_PAGE_SIZE, true, false, 0, 2 },
		{ BASE + 8, 2 * TSR_PAGE_SIZE, true, false, 1, 2 },
		{ BASE, 2 * TSR_PAGE_SIZE, true, true, 0, 0 },
		{ BASE, 2 * TSR_PAGE_SIZE, false, false, 0, 0 },
		{ BASE + 8, 100, true, false, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_image image = { .count = 1 };
		bool any = cases[i].last;
		struct world world;

		image.pieces[0] = (struct tsr_image_piece){
			.gpa = cases[i].gpa,
			.size = cases[i].size,
			.executable = cases[i].executable,
			.writable = cases[i].writable,
		};
		world_make(&world, TSR_RAM_ANON, NULL);
		assert_int_equal(tsr_protection_add_image(&world.text, &image, true),
				 any ? 0 : -ENOENT);
		for (uint64_t page = 0; page < 4; page++)
			assert_int_equal(denied_at(&world, page),
					 page >= cases[i].first && page < cases[i].last ? R | W
											: 0);
		world_free(&world);
	}
}

/* Each allocation fails once: an error, and the same call works afterwards. */
static void test_failing_allocations(void **state)
{
	struct tsr_range area = { BASE, BASE + 8 * TSR_PAGE_SIZE };
	int reached = 0;

	for (int nth = 0; nth < 4; nth++) {
		struct tsr_why why;
		struct world world;
		int failed = 0;
		char path[32];

		close(file_make(path, BYTES));
		world_make(&world, TSR_RAM_ANON, NULL);
		alloc_fail_after = nth;
		for (int error = -1; error; failed += error == -ENOMEM)
			error = tsr_watch_add(&world.watch, area, W);
		for (int error = -1; error; failed += error == -ENOMEM)
			error = tsr_gate_no_write(&world.gate, area, true);
		for (int error = -1; error; failed += error == -ENOMEM)
			error = tsr_lazy_init(&world.lazy, &world.gate, &world.ram,
					      &world.ram.regions[0], path, 0, &why);
		assert_int_equal(failed, alloc_fail_after < 0 && nth < 3);
		reached += failed;
		alloc_fail_after = -1;
		assert_settled(&world);
		assert_int_equal(tsr_gate_no_write(&world.gate, area, false), 0);
		assert_settled(&world);
		tsr_lazy_destroy(&world.lazy);
		unlink(path);
		world_free(&world);
	}
	assert_int_equal(reached, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_on_one_page),
		cmocka_unit_test(test_watches_overlap),
		cmocka_unit_test(test_promotion_among_others),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_failing_changes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_image_code),
		cmocka_unit_test(test_failing_allocations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_policies", tests, NULL, NULL);
}
