// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Two vCPUs use all permissions of some pages, round after round, while attributes are set and
 * cleared over them (docs/abi.md 4.3): what is denied does not happen from the moment that the
 * call has returned, every exit is of something that was denied, none is lost, and nobody is
 * stuck once it is granted.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define R    KVM_MEMORY_ATTRIBUTE_NR
#define W    KVM_MEMORY_ATTRIBUTE_NW
#define X    KVM_MEMORY_ATTRIBUTE_NX
#define T    KVM_MEMORY_ATTRIBUTE_NT
#define BITS 5

#define SIZE	    (2 * BLOCK)
#define STEP	    (37 * PAGE) /* from one page that is used to the next */
#define PAGES	    (SIZE / STEP)
#define VCPUS	    2
#define RECORD_GPA  0xc0000000UL
#define RECORD_SLOT 2
#define PATIENCE    20 /* seconds after which an exit or a round is lost */

/* In each page: a count of each vCPU's, what both read, what both call. */
#define AT_COUNT(vcpu) (64 * (vcpu))
#define AT_VALUE       128
#define AT_CODE	       256

/* MOVZ x0, #value; RET. */
#define INSN_MOVZ(value) (0xd2800000U | (uint32_t)(value) << 5)
#define INSN_RET	 0xd65f03c0U

/* What a vCPU and the VMM tell each other; guest.S knows the offsets. */
struct record {
	volatile uint64_t stop, rounds, at_count, step, pages, tags, errors, pad;
	volatile struct {
		uint64_t value, called;
	} seen[PAGES];
};

_Static_assert(offsetof(struct record, seen) == 64, "guest.S");
_Static_assert(sizeof(struct record) <= PAGE, "a page each");

struct flip;

struct runner {
	struct flip *flip;
	struct machine m;
	struct record *record;
	pthread_t thread;
	_Atomic uint64_t exited; /* the time at which the last run that exited was begun */
	_Atomic uint64_t exits;
};

struct flip {
	struct runner runner[VCPUS];
	uint8_t *memory;
	uint64_t mask;			/* of the attributes that are flipped */
	_Atomic uint64_t now;		/* counts changes */
	_Atomic uint64_t denied[PAGES]; /* what may be denied now */
	/* By the number of the bit: when it was last granted again. */
	_Atomic uint64_t until[PAGES][BITS];
	_Atomic unsigned int strange; /* exits that nothing explains */
	unsigned int wrong, lost, stuck;
	unsigned int flips;
	uint32_t token;
	unsigned int seed;
};

/* --- The vCPUs. --- */

/* Was this denied at any time since the run was @begun? */
static bool explained(struct flip *f, const struct kvm_run *run, uint64_t begun)
{
	uint64_t offset = run->memory_fault.gpa - TEST_GPA, flag = run->memory_fault.flags;
	uint64_t page = offset / STEP;

	if (offset >= PAGES * STEP || offset % STEP || !(flag & f->mask) || (flag & (flag - 1)))
		return false;
	return (f->denied[page] & flag) || f->until[page][__builtin_ctzll(flag)] >= begun;
}

static void *runs(void *arg)
{
	struct runner *r = arg;
	struct flip *f = r->flip;

	for (;;) {
		uint64_t begun = f->now;
		long ret = machine_run(&r->m);

		if (ret == 0 && machine_done(&r->m, NULL))
			return NULL;
		if (ret != -EFAULT || r->m.run->exit_reason != KVM_EXIT_MEMORY_FAULT ||
		    !explained(f, r->m.run, begun)) {
			machine_explain(&r->m, ret);
			f->strange++;
			return NULL;
		}
		r->exits++;
		r->exited = begun;
		sched_yield();
	}
}

/* --- The VMM. --- */

static uint8_t *page_at(const struct flip *f, uint64_t page)
{
	return f->memory + page * STEP;
}

static void plant(struct flip *f, uint64_t page, uint32_t value)
{
	volatile uint32_t *code = (uint32_t *)(page_at(f, page) + AT_CODE);

	code[1] = INSN_RET;
	code[0] = INSN_MOVZ(value);
	__builtin___clear_cache((char *)code, (char *)code + 8);
}

static uint64_t count_at(const struct flip *f, uint64_t page, unsigned int vcpu)
{
	return *(volatile uint64_t *)(page_at(f, page) + AT_COUNT(vcpu));
}

/* Waits for what both vCPUs are to reach; how many do not. */
static unsigned int await(struct flip *f, bool (*reached)(const struct runner *r, uint64_t goal),
			  const uint64_t *goal)
{
	time_t end = time(NULL) + PATIENCE;
	unsigned int late = 0;

	for (unsigned int i = 0; i < VCPUS; i++) {
		while (!reached(&f->runner[i], goal[i]) && time(NULL) < end && !f->strange)
			sched_yield();
		late += !reached(&f->runner[i], goal[i]);
	}
	return late;
}

static bool has_exited(const struct runner *r, uint64_t since)
{
	return r->exited >= since;
}

static bool has_gone_on(const struct runner *r, uint64_t rounds)
{
	return r->record->rounds > rounds;
}

struct change {
	uint64_t first, last; /* pages that are used, both in it */
	uint64_t bits;
	bool exact;
	bool waits; /* until both vCPUs have met it, and have gone on after it */
};

static struct change some_change(struct flip *f)
{
	uint64_t a = (uint64_t)rand_r(&f->seed) % PAGES, b = (uint64_t)rand_r(&f->seed) % PAGES;
	struct change c = { a, a, 0, rand_r(&f->seed) % 2, rand_r(&f->seed) % 4 == 0 };

	if (rand_r(&f->seed) % 2)
		c.first = a < b ? a : b, c.last = a < b ? b : a;
	while (!c.bits)
		c.bits = (uint64_t)rand_r(&f->seed) & f->mask;
	return c;
}

static void attributes(struct flip *f, const struct change *c, uint64_t bits, uint64_t flags)
{
	uint64_t size = (c->last - c->first) * STEP + PAGE;

	if (machine_attr(&f->runner[0].m, TEST_GPA + c->first * STEP, size, bits, flags))
		errx(2, "KVM_SET_MEMORY_ATTRIBUTES");
}

static void deny(struct flip *f, const struct change *c)
{
	for (uint64_t page = c->first; page <= c->last; page++)
		f->denied[page] = c->bits;
	attributes(f, c, c->bits, c->exact ? 0 : KVM_MEMORY_ATTRIBUTES_SET);
	f->now++;
}

static void grant(struct flip *f, const struct change *c)
{
	attributes(f, c, c->exact ? 0 : c->bits, c->exact ? 0 : KVM_MEMORY_ATTRIBUTES_CLEAR);
	for (uint64_t page = c->first; page <= c->last; page++) {
		for (unsigned int bit = 0; bit < BITS; bit++)
			if (c->bits >> bit & 1)
				f->until[page][bit] = f->now;
		f->denied[page] = 0;
	}
	f->now++;
}

/*
 * The pages are denied: no count changes where W is, and what the VMM puts there now is neither
 * read nor called where R or X is.
 */
static void watch(struct flip *f, const struct change *c)
{
	uint64_t page = c->first + (uint64_t)rand_r(&f->seed) % (c->last - c->first + 1);
	uint64_t since[VCPUS] = { f->now, f->now }, count[VCPUS];
	uint32_t token = ++f->token & 0xffff;

	for (unsigned int i = 0; i < VCPUS; i++)
		count[i] = count_at(f, page, i);
	if (c->bits & R)
		*(volatile uint64_t *)(page_at(f, page) + AT_VALUE) = token;
	if (c->bits & X)
		plant(f, page, token);
	if (c->waits)
		f->lost += await(f, has_exited, since);
	else
		usleep((unsigned int)rand_r(&f->seed) % 300);
	for (unsigned int i = 0; i < VCPUS; i++) {
		struct record *record = f->runner[i].record;

		f->wrong += (c->bits & W) && count_at(f, page, i) != count[i];
		f->wrong += (c->bits & R) && record->seen[page].value == token;
		f->wrong += (c->bits & X) && record->seen[page].called == token;
	}
}

static void one_flip(struct flip *f)
{
	struct change c = some_change(f);
	uint64_t rounds[VCPUS];

	deny(f, &c);
	watch(f, &c);
	grant(f, &c);
	f->flips++;
	if (!c.waits)
		return;
	for (unsigned int i = 0; i < VCPUS; i++)
		rounds[i] = f->runner[i].record->rounds;
	f->stuck += await(f, has_gone_on, rounds);
}

static void flip_open(struct flip *f, unsigned int flags, uint8_t *memory)
{
	struct machine *m = &f->runner[0].m;
	uint8_t *records = memory_anon(VCPUS * PAGE);

	f->memory = memory;
	f->seed = 1;
	f->now = 1;
	machine_open(m, flags);
	machine_second(&f->runner[1].m, m, flags);
	f->mask = (R | W | X | T) &
		  (uint64_t)call(m->vm, KVM_CHECK_EXTENSION, KVM_CAP_MEMORY_ATTRIBUTES);
	memset(memory, 0, SIZE);
	for (uint64_t page = 0; page < PAGES; page++)
		plant(f, page, 0);
	machine_slot(m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_slot(m, RECORD_SLOT, 0, RECORD_GPA, VCPUS * PAGE, records);
	for (unsigned int i = 0; i < VCPUS; i++) {
		struct runner *r = &f->runner[i];

		r->flip = f;
		r->record = (struct record *)(records + i * PAGE);
		r->record->at_count = AT_COUNT(i);
		r->record->step = STEP;
		r->record->pages = PAGES;
		r->record->tags = (f->mask & T) != 0;
		if (flags & MACHINE_MTE)
			machine_checks(&r->m, false);
		machine_call(&r->m, guest_flip_loop, TEST_GPA, RECORD_GPA + i * PAGE);
		if (pthread_create(&r->thread, NULL, runs, r))
			errx(2, "no thread");
	}
}

static uint64_t flip_close(struct flip *f)
{
	uint64_t errors = 0;

	for (unsigned int i = 0; i < VCPUS; i++)
		f->runner[i].record->stop = 1;
	for (unsigned int i = 0; i < VCPUS; i++)
		pthread_join(f->runner[i].thread, NULL);
	for (unsigned int i = 0; i < VCPUS; i++) {
		struct record *record = f->runner[i].record;

		errors += record->errors + !record->rounds;
		for (uint64_t page = 0; page < PAGES; page++)
			errors += count_at(f, page, i) != record->rounds;
	}
	machine_close(&f->runner[1].m);
	machine_close(&f->runner[0].m);
	munmap(f->runner[0].record, VCPUS * PAGE);
	return errors;
}

void test_flip(void)
{
	const char *full = getenv("TSR_FULL");
	uint8_t *memory, *aligned;
	static struct flip f;
	uint64_t errors;
	time_t end;

	if (!env.tsr) {
		tap_skip(env_lacks(NEED_TSR), "attributes that change under two vCPUs");
		return;
	}
	memory = memory_anon(SIZE + BLOCK);
	aligned = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));
	madvise(aligned, SIZE, MADV_HUGEPAGE);
	flip_open(&f, MACHINE_MMU | (env.mte ? MACHINE_MTE : 0), aligned);
	end = time(NULL) + (full && *full ? 60 : 5);
	while (time(NULL) < end && !f.strange && !f.lost && !f.stuck)
		one_flip(&f);
	errors = flip_close(&f);
	tap_note("%u changes, %llu and %llu exits, attributes %#llx", f.flips,
		 (unsigned long long)f.runner[0].exits, (unsigned long long)f.runner[1].exits,
		 (unsigned long long)f.mask);
	tap_ok(!f.wrong, "no access that is denied, with two vCPUs and changing attributes");
	tap_ok(!f.strange, "no exit without a reason");
	tap_ok(!f.lost, "no exit is lost");
	tap_ok(!f.stuck, "and no vCPU stays behind when all is granted");
	tap_ok(!errors, "every store has happened once");
	munmap(memory, SIZE + BLOCK);
}
