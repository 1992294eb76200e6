/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Pages that are private or shared, and the guest's calls for that: vmm/lib/private.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tessera/fault.h"
#include "tessera/private.h"

#define BASE  UINT64_C(0x40000000)
#define PAGES 16
#define SIZE  (PAGES * TSR_PAGE_SIZE)
#define END   (BASE + 4 * SIZE)

/* Anonymous memory, a memfd beside it, memory that may not be private, and a memfd. */
static const struct tsr_ram_spec specs[] = {
	{ .gpa = { BASE, BASE + SIZE }, .kind = TSR_RAM_ANON, .guest_memfd = true },
	{ .gpa = { BASE + SIZE, BASE + 2 * SIZE }, .kind = TSR_RAM_MEMFD, .guest_memfd = true },
	{ .gpa = { BASE + 2 * SIZE, BASE + 3 * SIZE }, .kind = TSR_RAM_ANON },
	{ .gpa = { BASE + 3 * SIZE, END }, .kind = TSR_RAM_MEMFD, .guest_memfd = true },
};

/* A hypervisor of which the attribute alone is there. */
struct world {
	_Atomic bool hidden[4 * PAGES];
	_Atomic int calls;
	int fail_at, fail_count;
	_Atomic uint64_t changes;
	struct tsr_ram ram;
	struct tsr_private private;
};

static int fake_change(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny)
{
	struct world *world = opaque;
	int call = ++world->calls;

	assert_int_equal(needs, TSR_FAULT_PRIVATE);
	assert_true(gpa.start >= BASE && gpa.start < gpa.end && gpa.end <= END);
	if (call >= world->fail_at && call < world->fail_at + world->fail_count)
		return -ENOMEM;
	for (uint64_t at = gpa.start; at < gpa.end; at += TSR_PAGE_SIZE)
		world->hidden[(at - BASE) / TSR_PAGE_SIZE] = deny;
	return 0;
}

static void world_make(struct world *world)
{
	memset((void *)world, 0, sizeof(*world));
	assert_int_equal(tsr_ram_create(&world->ram, specs, 4, NULL), 0);
	/* What a VM would have made of it. */
	for (size_t i = 0; i < 4; i++)
		if (specs[i].guest_memfd)
			world->ram.regions[i].guest_memfd = open("/dev/null", O_RDWR);
	tsr_private_init(&world->private, &world->ram, fake_change, world, &world->changes);
}

static void world_end(struct world *world)
{
	tsr_ram_destroy(&world->ram);
}

static struct tsr_range pages_at(uint64_t first, uint64_t count)
{
	uint64_t start = BASE + first * TSR_PAGE_SIZE;

	return (struct tsr_range){ start, start + count * TSR_PAGE_SIZE };
}

static int convert(struct world *world, uint64_t first, uint64_t count, bool hide)
{
	uint64_t done;
	int error = tsr_private_convert(&world->private, pages_at(first, count), hide, &done);

	assert_int_equal(done, error ? 0 : count * TSR_PAGE_SIZE);
	return error;
}

static uint64_t word_at(struct world *world, uint64_t page)
{
	uint64_t word = 0;

	assert_int_equal(tsr_ram_read(&world->ram, BASE + page * TSR_PAGE_SIZE, &word, 8), 0);
	return word;
}

static int word_set(struct world *world, uint64_t page, uint64_t word)
{
	return tsr_ram_write(&world->ram, BASE + page * TSR_PAGE_SIZE, &word, 8);
}

/* What the hypervisor was told is what the records say and what accesses come to. */
static void agree(struct world *world)
{
	for (uint64_t page = 0; page < 4UL * PAGES; page++) {
		const struct tsr_ram_region *region = &world->ram.regions[page / PAGES];
		uint64_t word;
		int error = tsr_ram_read(&world->ram, BASE + page * TSR_PAGE_SIZE, &word, 8);

		assert_int_equal(tsr_pages_test(&region->private_pages, page % PAGES),
				 world->hidden[page]);
		assert_int_equal(error, world->hidden[page] ? -EACCES : 0);
	}
}

/* A page that goes and comes back is zero; its neighbours keep what they have. */
static void test_contents(void **state)
{
	static const uint64_t firsts[] = { 3, PAGES + 3, 3 * PAGES };
	struct world world;

	world_make(&world);
	for (size_t i = 0; i < 3; i++) {
		uint64_t page = firsts[i];

		for (uint64_t at = page; at < page + 4; at++)
			assert_int_equal(word_set(&world, at, at), 0);
		assert_int_equal(convert(&world, page + 1, 2, true), 0);
		agree(&world);
		assert_int_equal(word_set(&world, page + 1, 1), -EACCES);
		assert_int_equal(convert(&world, page + 1, 2, false), 0);
		agree(&world);
		assert_int_equal(word_at(&world, page), page);
		assert_int_equal(word_at(&world, page + 1), 0);
		assert_int_equal(word_at(&world, page + 2), 0);
		assert_int_equal(word_at(&world, page + 3), page + 3);
	}
	assert_int_equal(world.private.conversions, 12);
	world_end(&world);
}

/* What is so already is left alone, in one call with what is not. */
static void test_again(void **state)
{
	struct world world;

	world_make(&world);
	assert_int_equal(word_set(&world, 5, 55), 0);
	assert_int_equal(convert(&world, 5, 1, false), 0);
	assert_int_equal(world.calls, 0);
	assert_int_equal(word_at(&world, 5), 55);
	assert_int_equal(convert(&world, 4, 1, true), 0);
	assert_int_equal(convert(&world, 2, 5, true), 0);
	assert_int_equal(world.calls, 3);
	assert_int_equal(world.changes, 3);
	assert_int_equal(convert(&world, 2, 5, true), 0);
	assert_int_equal(world.calls, 3);
	agree(&world);
	world_end(&world);
}

/* A range over two regions that touch; ranges that may not be private, or are none. */
static void test_ranges(void **state)
{
	static const struct {
		struct tsr_range gpa;
		int error;
	} rows[] = {
		{ { BASE, BASE }, -EINVAL },
		{ { BASE + TSR_PAGE_SIZE, BASE }, -EINVAL },
		{ { BASE + 1, BASE + TSR_PAGE_SIZE }, -EINVAL },
		{ { BASE, BASE + 1 }, -EINVAL },
		{ { BASE - TSR_PAGE_SIZE, BASE + TSR_PAGE_SIZE }, -EFAULT },
		{ { BASE, BASE + 2 * SIZE + TSR_PAGE_SIZE }, -EFAULT },
		{ { BASE + 2 * SIZE, BASE + 3 * SIZE }, -EFAULT },
		{ { BASE + 3 * SIZE, END + TSR_PAGE_SIZE }, -EFAULT },
		{ { UINT64_C(0) - 2 * TSR_PAGE_SIZE, UINT64_C(0) - TSR_PAGE_SIZE }, -EFAULT },
		{ { 0, UINT64_C(0) - TSR_PAGE_SIZE }, -EFAULT },
	};
	struct world world;

	world_make(&world);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t done = 1;

		assert_int_equal(tsr_private_convert(&world.private, rows[i].gpa, true, &done),
				 rows[i].error);
		assert_int_equal(done, 0);
	}
	assert_int_equal(world.calls, 0);
	assert_int_equal(convert(&world, PAGES - 1, 2, true), 0);
	assert_int_equal(convert(&world, 0, 2UL * PAGES, true), 0);
	agree(&world);
	assert_int_equal(convert(&world, 0, 2UL * PAGES, false), 0);
	agree(&world);
	world_end(&world);
}

/* The hypervisor fails at each of its calls: what was done is told, and is so. */
static void test_failures(void **state)
{
	for (int fail_at = 1; fail_at <= 4; fail_at++) {
		struct world world;
		uint64_t done, asked = 2 * PAGES - 2;
		int error;

		world_make(&world);
		/* Shared in pieces: [0, 3), [4, 16) and [16, 30). */
		assert_int_equal(convert(&world, 3, 1, true), 0);
		world.fail_at = world.calls + fail_at;
		world.fail_count = 1;
		error = tsr_private_convert(&world.private, pages_at(0, asked), true, &done);
		assert_int_equal(error, fail_at <= 3 ? -ENOMEM : 0);
		done /= TSR_PAGE_SIZE;
		assert_int_equal(done, fail_at == 1   ? 0
				       : fail_at == 2 ? 4
				       : fail_at == 3 ? PAGES
						      : asked);
		for (uint64_t page = 0; page < asked; page++)
			assert_int_equal(world.hidden[page], page < done || page == 3);
		agree(&world);
		world_end(&world);
	}
}

/* The memory that is given up cannot be emptied: the page stays shared, or cannot even be that. */
static void test_no_discard(void **state)
{
	struct world world;
	uint64_t done;

	for (int fail_count = 0; fail_count < 2; fail_count++) {
		world_make(&world);
		close(world.ram.regions[3].file);
		world.ram.regions[3].file = dup(world.ram.regions[3].guest_memfd);
		world.fail_at = 2;
		world.fail_count = fail_count;
		assert_int_not_equal(
			tsr_private_convert(&world.private, pages_at(3UL * PAGES, 1), true, &done),
			0);
		assert_int_equal(done, 0);
		assert_int_equal(world.calls, 2);
		assert_int_equal(world.hidden[3 * PAGES], fail_count);
		agree(&world);
		world_end(&world);
	}
}

static uint64_t ask(struct world *world, uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	static const uint64_t services[] = { 3, 1 };
	struct tsr_call call = { function, { function, x1, x2, x3 } };

	assert_true(tsr_private_answer(&world->private, &call, services));
	assert_int_equal(call.x[1], 0);
	assert_int_equal(call.x[2], function == TSR_CALL_FEATURES);
	assert_int_equal(call.x[3], 0);
	return call.x[0];
}

static void test_calls(void **state)
{
	static const uint64_t bad[][3] = {
		{ BASE + 1, 0, 0 },
		{ BASE + 8, 0, 0 },
		{ BASE - TSR_PAGE_SIZE, 0, 0 },
		{ BASE + 2 * SIZE, 0, 0 },
		{ END, 0, 0 },
		{ 0, 0, 0 },
		{ UINT64_C(0) - TSR_PAGE_SIZE, 0, 0 },
		{ UINT64_C(0) - 1, 0, 0 },
		{ BASE, 1, 0 },
		{ BASE, 0, 1 },
	};
	struct world world;

	world_make(&world);
	assert_int_equal(ask(&world, TSR_CALL_FEATURES, 7, 7, 7), 0x1f);
	assert_int_equal(ask(&world, TSR_CALL_MEM_INFO, 0, 0, 0), 4096);
	assert_int_equal(ask(&world, TSR_CALL_MEM_INFO, 1, 0, 0), TSR_CALL_INVALID_PARAMETERS);
	assert_int_equal(ask(&world, TSR_CALL_MEM_INFO, 0, 1, 0), TSR_CALL_INVALID_PARAMETERS);
	assert_int_equal(ask(&world, TSR_CALL_MEM_INFO, 0, 0, 1), TSR_CALL_INVALID_PARAMETERS);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ask(&world, TSR_CALL_MEM_SHARE, bad[i][0], bad[i][1], bad[i][2]),
				 TSR_CALL_INVALID_PARAMETERS);
		assert_int_equal(ask(&world, TSR_CALL_MEM_UNSHARE, bad[i][0], bad[i][1], bad[i][2]),
				 TSR_CALL_INVALID_PARAMETERS);
	}
	assert_int_equal(world.calls, 0);
	assert_int_equal(world.private.refusals, 3 + 20);
	assert_int_equal(ask(&world, TSR_CALL_MEM_UNSHARE, BASE, 0, 0), 0);
	assert_true(world.hidden[0] && !world.hidden[1]);
	assert_int_equal(ask(&world, TSR_CALL_MEM_SHARE, BASE, 0, 0), 0);
	assert_false(world.hidden[0]);
	world.fail_at = world.calls + 1;
	world.fail_count = 1;
	assert_int_equal(ask(&world, TSR_CALL_MEM_UNSHARE, BASE, 0, 0),
			 TSR_CALL_INVALID_PARAMETERS);
	agree(&world);
	world_end(&world);
}

/* Other calls are not its business; and a VM whose memory is all shared knows none of it. */
static void test_no_calls(void **state)
{
	static const uint32_t others[] = { 0x86000001, 0xc6000001, 0xc6000005, 0x46000003, 0 };
	const uint64_t services[] = { 3, 0 };
	struct world world;

	world_make(&world);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct tsr_call call = { others[i], { others[i], 1, 2, 3 } };

		assert_false(tsr_private_answer(&world.private, &call, services));
		assert_int_equal(call.x[0], others[i]);
		assert_int_equal(call.x[3], 3);
	}
	for (size_t i = 0; i < 4; i++) {
		if (world.ram.regions[i].guest_memfd >= 0)
			close(world.ram.regions[i].guest_memfd);
		world.ram.regions[i].guest_memfd = -1;
	}
	assert_int_equal(ask(&world, TSR_CALL_MEM_INFO, 0, 0, 0), TSR_CALL_NOT_SUPPORTED);
	assert_int_equal(ask(&world, TSR_CALL_MEM_SHARE, BASE, 0, 0), TSR_CALL_NOT_SUPPORTED);
	assert_int_equal(ask(&world, TSR_CALL_MEM_UNSHARE, BASE, 0, 0), TSR_CALL_NOT_SUPPORTED);
	assert_int_equal(ask(&world, TSR_CALL_FEATURES, 0, 0, 0), 3);
	world_end(&world);
}

/* --- Conversions and accesses at the same time. --- */

#define THREADS 4
#define TURNS	2000

static struct world *busy;

/* A word of each page is this thread's alone: it finds there what it stored last, or zero. */
static void use_page(uint64_t page, uint64_t index, uint64_t value)
{
	uint64_t at = BASE + page * TSR_PAGE_SIZE + index * 8, found;
	int error = tsr_ram_write(&busy->ram, at, &value, 8);

	assert_true(!error || error == -EACCES);
	if (error)
		return;
	error = tsr_ram_read(&busy->ram, at, &found, 8);
	assert_true(error == -EACCES || (!error && (found == value || !found)));
}

static void *run_thread(void *opaque)
{
	uint64_t index = (uintptr_t)opaque, state = index + 1;

	for (uint64_t turn = 1; turn <= TURNS; turn++) {
		uint64_t page, count;

		state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
		page = (state >> 33) % (2 * PAGES);
		count = 1 + (state >> 50) % (2 * PAGES - page);
		if (index % 2)
			use_page(page, index, turn);
		else
			assert_int_equal(tsr_private_convert(&busy->private, pages_at(page, count),
							     state >> 40 & 1, NULL),
					 0);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	struct world world;

	world_make(&world);
	busy = &world;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_thread, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	agree(&world);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),   cmocka_unit_test(test_again),
		cmocka_unit_test(test_ranges),	   cmocka_unit_test(test_failures),
		cmocka_unit_test(test_no_discard), cmocka_unit_test(test_calls),
		cmocka_unit_test(test_no_calls),   cmocka_unit_test(test_threads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_private", tests, NULL, NULL);
}
