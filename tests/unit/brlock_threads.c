// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The big-reader lock in threads that run as they like: who has it exclusively is alone, and
 * each sees all that was done under it before (ThreadSanitizer looks on).
 */
#include "world.h"

#define THREADS 4U
#define STEPS	4000U
#define HELD	200U /* instructions, so that whoever should not be there is seen */

static struct brlock lock;
static u64 first, second; /* [lock] alike */
static u32 mistakes;	  /* atomic */
static u32 turns;	  /* atomic: of writers */

static void sizes(void **state)
{
	static const struct {
		unsigned int cpus, slots;
	} cases[] = {
		{ 1, 1 },   { 2, 2 },	 { 3, 4 },
		{ 4, 4 },   { 5, 8 },	 { BRLOCK_SLOTS, BRLOCK_SLOTS },
		{ 33, 32 }, { 512, 32 }, { ~0U, 32 },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		brlock_init(&lock, cases[i].cpus);
		assert_int_equal(lock.mask + 1, cases[i].slots);
	}
	assert_true(sizeof(struct brlock_slot) >= BRLOCK_LINE);
	assert_int_equal((unsigned long)lock.slots % BRLOCK_LINE, 0);
}

/* Each CPU counts in one slot, and no slot is left out. */
static void slots(void **state)
{
	brlock_init(&lock, 8);
	for (unsigned int cpu = 0; cpu < 24; cpu++) {
		unsigned int counted = 0;

		brlock_read_lock(&lock, cpu);
		for (unsigned int i = 0; i < BRLOCK_SLOTS; i++)
			counted += lock.slots[i].readers;
		assert_int_equal(counted, 1);
		assert_int_equal(lock.slots[cpu % 8].readers, 1);
		brlock_read_unlock(&lock, cpu);
		assert_int_equal(lock.slots[cpu % 8].readers, 0);
	}
}

static void shares(unsigned int cpu)
{
	brlock_read_lock(&lock, cpu);
	if (first != second)
		__atomic_fetch_add(&mistakes, 1, __ATOMIC_RELAXED);
	brlock_read_unlock(&lock, cpu);
}

static void excludes(void)
{
	brlock_write_lock(&lock);
	first++;
	for (unsigned int i = 0; i < HELD; i++)
		__asm__ volatile("");
	second++;
	brlock_write_unlock(&lock);
}

/* One in 16 takes the lock exclusively. */
static void *both(void *arg)
{
	unsigned int cpu = (unsigned int)(unsigned long)arg;

	for (unsigned int i = 0; i < STEPS; i++)
		if ((i + cpu) % 16)
			shares(cpu);
		else
			excludes();
	return NULL;
}

static void *shares_until_all_had_a_turn(void *arg)
{
	unsigned int cpu = (unsigned int)(unsigned long)arg;

	while (__atomic_load_n(&turns, __ATOMIC_RELAXED) < STEPS)
		shares(cpu);
	return NULL;
}

static void run(void *(*thread)(void *arg), void (*meanwhile)(void))
{
	pthread_t threads[THREADS];

	first = second = 0;
	for (unsigned long i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread, (void *)i), 0);
	meanwhile();
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(mistakes, 0);
	assert_int_equal(first, second);
	for (unsigned int i = 0; i < BRLOCK_SLOTS; i++)
		assert_int_equal(lock.slots[i].readers, 0);
}

static void nothing(void)
{
}

/* With a slot for each, and with slots that are shared. */
static void readers_and_writers(void **state)
{
	for (unsigned int cpus = 1; cpus <= 4; cpus *= 2) {
		brlock_init(&lock, cpus);
		run(both, nothing);
		assert_int_equal(first, THREADS * STEPS / 16);
	}
}

static void takes_turns(void)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		excludes();
		__atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
	}
}

/* Readers that are always there end when a writer has had all its turns: the test ends. */
static void writer_among_readers(void **state)
{
	brlock_init(&lock, 4);
	run(shares_until_all_had_a_turn, takes_turns);
	assert_int_equal(first, STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(slots),
		cmocka_unit_test(readers_and_writers),
		cmocka_unit_test(writer_among_readers),
	};

	return RUN(tests);
}
