// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * vCPUs that fault while the host takes pages away, attributes change, slots come and go
 * and pages age. Asserted at each access that the hardware lets pass: the page is the VMM's
 * at this moment, a write is not one that attributes denied before it began, and tags are
 * not an earlier owner's. Tags are lazy; a slot over the same memory comes and goes.
 *
 * All but the vCPUs do a fixed number of steps, and the vCPUs run until they are done.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "tags.h"
#include "world.h"

#define IPA	  0x40000000ULL
#define IPA2	  0x80000000ULL
#define PAGES	  24U /* a VMA each */
#define VCPUS	  3U
#define STEPS	  2000U
#define OTHERS	  4U
#define HOST_PAGE 512U

static struct world w;
static struct emu_vma *vmas[PAGES];
static u64 host_base;		  /* of the host's pages that it gives and takes */
static u32 page_owned[HOST_PAGE]; /* by a VMA; atomic */
static u32 page_closed[PAGES];	  /* NW has been set and not begun to be cleared; atomic */
static u32 mistakes;		  /* atomic */
static u32 finished;		  /* threads that are no vCPUs; atomic */

static void check(bool ok)
{
	if (!ok)
		__atomic_fetch_add(&mistakes, 1, __ATOMIC_RELAXED);
}

static u32 *owned(u64 pa)
{
	return &page_owned[(pa - host_base) / PAGE];
}

static bool is_write(enum emu_access access)
{
	return access == EMU_WRITE || access == EMU_TAG_WRITE;
}

static bool is_tag(enum emu_access access)
{
	return access == EMU_TAG_READ || access == EMU_TAG_WRITE;
}

/* The access itself: hardware walks, and if it may, touches the memory. */
static enum emu_fault touch(u64 page, enum emu_access access)
{
	struct emu_walk walk;

	emu_mmu_begin();
	walk = world_walk(&w, IPA + page * PAGE, access);
	if (walk.fault == EMU_FAULT_NONE) {
		check(READ_ONCE(*owned(walk.pa)));
		check(!is_write(access) || !READ_ONCE(page_closed[page]));
		check(!is_tag(access) || emu_tags_live(hpa_of(walk.pa)));
	}
	check(walk.fault != EMU_FAULT_MEMORY && walk.fault != EMU_FAULT_RESERVED);
	emu_mmu_end();
	return walk.fault;
}

static void vcpu_step(struct s2_cache *cache, u64 page, enum emu_access access)
{
	struct access a = { gpa_of(IPA + page * PAGE), ACCESS_DATA, PERM_NONE, false };
	struct vm_fault_result result;

	for (int i = 0; i < 8; i++) {
		enum emu_fault fault = touch(page, access);

		if (fault == EMU_FAULT_NONE)
			return;
		a.permission = fault == EMU_FAULT_PERMISSION || fault == EMU_FAULT_TAG;
		a.need = is_write(access) ? PERM_W : PERM_R;
		if (fault == EMU_FAULT_TAG)
			a.need = is_write(access) ? PERM_W | PERM_T : PERM_T;
		vm_fault(&w.vm, cache, &a, &result);
		check(result.outcome == VM_RESUME || result.outcome == VM_EXIT_FAULT);
		if (result.outcome == VM_EXIT_FAULT) {
			check(result.flags == ABI_EXIT_WRITE && is_write(access));
			return;
		}
	}
}

static bool running(void)
{
	return READ_ONCE(finished) < OTHERS;
}

static void *vcpu(void *arg)
{
	static const enum emu_access accesses[] = { EMU_READ, EMU_WRITE, EMU_TAG_READ,
						    EMU_TAG_WRITE };
	u64 seed = 1 + (unsigned long)arg;
	struct s2_cache cache = { 0 };
	struct vm_fault_result result;

	for (unsigned int i = 0; running(); i++) {
		struct access other = { gpa_of(IPA2), ACCESS_DATA, PERM_R, false };

		sched_yield();
		vcpu_step(&cache, random_below(&seed, PAGES), accesses[random_below(&seed, 4)]);
		(void)vm_tags_look(&w.vm, gfn_of(IPA / PAGE), PAGES);
		if (i % 16)
			continue;
		vm_fault(&w.vm, &cache, &other, &result);
		check(result.outcome == VM_RESUME || result.outcome == VM_EXIT_MMIO);
	}
	s2_cache_drain(&cache);
	return NULL;
}

static void *done(void)
{
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Gives pages other memory; the old page belongs to nobody once the notifier has returned. */
static void *host(void *arg)
{
	u64 seed = 77;

	for (unsigned int fresh = PAGES; fresh < STEPS; fresh++) {
		struct emu_vma *vma = vmas[random_below(&seed, PAGES)];
		u64 new = host_base + (PAGES + fresh % (HOST_PAGE - PAGES)) * PAGE, old;

		if (READ_ONCE(*owned(new)))
			continue;
		vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
		emu_mm_lock();
		old = vma->hpa.addr;
		vma->hpa = hpa_of(new);
		WRITE_ONCE(*owned(new), 1);
		emu_mm_unlock();
		WRITE_ONCE(*owned(old), 0);
		emu_tags_drop(hpa_of(old), 1);
		vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
		sched_yield();
	}
	return done();
}

static void *attributes(void *arg)
{
	u64 seed = 99;

	for (unsigned int i = 0; i < STEPS; i++) {
		u64 page = random_below(&seed, PAGES);
		struct gfn_range range = { IPA / PAGE + page, IPA / PAGE + page + 1 };

		check(!vm_attr_set(&w.vm, range, ATTR_SET, ABI_ATTR_NW));
		WRITE_ONCE(page_closed[page], 1);
		sched_yield();
		WRITE_ONCE(page_closed[page], 0);
		check(!vm_attr_set(&w.vm, range, ATTR_CLEAR, ABI_ATTR_NW));
		sched_yield();
	}
	return done();
}

static void *slots(void *arg)
{
	struct slot_request there = { 7, 0, IPA2, PAGE, vmas[0]->begin }, gone = { .id = 7 };

	for (unsigned int i = 0; i < STEPS; i++) {
		check(!vm_slot_set(&w.vm, &there));
		sched_yield();
		check(!vm_slot_set(&w.vm, &gone));
		sched_yield();
	}
	return done();
}

static void *ages(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		vm_hva_age(&w.vm, vmas[0]->begin, vmas[PAGES - 1]->end, true);
		sched_yield();
	}
	return done();
}

/* A slot whose pages are a VMA each. */
static void build(void)
{
	struct slot_request req = { 0, 0, IPA, PAGES * PAGE, HVA_BASE };

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), 0);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	host_base = emu_ram_alloc(9).addr;
	for (u64 i = 0; i < PAGES; i++) {
		struct emu_vma vma = {
			.begin = HVA_BASE + i * PAGE,
			.end = HVA_BASE + (i + 1) * PAGE,
			.kind = BACKING_RAM,
			.hpa = hpa_of(host_base + i * PAGE),
			.can_tag = true,
			.own = true,
		};

		page_owned[i] = 1;
		vmas[i] = emu_mm_add(&vma);
	}
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
}

static void all_at_once(void **state)
{
	void *(*const others[OTHERS])(void *) = { host, attributes, slots, ages };
	pthread_t thread[VCPUS + OTHERS];

	build();
	for (unsigned long i = 0; i < VCPUS + OTHERS; i++) {
		void *(*run)(void *) = i < VCPUS ? vcpu : others[i - VCPUS];

		assert_int_equal(pthread_create(&thread[i], NULL, run, (void *)i), 0);
	}
	for (unsigned int i = 0; i < VCPUS + OTHERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(mistakes, 0);
	assert_true(w.vm.stats.pages_mapped > PAGES);
	assert_int_equal(w.vm.inval_open, 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_at_once) };

	return RUN(tests);
}
