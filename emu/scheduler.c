// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "scheduler.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(p, n)		 ((void)(p), (void)(n))
#define __sanitizer_start_switch_fiber(save, bottom, n)	 ((void)(save), (void)(bottom), (void)(n))
#define __sanitizer_finish_switch_fiber(save, bottom, n) ((void)(save), (void)(bottom), (void)(n))
#endif

#define STACK_SIZE  (128U << 10)
#define STACK_GUARD (4U << 10)
#define HELD_MAX    8U
#define NAMES_MAX   16U

struct held {
	const void *lock;
	bool shared;
};

struct fiber {
	const struct emu_actor *actor;
	ucontext_t context;
	void *stack; /* kept from run to run; main's: as AddressSanitizer says */
	size_t stack_size;
	void *fake_stack;
	bool done;
	bool (*ready)(void *lock); /* not NULL: it waits */
	void *lock;
	const char *verb;
	struct held held[HELD_MAX];
	unsigned int held_count;
};

/* One run at a time, in one thread: no lock. The last fiber is the caller of the run. */
#define FIBER_MAIN EMU_ACTORS_MAX
static struct {
	struct fiber fiber[EMU_ACTORS_MAX + 1];
	unsigned int count;
	unsigned int self; /* FIBER_MAIN: no run */
	u64 seed;
	u64 random;
	unsigned int eager; /* a point switches once in 2^eager times */
	unsigned long switches;
	bool failed;
	char report[2048];
} sched = { .self = FIBER_MAIN };

static struct {
	const void *lock;
	const char *name;
} names[NAMES_MAX];

/* splitmix64: any seed will do. */
static u64 next_random(void)
{
	u64 z = sched.random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u64 emu_sched_random(u64 below)
{
	return next_random() % below;
}

bool emu_sched_active(void)
{
	return sched.self != FIBER_MAIN;
}

unsigned int emu_sched_self(void)
{
	return emu_sched_active() ? sched.self : 0;
}

const char *emu_sched_self_name(void)
{
	return emu_sched_active() ? sched.fiber[sched.self].actor->name : "main";
}

unsigned long emu_sched_switches(void)
{
	return sched.switches;
}

void emu_sched_name(const void *lock, const char *name)
{
	unsigned int i = 0;

	while (i < NAMES_MAX - 1 && names[i].lock && names[i].lock != lock)
		i++;
	names[i].lock = lock;
	names[i].name = name;
}

static const char *lock_name(const void *lock)
{
	for (unsigned int i = 0; i < NAMES_MAX; i++)
		if (names[i].lock == lock && lock)
			return names[i].name;
	return "a lock";
}

/* After a switch, in the fiber that runs now; @from: the one that ran before. */
static void switched(struct fiber *self, struct fiber *from)
{
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake_stack, &bottom, &size);
#if defined(__SANITIZE_ADDRESS__)
	if (from == &sched.fiber[FIBER_MAIN]) {
		from->stack = (void *)(unsigned long)bottom;
		from->stack_size = size;
	}
#endif
}

/* The fiber that ran before the present one. */
static unsigned int previous;

static void switch_to(unsigned int to)
{
	struct fiber *from = &sched.fiber[sched.self], *next = &sched.fiber[to];

	previous = sched.self;
	sched.self = to;
	sched.switches++;
	__sanitizer_start_switch_fiber(from->done ? NULL : &from->fake_stack, next->stack,
				       next->stack_size);
	if (swapcontext(&from->context, &next->context))
		abort();
	switched(from, &sched.fiber[previous]);
}

static bool runnable(struct fiber *f)
{
	if (f->done)
		return false;
	if (!f->ready)
		return true;
	if (!f->ready(f->lock))
		return false;
	f->ready = NULL;
	return true;
}

/* The end of the report. */
static void __attribute__((format(printf, 1, 0))) vreport(const char *format, va_list args)
{
	size_t used = strlen(sched.report);

	vsnprintf(sched.report + used, sizeof(sched.report) - used, format, args);
}

static void __attribute__((format(printf, 1, 2))) report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vreport(format, args);
	va_end(args);
}

static void report_waiting(const struct fiber *f)
{
	report("; %s waits to %s %s", f->actor->name, f->verb, lock_name(f->lock));
	for (unsigned int i = 0; i < sched.count; i++)
		for (unsigned int h = 0; h < sched.fiber[i].held_count; h++)
			if (sched.fiber[i].held[h].lock == f->lock)
				report(" (%s has it%s)", sched.fiber[i].actor->name,
				       sched.fiber[i].held[h].shared ? ", shared" : "");
}

static void run_fails(void)
{
	sched.failed = true;
	switch_to(FIBER_MAIN);
}

/* Goes on with an actor that can, the present one among them if it does not wait. */
static void reschedule(void)
{
	unsigned int first = (unsigned int)(next_random() % sched.count);
	bool all_done = true;

	for (unsigned int i = 0; i < sched.count; i++) {
		unsigned int to = (first + i) % sched.count;

		all_done &= sched.fiber[to].done;
		if (!runnable(&sched.fiber[to]))
			continue;
		if (to != sched.self)
			switch_to(to);
		return;
	}
	if (all_done) {
		switch_to(FIBER_MAIN);
		return;
	}
	report("seed %llu: deadlock", sched.seed);
	for (unsigned int i = 0; i < sched.count; i++)
		if (!sched.fiber[i].done)
			report_waiting(&sched.fiber[i]);
	run_fails();
}

void emu_sched_point(void)
{
	if (emu_sched_active() && !(next_random() >> (64 - sched.eager)))
		reschedule();
}

void emu_sched_wait(bool (*ready)(void *lock), void *lock, const char *verb)
{
	struct fiber *f = &sched.fiber[sched.self];

	emu_sched_point();
	if (ready(lock))
		return;
	f->ready = ready;
	f->lock = lock;
	f->verb = verb;
	reschedule();
}

void emu_sched_fail(const char *format, ...)
{
	va_list args;

	report("seed %llu: %s: ", sched.seed, emu_sched_self_name());
	va_start(args, format);
	vreport(format, args);
	va_end(args);
	run_fails();
	abort();
}

void emu_sched_locked(const void *lock, bool shared)
{
	struct fiber *f = &sched.fiber[sched.self];

	for (unsigned int i = 0; i < f->held_count; i++)
		if (f->held[i].lock == lock)
			emu_sched_fail("takes %s twice", lock_name(lock));
	if (f->held_count == HELD_MAX)
		emu_sched_fail("holds too many locks");
	f->held[f->held_count++] = (struct held){ lock, shared };
}

void emu_sched_unlocked(const void *lock)
{
	struct fiber *f = &sched.fiber[sched.self];

	for (unsigned int i = 0; i < f->held_count; i++) {
		if (f->held[i].lock != lock)
			continue;
		f->held[i] = f->held[--f->held_count];
		return;
	}
	emu_sched_fail("unlocks %s, which it does not have", lock_name(lock));
}

static void fiber_main(void)
{
	struct fiber *f = &sched.fiber[sched.self];

	switched(f, &sched.fiber[previous]);
	f->actor->run(f->actor->arg);
	if (f->held_count)
		emu_sched_fail("ends with %s held", lock_name(f->held[0].lock));
	f->done = true;
	reschedule();
	abort();
}

static void *stack_alloc(void)
{
	void *stack =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		abort();
	return stack;
}

static void fiber_init(struct fiber *f, const struct emu_actor *actor)
{
	*f = (struct fiber){
		.actor = actor,
		.stack = f->stack ? f->stack : stack_alloc(),
		.stack_size = STACK_SIZE,
	};
	/* An earlier run may have been left in the middle of a function. */
	ASAN_UNPOISON_MEMORY_REGION(f->stack, STACK_SIZE);
	if (getcontext(&f->context))
		abort();
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK_SIZE;
	makecontext(&f->context, fiber_main, 0);
}

const char *emu_sched_run(u64 seed, const struct emu_actor *actors, unsigned int count)
{
	assert(count && count <= EMU_ACTORS_MAX && !emu_sched_active());
	sched.count = count;
	sched.seed = sched.random = seed;
	sched.eager = 1 + (unsigned int)(next_random() % 6);
	sched.switches = 0;
	sched.failed = false;
	sched.report[0] = '\0';
	for (unsigned int i = 0; i < count; i++)
		fiber_init(&sched.fiber[i], &actors[i]);
	switch_to((unsigned int)(next_random() % count));
	return sched.failed ? sched.report : NULL;
}
