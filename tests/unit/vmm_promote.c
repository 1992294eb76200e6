/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Promotion: vmm/lib/{promoted,promote}.c, over real files, memfds and
 * mappings, with attributes that are only recorded.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "tessera/promote.h"
#include "tessera/promoted.h"

#define BASE  UINT64_C(0x80000000)
#define PAGES 2048
#define BYTES (PAGES * TSR_PAGE_SIZE)

/* A VM's attributes: what is restricted now, and which call is to fail. */
struct attributes_fake {
	pthread_mutex_t lock;
	unsigned char no_write[PAGES];
	int calls;
	int fail_at; /* the number of a call, from 1; 0: none */
};

struct world {
	char path[32];
	int fd;
	struct tsr_ram ram;
	struct attributes_fake attributes;
	_Atomic uint64_t changes;
	struct tsr_promoter promoter;
};

static int fake_no_write(void *opaque, struct tsr_range gpa, bool set)
{
	struct attributes_fake *fake = opaque;
	int error = 0;

	pthread_mutex_lock(&fake->lock);
	if (++fake->calls == fake->fail_at)
		error = -ENOMEM;
	else
		memset(fake->no_write + (gpa.start - BASE) / TSR_PAGE_SIZE, set,
		       tsr_range_size(gpa) / TSR_PAGE_SIZE);
	pthread_mutex_unlock(&fake->lock);
	return error;
}

static uint64_t pattern(uint64_t page)
{
	return page * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static struct world *world_make(enum tsr_ram_kind kind, bool exclusive, uint64_t unit)
{
	struct world *world = calloc(1, sizeof(*world));
	struct tsr_ram_spec spec = {
		.gpa = { BASE, BASE + BYTES },
		.kind = kind,
		.exclusive = exclusive,
	};

	strcpy(world->path, "/tmp/vmm_promote.XXXXXX");
	world->fd = mkstemp(world->path);
	assert_true(world->fd >= 0);
	assert_int_equal(ftruncate(world->fd, BYTES), 0);
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t word = pattern(page);

		assert_int_equal(pwrite(world->fd, &word, 8, (off_t)(page * TSR_PAGE_SIZE + 8)), 8);
	}
	strcpy(spec.path, world->path);
	assert_int_equal(tsr_ram_create(&world->ram, &spec, 1, NULL), 0);
	pthread_mutex_init(&world->attributes.lock, NULL);
	assert_int_equal(
		tsr_promoter_init(&world->promoter, &world->ram,
				  (struct tsr_attributes){ fake_no_write, &world->attributes },
				  &world->changes, unit, NULL),
		0);
	return world;
}

static void world_free(struct world *world)
{
	tsr_promoter_destroy(&world->promoter);
	tsr_ram_destroy(&world->ram);
	close(world->fd);
	unlink(world->path);
	free(world);
}

static void assert_contents(struct world *world)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t word;

		assert_int_equal(
			tsr_ram_read(&world->ram, BASE + page * TSR_PAGE_SIZE + 8, &word, 8), 0);
		assert_int_equal(word, pattern(page));
	}
}

static uint64_t promoted_count(const struct world *world)
{
	uint64_t count = 0;

	for (uint64_t page = 0; page < PAGES; page++)
		count += tsr_pages_test(&world->ram.regions[0].promoted, page);
	return count;
}

static void assert_unrestricted(const struct world *world)
{
	for (uint64_t page = 0; page < PAGES; page++)
		assert_int_equal(world->attributes.no_write[page], 0);
}

/* How many mappings the region consists of. */
static uint64_t mappings(const struct world *world)
{
	uintptr_t first = (uintptr_t)world->ram.regions[0].host, start, end;
	FILE *file = fopen("/proc/self/maps", "r");
	uint64_t count = 0;
	char line[512];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start >= first &&
		    end <= first + BYTES)
			count++;
	fclose(file);
	return count;
}

static int promote(struct world *world, uint64_t page, struct tsr_promotion *promotion)
{
	struct tsr_why why = { "" };
	int error = tsr_promote(&world->promoter, BASE + page * TSR_PAGE_SIZE, world->changes,
				promotion, &why);

	assert_true(!error || strlen(why.text) > 20);
	return error;
}

static void test_plan(void **state)
{
	static const struct {
		uint64_t skew, page, unit;
		struct tsr_page_run promoted; /* before */
		int64_t spare;
		struct tsr_page_run run;
	} cases[] = {
		/* the unit, cut to the region at both ends */
		{ 0, 5, 1, { 0, 0 }, 100, { 5, 6 } },
		{ 0, 600, 512, { 0, 0 }, 100, { 512, 1024 } },
		{ 0, 1990, 512, { 0, 0 }, 100, { 1536, 2000 } },
		{ 100, 5, 512, { 0, 0 }, 100, { 0, 412 } },
		{ 100, 412, 512, { 0, 0 }, 100, { 412, 924 } },
		/* widened until it merges with what is promoted, or is all */
		{ 0, 5, 1, { 0, 0 }, 2, { 5, 6 } },
		{ 0, 5, 1, { 0, 0 }, 1, { 0, 8 } },
		{ 0, 5, 1, { 8, 9 }, 0, { 4, 8 } },
		{ 0, 3, 1, { 8, 9 }, 0, { 0, 8 } },
		{ 0, 9, 1, { 8, 9 }, 0, { 9, 10 } },
		{ 0, 5, 1, { 0, 0 }, 0, { 0, 2000 } },
		{ 0, 5, 1, { 0, 0 }, -7, { 0, 2000 } },
		{ 0, 1000, 512, { 512, 600 }, 0, { 512, 1024 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tsr_pages promoted;
		struct tsr_page_run run;

		assert_int_equal(tsr_pages_init(&promoted, 2000), 0);
		tsr_pages_set(&promoted, cases[i].promoted);
		run = tsr_promoted_plan(&promoted, cases[i].skew, cases[i].page, cases[i].unit,
					cases[i].spare);
		if (run.first != cases[i].run.first || run.last != cases[i].run.last)
			fail_msg("case %zu gives %lu-%lu", i, run.first, run.last);
		tsr_pages_free(&promoted);
	}
}

/* The cost that is foretold is the change in pieces, counted one by one. */
static void test_cost(void **state)
{
	struct tsr_pages promoted;

	assert_int_equal(tsr_pages_init(&promoted, 200), 0);
	srand(2);
	for (int round = 0; round < 2000; round++) {
		uint64_t first = (uint64_t)rand() % 200;
		struct tsr_page_run run = { first, first + 1 + (uint64_t)rand() % (200 - first) };
		int64_t cost = tsr_promoted_cost(&promoted, run), pieces = 1, after = 1;

		for (uint64_t page = 1; page < 200; page++)
			pieces += tsr_pages_test(&promoted, page) !=
				  tsr_pages_test(&promoted, page - 1);
		tsr_pages_set(&promoted, run);
		for (uint64_t page = 1; page < 200; page++)
			after += tsr_pages_test(&promoted, page) !=
				 tsr_pages_test(&promoted, page - 1);
		assert_int_equal(cost, after - pieces);
		if (round % 20 == 19)
			memset(promoted.bits, 0, 200 / 8);
	}
	tsr_pages_free(&promoted);
}

static void test_unit(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct tsr_promotion promotion;
	uint64_t word = 7, in_file;

	assert_int_equal(promote(world, 600, &promotion), 0);
	assert_int_equal(promotion.gpa.start, BASE + TSR_BLOCK_SIZE);
	assert_int_equal(promotion.copied, TSR_BLOCK_SIZE);
	assert_false(promotion.found_done);
	assert_int_equal(world->changes, 1);
	assert_int_equal(world->attributes.calls, 2);
	assert_unrestricted(world);
	assert_int_equal(promoted_count(world), 512);
	assert_int_equal(mappings(world), 3);
	assert_contents(world);
	assert_int_equal(tsr_ram_write(&world->ram, BASE + 600 * TSR_PAGE_SIZE, &word, 8), 0);
	assert_int_equal(pread(world->fd, &in_file, 8, 600 * TSR_PAGE_SIZE), 8);
	assert_int_equal(in_file, 0);
	world_free(world);
}

/* The loser of a race runs again; one who asks anew for the same is not helped. */
static void test_again(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct tsr_fault fault = { .flags = TSR_FAULT_TAG, .gpa = BASE, .size = TSR_PAGE_SIZE };
	struct tsr_promotion promotion;
	struct tsr_why why;

	assert_int_equal(promote(world, 0, &promotion), 0);
	assert_int_equal(tsr_promote(&world->promoter, BASE, 0, &promotion, NULL), 0);
	assert_true(promotion.found_done);
	assert_int_equal(promote(world, 0, &promotion), -ELOOP);
	assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, &why), TSR_RESOLVED);
	fault.entered = world->changes;
	assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, &why), TSR_STOP);
	world_free(world);
}

static void test_not_promotable(void **state)
{
	static const struct {
		enum tsr_ram_kind kind;
		bool exclusive;
		int error;
	} cases[] = {
		{ TSR_RAM_ANON, false, -EPERM },	{ TSR_RAM_MEMFD, false, -EPERM },
		{ TSR_RAM_FILE_SHARED, false, -EPERM }, { TSR_RAM_FILE_SHARED, true, 0 },
		{ TSR_RAM_FILE_PRIVATE, false, 0 },
	};
	struct tsr_promotion promotion;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *world = world_make(cases[i].kind, cases[i].exclusive, 0);
		struct tsr_fault fault = { .flags = TSR_FAULT_TAG, .gpa = BASE };

		assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, NULL),
				 cases[i].error ? TSR_NOT_MINE : TSR_RESOLVED);
		assert_int_equal(promote(world, 512, &promotion), cases[i].error);
		assert_int_equal(tsr_promote(&world->promoter, BASE - 1, 0, &promotion, NULL),
				 -EPERM);
		world_free(world);
	}
}

/* A store that met the restriction runs again; one that did not is not ours. */
static void test_write_faults(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct tsr_fault fault = { .flags = TSR_FAULT_WRITE, .gpa = BASE };
	struct tsr_promotion promotion;

	assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, NULL), TSR_NOT_MINE);
	assert_int_equal(promote(world, 0, &promotion), 0);
	assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, NULL), TSR_RESOLVED);
	fault.entered = world->changes;
	assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, NULL), TSR_NOT_MINE);
	fault.flags = TSR_FAULT_EXEC;
	assert_int_equal(tsr_promoter_handle(&world->promoter, NULL, &fault, NULL), TSR_NOT_MINE);
	world_free(world);
}

/* A failure leaves all as it was; once its cause is gone, promotion works. */
static void test_attribute_failures(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct tsr_promotion promotion;

	world->attributes.fail_at = 1;
	assert_int_equal(promote(world, 0, &promotion), -ENOMEM);
	assert_unrestricted(world);
	assert_int_equal(promoted_count(world), 0);
	assert_contents(world);
	world->attributes.fail_at = 0;
	assert_int_equal(promote(world, 0, &promotion), 0);
	assert_unrestricted(world);
	/* Only a restriction that cannot be lifted again remains an error afterwards. */
	world->attributes.fail_at = world->attributes.calls + 2;
	assert_int_equal(promote(world, 1024, &promotion), -ENOMEM);
	assert_int_equal(promoted_count(world), 1024);
	assert_contents(world);
	world_free(world);
}

static void test_no_room(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct rlimit limit, small;
	struct tsr_promotion promotion;
	int error;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = TSR_BLOCK_SIZE + 5 * TSR_PAGE_SIZE;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	error = promote(world, 512, &promotion);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(error, -EFBIG);
	assert_unrestricted(world);
	assert_int_equal(promoted_count(world), 0);
	assert_int_equal(lseek(world->ram.staging, 0, SEEK_DATA), -1);
	assert_contents(world);
	assert_int_equal(promote(world, 512, &promotion), 0);
	assert_contents(world);
	world_free(world);
}

static void test_no_mapping(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct rlimit limit, small;
	struct tsr_promotion promotion;
	int error;

	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	small = limit;
	small.rlim_cur = TSR_PAGE_SIZE;
	assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
	error = promote(world, 512, &promotion);
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	assert_int_equal(error, -ENOMEM);
	assert_unrestricted(world);
	assert_int_equal(promoted_count(world), 0);
	assert_contents(world);
	assert_int_equal(promote(world, 512, &promotion), 0);
	assert_contents(world);
	world_free(world);
}

static void test_truncated(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, 0);
	struct tsr_promotion promotion;

	assert_int_equal(ftruncate(world->fd, 700 * TSR_PAGE_SIZE), 0);
	assert_int_equal(promote(world, 512, &promotion), -EFAULT);
	assert_unrestricted(world);
	assert_int_equal(promoted_count(world), 0);
	assert_int_equal(promote(world, 0, &promotion), 0);
	assert_int_equal(promoted_count(world), 512);
	world_free(world);
}

/* Page by page until mappings run short; then pieces merge and the count stays. */
static void test_scattered(void **state)
{
	struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, TSR_PAGE_SIZE);
	struct tsr_promotion promotion;
	uint64_t before = mappings(world);

	world->promoter.mappings_spare = 100;
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t page = i * 773 % PAGES;

		if (!tsr_pages_test(&world->ram.regions[0].promoted, page))
			assert_int_equal(promote(world, page, &promotion), 0);
		assert_true(mappings(world) <= before + 100);
		assert_int_equal(mappings(world) - before,
				 100 - (uint64_t)world->promoter.mappings_spare);
	}
	assert_int_equal(mappings(world), before);
	assert_contents(world);
	assert_unrestricted(world);
	world_free(world);
}

struct racer {
	struct world *world;
	pthread_t thread;
	unsigned int seed;
	int failures;
};

static void *race(void *opaque)
{
	struct racer *racer = opaque;
	struct tsr_fault fault = { .flags = TSR_FAULT_TAG };
	struct tsr_why why;

	for (int i = 0; i < 1500; i++) {
		fault.gpa = BASE + (uint64_t)rand_r(&racer->seed) % PAGES * TSR_PAGE_SIZE;
		fault.entered = UINT64_MAX;
		racer->failures += tsr_promoter_handle(&racer->world->promoter, NULL, &fault,
						       &why) != TSR_RESOLVED;
	}
	return NULL;
}

/* A word of each page counts up, as a device model would write it, all the time. */
static void *count(void *opaque)
{
	struct racer *racer = opaque;

	for (uint64_t i = 1; i <= 20; i++) {
		for (uint64_t page = 0; page < PAGES; page++) {
			uint64_t gpa = BASE + page * TSR_PAGE_SIZE + 64, word = 0;
			int error = tsr_ram_read(&racer->world->ram, gpa, &word, 8);

			racer->failures += error || word != i - 1;
			racer->failures += tsr_ram_write(&racer->world->ram, gpa, &i, 8) != 0;
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	static const uint64_t units[] = { TSR_PAGE_SIZE, TSR_BLOCK_SIZE };

	for (size_t unit = 0; unit < 2; unit++) {
		struct world *world = world_make(TSR_RAM_FILE_PRIVATE, false, units[unit]);
		struct racer racers[5];

		world->promoter.mappings_spare = 200;
		for (unsigned int i = 0; i < 5; i++) {
			racers[i] = (struct racer){ .world = world, .seed = i };
			assert_int_equal(pthread_create(&racers[i].thread, NULL, i ? race : count,
							&racers[i]),
					 0);
		}
		for (unsigned int i = 0; i < 5; i++) {
			pthread_join(racers[i].thread, NULL);
			assert_int_equal(racers[i].failures, 0);
		}
		assert_true(mappings(world) <= 201);
		assert_true(promoted_count(world) > PAGES / 2);
		assert_unrestricted(world);
		assert_contents(world);
		world_free(world);
	}
}

static void test_bad_units(void **state)
{
	struct tsr_attributes attributes = { fake_no_write, NULL };
	struct tsr_promoter promoter;
	struct tsr_ram ram;

	assert_int_equal(tsr_promoter_init(&promoter, &ram, attributes, NULL, 2048, NULL), -EINVAL);
	assert_int_equal(tsr_promoter_init(&promoter, &ram, attributes, NULL, 12288, NULL),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_not_promotable),
		cmocka_unit_test(test_write_faults),
		cmocka_unit_test(test_attribute_failures),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_no_mapping),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_scattered),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_bad_units),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmm_promote", tests, NULL, NULL);
}
