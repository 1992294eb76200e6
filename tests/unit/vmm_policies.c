/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Policies over the same memory: vmm/lib/{gate,lazy,watch,protect,promote}.c, over real
 * files and memory, with attributes that are only recorded, as a hypervisor would.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc_fail.h"
#include "tessera/lazy.h"
#include "tessera/promote.h"
#include "tessera/protect.h"
#include "tessera/watch.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 1024
#define BYTES (PAGES * TSR_PAGE_SIZE)
#define R     TSR_FAULT_READ
#define W     TSR_FAULT_WRITE
#define X     TSR_FAULT_EXEC
#define T     TSR_FAULT_TAG

/* A VM of which only the attributes are there. */
struct world {
	pthread_mutex_t lock;
	unsigned char denied[PAGES];
	int calls, fail_at;
	_Atomic uint64_t changes;
	struct tsr_ram ram;
	struct tsr_gate gate;
	struct tsr_lazy lazy;
	struct tsr_watch watch;
	struct tsr_protection text;
	struct tsr_promoter promoter;
	struct tsr_handler chain[5];
	size_t chain_count;
	char path[32];
	int reports, violations;
};

static int fake_change(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny)
{
	struct world *world = opaque;
	int error = 0;

	assert_true(gpa.start >= BASE && gpa.start < gpa.end && gpa.end <= BASE + BYTES);
	pthread_mutex_lock(&world->lock);
	if (++world->calls == world->fail_at)
		error = -ENOMEM;
	for (uint64_t at = gpa.start; !error && at < gpa.end; at += TSR_PAGE_SIZE) {
		unsigned char *page = &world->denied[(at - BASE) / TSR_PAGE_SIZE];

		*page = (unsigned char)(deny ? *page | needs : *page & ~needs);
	}
	pthread_mutex_unlock(&world->lock);
	return error;
}

static uint64_t pattern(uint64_t page)
{
	return page * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* A file of @bytes in which each page says its number; *@fd stays open. */
static int file_make(char *path, uint64_t bytes)
{
	int fd;

	strcpy(path, "/tmp/vmm_policies.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	for (uint64_t page = 0; page * TSR_PAGE_SIZE + 16 <= bytes; page++) {
		uint64_t word = pattern(page);

		assert_int_equal(pwrite(fd, &word, 8, (off_t)(page * TSR_PAGE_SIZE + 8)), 8);
	}
	return fd;
}

static void on_report(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault)
{
	struct world *world = opaque;

	world->reports++;
}

static enum tsr_verdict on_violation(void *opaque, struct tsr_vcpu *vcpu,
				     const struct tsr_fault *fault, struct tsr_why *why)
{
	struct world *world = opaque;

	world->violations++;
	return TSR_RESOLVED;
}

static void world_make(struct world *world, enum tsr_ram_kind kind, const char *path)
{
	struct tsr_ram_spec spec = { .gpa = { BASE, BASE + BYTES }, .kind = kind };
	struct tsr_attributes attributes = { tsr_gate_no_write, &world->gate };

	memset(world, 0, sizeof(*world));
	if (path)
		strcpy(spec.path, path);
	pthread_mutex_init(&world->lock, NULL);
	assert_int_equal(tsr_ram_create(&world->ram, &spec, 1, NULL), 0);
	tsr_gate_init(&world->gate, fake_change, world, &world->changes);
	assert_int_equal(tsr_watch_init(&world->watch, &world->gate, on_report, world), 0);
	assert_int_equal(tsr_protection_init(&world->text, &world->gate, on_violation, world), 0);
	assert_int_equal(tsr_promoter_init(&world->promoter, &world->ram, attributes,
					   &world->changes, 0, NULL),
			 0);
	world->chain[0] = (struct tsr_handler){ tsr_watch_handle, &world->watch };
	world->chain[1] = (struct tsr_handler){ tsr_protection_handle, &world->text };
	world->chain[2] = (struct tsr_handler){ tsr_promoter_handle, &world->promoter };
	world->chain[3] = (struct tsr_handler){ tsr_gate_handle, &world->gate };
	world->chain_count = 4;
}

/* Memory filled from a file of @bytes. */
static void world_lazy(struct world *world, uint64_t bytes, uint64_t window)
{
	world_make(world, TSR_RAM_ANON, NULL);
	close(file_make(world->path, bytes));
	assert_int_equal(tsr_lazy_init(&world->lazy, &world->gate, &world->ram,
				       &world->ram.regions[0], world->path, window, NULL),
			 0);
	memmove(&world->chain[2], &world->chain[1], 3 * sizeof(world->chain[0]));
	world->chain[1] = (struct tsr_handler){ tsr_lazy_handle, &world->lazy };
	world->chain_count = 5;
}

static void world_free(struct world *world)
{
	tsr_watch_destroy(&world->watch);
	if (world->chain_count == 5)
		tsr_lazy_destroy(&world->lazy);
	if (world->path[0])
		unlink(world->path);
	tsr_gate_destroy(&world->gate);
	tsr_promoter_destroy(&world->promoter);
	tsr_ram_destroy(&world->ram);
}

static uint64_t denied_at(struct world *world, uint64_t page)
{
	uint64_t denied;

	pthread_mutex_lock(&world->lock);
	denied = world->denied[page];
	pthread_mutex_unlock(&world->lock);
	return denied;
}

/* What the hypervisor denies is what the keepers do, on every page. */
static void assert_settled(struct world *world)
{
	tsr_gate_lock(&world->gate);
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(denied_at(world, page),
				 tsr_gate_denied(&world->gate, BASE + page * TSR_PAGE_SIZE));
	tsr_gate_unlock(&world->gate);
}

/* A guest's access: exits while it is denied. Returns the exits, or -1 if it was stopped. */
static int touch(struct world *world, uint64_t page, uint64_t need)
{
	struct tsr_fault fault = {
		.flags = need,
		.gpa = BASE + page * TSR_PAGE_SIZE,
		.size = TSR_PAGE_SIZE,
		.entered = world->changes,
	};
	struct tsr_why why;
	int exits = 0, violations = world->violations;

	while (denied_at(world, page) & need && violations == world->violations) {
		if (exits++ > 100 || tsr_fault_dispatch(world->chain, world->chain_count, NULL,
							&fault, &why) != TSR_RESOLVED)
			return -1;
		fault.entered = world->changes;
	}
	return exits;
}

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
		cmocka_unit_test(test_several_on_one_page),
		cmocka_unit_test(test_watches_overlap),
		cmocka_unit_test(test_promotion_among_others),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_failing_changes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_image_code),
		cmocka_unit_test(test_window_bound),
		cmocka_unit_test(test_lazy_contents),
		cmocka_unit_test(test_lazy_truncated),
		cmocka_unit_test(test_lazy_refused),
		cmocka_unit_test(test_lazy_fifo),
		cmocka_unit_test(test_failing_allocations),
		cmocka_unit_test(test_lazy_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_policies", tests, NULL, NULL);
}
