/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Memory that a file brings page by page: vmm/lib/lazy.c, with real files. */
#include <sys/stat.h>

#include "policies_world.h"

/* Whoever goes up or down through memory fetches at most 1.5 times what it touches. */
static void test_window_bound(void **state)
{
	static const struct {
		uint64_t from, count, step;
	} walks[] = { { 0, 100, 1 }, { 500, 37, 1 }, { 500, 100, UINT64_MAX }, { 0, 100, 10 } };

	for (size_t i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		struct world world;

		world_lazy(&world, BYTES, 0);
		for (uint64_t j = 0; j < walks[i].count; j++)
			assert_true(touch(&world, walks[i].from + j * walks[i].step, R) >= 0);
		assert_true(world.lazy.pages_fetched >= walks[i].count);
		assert_true(2 * world.lazy.pages_fetched <= 3 * walks[i].count);
		assert_settled(&world);
		world_free(&world);
	}
}

static void assert_page(struct world *world, uint64_t page, uint64_t want)
{
	uint64_t word;

	assert_int_equal(tsr_ram_read(&world->ram, BASE + page * TSR_PAGE_SIZE + 8, &word, 8), 0);
	assert_int_equal(word, want);
}

/* The VMM's own accesses bring pages; what the file does not have is zero and open. */
static void test_lazy_contents(void **state)
{
	const uint64_t bytes = 300 * TSR_PAGE_SIZE + 100;
	struct world world;
	uint64_t word = 7;

	world_lazy(&world, bytes, 0);
	assert_int_equal(world.calls, 1);
	assert_int_equal(denied_at(&world, 300), R | W | X);
	assert_int_equal(denied_at(&world, 301), 0);
	assert_int_equal(tsr_ram_write(&world.ram, BASE + 17 * TSR_PAGE_SIZE, &word, 8), 0);
	assert_int_equal(denied_at(&world, 17), 0);
	assert_page(&world, 17, pattern(17));
	for (uint64_t page = 0; page < PAGES; page++)
		assert_page(&world, page, page <= 300 ? pattern(page) : 0);
	assert_int_equal(tsr_lazy_missing(&world.lazy), 0);
	assert_int_equal(world.lazy.pages_fetched, 301);
	assert_settled(&world);
	world_free(&world);
}

/* A file that shrinks: the page fails, others that are still there do not. */
static void test_lazy_truncated(void **state)
{
	struct world world;
	uint64_t word;

	world_lazy(&world, BYTES, 0);
	for (uint64_t page = 0; page < 64; page++)
		assert_int_equal(touch(&world, page, R) >= 0, 1);
	assert_int_equal(truncate(world.path, 200 * TSR_PAGE_SIZE), 0);
	assert_int_equal(touch(&world, 900, R), -1);
	assert_int_equal(denied_at(&world, 900), R | W | X);
	assert_int_equal(tsr_ram_read(&world.ram, BASE + 900 * TSR_PAGE_SIZE, &word, 8), -EIO);
	for (uint64_t page = 64; page < 200; page++)
		assert_int_equal(touch(&world, page, R) >= 0, 1);
	assert_int_equal(touch(&world, 200, R), -1);
	assert_settled(&world);
	world_free(&world);
}

static void test_lazy_refused(void **state)
{
	static const struct {
		enum tsr_ram_kind kind;
		const char *path;
		uint64_t bytes, window;
		int error;
	} cases[] = {
		{ TSR_RAM_ANON, NULL, BYTES + 1, 0, -EFBIG },
		{ TSR_RAM_ANON, NULL, BYTES, 4095, -EINVAL },
		{ TSR_RAM_ANON, NULL, BYTES, TSR_LAZY_WINDOW_MAX + TSR_PAGE_SIZE, -EINVAL },
		{ TSR_RAM_FILE_PRIVATE, NULL, BYTES, 0, -EINVAL },
		{ TSR_RAM_ANON, "/tmp", 0, 0, -EINVAL },
		{ TSR_RAM_ANON, "/tmp/nothing/there", 0, 0, -ENOENT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_why why = { "" };
		struct world world;
		char path[32];

		close(file_make(path, cases[i].bytes));
		world_make(&world, cases[i].kind, path);
		assert_int_equal(
			tsr_lazy_init(&world.lazy, &world.gate, &world.ram, &world.ram.regions[0],
				      cases[i].path ? cases[i].path : path, cases[i].window, &why),
			cases[i].error);
		assert_true(strlen(why.text) > 20);
		unlink(path);
		world_free(&world);
	}
	/* The change of attributes fails. */
	for (int memfd = 0; memfd < 2; memfd++) {
		struct world world;
		char path[32];

		close(file_make(path, BYTES));
		world_make(&world, memfd ? TSR_RAM_MEMFD : TSR_RAM_ANON, NULL);
		world.fail_at = 1;
		assert_int_equal(tsr_lazy_init(&world.lazy, &world.gate, &world.ram,
					       &world.ram.regions[0], path, 0, NULL),
				 -ENOMEM);
		assert_null(world.ram.regions[0].arrive);
		unlink(path);
		assert_settled(&world);
		world_free(&world);
	}
}

/* What is no regular file is refused, and not waited for: nobody may write to it, ever. */
static void test_lazy_fifo(void **state)
{
	char path[] = "/tmp/vmm_policies.XXXXXX/fifo";
	char *end = strrchr(path, '/');
	struct world world;
	struct tsr_why why;

	*end = '\0';
	assert_non_null(mkdtemp(path));
	*end = '/';
	assert_int_equal(mkfifo(path, 0600), 0);
	world_make(&world, TSR_RAM_ANON, NULL);
	alarm(5);
	assert_int_equal(tsr_lazy_init(&world.lazy, &world.gate, &world.ram, &world.ram.regions[0],
				       path, 0, &why),
			 -EINVAL);
	alarm(0);
	unlink(path);
	*end = '\0';
	rmdir(path);
	world_free(&world);
}

#define THREADS 4

/* Each thread is a vCPU, or the VMM, that wants every page. */
static void *toucher(void *opaque)
{
	struct world *world = opaque;

	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t word;

		if (page % 3)
			assert_true(touch(world, page, R) >= 0);
		assert_int_equal(
			tsr_ram_read(&world->ram, BASE + page * TSR_PAGE_SIZE + 8, &word, 8), 0);
		assert_int_equal(word, pattern(page));
	}
	return NULL;
}

static void test_lazy_threads(void **state)
{
	pthread_t threads[THREADS];
	struct world world;

	world_lazy(&world, BYTES, 16 * TSR_PAGE_SIZE);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, toucher, &world), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(world.lazy.pages_fetched, PAGES);
	assert_settled(&world);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_bound),   cmocka_unit_test(test_lazy_contents),
		cmocka_unit_test(test_lazy_truncated), cmocka_unit_test(test_lazy_refused),
		cmocka_unit_test(test_lazy_fifo),      cmocka_unit_test(test_lazy_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_lazy", tests, NULL, NULL);
}
