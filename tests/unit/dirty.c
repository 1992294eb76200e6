// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Dirty logs (docs/abi.md 4.5): of a VM's slots against a flat map, and what they do to blocks. */
#include "world.h"

#define IPA   0x40000000ULL
#define IPA2  0x80000000ULL
#define LOG   ABI_MEM_LOG_DIRTY_PAGES
#define PAGES (2 * TSR_LEVEL_COUNT + 37U)
#define WORDS (PAGES / 64 + 1)
#define SIZE  (PAGES * PAGE)

static struct world w;
static struct slot_request slot;
static u64 log[WORDS];

static int get(void)
{
	return vm_dirty_get(&w.vm, 0, (u64)(uintptr_t)log);
}

static int clear(u64 first, u64 count, const u64 *bits)
{
	return vm_dirty_clear(&w.vm, 0, first, count, (u64)(uintptr_t)bits);
}

static int set_flags(u32 flags)
{
	u32 was = slot.flags;
	int err;

	slot.flags = flags;
	err = vm_slot_set(&w.vm, &slot);
	if (err)
		slot.flags = was;
	return err;
}

static u64 gpa_of_page(u64 page)
{
	return slot.gpa + page * PAGE;
}

static bool write(u64 page)
{
	return world_access(&w, gpa_of_page(page), EMU_WRITE).outcome == VM_RESUME;
}

static bool may_write(u64 page)
{
	return world_walk(&w, gpa_of_page(page), EMU_WRITE).fault == EMU_FAULT_NONE;
}

static int level_of(u64 page)
{
	return s2_lookup(&w.vm.s2, gpa_gfn(gpa_of(gpa_of_page(page)))).level;
}

static bool dirty(u64 page)
{
	return log[page / 64] >> page % 64 & 1;
}

static u64 dirty_count(void)
{
	u64 n = 0;

	for (u64 page = 0; page < WORDS * 64; page++)
		n += dirty(page);
	return n;
}

/* Slot 0 with @flags over memory that the host maps in blocks. */
static void begin(const struct host *host, u32 flags, u8 order)
{
	struct emu_vma vma = { .kind = BACKING_RAM, .can_tag = true, .order = order };

	world_begin(&w, host, 40);
	slot = (struct slot_request){ 0, flags, IPA, SIZE, w.next_hva };
	world_slot(&w, 0, flags, IPA, SIZE, vma);
}

/* --- Rules. --- */

static void errors(void **state)
{
	const u64 end = PAGES & ~63ULL;
	const struct {
		u64 first, count;
		int err;
	} rows[] = {
		{ 0, 0, 0 },
		{ 0, 64, 0 },
		{ 64, PAGES - 64, 0 },
		{ end, PAGES - end, 0 },
		{ 0, PAGES, 0 },
		{ 1, 64, -EINVAL },
		{ 0, 63, -EINVAL },
		{ 0, PAGES - 1, -EINVAL },
		{ 0, PAGES + 1, -EINVAL },
		{ end, 64, -EINVAL },
		{ end + 64, 0, -EINVAL },
		{ ~63ULL, 64, -EINVAL },
		{ 0, ~0ULL, -EINVAL },
	};

	begin(&host_max, 0, 9);
	assert_int_equal(get(), -ENOENT);
	assert_int_equal(clear(0, 64, log), -ENOENT);
	assert_int_equal(clear(32, 64, log), -EINVAL);
	assert_int_equal(set_flags(LOG), 0);
	assert_int_equal(get(), 0);
	assert_int_equal(vm_dirty_get(&w.vm, 1, 0), -ENOENT);
	assert_int_equal(vm_dirty_get(&w.vm, ABI_SLOT_COUNT, 0), -EINVAL);
	assert_int_equal(vm_dirty_get(&w.vm, 1U << 16, 0), -EINVAL);
	assert_int_equal(vm_dirty_clear(&w.vm, 1U << 16, 0, 64, 0), -EINVAL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (clear(rows[i].first, rows[i].count, log) != rows[i].err)
			fail_msg("row %zu", i);
	for (u64 bits = 0; bits < 9; bits++)
		assert_int_equal(vm_dirty_manual(&w.vm, bits),
				 bits == 0 || bits == 1 || bits == 3 ? 0 : -EINVAL);
	world_end(&w);
}

/* What cannot be given to the VMM is not taken from the log, nor changed by what it is not told. */
static void bad_memory(void **state)
{
	begin(&host_max, LOG, 9);
	assert_true(write(5) && write(700));
	assert_int_equal(vm_dirty_get(&w.vm, 0, 0), -EFAULT);
	assert_int_equal(clear(0, PAGES, NULL), -EFAULT);
	assert_int_equal(get(), 0);
	assert_true(dirty(5) && dirty(700) && dirty_count() == 2);
	world_end(&w);
}

static void memory_that_is_not_logged(void **state)
{
	struct emu_vma device = { .kind = BACKING_PFN_DEVICE };
	struct emu_vma ram = { .kind = BACKING_RAM };

	world_begin(&w, &host_max, 40);
	assert_int_equal(world_slot_try(&w, 0, LOG, IPA, BLOCK, &device), -EINVAL);
	assert_int_equal(world_slot_try(&w, 0, 0, IPA, BLOCK, &device), 0);
	slot = (struct slot_request){ 0, LOG, IPA, BLOCK, device.begin };
	assert_int_equal(vm_slot_set(&w.vm, &slot), -EINVAL);
	assert_int_equal(vm_dirty_get(&w.vm, 0, (u64)(uintptr_t)log), -ENOENT);
	/* A READONLY slot has a log, and nothing comes into it. */
	assert_int_equal(world_slot_try(&w, 1, LOG | ABI_MEM_READONLY, IPA2, BLOCK, &ram), 0);
	assert_int_equal(world_access(&w, IPA2, EMU_WRITE).outcome, VM_EXIT_MMIO);
	assert_int_equal(world_access(&w, IPA2, EMU_READ).outcome, VM_RESUME);
	assert_int_equal(vm_dirty_get(&w.vm, 1, (u64)(uintptr_t)log), 0);
	assert_int_equal(log[0], 0);
	world_end(&w);
}

static void tags_are_writes(void **state)
{
	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	world_ram(&w, 0, IPA, SIZE, 9);
	slot = (struct slot_request){ 0, LOG, IPA, SIZE, HVA_BASE };
	assert_int_equal(vm_slot_set(&w.vm, &slot), 0);
	assert_int_equal(world_access(&w, IPA, EMU_TAG_READ).outcome, VM_RESUME);
	assert_int_equal(world_access(&w, IPA + PAGE, EMU_CHECKED_READ).outcome, VM_RESUME);
	assert_int_equal(get(), 0);
	assert_int_equal(dirty_count(), 0);
	assert_int_equal(world_access(&w, IPA, EMU_TAG_WRITE).outcome, VM_RESUME);
	assert_int_equal(world_access(&w, IPA + PAGE, EMU_ATOMIC).outcome, VM_RESUME);
	assert_int_equal(world_access(&w, IPA + 2 * PAGE, EMU_CHECKED_WRITE).outcome, VM_RESUME);
	assert_int_equal(get(), 0);
	assert_true(dirty_count() == 3 && (log[0] & 7) == 7);
	world_end(&w);
}

/* --- Blocks. --- */

static void blocks_go_and_come_back(void **state)
{
	begin(&host_max, 0, 9);
	assert_true(write(0) && write(TSR_LEVEL_COUNT));
	assert_int_equal(level_of(0), 2);
	assert_int_equal(set_flags(LOG), 0);
	assert_false(may_write(0) || may_write(600));
	assert_int_equal(level_of(0), 2);
	assert_true(write(3));
	assert_int_equal(level_of(3), 3);
	assert_false(may_write(2));
	assert_int_equal(level_of(TSR_LEVEL_COUNT), 2);
	for (u64 page = 0; page < TSR_LEVEL_COUNT; page++)
		assert_true(write(TSR_LEVEL_COUNT + page));
	assert_int_equal(set_flags(0), 0);
	/* All of it may be written: it is a block already; of the other, after a fault. */
	assert_int_equal(level_of(TSR_LEVEL_COUNT), 2);
	assert_true(write(2));
	assert_int_equal(level_of(3), 2);
	assert_int_equal(get(), -ENOENT);
	world_end(&w);
}

/* A log that begins with all pages dirty leaves blocks alone, until parts of them are cleared. */
static void initially_set(void **state)
{
	const u64 all[2] = { ~0ULL, ~0ULL };

	begin(&host_max, 0, 9);
	assert_true(write(0));
	assert_int_equal(vm_dirty_manual(&w.vm, ABI_DIRTY_MANUAL | ABI_DIRTY_SET), 0);
	assert_int_equal(set_flags(LOG), 0);
	assert_true(may_write(0) && level_of(0) == 2);
	assert_int_equal(get(), 0);
	assert_int_equal(dirty_count(), PAGES);
	assert_int_equal(clear(128, 128, all), 0);
	assert_true(may_write(127) && !may_write(128) && !may_write(255) && may_write(256));
	assert_int_equal(get(), 0);
	assert_int_equal(dirty_count(), PAGES - 128);
	assert_true(write(200));
	assert_int_equal(get(), 0);
	assert_int_equal(dirty_count(), PAGES - 127);
	world_end(&w);
}

/* Without memory for tables a clear takes more from the guest than it must, and nothing less. */
static void clear_without_memory(void **state)
{
	const u64 all = ~0ULL;

	begin(&host_max, 0, 9);
	assert_true(write(0));
	assert_int_equal(vm_dirty_manual(&w.vm, ABI_DIRTY_MANUAL | ABI_DIRTY_SET), 0);
	assert_int_equal(set_flags(LOG), 0);
	emu_fail_nth(1);
	assert_int_equal(clear(128, 64, &all), 0);
	assert_true(emu_fail_happened());
	emu_fail_nth(0);
	assert_false(may_write(0) || may_write(128));
	assert_int_equal(get(), 0);
	assert_int_equal(dirty_count(), PAGES - 64);
	world_end(&w);
}

/* Each allocation of a slot with a log fails once: nothing has changed. */
static void slot_without_memory(void **state)
{
	unsigned long allocs, nth = 1;
	struct slots *slots;
	int err;

	begin(&host_max, 0, 9);
	assert_true(write(0));
	for (;; nth++) {
		slots = w.vm.slots;
		allocs = emu_allocs_live();
		emu_fail_nth(nth);
		err = set_flags(LOG);
		if (!emu_fail_happened())
			break;
		emu_fail_nth(0);
		if (!err) {
			/* Not an allocation that it needs. */
			assert_int_equal(set_flags(0), 0);
			continue;
		}
		assert_int_equal(err, -ENOMEM);
		assert_ptr_equal(w.vm.slots, slots);
		assert_int_equal(emu_allocs_live(), allocs);
		assert_true(may_write(0));
		assert_int_equal(get(), -ENOENT);
	}
	emu_fail_nth(0);
	assert_int_equal(err, 0);
	assert_true(nth > 5);
	world_end(&w);
}

/* --- Rings. --- */

static struct vm_dirty_page written_by_owner(u64 gpa)
{
	struct vm_dirty_page page;

	vm_dirty_written(&w.vm, gpa_of(gpa), &page);
	return page;
}

static void rings_and_bitmaps(void **state)
{
	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_dirty_enable_bitmap(&w.vm), -EINVAL);
	vm_start(&w.vm);
	assert_int_equal(vm_dirty_enable_ring(&w.vm), -EINVAL);
	world_end(&w);
	for (int bitmap = 0; bitmap < 2; bitmap++) {
		world_begin(&w, &host_max, 40);
		assert_int_equal(vm_dirty_enable_ring(&w.vm), 0);
		assert_int_equal(vm_dirty_enable_ring(&w.vm), -EINVAL);
		if (bitmap)
			assert_int_equal(vm_dirty_enable_bitmap(&w.vm), 0);
		world_ram(&w, 0, IPA, SIZE, 9);
		slot = (struct slot_request){ 0, LOG, IPA, SIZE, HVA_BASE };
		assert_int_equal(vm_slot_set(&w.vm, &slot), 0);
		assert_int_equal(vm_dirty_enable_bitmap(&w.vm), -EINVAL);
		assert_int_equal(get(), bitmap ? 0 : -ENXIO);
		assert_int_equal(clear(0, 64, log), bitmap ? 0 : -ENXIO);
		assert_int_equal(clear(1, 64, log), bitmap ? -EINVAL : -ENXIO);
		assert_true(write(3));
		assert_true(!bitmap || (get() == 0 && !dirty_count()));
		world_end(&w);
	}
}

/* What no vCPU writes: to a bitmap where there is one, beside rings too; else it is refused. */
static void written_outside(void **state)
{
	for (int rings = 0; rings < 3; rings++) {
		world_begin(&w, &host_max, 40);
		if (rings)
			assert_int_equal(vm_dirty_enable_ring(&w.vm), 0);
		if (rings == 2)
			assert_int_equal(vm_dirty_enable_bitmap(&w.vm), 0);
		world_ram(&w, 0, IPA, SIZE, 9);
		slot = (struct slot_request){ 0, 0, IPA, SIZE, HVA_BASE };
		assert_int_equal(vm_dirty_outside(&w.vm, gpa_gfn(gpa_of(IPA))), 0);
		assert_int_equal(set_flags(LOG), 0);
		assert_int_equal(vm_dirty_outside(&w.vm, gpa_gfn(gpa_of(IPA2))), 0);
		assert_int_equal(vm_dirty_outside(&w.vm, gpa_gfn(gpa_of(gpa_of_page(70)))),
				 rings == 1 ? -EBUSY : 0);
		assert_int_equal(get(), rings == 1 ? -ENXIO : 0);
		assert_true(rings == 1 || (dirty_count() == 1 && dirty(70)));
		world_end(&w);
	}
}

static enum vm_source source_at(u64 gpa, struct slot *slot)
{
	unsigned int count = 1;

	return vm_source_at(&w.vm, gpa_gfn(gpa_of(gpa)), &count, slot);
}

static void slot_copies(void **state)
{
	struct slot copy;

	world_begin(&w, &host_max, 40);
	assert_int_equal(source_at(IPA, &copy), VM_NOWHERE);
	world_ram(&w, 3, IPA, SIZE, 9);
	assert_int_equal(source_at(IPA + SIZE - 1, &copy), VM_ADDRESS);
	assert_true(copy.id == 3 && gfn_range_count(copy.gfns) == PAGES);
	assert_int_equal(source_at(IPA + SIZE, &copy), VM_NOWHERE);
	world_end(&w);
}

static bool is_entry(struct vm_dirty_page entry, u32 id, u64 page)
{
	return entry.valid && entry.slot == id && entry.page == page;
}

static void entries(void **state)
{
	struct vm_fault_result r;

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_dirty_enable_ring(&w.vm), 0);
	world_ram(&w, 0, IPA2, SIZE, 9);
	world_ram(&w, 7, IPA, SIZE, 9);
	slot = (struct slot_request){ 7, LOG, IPA, SIZE, HVA_BASE + GIB };
	assert_true(write(600) && may_write(601));
	assert_int_equal(vm_slot_set(&w.vm, &slot), 0);
	assert_false(may_write(600) || may_write(601));
	assert_false(world_access(&w, IPA, EMU_READ).dirty.valid);
	assert_false(world_access(&w, IPA2, EMU_WRITE).dirty.valid);
	r = world_access(&w, IPA + 600 * PAGE, EMU_WRITE);
	assert_true(r.outcome == VM_RESUME && is_entry(r.dirty, 7, 600));
	assert_true(write(601) && write(603));
	/* Beyond the slot, of no slot, and what there is. */
	vm_dirty_reset(&w.vm, 7, PAGES, 1);
	vm_dirty_reset(&w.vm, 7, ~0ULL, ~0ULL);
	vm_dirty_reset(&w.vm, 1U << 16, 600, 1);
	assert_true(may_write(600));
	vm_dirty_reset(&w.vm, 7, 600, 2);
	assert_true(!may_write(600) && !may_write(601) && may_write(603));
	vm_dirty_reset(&w.vm, 7, 602, ~0ULL);
	assert_false(may_write(603));
	assert_true(is_entry(written_by_owner(IPA + 5 * PAGE + 8), 7, 5));
	assert_false(written_by_owner(IPA2).valid || written_by_owner(IPA2 + GIB).valid);
	world_end(&w);
}

/* What the owner writes for a vCPU is in the bitmap, too. */
static void written_by_the_owner(void **state)
{
	begin(&host_max, LOG, 9);
	assert_false(written_by_owner(IPA + 70 * PAGE).valid);
	assert_false(written_by_owner(IPA2).valid);
	assert_int_equal(get(), 0);
	assert_true(dirty(70) && dirty_count() == 1);
	world_end(&w);
}

/* --- Against a flat map. --- */

static struct {
	u64 seed;
	bool dirty[PAGES];
	bool denied[PAGES]; /* NW */
	u64 manual;
} model;

static u64 any(u64 n)
{
	return random_below(&model.seed, n);
}

/* Some pages much more often than others. */
static u64 any_page(void)
{
	return any(2) ? any(PAGES) : any(8) * 67;
}

static void model_write(void)
{
	u64 page = any_page();

	assert_int_equal(write(page), !model.denied[page]);
	if (!model.denied[page] && slot.flags)
		model.dirty[page] = true;
}

static void model_get(void)
{
	assert_int_equal(get(), slot.flags ? 0 : -ENOENT);
	for (u64 page = 0; slot.flags && page < PAGES; page++) {
		if (dirty(page) != model.dirty[page])
			fail_msg("page %llu is %d in the log", page, dirty(page));
		if (!model.manual)
			model.dirty[page] = false;
	}
}

static void model_clear(void)
{
	u64 bits[WORDS], first = any(WORDS) * 64, count = any(WORDS + 1) * 64;

	if (count > PAGES - first)
		count = PAGES - first;
	for (u64 i = 0; i < WORDS; i++)
		bits[i] = any(3) ? random_next(&model.seed) : any(2) - 1;
	assert_int_equal(clear(first, count, bits), slot.flags ? 0 : -ENOENT);
	for (u64 i = 0; i < count; i++)
		if (bits[i / 64] >> i % 64 & 1)
			model.dirty[first + i] = false;
}

static void model_flags(void)
{
	bool was = slot.flags;

	if (any(4) == 0)
		slot.gpa = IPA + IPA2 - slot.gpa;
	if (any(4) == 0) {
		model.manual = (u64[]){ 0, 1, 3 }[any(3)];
		assert_int_equal(vm_dirty_manual(&w.vm, model.manual), 0);
	}
	/* Tables that are not there are no error but of the slot's own. */
	emu_fail_nth(any(64));
	if (set_flags(any(3) ? LOG : 0) == -ENOMEM) {
		assert_true(emu_fail_happened());
		emu_fail_nth(0);
		assert_int_equal(set_flags(slot.flags), 0);
	}
	emu_fail_nth(0);
	for (u64 page = 0; page < PAGES && !(was && slot.flags); page++)
		model.dirty[page] = slot.flags && (model.manual & ABI_DIRTY_SET);
}

static void model_deny(void)
{
	u64 first = any(PAGES), count = 1 + any(PAGES - first);
	bool deny = any(2);

	for (u64 i = 0; i < count; i++)
		model.denied[first + i] = deny;
	for (int i = 0; i < 2; i++)
		world_attr(&w, (i ? IPA : IPA2) + first * PAGE, count * PAGE,
			   deny ? ATTR_SET : ATTR_CLEAR, ABI_ATTR_NW);
}

static void model_host(void)
{
	u64 first = any(PAGES), end = slot.hva + (first + 1 + any(PAGES - first)) * PAGE;

	vm_hva_invalidate_begin(&w.vm, slot.hva + first * PAGE, end);
	vm_hva_invalidate_end(&w.vm, slot.hva + first * PAGE, end);
}

/* What is clean cannot be written without a fault. */
static void model_check(void)
{
	for (int i = 0; i < 16 && slot.flags; i++) {
		u64 page = any_page();

		if (!model.dirty[page] && may_write(page))
			fail_msg("page %llu is clean and may be written", page);
	}
}

static void model_run(const struct host *host, u64 seed)
{
	static void (*const rare[])(void) = { model_get,   model_get,  model_clear, model_clear,
					      model_flags, model_deny, model_host };

	memset(&model, 0, sizeof(model));
	model.seed = seed;
	begin(host, 0, 9);
	for (int i = 0; i < 1500; i++) {
		if (any(16) == 0)
			rare[any(sizeof(rare) / sizeof(rare[0]))]();
		else if (any(3) == 0)
			world_access(&w, gpa_of_page(any_page()), EMU_READ);
		else
			model_write();
		model_check();
	}
	world_end(&w);
}

static void against_a_map(void **state)
{
	for (u64 seed = 1; seed <= 12; seed++) {
		model_run(&host_max, seed);
		model_run(&host_a76, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors),
		cmocka_unit_test(bad_memory),
		cmocka_unit_test(memory_that_is_not_logged),
		cmocka_unit_test(tags_are_writes),
		cmocka_unit_test(blocks_go_and_come_back),
		cmocka_unit_test(initially_set),
		cmocka_unit_test(clear_without_memory),
		cmocka_unit_test(slot_without_memory),
		cmocka_unit_test(rings_and_bitmaps),
		cmocka_unit_test(written_outside),
		cmocka_unit_test(slot_copies),
		cmocka_unit_test(entries),
		cmocka_unit_test(written_by_the_owner),
		cmocka_unit_test(against_a_map),
	};

	return RUN(tests);
}
