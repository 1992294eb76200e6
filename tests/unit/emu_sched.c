// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The scheduler: what a seed decides, what blocks, and what is reported. */
#include "scheduler.h"
#include "world.h"

#define STEPS 20U

static char trace[512];
static unsigned int trace_len;

static void step(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		trace[trace_len++] = *(const char *)arg;
		emu_sched_point();
	}
}

static const char *run_three(u64 seed)
{
	const struct emu_actor actors[] = {
		{ "one", step, "1" },
		{ "two", step, "2" },
		{ "three", step, "3" },
	};
	const char *error;

	trace_len = 0;
	error = emu_sched_run(seed, actors, 3);
	trace[trace_len] = '\0';
	return error;
}

static void seeds(void **state)
{
	char first[sizeof(trace)];
	unsigned int differ = 0;

	emu_phys_reset();
	for (u64 seed = 0; seed < 50; seed++) {
		assert_null(run_three(seed));
		assert_int_equal(trace_len, 3 * STEPS);
		memcpy(first, trace, sizeof(trace));
		assert_null(run_three(seed));
		assert_string_equal(first, trace);
		assert_null(run_three(seed + 1));
		differ += strcmp(first, trace) != 0;
	}
	assert_true(differ > 40);
}

static seam_mutex_t mutex_a, mutex_b;
static seam_rwlock_t rwlock;
static unsigned int inside, most, writers;

static void enter(void)
{
	inside++;
	most = inside > most ? inside : most;
	emu_sched_point();
}

static void with_mutex(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		seam_mutex_lock(&mutex_a);
		enter();
		inside--;
		seam_mutex_unlock(&mutex_a);
	}
}

static void reader(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		seam_read_lock(&rwlock);
		enter();
		if (writers)
			emu_sched_fail("a writer beside a reader");
		inside--;
		seam_read_unlock(&rwlock);
	}
}

static void writer(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		seam_write_lock(&rwlock);
		writers++;
		emu_sched_point();
		if (inside || writers != 1)
			emu_sched_fail("a writer is not alone");
		writers--;
		seam_write_unlock(&rwlock);
	}
}

static void locks(void **state)
{
	const struct emu_actor by_mutex[] = {
		{ "one", with_mutex, NULL },
		{ "two", with_mutex, NULL },
	};
	const struct emu_actor by_rwlock[] = {
		{ "reader", reader, NULL },
		{ "reader", reader, NULL },
		{ "writer", writer, NULL },
		{ "writer", writer, NULL },
	};

	emu_phys_reset();
	seam_mutex_init(&mutex_a);
	seam_rwlock_init(&rwlock);
	for (u64 seed = 0; seed < 100; seed++) {
		inside = most = writers = 0;
		assert_null(emu_sched_run(seed, by_mutex, 2));
		assert_int_equal(most, 1);
	}
	most = 0;
	for (u64 seed = 0; seed < 100; seed++)
		assert_null(emu_sched_run(seed, by_rwlock, 4));
	assert_int_equal(most, 2);
}

static void a_then_b(void *arg)
{
	seam_mutex_lock(&mutex_a);
	seam_mutex_lock(&mutex_b);
	seam_mutex_unlock(&mutex_b);
	seam_mutex_unlock(&mutex_a);
}

static void b_then_a(void *arg)
{
	seam_mutex_lock(&mutex_b);
	seam_mutex_lock(&mutex_a);
	seam_mutex_unlock(&mutex_a);
	seam_mutex_unlock(&mutex_b);
}

static void deadlock(void **state)
{
	const struct emu_actor actors[] = {
		{ "ab", a_then_b, NULL },
		{ "ba", b_then_a, NULL },
	};
	unsigned int found = 0;

	for (u64 seed = 0; seed < 50; seed++) {
		const char *error;

		emu_phys_reset();
		seam_mutex_init(&mutex_a);
		seam_mutex_init(&mutex_b);
		emu_sched_name(&mutex_a, "A");
		emu_sched_name(&mutex_b, "B");
		error = emu_sched_run(seed, actors, 2);
		if (!error)
			continue;
		found++;
		assert_non_null(strstr(error, "deadlock"));
		assert_non_null(strstr(error, "ab waits to lock B (ba has it)"));
		assert_non_null(strstr(error, "ba waits to lock A (ab has it)"));
	}
	assert_in_range(found, 1, 49);
}

static void shares_twice(void *arg)
{
	seam_read_lock(&rwlock);
	seam_read_lock(&rwlock);
}

static void keeps(void *arg)
{
	seam_mutex_lock(&mutex_a);
}

static void complains(void *arg)
{
	emu_sched_fail("%s", "no good");
}

/* Each is found with every seed, and the next run is not the worse for it. */
static void mistakes(void **state)
{
	static const struct {
		struct emu_actor actor;
		const char *report;
	} cases[] = {
		{ { "twice", shares_twice, NULL }, "seed 7: twice: takes L twice" },
		{ { "keeper", keeps, NULL }, "seed 7: keeper: ends with A held" },
		{ { "critic", complains, NULL }, "seed 7: critic: no good" },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		emu_phys_reset();
		seam_rwlock_init(&rwlock);
		seam_mutex_init(&mutex_a);
		emu_sched_name(&rwlock, "L");
		emu_sched_name(&mutex_a, "A");
		assert_string_equal(emu_sched_run(7, &cases[i].actor, 1), cases[i].report);
		assert_null(run_three(7));
	}
}

static void *shared;
static bool reading;

static void rcu_reader(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		u64 *value;

		seam_rcu_read_lock();
		value = seam_rcu_load(&shared);
		reading = true;
		emu_sched_point();
		/* AddressSanitizer looks on. */
		if (*value > STEPS)
			emu_sched_fail("%llu is no value", *value);
		seam_rcu_read_unlock();
	}
}

static void rcu_writer(void *arg)
{
	for (u64 i = 0; i < STEPS; i++) {
		u64 *fresh = seam_alloc(sizeof(*fresh)), *old = shared;

		*fresh = i;
		seam_rcu_publish(&shared, fresh);
		seam_free_rcu(old);
	}
}

static void rcu(void **state)
{
	const struct emu_actor actors[] = {
		{ "reader", rcu_reader, NULL },
		{ "reader", rcu_reader, NULL },
		{ "writer", rcu_writer, NULL },
	};

	emu_phys_reset();
	shared = seam_alloc(sizeof(u64));
	for (u64 seed = 0; seed < 50; seed++)
		assert_null(emu_sched_run(seed, actors, 3));
	assert_true(reading);
	seam_free(shared);
	assert_int_equal(emu_allocs_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds),    cmocka_unit_test(locks), cmocka_unit_test(deadlock),
		cmocka_unit_test(mistakes), cmocka_unit_test(rcu),
	};

	return RUN(tests);
}
