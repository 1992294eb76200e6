/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A heap that tags as glibc's does (lib/heap.h), in region 1, or in region 0 where
 * there is no other: which tags it leaves; that use after free and overflows are
 * caught at EL1 and EL0, synchronously, asynchronously and asymmetrically; and that
 * nothing is caught in long random use by all vCPUs, and nothing lost. x0 operations
 * of each vCPU (400 if 0), again until x1 milliseconds have passed; a heap of
 * x2 KiB (1024 if 0), at least 256.
 */
#include "guest.h"

#define SIZE	   160 /* of an allocation with which a mistake is made */
#define VALUE	   0x5ca1ab1e0ddba11UL
#define OPERATIONS 400
#define HELD	   24	/* allocations that a vCPU has at most */
#define LARGEST	   1500 /* bytes of one of these */
#define REUSES	   64
#define HEAP_KIB   1024
#define BLOCK_SIZE (2UL << 20)

static struct heap heap;
static struct barrier barrier;
static u64 operations, end_time, lost[CPU_MAX], refused[CPU_MAX], rounds[CPU_MAX];

/* --- Tags. --- */

static const u64 sizes[] = { 0, 1, 16, 17, 31, 32, 33, 64, 100, 255, 1000, 4096, 5001, 70000 };

static bool tags_are(u64 from, u64 size, u64 tag)
{
	for (u64 at = from; at < from + size; at += MTE_GRANULE) {
		if (mte_ldg(at) != tag)
			return false;
	}
	return true;
}

static void tags_test(void)
{
	u64 pointer[ARRAY_SIZE(sizes)], wrong = 0, kept = 0, used;

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 p = pointer[i] = (i % 2 ? heap_zalloc : heap_alloc)(&heap, sizes[i]);
		u64 at = mte_pointer(p, 0), size = heap_size(p);

		wrong += !mte_tag_of(p) || size < sizes[i] || !tags_are(at, size, mte_tag_of(p)) ||
			 mte_ldg(at - HEAP_HEADER) || mte_ldg(at + size);
		for (u64 k = 0; i % 2 && k < size; k += sizeof(u64))
			wrong += mem_load64(at + k) != 0;
		pattern_fill(at, size, i);
	}
	tap_is(wrong, 0, "an allocation has its pointer's tag, and headers have tag 0");
	tap_is(heap_errors(&heap, &used), 0, "so it is with all of them");
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 at = mte_pointer(pointer[i], 0), size = heap_size(pointer[i]);

		kept += pattern_errors(at, size, i) == 0;
		wrong += !heap_free(&heap, pointer[i]) || !tags_are(at, size, 0);
	}
	tap_is(kept, used, "their data is apart");
	tap_is(wrong, 0, "what is freed has tag 0");
	tap_ok(!heap_alloc(&heap, heap.end - heap.base), "too much is refused");
}

/* --- Mistakes. --- */

static const struct mistake {
	const char *name;
	s64 offset;
	bool freed;
} mistakes[] = {
	{ "use after free, the first word", 0, true },
	{ "use after free, the last word", SIZE - 8, true },
	{ "overflow into the next granule", SIZE, false },
	{ "overflow by half a word", SIZE - 4, false },
	{ "underflow", -8, false },
};

static const struct mode {
	const char *name;
	enum mte_check check;
	bool load_faults, store_faults;
} modes[] = {
	{ "synchronous", MTE_CHECK_SYNC, true, true },
	{ "asynchronous", MTE_CHECK_ASYNC, false, false },
	{ "asymmetric", MTE_CHECK_ASYMM, true, false },
};

static u64 noted(bool el0)
{
	return el0 ? mte_async_take_el0() : mte_async_take();
}

/* Data as no check sees it. */
static u64 unchecked(u64 pointer)
{
	return mte_pointer(pointer, 0) | WINDOW_UNTAGGED;
}

/* Is the access at @at caught as it should be, and done only if it should be? */
static bool is_caught(const struct mode *mode, bool el0, bool store, u64 at)
{
	bool faults = store ? mode->store_faults : mode->load_faults;
	u64 function = store ? (u64)mte_store : (u64)mte_load;
	u64 old = mem_load64(unchecked(at)), now, got, what;
	struct fault fault;

	noted(el0);
	mte_check(mode->check);
	fault_arm();
	if (el0)
		got = el0_call(function, at | WINDOW_USER, VALUE);
	else
		got = ((u64(*)(u64, u64))function)(at, VALUE);
	fault = fault_take();
	mte_check(MTE_CHECK_OFF);
	what = noted(el0);
	now = mem_load64(unchecked(at));
	mem_store64(unchecked(at), old);
	if (faults)
		return fault.count == 1 && FIELD_GET(ESR_DFSC, fault.esr) == DFSC_TAG_CHECK &&
		       FIELD_GET(ESR_WNR, fault.esr) == store && !what &&
		       (now == old || at % sizeof(u64));
	return !fault.count && what == 1 && now == (store ? VALUE : old) && (store || got == old);
}

static void mistakes_test(const struct mode *mode, bool el0, bool store)
{
	u64 wrong = 0, others = 0;

	for (u32 i = 0; i < ARRAY_SIZE(mistakes); i++) {
		const struct mistake *mistake = &mistakes[i];
		u64 pointer = heap_alloc(&heap, SIZE);

		if (mistake->freed)
			heap_free(&heap, pointer);
		if (!is_caught(mode, el0, store, pointer + (u64)mistake->offset)) {
			tap_note("%s", mistake->name);
			wrong++;
		}
		if (!mistake->freed)
			others += !heap_free(&heap, pointer);
	}
	tap_is(wrong + others + heap_errors(&heap, NULL), 0, "%s: bad %s at EL%u are caught",
	       mode->name, store ? "stores" : "loads", !el0);
}

static void modes_test(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		if (modes[i].check == MTE_CHECK_ASYMM && !mte_asymmetric()) {
			tap_skip("asymmetric checks", "this VM has no FEAT_MTE3");
			continue;
		}
		for (u32 k = 0; k < 4; k++)
			mistakes_test(&modes[i], k & 1, k & 2);
	}
}

/* A stale pointer to what is allocated anew is noticed just if the tags differ. */
static void reuse_test(void)
{
	u64 elsewhere = 0, wrong = 0, differ = 0, faults;

	for (u32 i = 0; i < REUSES; i++) {
		u64 stale = heap_alloc(&heap, SIZE), pointer;

		heap_free(&heap, stale);
		pointer = heap_alloc(&heap, SIZE);
		elsewhere += mte_pointer(pointer, 0) != mte_pointer(stale, 0);
		mte_check(MTE_CHECK_SYNC);
		fault_arm();
		mte_load(stale);
		faults = fault_take().count;
		mte_check(MTE_CHECK_OFF);
		differ += pointer != stale;
		wrong += faults != (pointer != stale);
		heap_free(&heap, pointer);
	}
	tap_is(elsewhere, 0, "memory that was freed is allocated next");
	tap_is(wrong, 0, "a stale pointer to it is caught if the tags differ");
	tap_ok(differ > REUSES / 2, "which they do most of the time");
}

static void double_free_test(void)
{
	u64 pointer = heap_alloc(&heap, SIZE), faults;
	bool freed;

	heap_free(&heap, pointer);
	mte_check(MTE_CHECK_SYNC);
	fault_arm();
	freed = heap_free(&heap, pointer);
	faults = fault_take().count;
	mte_check(MTE_CHECK_OFF);
	tap_ok(!freed && faults == 1, "what is freed twice is caught");
}

/* --- Long use. --- */

struct held {
	u64 pointer, size, seed;
};

static void use(u64 index, struct held *held, u64 random, u64 seed)
{
	if (held->pointer) {
		lost[index] += pattern_errors(held->pointer, held->size, held->seed) != 0 ||
			       !heap_free(&heap, held->pointer);
		held->pointer = 0;
	}
	if (random >> 32 & 7) {
		held->size = random % LARGEST & ~7UL;
		held->seed = seed;
		held->pointer = (random >> 40 & 1 ? heap_zalloc : heap_alloc)(&heap, held->size);
		refused[index] += !held->pointer;
		if (held->pointer)
			pattern_fill(held->pointer, held->size, seed);
	}
}

/* A check that fails ends the guest: nobody is armed for a fault. */
static void run(u64 index)
{
	struct held held[HELD] = { 0 };
	u64 number = 0;

	mte_on();
	mte_seed(index + 7);
	mte_check(MTE_CHECK_SYNC);
	barrier_wait(&barrier);
	do {
		for (u64 i = 0; i < operations; i++, number++) {
			u64 random = pattern(number, index);

			use(index, &held[(random >> 48) % HELD], random, index << 32 | number);
		}
		rounds[index]++;
	} while (control_read(CONTROL_CLOCK) < end_time);
	for (u32 i = 0; i < HELD; i++)
		use(index, &held[i], 0, 0);
	mte_check(MTE_CHECK_OFF);
}

static void long_test(u64 ms)
{
	u64 used, errors, least = ~0UL;

	barrier.members = cpu_count();
	end_time = control_read(CONTROL_CLOCK) + ms * 1000000;
	cpu_run_all(run);
	for (u32 i = 0; i < cpu_count(); i++) {
		tap_is(lost[i], 0, "vCPU %u finds what it left", i);
		tap_is(refused[i], 0, "vCPU %u is never refused memory", i);
		least = rounds[i] < least ? rounds[i] : least;
	}
	errors = heap_errors(&heap, &used);
	tap_is(errors, 0, "all tags are right in the end");
	tap_is(used, 0, "and all is freed");
	tap_note("at least %lu operations a vCPU", least * operations);
}

/* Around the first boundary of 2 MiB where there is room for that. */
static void heap_place(u64 size)
{
	struct ram ram = ram_region(1);
	u64 base;

	if (ram.kind == RAM_NONE)
		ram = ram_need(0, size / PAGE_SIZE + 1);
	base = ((ram.base + size + BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1)) - size / 2;
	if (base + size > ram.end)
		base = (ram.base + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1UL);
	if (base + size > ram.end)
		tap_skip_all("needs %lu KiB of memory", size / 1024);
	heap_init(&heap, base, base + size);
	tap_note("a heap in %s at 0x%lx", ram_kind_name(ram.kind), base);
}

u64 main(u64 a, u64 b, u64 c, unused u64 d)
{
	mte_need();
	mte_seed(1);
	operations = a ? a : OPERATIONS;
	heap_place((c ? c : HEAP_KIB) * 1024);
	tags_test();
	modes_test();
	reuse_test();
	double_free_test();
	long_test(b);
	return tap_done();
}
