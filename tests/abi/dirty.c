// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Dirty logging by bitmap: KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG and what begins it; docs/abi.md
 * 4.5, api.rst 4.8, 4.117 and 7.18.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "groups.h"
#include "guest.h"
#include "rows.h"
#include "tap.h"

#define LOG	       KVM_MEM_LOG_DIRTY_PAGES
#define MANUAL	       KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE
#define SET	       KVM_DIRTY_LOG_INITIALLY_SET
#define PAGES	       1061UL /* two blocks and a part, and no multiple of 64 */
#define TAIL	       1024UL /* the last pages */
#define WORDS	       ((PAGES + 63) / 64)
#define SIZE	       (PAGES * PAGE)
#define OTHER_SLOT     2
#define RECORD_SLOT    3
#define RECORD_GPA     0x90000000UL
#define VCPUS	       2U
#define HARVESTS_LEAST 3 /* of a migration, on a host however slow */

static uint64_t bits[WORDS], none[WORDS];

static long get(struct machine *m, uint32_t slot, const void *to)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = (void *)to };

	return call(m->vm, KVM_GET_DIRTY_LOG, PTR(&log));
}

static long clear(struct machine *m, uint32_t slot, uint64_t first, uint32_t count,
		  const void *from)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot, .first_page = first, .num_pages = count, .dirty_bitmap = (void *)from
	};

	return call(m->vm, KVM_CLEAR_DIRTY_LOG, PTR(&log));
}

static long manual(struct machine *m, uint64_t how, uint32_t flags)
{
	struct kvm_enable_cap enable = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
					 .flags = flags,
					 .args = { how } };

	return call(m->vm, KVM_ENABLE_CAP, PTR(&enable));
}

/* --- Bad input. --- */

static const struct get_row {
	const char *name;
	uint32_t slot;
	unsigned long to;
	int want;
} get_rows[] = {
	{ "a slot with a log", TEST_SLOT, PTR(bits), 0 },
	{ "a slot without one", OTHER_SLOT, PTR(bits), ENOENT },
	{ "no such slot", 7, PTR(bits), ENOENT },
	{ "the highest slot", 32766, PTR(bits), ENOENT },
	{ "slot 32767", 32767, PTR(bits), EINVAL },
	{ "another address space", 1U << 16 | TEST_SLOT, PTR(bits), EINVAL },
	{ "nowhere to write", TEST_SLOT, PTR_NULL, EFAULT },
	{ "to what is not mapped", TEST_SLOT, PTR_UNMAPPED, EFAULT },
	{ "to the kernel", TEST_SLOT, PTR_KERNEL, EFAULT },
};

static const struct clear_row {
	const char *name;
	uint32_t slot;
	uint64_t first;
	uint32_t count;
	unsigned long from;
	int want;
} clear_rows[] = {
	{ "all pages", TEST_SLOT, 0, PAGES, PTR(none), 0 },
	{ "no pages", TEST_SLOT, 0, 0, PTR(none), 0 },
	{ "64 pages", TEST_SLOT, 64, 64, PTR(none), 0 },
	{ "up to the end", TEST_SLOT, TAIL, PAGES - TAIL, PTR(none), 0 },
	{ "first page not of 64", TEST_SLOT, 32, 64, PTR(none), EINVAL },
	{ "the same of no slot", 7, 32, 64, PTR(none), EINVAL },
	{ "count not of 64", TEST_SLOT, 0, 32, PTR(none), EINVAL },
	{ "all but a page", TEST_SLOT, 0, PAGES - 1, PTR(none), EINVAL },
	{ "a page too many", TEST_SLOT, 0, PAGES + 1, PTR(none), EINVAL },
	{ "64 pages, of which some are there", TEST_SLOT, TAIL, 64, PTR(none), EINVAL },
	{ "beyond the end", TEST_SLOT, TAIL + 64, 0, PTR(none), EINVAL },
	{ "far beyond the end", TEST_SLOT, ~63UL, 64, PTR(none), EINVAL },
	{ "a slot without a log", OTHER_SLOT, 0, 64, PTR(none), ENOENT },
	{ "no such slot", 7, 0, 64, PTR(none), ENOENT },
	{ "slot 32767", 32767, 0, 64, PTR(none), EINVAL },
	{ "another address space", 1U << 16 | TEST_SLOT, 0, 64, PTR(none), EINVAL },
	{ "nowhere to read", TEST_SLOT, 0, 64, PTR_NULL, EFAULT },
	{ "from what is not mapped", TEST_SLOT, 0, 64, PTR_UNMAPPED, EFAULT },
	{ "from the kernel", TEST_SLOT, 0, 64, PTR_KERNEL, EFAULT },
};

static const struct row pointer_rows[] = {
	{ "GET_DIRTY_LOG: NULL", 0, FD_VM, KVM_GET_DIRTY_LOG, PTR_NULL, EFAULT },
	{ "GET_DIRTY_LOG: unmapped", 0, FD_VM, KVM_GET_DIRTY_LOG, PTR_UNMAPPED, EFAULT },
	{ "GET_DIRTY_LOG: a kernel address", 0, FD_VM, KVM_GET_DIRTY_LOG, PTR_KERNEL, EFAULT },
	{ "GET_DIRTY_LOG of a vCPU", NEED_TSR, FD_VCPU, KVM_GET_DIRTY_LOG, PTR(bits), ENOTTY },
	{ "CLEAR_DIRTY_LOG: NULL", 0, FD_VM, KVM_CLEAR_DIRTY_LOG, PTR_NULL, EFAULT },
	{ "CLEAR_DIRTY_LOG: unmapped", 0, FD_VM, KVM_CLEAR_DIRTY_LOG, PTR_UNMAPPED, EFAULT },
	{ "CLEAR_DIRTY_LOG: a kernel address", 0, FD_VM, KVM_CLEAR_DIRTY_LOG, PTR_KERNEL, EFAULT },
	{ "CLEAR_DIRTY_LOG of a vCPU", NEED_TSR, FD_VCPU, KVM_CLEAR_DIRTY_LOG, PTR(bits), ENOTTY },
};

/* Its number says that the structure is written; mainline reads it alone. */
static void clear_reads_only(struct machine *m)
{
	struct kvm_clear_dirty_log log = { .slot = TEST_SLOT,
					   .num_pages = PAGES,
					   .dirty_bitmap = none };
	struct kvm_clear_dirty_log *fixed =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fixed == MAP_FAILED)
		err(2, "mmap");
	*fixed = log;
	if (mprotect(fixed, PAGE, PROT_READ))
		err(2, "mprotect");
	tap_errno(call(m->vm, KVM_CLEAR_DIRTY_LOG, PTR(fixed)), 0,
		  "CLEAR_DIRTY_LOG: a structure that is read-only");
	munmap(fixed, PAGE);
}

static void bad_input(struct machine *m)
{
	for (unsigned int i = 0; i < ROW_COUNT(get_rows); i++)
		tap_errno(get(m, get_rows[i].slot, (void *)get_rows[i].to), get_rows[i].want,
			  "GET_DIRTY_LOG: %s", get_rows[i].name);
	for (unsigned int i = 0; i < ROW_COUNT(clear_rows); i++) {
		const struct clear_row *row = &clear_rows[i];

		tap_errno(clear(m, row->slot, row->first, row->count, (void *)row->from), row->want,
			  "CLEAR_DIRTY_LOG: %s", row->name);
	}
	rows_run(m, pointer_rows, ROW_COUNT(pointer_rows));
	clear_reads_only(m);
	for (uint64_t how = 0; how < 5; how++)
		tap_errno(manual(m, how, 0), how == 2 || how == 4 ? EINVAL : 0,
			  "MANUAL_DIRTY_LOG_PROTECT2: %u", (unsigned int)how);
	tap_errno(manual(m, MANUAL, 1), EINVAL, "MANUAL_DIRTY_LOG_PROTECT2: flags");
	manual(m, 0, 0);
}

/* --- What a guest does. --- */

static bool stores(struct machine *m, uint64_t page)
{
	return machine_finishes(m, guest_str, TEST_GPA + page * PAGE + 8, page, NULL);
}

/* Is the log of these pages and no others? Ends with ~0. */
static bool is_log(struct machine *m, const uint64_t *pages)
{
	uint64_t want[WORDS] = { 0 };

	for (; *pages != ~0UL; pages++)
		want[*pages / 64] |= 1UL << *pages % 64;
	memset(bits, 0xff, sizeof(bits));
	if (get(m, TEST_SLOT, bits) == 0 && !memcmp(bits, want, sizeof(want)))
		return true;
	for (unsigned int i = 0; i < WORDS; i++)
		if (bits[i] != want[i])
			tap_note("word %u is %#llx, not %#llx", i, (unsigned long long)bits[i],
				 (unsigned long long)want[i]);
	return false;
}

#define IS_LOG(m, ...) is_log(m, (const uint64_t[]){ __VA_ARGS__, ~0UL })
#define IS_CLEAN(m)    is_log(m, (const uint64_t[]){ ~0UL })

static void cleared_by_get(struct machine *m, uint8_t *memory)
{
	tap_ok(stores(m, 0) && stores(m, 600), "stores before there is a log");
	tap_errno(machine_slot(m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory), 0, "the log begins");
	tap_ok(IS_CLEAN(m), "nothing is in it");
	tap_ok(stores(m, 0) && stores(m, 63) && stores(m, 64) && stores(m, PAGES - 1),
	       "stores to four pages");
	machine_finishes(m, guest_ldr, TEST_GPA + 5 * PAGE, 0, NULL);
	memory[700 * PAGE] = 1;
	tap_ok(IS_LOG(m, 0, 63, 64, PAGES - 1), "the log has them, and what was read has not");
	tap_ok(IS_CLEAN(m), "and not twice");
	tap_ok(stores(m, 63) && IS_LOG(m, 63), "a page that is stored to again is there again");
	tap_ok(stores(m, 7), "a store");
	if (env.tsr) {
		tap_errno(get(m, TEST_SLOT, NULL), EFAULT, "a log that cannot be written");
		tap_ok(IS_LOG(m, 7), "is still there");
	} else {
		tap_skip("mainline loses it", "a log that cannot be written is still there");
		get(m, TEST_SLOT, bits);
	}
	machine_finishes(m, guest_swp, TEST_GPA + 9 * PAGE, 1, NULL);
	machine_finishes(m, guest_dc_zva, TEST_GPA + 11 * PAGE, 1, NULL);
	tap_ok(IS_LOG(m, 9, 11), "an atomic and DC ZVA are stores");
}

static void cleared_by_hand(struct machine *m)
{
	uint64_t some[WORDS] = { 0 };

	tap_errno(manual(m, MANUAL, 0), 0, "logs are cleared by hand");
	tap_ok(stores(m, 1) && stores(m, 2) && stores(m, 130), "stores");
	tap_ok(IS_LOG(m, 1, 2, 130) && IS_LOG(m, 1, 2, 130), "stay in the log");
	some[0] = 1 << 1 | 1 << 3;
	tap_ok(clear(m, TEST_SLOT, 128, 64, none) == 0 && clear(m, TEST_SLOT, 0, 64, some) == 0 &&
		       IS_LOG(m, 2, 130),
	       "until they are cleared");
	tap_ok(stores(m, 1) && IS_LOG(m, 1, 2, 130), "and come again");
	memset(bits, 0xff, sizeof(bits));
	tap_ok(clear(m, TEST_SLOT, 0, PAGES, bits) == 0 && IS_CLEAN(m), "all of it cleared");
	tap_errno(manual(m, 0, 0), 0, "logs are cleared by reading again");
	tap_ok(stores(m, 4) && clear(m, TEST_SLOT, 0, 64, none) == 0 && IS_LOG(m, 4) && IS_CLEAN(m),
	       "which leaves CLEAR_DIRTY_LOG working");
}

static void flags(struct machine *m, uint8_t *memory)
{
	unsigned int n = 0;

	tap_ok(stores(m, 3), "a store");
	tap_errno(machine_slot(m, TEST_SLOT, LOG, TEST_GPA + SIZE, SIZE, memory), 0,
		  "a slot moves with its log");
	tap_ok(IS_LOG(m, 3), "which has what it had");
	machine_slot(m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
	tap_errno(machine_slot(m, TEST_SLOT, 0, TEST_GPA, SIZE, memory), 0, "the log ends");
	tap_errno(get(m, TEST_SLOT, bits), ENOENT, "and is no more");
	tap_ok(stores(m, 3), "a store that nobody logs");
	tap_errno(manual(m, MANUAL | SET, 0), 0, "logs begin with all pages");
	machine_slot(m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
	memset(bits, 0, sizeof(bits));
	get(m, TEST_SLOT, bits);
	for (unsigned int i = 0; i < WORDS; i++)
		n += (unsigned int)__builtin_popcountll(bits[i]);
	tap_ok(n == PAGES, "this one does");
	memset(bits, 0xff, sizeof(bits));
	tap_ok(clear(m, TEST_SLOT, 0, PAGES, bits) == 0 && IS_CLEAN(m), "and is cleared");
	tap_ok(stores(m, 513) && IS_LOG(m, 513), "a store is in it then");
	tap_errno(machine_slot(m, TEST_SLOT, LOG | KVM_MEM_READONLY, TEST_GPA, SIZE, memory),
		  EINVAL, "READONLY does not come later, with a log either");
	manual(m, 0, 0);
}

static void readonly(struct machine *m, uint8_t *memory)
{
	machine_slot(m, TEST_SLOT, 0, 0, 0, NULL);
	tap_errno(machine_slot(m, TEST_SLOT, LOG | KVM_MEM_READONLY, TEST_GPA, SIZE, memory), 0,
		  "a READONLY slot with a log");
	machine_call(m, guest_str, TEST_GPA, 1);
	tap_ok(machine_run(m) == 0 && m->run->exit_reason == KVM_EXIT_MMIO, "a store exits");
	tap_ok(IS_CLEAN(m), "and is not in the log");
}

/* --- Migration: nothing is lost, whatever vCPUs do meanwhile. --- */

struct record {
	uint64_t stop, rounds;
	uint64_t mask, offset; /* of pages; of the vCPU's counts in them */
	uint64_t seed;
};

struct writer {
	struct machine m;
	pthread_t thread;
	struct record *record;
};

static void *writes(void *arg)
{
	struct writer *w = arg;
	long ret = machine_run(&w->m);

	while (ret == -EINTR || ret == -EAGAIN)
		ret = machine_run(&w->m);
	if (ret || !machine_done(&w->m, NULL))
		machine_explain(&w->m, ret);
	return NULL;
}

static void harvest(struct machine *m, bool by_hand, const uint8_t *memory, uint8_t *copy)
{
	if (get(m, TEST_SLOT, bits) || (by_hand && clear(m, TEST_SLOT, 0, PAGES, bits)))
		errx(2, "no dirty log");
	for (uint64_t page = 0; page < PAGES; page++)
		if (bits[page / 64] >> page % 64 & 1)
			memcpy(copy + page * PAGE, memory + page * PAGE, PAGE);
}

static void migrate(uint64_t how, const char *name)
{
	const unsigned int seconds = getenv("TSR_FULL") ? 20 : 2;
	uint8_t *raw = memory_anon(SIZE + BLOCK), *copy = memory_anon(SIZE);
	uint8_t *memory = (uint8_t *)(((uintptr_t)raw + BLOCK - 1) & ~(BLOCK - 1));
	uint8_t *records = memory_anon(VCPUS * PAGE);
	struct writer w[VCPUS];
	unsigned int harvests = 0;
	uint64_t rounds = 0;
	time_t end;

	madvise(memory, SIZE, MADV_HUGEPAGE);
	machine_open(&w[0].m, MACHINE_MMU);
	machine_second(&w[1].m, &w[0].m, MACHINE_MMU);
	machine_slot(&w[0].m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	machine_slot(&w[0].m, RECORD_SLOT, 0, RECORD_GPA, VCPUS * PAGE, records);
	manual(&w[0].m, how, 0);
	for (unsigned int i = 0; i < VCPUS; i++) {
		w[i].record = (struct record *)(records + i * PAGE);
		*w[i].record =
			(struct record){ .mask = 1023, .offset = 64 + 128 * i, .seed = i + 1 };
		machine_call(&w[i].m, guest_dirty_loop, TEST_GPA, RECORD_GPA + i * PAGE);
		if (pthread_create(&w[i].thread, NULL, writes, &w[i]))
			errx(2, "no thread");
	}
	for (unsigned int i = 0; i < VCPUS; i++)
		while (!__atomic_load_n(&w[i].record->rounds, __ATOMIC_ACQUIRE))
			sched_yield();
	tap_errno(machine_slot(&w[0].m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory), 0,
		  "migration, %s: the log begins under vCPUs", name);
	memcpy(copy, memory, SIZE);
	end = time(NULL) + seconds;
	for (; harvests < HARVESTS_LEAST || time(NULL) < end; harvests++) {
		usleep(1000);
		harvest(&w[0].m, how & MANUAL, memory, copy);
	}
	for (unsigned int i = 0; i < VCPUS; i++)
		__atomic_store_n(&w[i].record->stop, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < VCPUS; i++) {
		pthread_join(w[i].thread, NULL);
		rounds += w[i].record->rounds;
	}
	harvest(&w[0].m, how & MANUAL, memory, copy);
	tap_note("%u harvests, %llu stores", harvests, (unsigned long long)rounds);
	tap_ok(!memcmp(copy, memory, SIZE), "migration, %s: the copy is the memory", name);
	machine_close(&w[1].m);
	machine_close(&w[0].m);
	munmap(records, VCPUS * PAGE);
	munmap(copy, SIZE);
	munmap(raw, SIZE + BLOCK);
}

void test_dirty(void)
{
	uint8_t *memory = memory_anon(SIZE);
	struct machine m;

	machine_open(&m, 0);
	machine_slot(&m, TEST_SLOT, LOG, TEST_GPA, SIZE, memory);
	machine_slot(&m, OTHER_SLOT, 0, TEST_GPA + 4 * SIZE, SIZE, memory);
	bad_input(&m);
	machine_slot(&m, TEST_SLOT, 0, TEST_GPA, SIZE, memory);
	cleared_by_get(&m, memory);
	cleared_by_hand(&m);
	flags(&m, memory);
	readonly(&m, memory);
	machine_close(&m);
	munmap(memory, SIZE);
	migrate(0, "cleared by reading");
	migrate(MANUAL, "cleared by hand");
	migrate(MANUAL | SET, "begun with all pages");
}
