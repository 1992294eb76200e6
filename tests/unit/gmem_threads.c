// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * vCPUs that use private and shared pages while they are converted, holes are made in the file
 * and its slot comes and goes, in threads. Asserted at each access that the hardware lets pass:
 * the page is the VMM's, or one that is the file's at this moment; and its tags are not an
 * earlier owner's. gmem_race has the same in turns that a seed decides.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "gmem.h"
#include "tags.h"
#include "world.h"

#define IPA    0x40000000ULL
#define PAGES  16ULL
#define VCPUS  3U
#define STEPS  1500U
#define OTHERS 3U

static struct world w;
static struct seam_gmem file;
static struct hpa vmm; /* PAGES of its memory */
static u32 mistakes;   /* atomic */
static u32 finished;   /* threads that are no vCPUs; atomic */

static void check(bool ok)
{
	if (!ok)
		__atomic_fetch_add(&mistakes, 1, __ATOMIC_RELAXED);
}

/* The access itself: hardware walks, and if it may, touches the memory. */
static enum emu_fault touch(u64 gpa, enum emu_access access)
{
	struct emu_walk walk;
	u64 page;

	emu_mmu_begin();
	walk = world_walk(&w, gpa, access);
	if (walk.fault == EMU_FAULT_NONE && walk.pa - vmm.addr >= PAGES * PAGE) {
		check(emu_gmem_has(&file, hpa_of(walk.pa), &page));
		check(access != EMU_TAG_READ || emu_tags_live(hpa_of(walk.pa)));
	}
	emu_mmu_end();
	return walk.fault;
}

static void vcpu_step(struct s2_cache *cache, u64 gpa, enum emu_access access)
{
	enum emu_fault fault = touch(gpa, access);
	struct access a = {
		.gpa = gpa_of(gpa),
		.need = fault == EMU_FAULT_TAG ? PERM_T
			: access == EMU_WRITE  ? PERM_W
					       : PERM_R,
		.permission = fault == EMU_FAULT_PERMISSION || fault == EMU_FAULT_TAG,
	};
	struct vm_fault_result result;

	if (fault == EMU_FAULT_NONE)
		return;
	vm_fault(&w.vm, cache, &a, &result);
	/* Where the slot is away. */
	check(result.outcome == VM_RESUME || result.outcome == VM_EXIT_MMIO);
}

static bool running(void)
{
	return READ_ONCE(finished) < OTHERS;
}

static void *vcpu(void *arg)
{
	static const enum emu_access accesses[] = { EMU_READ, EMU_WRITE, EMU_TAG_READ };
	u64 seed = 1 + (unsigned long)arg;
	struct s2_cache cache = { 0 };

	while (running()) {
		sched_yield();
		vcpu_step(&cache, IPA + random_below(&seed, PAGES) * PAGE,
			  accesses[random_below(&seed, 3)]);
	}
	s2_cache_drain(&cache);
	return NULL;
}

static void *done(void)
{
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *converts(void *arg)
{
	u64 seed = 99;

	for (unsigned int i = 0; i < STEPS; i++) {
		u64 page = random_below(&seed, PAGES), count = 1 + random_below(&seed, 4);
		enum attr_op op = random_below(&seed, 2) ? ATTR_SET : ATTR_CLEAR;

		check(!vm_attr_set(&w.vm, world_gfns(IPA + page * PAGE, count * PAGE), op,
				   ABI_ATTR_PRIVATE));
		check(vm_gfn_private(&w.vm, gfn_of(IPA / PAGE + page)) == (op == ATTR_SET));
		sched_yield();
	}
	return done();
}

static void *punches(void *arg)
{
	u64 seed = 77;

	for (unsigned int i = 0; i < STEPS; i++) {
		u64 page = random_below(&seed, PAGES);

		seam_rwsem_write_lock(&w.vm.gmem_lock);
		vm_gmem_invalidate_begin(&w.vm, world_gfns(IPA + page * PAGE, PAGE));
		seam_gmem_drop(&file, page, 1);
		vm_gmem_invalidate_end(&w.vm);
		seam_rwsem_write_unlock(&w.vm.gmem_lock);
		sched_yield();
	}
	return done();
}

static void slot_set(bool all)
{
	struct slot_request req = { 0, ABI_MEM_GUEST_MEMFD, IPA, PAGES * PAGE, HVA_BASE };
	struct slot_file slot_file = { .gmem = &file, .all = all };

	check(!vm_slot_set_file(&w.vm, &req, &slot_file));
}

static void *slots(void *arg)
{
	for (unsigned int i = 0; i < STEPS / 10; i++) {
		struct slot_request gone = { 0 };

		check(!vm_slot_set(&w.vm, &gone));
		slot_set(i & 1);
		for (int turn = 0; turn < 20; turn++)
			sched_yield();
	}
	return done();
}

static void together(void **state)
{
	static void *(*const others[OTHERS])(void *arg) = { converts, punches, slots };
	pthread_t thread[VCPUS + OTHERS];
	struct emu_vma vma = {
		.begin = HVA_BASE,
		.end = HVA_BASE + PAGES * PAGE,
		.kind = BACKING_RAM,
		.can_tag = true,
	};

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), 0);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	emu_gmem_make(&file, 0);
	vmm = emu_ram_alloc(4);
	vma.hpa = vmm;
	emu_mm_add(&vma);
	slot_set(false);
	for (unsigned long i = 0; i < VCPUS + OTHERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
						i < VCPUS ? vcpu : others[i - VCPUS], (void *)i),
				 0);
	for (unsigned int i = 0; i < VCPUS + OTHERS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(mistakes, 0);
	assert_true(file.drops > 0);
	world_end(&w);
	assert_int_equal(file.refs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(together) };

	return RUN(tests);
}
