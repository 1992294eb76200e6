// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * vCPUs that write all the time, and a VMM that copies what the dirty log says, as in a
 * migration; beside them the host takes pages away. In the end the copy is the memory.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "world.h"

#define IPA	0x40000000ULL
#define PAGES	(2U * TSR_LEVEL_COUNT)
#define VCPUS	2U
#define HARVEST (8U * PAGES) /* pages */

static struct world w;
static struct emu_vma *vma;
static u32 memory[PAGES]; /* atomic; what the guest has written */
static u32 copy[PAGES];
static u32 mistakes, stopped; /* atomic */

static void vcpu_write(struct s2_cache *cache, u64 page)
{
	struct access a = { gpa_of(IPA + page * PAGE), ACCESS_DATA, PERM_W, false };
	struct vm_fault_result result;

	for (int i = 0; i < 8; i++) {
		struct emu_walk walk;

		emu_mmu_begin();
		walk = world_walk(&w, IPA + page * PAGE, EMU_WRITE);
		if (walk.fault == EMU_FAULT_NONE)
			__atomic_fetch_add(&memory[page], 1, __ATOMIC_RELAXED);
		emu_mmu_end();
		if (walk.fault == EMU_FAULT_NONE)
			return;
		a.permission = walk.fault == EMU_FAULT_PERMISSION;
		vm_fault(&w.vm, cache, &a, &result);
		if (result.outcome != VM_RESUME)
			__atomic_fetch_add(&mistakes, 1, __ATOMIC_RELAXED);
	}
}

static void *vcpu(void *arg)
{
	u64 seed = 1 + (unsigned long)arg;
	struct s2_cache cache = { 0 };

	while (!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)) {
		for (int i = 0; i < 8; i++)
			vcpu_write(&cache, random_below(&seed, 2) ? random_below(&seed, 16)
								  : random_below(&seed, PAGES));
		sched_yield();
	}
	s2_cache_drain(&cache);
	return NULL;
}

static void *host(void *arg)
{
	u64 seed = 77;

	while (!__atomic_load_n(&stopped, __ATOMIC_ACQUIRE)) {
		u64 begin = vma->begin + random_below(&seed, PAGES) * PAGE;

		vm_hva_invalidate_begin(&w.vm, begin, begin + PAGE);
		vm_hva_invalidate_end(&w.vm, begin, begin + PAGE);
		sched_yield();
	}
	return NULL;
}

static u64 harvest(bool manual)
{
	u64 log[PAGES / 64], n = 0;

	assert_int_equal(vm_dirty_get(&w.vm, 0, (u64)(uintptr_t)log), 0);
	if (manual)
		assert_int_equal(vm_dirty_clear(&w.vm, 0, 0, PAGES, (u64)(uintptr_t)log), 0);
	for (u64 page = 0; page < PAGES; page++) {
		if (!(log[page / 64] >> page % 64 & 1))
			continue;
		copy[page] = __atomic_load_n(&memory[page], __ATOMIC_RELAXED);
		n++;
	}
	return n;
}

static void migrate(u64 manual)
{
	struct slot_request req = { 0, ABI_MEM_LOG_DIRTY_PAGES, IPA, PAGES * PAGE, 0 };
	pthread_t thread[VCPUS + 1];
	u64 found = 0;

	world_begin(&w, &host_max, 40);
	memset(memory, 0, sizeof(memory));
	memset(copy, 0, sizeof(copy));
	mistakes = stopped = 0;
	vma = world_ram(&w, 0, IPA, PAGES * PAGE, 9);
	req.hva = vma->begin;
	assert_int_equal(vm_dirty_manual(&w.vm, manual), 0);
	for (unsigned long i = 0; i < VCPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, vcpu, (void *)i), 0);
	assert_int_equal(pthread_create(&thread[VCPUS], NULL, host, NULL), 0);
	sched_yield();
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	for (u64 page = 0; page < PAGES; page++)
		copy[page] = __atomic_load_n(&memory[page], __ATOMIC_RELAXED);
	while (found < HARVEST) {
		found += harvest(manual);
		sched_yield();
	}
	__atomic_store_n(&stopped, 1, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i <= VCPUS; i++)
		pthread_join(thread[i], NULL);
	harvest(manual);
	assert_int_equal(mistakes, 0);
	assert_memory_equal(copy, memory, sizeof(memory));
	world_end(&w);
}

static void log_that_clears_itself(void **state)
{
	migrate(0);
}

static void log_cleared_by_hand(void **state)
{
	migrate(ABI_DIRTY_MANUAL);
}

static void log_that_begins_full(void **state)
{
	migrate(ABI_DIRTY_MANUAL | ABI_DIRTY_SET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_that_clears_itself),
		cmocka_unit_test(log_cleared_by_hand),
		cmocka_unit_test(log_that_begins_full),
	};

	return RUN(tests);
}
