// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Readers of the attribute store beside a writer that splits and joins it: what they see
 * of a page is a value it has or had, and never memory that was given back.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "world.h"

#define READERS 3U
#define STEPS	3000U
#define PAGES	(1ULL << 20) /* 4 GiB: three levels of nodes */
#define FEW	(1ULL << 12) /* of them are used often: leaves of one piece of memory */

/* The writer sets both bits or none: a reader that sees one has seen what never was. */
#define BOTH 0x11

static struct attr store;
static u32 mistakes; /* atomic */
static u32 finished; /* atomic */

static u64 some_page(u64 *seed)
{
	return random_below(seed, random_below(seed, 4) ? FEW : PAGES);
}

static void *reader(void *arg)
{
	u64 seed = 5 + (unsigned long)arg;

	while (!READ_ONCE(finished)) {
		struct attr_view view;

		seam_rcu_read_lock();
		view = attr_get(&store, gfn_of(some_page(&seed)));
		seam_rcu_read_unlock();
		if ((view.bits && view.bits != BOTH) || view.level > 3)
			__atomic_fetch_add(&mistakes, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return NULL;
}

static void write_somewhere(u64 *seed)
{
	unsigned int order = 9 * (unsigned int)random_below(seed, 3);
	u64 first = some_page(seed) & ~((1ULL << order) - 1);
	u64 last = first + ((1 + random_below(seed, 3)) << order);
	struct gfn_range range = { first, last < PAGES ? last : PAGES };
	struct attr_plan plan;

	assert_int_equal(attr_prepare(&store, range, (enum attr_op)random_below(seed, 3),
				      random_below(seed, 2) ? BOTH : 0, &plan),
			 0);
	attr_commit(&store, &plan);
}

static void readers_beside_a_writer(void **state)
{
	pthread_t thread[READERS];
	u64 seed = 1;

	emu_phys_reset();
	assert_int_equal(attr_init(&store, 32), 0);
	for (unsigned long i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reader, (void *)i), 0);
	for (unsigned int i = 0; i < STEPS; i++)
		write_somewhere(&seed);
	__atomic_store_n(&finished, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(mistakes, 0);
	attr_destroy(&store);
	assert_int_equal(emu_allocs_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(readers_beside_a_writer) };

	return RUN(tests);
}
