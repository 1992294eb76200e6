// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A life of a VM in which each allocation fails once: the step that runs out of memory says
 * so and has changed nothing, and works when it is done again.
 */
#include "world.h"

#define IPA   0x40000000ULL
#define IPA2  0x8000000000ULL
#define STEPS 12

static struct world w;
static struct emu_vma *vma[2];

static int slot_set(u32 id, u64 gpa, u64 size)
{
	struct slot_request req = { id, 0, gpa, size, vma[id]->begin };

	return vm_slot_set(&w.vm, &req);
}

static int attr_set(u64 gpa, u64 size, enum attr_op op, u64 bits)
{
	return vm_attr_set(&w.vm, world_gfns(gpa, size), op, bits);
}

/* 0 also where policy stops the access; else the error of vm_fault(). */
static int touch(u64 gpa, enum emu_access access)
{
	struct vm_fault_result r = world_access(&w, gpa, access);

	return r.outcome == VM_ERROR ? r.error : 0;
}

static int step(int i)
{
	switch (i) {
	case 0:
		return slot_set(0, IPA, 4 * BLOCK);
	case 1:
		return slot_set(1, IPA2, BLOCK);
	case 2:
		return touch(IPA, EMU_WRITE);
	case 3:
		return attr_set(IPA + PAGE, 5 * PAGE, ATTR_EXACT, ABI_ATTR_NW);
	case 4:
		return touch(IPA + PAGE, EMU_WRITE);
	case 5:
		return touch(IPA + PAGE, EMU_READ);
	case 6:
		return attr_set(PAGE, (1ULL << 40) - 2 * PAGE, ATTR_SET, ABI_ATTR_NX);
	case 7:
		return touch(IPA2, EMU_READ);
	case 8:
		return attr_set(IPA2, PAGE, ATTR_CLEAR, ABI_ATTR_NX);
	case 9:
		return touch(IPA2, EMU_FETCH_EL1);
	case 10:
		return slot_set(1, IPA2 + BLOCK, BLOCK);
	}
	return slot_set(0, 0, 0);
}

/* The host's slots, attributes and mappings as the steps before left them. */
struct picture {
	struct slots *slots;
	void *attrs;
	u64 seq;
	unsigned long allocs;
};

static struct picture picture(void)
{
	return (struct picture){ w.vm.slots, w.vm.attr.root[0], w.vm.inval_seq, emu_allocs_live() };
}

static void build(void)
{
	world_begin(&w, &host_max, 40);
	for (unsigned int i = 0; i < 2; i++) {
		struct emu_vma v = {
			.begin = HVA_BASE + i * GIB,
			.end = HVA_BASE + i * GIB + 4 * BLOCK,
			.kind = BACKING_RAM,
			.hpa = emu_ram_alloc(11),
		};

		vma[i] = emu_mm_add(&v);
	}
}

/* True if the @nth allocation was reached, and failed. */
static bool live(unsigned long nth)
{
	bool failed = false;

	build();
	emu_fail_nth(nth);
	for (int i = 0; i < STEPS; i++) {
		struct picture before = picture(), after;
		int err = step(i);

		if (emu_fail_happened() && !failed) {
			after = picture();
			assert_int_equal(err, -ENOMEM);
			assert_memory_equal(&before, &after, sizeof(before));
			failed = true;
			err = step(i);
		}
		assert_int_equal(err, 0);
	}
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	world_end(&w);
	return failed;
}

static void each_allocation(void **state)
{
	unsigned long nth = 1;

	while (live(nth))
		nth++;
	assert_true(nth > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation) };

	return RUN(tests);
}
