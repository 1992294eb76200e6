// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Private memory: docs/abi.md 4.6, over the emulated machine's files (emu/gmem.h). Whose memory
 * a page is, what a conversion leaves of it, and what policy makes of the attribute.
 */
#include "gmem.h"
#include "tags.h"
#include "world.h"

#define IPA	0x40000000ULL
#define IPA2	0x80000000ULL
#define PAGES	16ULL
#define PRIVATE ABI_ATTR_PRIVATE

static struct world w;
static struct seam_gmem file;

/* Pages [@page, @page + @count) of @gmem as slot @id at @gpa, at no address of the VMM. */
static int slot_try(u32 id, u32 flags, u64 gpa, u64 page, u64 count, bool all)
{
	struct slot_request req = { id, flags | ABI_MEM_GUEST_MEMFD, gpa, count * PAGE,
				    HVA_BASE + id * GIB };
	struct slot_file slot_file = { .gmem = &file, .all = all, .offset = page * PAGE };

	return vm_slot_set_file(&w.vm, &req, &slot_file);
}

static void slot_delete(u32 id)
{
	struct slot_request req = { id, 0, 0, 0, 0 };

	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
}

/* A VM with a slot of PAGES pages; without @all over memory of the VMM as well. */
static struct emu_vma *begin(bool all)
{
	struct emu_vma vma = {
		.begin = HVA_BASE,
		.end = HVA_BASE + PAGES * PAGE,
		.kind = BACKING_RAM,
		.can_tag = true,
	};

	world_begin(&w, &host_max, 40);
	emu_gmem_make(&file, 0);
	vma.hpa = emu_ram_alloc(4);
	emu_mm_add(&vma);
	assert_int_equal(slot_try(0, 0, IPA, 0, PAGES, all), 0);
	return emu_mm_last();
}

static void end(void)
{
	world_end(&w);
	assert_int_equal(file.refs, 0);
}

static void convert(u64 page, u64 count, bool private)
{
	world_attr(&w, IPA + page * PAGE, count * PAGE, private ? ATTR_SET : ATTR_CLEAR, PRIVATE);
}

static void assert_runs(u64 gpa, enum emu_access access)
{
	assert_int_equal(world_access(&w, gpa, access).outcome, VM_RESUME);
}

static bool mapped(u64 page)
{
	return world_walk(&w, IPA + page * PAGE, EMU_READ).fault == EMU_FAULT_NONE;
}

/* Where the guest finds the page, once it has touched it. */
static u64 found(u64 page)
{
	assert_runs(IPA + page * PAGE, EMU_WRITE);
	return world_walk(&w, IPA + page * PAGE, EMU_READ).pa;
}

static void assert_exits(u64 gpa, enum emu_access access, u64 flags, int error)
{
	struct vm_fault_result result = world_access(&w, gpa, access);

	assert_int_equal(result.outcome, VM_EXIT_FAULT);
	assert_int_equal(result.flags, flags);
	assert_int_equal(result.error, error);
}

static void whose(void **state)
{
	struct emu_vma *vma = begin(false);

	assert_int_equal(found(0), vma->hpa.addr);
	convert(0, 2, true);
	assert_false(mapped(0));
	assert_int_equal(found(0), emu_gmem_hpa(&file, 0).addr);
	assert_int_equal(found(1), emu_gmem_hpa(&file, 1).addr);
	assert_int_equal(found(2), vma->hpa.addr + 2 * PAGE);
	convert(0, 1, false);
	assert_false(mapped(0));
	assert_true(mapped(1) && mapped(2));
	assert_int_equal(found(0), vma->hpa.addr);
	assert_int_equal(file.drops, 1);
	end();
	begin(true);
	assert_int_equal(found(3), emu_gmem_hpa(&file, 3).addr);
	assert_int_equal(emu_backing_gets(), 0);
	end();
}

/* What becomes of pages of a file: which are emptied, by what is asked of all 16. */
static void what_is_left(void **state)
{
	static const struct {
		enum attr_op op;
		u64 bits;
		bool all;	     /* the slot is */
		unsigned long drops; /* 4 to 7 are private, and each page there */
	} cases[] = {
		{ ATTR_SET, PRIVATE, false, 0 },
		{ ATTR_SET, PRIVATE, true, 12 },
		{ ATTR_EXACT, PRIVATE | ABI_ATTR_NX, true, 12 },
		{ ATTR_CLEAR, PRIVATE, false, 4 },
		{ ATTR_CLEAR, PRIVATE, true, 4 },
		{ ATTR_CLEAR, PRIVATE | ABI_ATTR_NW, true, 4 },
		{ ATTR_EXACT, 0, false, 4 },
		{ ATTR_EXACT, ABI_ATTR_NW, true, 4 },
		{ ATTR_SET, ABI_ATTR_NW, true, 0 },
		{ ATTR_CLEAR, ABI_ATTR_NW, true, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool converts = cases[i].op == ATTR_EXACT || (cases[i].bits & PRIVATE);
		bool private = cases[i].op != ATTR_CLEAR && (cases[i].bits & PRIVATE);

		begin(cases[i].all);
		convert(4, 4, true);
		for (u64 page = 0; page < PAGES; page++)
			found(page);
		world_attr(&w, IPA, PAGES * PAGE, cases[i].op, cases[i].bits);
		if (file.drops != cases[i].drops)
			fail_msg("case %zu: %lu pages emptied", i, file.drops);
		for (u64 page = 0; page < PAGES; page++) {
			bool was = page >= 4 && page < 8;

			assert_int_equal(mapped(page), !converts || was == private);
		}
		end();
	}
}

/* Emptied with the slot, and by one that comes, where the file can be mapped; else kept. */
static void slots_come_and_go(void **state)
{
	for (int all = 0; all < 2; all++) {
		begin(all);
		convert(0, 4, true);
		for (u64 page = 0; page < PAGES; page++)
			found(page);
		slot_delete(0);
		assert_int_equal(file.drops, all ? 4 : 0);
		assert_int_equal(file.refs, 0);
		/* The host has one mapped and written since. */
		file.there[1] = true;
		assert_int_equal(slot_try(3, 0, IPA, 0, PAGES, all), 0);
		assert_int_equal(file.drops, all ? 5 : 0);
		assert_int_equal(found(1), emu_gmem_hpa(&file, 1).addr);
		end();
	}
}

/* Two slots of one file, and a range over both, with a hole between and another slot behind. */
static void several_slots(void **state)
{
	world_begin(&w, &host_max, 40);
	emu_gmem_make(&file, 0);
	assert_int_equal(slot_try(0, 0, IPA, 8, 4, true), 0);
	assert_int_equal(slot_try(1, 0, IPA + 6 * PAGE, 0, 4, true), 0);
	assert_int_equal(slot_try(2, 0, IPA2, 3, 4, true), -EEXIST);
	assert_int_equal(slot_try(2, 0, IPA2, 11, 2, true), -EEXIST);
	assert_int_equal(slot_try(2, 0, IPA2, 12, 2, true), 0);
	for (u64 page = 0; page < 4; page++) {
		assert_int_equal(found(page), emu_gmem_hpa(&file, 8 + page).addr);
		assert_int_equal(found(6 + page), emu_gmem_hpa(&file, page).addr);
	}
	convert(2, 6, true);
	assert_int_equal(file.drops, 4);
	assert_false(mapped(3) || mapped(7));
	assert_true(mapped(1) && mapped(8));
	assert_false(file.there[10] || file.there[1]);
	assert_true(file.there[9] && file.there[2]);
	world_attr(&w, 0, 1ULL << 40, ATTR_SET, PRIVATE);
	assert_int_equal(file.drops, 8);
	assert_int_equal(w.vm.slots->count, 3);
	end();
}

static void refusals(void **state)
{
	struct slot_request req = { 1, ABI_MEM_GUEST_MEMFD, IPA2, PAGE, HVA_BASE };
	struct slot_file bad = { .error = -EBADF };

	begin(false);
	assert_int_equal(slot_try(1, ABI_MEM_READONLY, IPA2, 20, 1, false), -EINVAL);
	assert_int_equal(slot_try(1, ABI_MEM_LOG_DIRTY_PAGES, IPA2, 20, 1, false), -EINVAL);
	assert_int_equal(slot_try(0, 0, IPA, 0, PAGES, false), -EINVAL);
	assert_int_equal(slot_try(0, 0, IPA2, 0, PAGES, false), -EINVAL);
	assert_int_equal(slot_try(1, 0, IPA, 20, 1, false), -EEXIST);
	assert_int_equal(vm_slot_set(&w.vm, &req), -EINVAL);
	assert_int_equal(vm_slot_set_file(&w.vm, &req, &bad), -EBADF);
	bad.offset = 1;
	assert_int_equal(vm_slot_set_file(&w.vm, &req, &bad), -EINVAL);
	bad.offset = 0 - PAGE;
	assert_int_equal(vm_slot_set_file(&w.vm, &req, &bad), -EINVAL);
	req = (struct slot_request){ 0, 0, IPA, PAGES * PAGE, HVA_BASE };
	assert_int_equal(vm_slot_set(&w.vm, &req), -EINVAL);
	req.flags = ABI_MEM_LOG_DIRTY_PAGES;
	assert_int_equal(vm_slot_set(&w.vm, &req), -EINVAL);
	assert_int_equal(file.refs, 1);
	end();
}

/* What cannot be supplied: no file, one that is closed, a page that is broken. */
static void unsupplied(void **state)
{
	begin(false);
	world_ram(&w, 1, IPA2, PAGE, 0);
	world_attr(&w, IPA2, PAGE, ATTR_SET, PRIVATE);
	assert_exits(IPA2, EMU_READ, ABI_EXIT_PRIVATE | ABI_EXIT_READ, -EFAULT);
	assert_exits(IPA2, EMU_WRITE, ABI_EXIT_PRIVATE | ABI_EXIT_WRITE, -EFAULT);
	assert_exits(IPA2, EMU_FETCH_EL1, ABI_EXIT_PRIVATE | ABI_EXIT_EXEC, -EFAULT);
	/* What attributes deny comes first, and is no matter of privacy. */
	world_attr(&w, IPA2, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_exits(IPA2, EMU_WRITE, ABI_EXIT_WRITE, -EFAULT);
	assert_int_equal(emu_backing_gets(), 0);
	convert(0, 2, true);
	file.closed = true;
	assert_exits(IPA, EMU_WRITE, ABI_EXIT_PRIVATE | ABI_EXIT_WRITE, -EFAULT);
	assert_runs(IPA + 2 * PAGE, EMU_WRITE);
	file.closed = false;
	file.poisoned = true;
	assert_exits(IPA, EMU_READ, ABI_EXIT_PRIVATE | ABI_EXIT_READ, -EHWPOISON);
	file.poisoned = false;
	file.err = -ENOMEM;
	assert_int_equal(world_access(&w, IPA, EMU_READ).error, -ENOMEM);
	assert_runs(IPA, EMU_READ);
	end();
	begin(true);
	file.closed = true;
	assert_exits(IPA, EMU_READ, ABI_EXIT_READ, -EFAULT);
	end();
}

/* A hole: what the owner does around it. */
static void holes(void **state)
{
	begin(false);
	convert(0, 8, true);
	for (u64 page = 0; page < 8; page++)
		found(page);
	vm_gmem_invalidate_begin(&w.vm, world_gfns(IPA + 2 * PAGE, 3 * PAGE));
	assert_true(mapped(1) && mapped(5));
	assert_false(mapped(2) || mapped(4));
	/* Between the two nothing comes back. */
	assert_int_equal(world_fault(&w, IPA + 2 * PAGE, ACCESS_DATA, PERM_R, false).outcome,
			 VM_RESUME);
	assert_false(mapped(2));
	vm_gmem_invalidate_end(&w.vm);
	assert_int_equal(found(2), emu_gmem_hpa(&file, 2).addr);
	end();
}

static void sources(void **state)
{
	struct slot slot;
	struct hva hva;
	static const struct {
		u64 page;
		unsigned int ask, count;
		enum vm_source source;
	} cases[] = {
		{ 0, 64, 4, VM_ADDRESS }, { 4, 64, 4, VM_GMEM },     { 5, 2, 2, VM_GMEM },
		{ 8, 64, 8, VM_ADDRESS }, { 15, 64, 1, VM_ADDRESS }, { 16, 64, 1, VM_NOWHERE },
	};

	begin(false);
	convert(4, 4, true);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gfn gfn = gpa_gfn(gpa_of(IPA + cases[i].page * PAGE));
		unsigned int count = cases[i].ask;

		assert_int_equal(vm_source_at(&w.vm, gfn, &count, &slot), cases[i].source);
		assert_int_equal(count, cases[i].count);
		assert_int_equal(vm_gpa_hva(&w.vm, gfn_gpa(gfn), false, &hva),
				 cases[i].source == VM_ADDRESS);
		assert_int_equal(vm_gfn_private(&w.vm, gfn), cases[i].source == VM_GMEM);
	}
	end();
}

/* Pieces of 2 MiB: mapped whole while all of one is private, and cut as little as need be. */
static void blocks(void **state)
{
	struct slot_request req = { 0, ABI_MEM_GUEST_MEMFD, IPA, 2 * BLOCK, HVA_BASE };
	struct slot_file slot_file = { .gmem = &file };

	for (u64 shift = 0; shift < 2; shift++) {
		world_begin(&w, &host_max, 40);
		emu_gmem_make(&file, 9);
		/* Without congruence there are none. */
		req.size = 2 * BLOCK - shift * PAGE;
		slot_file.offset = shift * PAGE;
		assert_int_equal(vm_slot_set_file(&w.vm, &req, &slot_file), 0);
		world_attr(&w, IPA, 2 * BLOCK, ATTR_SET, PRIVATE);
		assert_runs(IPA, EMU_WRITE);
		assert_int_equal(mapped(511), !shift);
		assert_int_equal(file.there[100], !shift);
		assert_false(mapped(512));
		convert(7, 1, false);
		assert_int_equal(file.drops, !shift);
		assert_runs(IPA + 8 * PAGE, EMU_WRITE);
		assert_false(mapped(7) || mapped(9));
		end();
	}
}

/* Tags of a page that comes and goes: none are those of before, lazily opened or at once. */
static void tags(void **state)
{
	static const struct host *const hosts[] = { &host_max, &host_n2 };

	for (int i = 0; i < 8; i++) {
		bool all = i & 1, lazy = i & 2;

		world_begin(&w, hosts[i >> 2], 40);
		emu_gmem_make(&file, 0);
		if (lazy)
			assert_int_equal(vm_enable_lazy_tags(&w.vm), 0);
		assert_int_equal(vm_enable_mte(&w.vm), 0);
		assert_int_equal(slot_try(0, 0, IPA, 0, PAGES, all), 0);
		for (int round = 0; round < 4; round++) {
			struct hpa hpa;

			convert(0, 1, true);
			/* With lazy tags a plain access opens nothing, where that can be. */
			assert_runs(IPA, EMU_READ);
			hpa = emu_gmem_hpa(&file, 0);
			assert_int_equal(emu_tags_live(hpa), !(lazy && w.host.mte_perm));
			assert_runs(IPA, EMU_TAG_WRITE);
			assert_int_equal(world_walk(&w, IPA, EMU_TAG_READ).pa, hpa.addr);
			assert_int_equal(emu_tag(hpa), 0);
			emu_tag_store(hpa, 5);
			convert(0, 1, false);
		}
		end();
	}
}

/* PRIVATE changes where memory comes from, and nothing that policy decides of T or the rest. */
static void policy(void **state)
{
	static const u32 flags[] = {
		0,
		ABI_MEM_READONLY,
		ABI_MEM_TAGS_OPTIONAL,
		ABI_MEM_TAGS_OPTIONAL | ABI_MEM_TAGS_ON_TOUCH,
		ABI_MEM_GUEST_MEMFD,
		ABI_MEM_GUEST_MEMFD | ABI_MEM_TAGS_OPTIONAL,
		ABI_MEM_GUEST_MEMFD | SLOT_GMEM_ALL,
	};
	static const struct access accesses[] = {
		{ { IPA }, ACCESS_DATA, PERM_R, false },
		{ { IPA }, ACCESS_DATA, PERM_W, false },
		{ { IPA }, ACCESS_DATA, PERM_T, true },
		{ { IPA }, ACCESS_DATA, PERM_W | PERM_T, true },
		{ { IPA }, ACCESS_FETCH, PERM_X, false },
		{ { IPA }, ACCESS_WALK, PERM_R, false },
		{ { IPA }, ACCESS_CACHE, PERM_R, false },
	};

	for (unsigned int i = 0; i < 7 * 7 * 16; i++) {
		struct slot slot = { .flags = flags[i % 7], .gfns = { 0, 1ULL << 20 } };
		const struct access *access = &accesses[i / 7 % 7];
		u8 attrs = (i / 49 & 7) | (i / 49 & 8 ? ABI_ATTR_NT : 0);
		struct fault_verdict shared = fault_plan(access, &slot, attrs, PERM_NONE);
		struct fault_verdict v = fault_plan(access, &slot, attrs | PRIVATE, PERM_NONE);
		bool supplied = slot.flags & ABI_MEM_GUEST_MEMFD;

		assert_int_equal(fault_perm(&slot, attrs), fault_perm(&slot, attrs | PRIVATE));
		if (shared.action != FAULT_BACKING || supplied) {
			assert_memory_equal(&v, &shared, sizeof(v));
			assert_false(v.private);
			continue;
		}
		assert_int_equal(v.action, FAULT_EXIT);
		assert_true(v.private && v.need && !(v.need & PERM_T));
	}
}

static int life_step(int i)
{
	struct vm_fault_result r = { .outcome = VM_RESUME };

	switch (i) {
	case 0:
		return slot_try(0, 0, IPA, 0, PAGES, true);
	case 1:
		return vm_attr_set(&w.vm, world_gfns(IPA, 3 * PAGE), ATTR_SET, PRIVATE);
	case 2:
		r = world_access(&w, IPA, EMU_WRITE);
		return r.outcome == VM_ERROR ? r.error : 0;
	case 3:
		return vm_attr_set(&w.vm, world_gfns(IPA + PAGE, PAGE), ATTR_CLEAR, PRIVATE);
	case 4:
		return slot_try(1, 0, IPA2, PAGES, PAGES, false);
	}
	return vm_attr_set(&w.vm, world_gfns(0, 1ULL << 40), ATTR_EXACT, 0);
}

/* Each allocation fails once: the step says so, has changed nothing, and works when done again. */
static bool life(unsigned long nth)
{
	bool failed = false;

	world_begin(&w, &host_max, 40);
	emu_gmem_make(&file, 0);
	emu_fail_nth(nth);
	for (int i = 0; i < 6; i++) {
		struct slots *slots = w.vm.slots;
		unsigned long drops = file.drops;
		long refs = file.refs;
		int err = life_step(i);

		if (emu_fail_happened() && !failed) {
			failed = true;
			assert_int_equal(err, -ENOMEM);
			assert_ptr_equal(w.vm.slots, slots);
			assert_true(file.drops == drops && file.refs == refs);
			err = life_step(i);
		}
		assert_int_equal(err, 0);
	}
	end();
	return failed;
}

static void no_memory(void **state)
{
	unsigned long nth = 1;

	while (life(nth))
		nth++;
	assert_true(nth > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose),
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(slots_come_and_go),
		cmocka_unit_test(several_slots),
		cmocka_unit_test(refusals),
		cmocka_unit_test(unsupplied),
		cmocka_unit_test(holes),
		cmocka_unit_test(sources),
		cmocka_unit_test(blocks),
		cmocka_unit_test(tags),
		cmocka_unit_test(policy),
		cmocka_unit_test(no_memory),
	};

	return RUN(tests);
}
