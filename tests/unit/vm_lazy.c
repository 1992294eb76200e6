// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lazy tags: docs/abi.md 6.4, over the emulated machine's tags (emu/tags.h). What is opened
 * when, what a guest finds there, and what vm_tags_look() says of it at each moment.
 */
#include "tags.h"
#include "world.h"

#define IPA  0x40000000ULL
#define IPA2 0x80000000ULL
#define MINE 5

static struct world w;

static const struct emu_vma own_page = { .kind = BACKING_RAM, .can_tag = true, .own = true };
static const struct emu_vma own_block = {
	.kind = BACKING_RAM, .can_tag = true, .own = true, .order = 9
};
static const struct emu_vma shared = { .kind = BACKING_RAM, .can_tag = true };

static void lazy_begin(const struct host *host)
{
	world_begin(&w, host, 40);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), 0);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
}

static void assert_runs(u64 gpa, enum emu_access access)
{
	assert_int_equal(world_access(&w, gpa, access).outcome, VM_RESUME);
}

static void assert_tag_exit(u64 gpa, enum emu_access access)
{
	struct vm_fault_result result = world_access(&w, gpa, access);

	assert_int_equal(result.outcome, VM_EXIT_FAULT);
	assert_int_equal(result.flags, ABI_EXIT_TAG);
}

static struct hpa hpa_at(u64 gpa)
{
	struct emu_walk walk = world_walk(&w, gpa, EMU_READ);

	assert_int_equal(walk.fault, EMU_FAULT_NONE);
	return hpa_of(walk.pa & ~(PAGE - 1));
}

/* A guest stores a tag, and reads one. */
static void tag_store(u64 gpa, u8 value)
{
	assert_runs(gpa, EMU_TAG_WRITE);
	assert_true(emu_tags_live(hpa_at(gpa)));
	emu_tag_store(hpa_at(gpa), value);
}

static u8 tag_load(u64 gpa)
{
	assert_runs(gpa, EMU_TAG_READ);
	return emu_tag(hpa_at(gpa));
}

/* What is known of one page. */
enum known { UNKNOWN, NONE, TAGGED };

static void assert_known(u64 gpa, enum known expect)
{
	struct s2_tags tags = vm_tags_look(&w.vm, gpa_gfn(gpa_of(gpa)), 1);

	assert_int_equal(tags.known, expect != UNKNOWN);
	assert_int_equal(tags.tagged, expect == TAGGED);
}

static void notify(const struct emu_vma *vma)
{
	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

static void enabling(void **state)
{
	struct host no_mte = host_a76;

	world_begin(&w, &no_mte, 40);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), -EINVAL);
	world_end(&w);
	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), 0);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), 0);
	/* No MTE, no tags: nothing is closed, and nothing is known. */
	world_slot(&w, 0, 0, IPA, BLOCK, own_page);
	assert_runs(IPA, EMU_WRITE);
	assert_known(IPA, UNKNOWN);
	vm_start(&w.vm);
	assert_int_equal(vm_enable_lazy_tags(&w.vm), -EINVAL);
	world_end(&w);
}

/* Of two pages that are used, the tags of one: the other keeps what an earlier owner left. */
static void first_use(void **state)
{
	lazy_begin(&host_max);
	world_slot(&w, 0, 0, IPA, BLOCK, own_page);
	assert_known(IPA, UNKNOWN);
	assert_runs(IPA, EMU_WRITE);
	assert_runs(IPA + PAGE, EMU_WRITE);
	assert_runs(IPA + PAGE, EMU_FETCH_EL1);
	assert_int_equal(emu_log_count_of(EMU_TAGS), 0);
	assert_known(IPA, NONE);
	assert_int_equal(world_walk(&w, IPA, EMU_TAG_READ).fault, EMU_FAULT_TAG);
	assert_int_equal(tag_load(IPA), 0);
	assert_int_equal(emu_log_count_of(EMU_TAGS), 1);
	assert_known(IPA, TAGGED);
	tag_store(IPA, MINE);
	assert_int_equal(tag_load(IPA), MINE);
	/* Its other permissions are what they were. */
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).fault, EMU_FAULT_NONE);
	assert_known(IPA + PAGE, NONE);
	assert_false(emu_tags_live(hpa_at(IPA + PAGE)));
	assert_int_equal(w.vm.s2.stats.pages_tags_opened, 1);
	world_end(&w);
}

/* Tags go with memory that the host takes and gives back, and open the page when it comes. */
static void live_tags(void **state)
{
	struct emu_vma *vma;
	struct hpa old;

	lazy_begin(&host_max);
	vma = world_slot(&w, 0, 0, IPA, PAGE, own_page);
	tag_store(IPA, MINE);
	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	old = vma->hpa;
	vma->hpa = emu_ram_alloc(0);
	emu_tags_move(old, vma->hpa, 1);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
	assert_known(IPA, UNKNOWN);
	assert_runs(IPA, EMU_READ);
	assert_known(IPA, TAGGED);
	assert_int_equal(world_walk(&w, IPA, EMU_TAG_READ).fault, EMU_FAULT_NONE);
	assert_int_equal(tag_load(IPA), MINE);
	/* A hole: what is there next has none. */
	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	emu_tags_drop(vma->hpa, 1);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
	assert_runs(IPA, EMU_READ);
	assert_known(IPA, NONE);
	assert_int_equal(tag_load(IPA), 0);
	world_end(&w);
}

static void zero_page(void **state)
{
	struct emu_vma vma = own_page, *at;

	lazy_begin(&host_max);
	vma.zero = true;
	at = world_slot(&w, 0, 0, IPA, PAGE, vma);
	/* The host's, from its boot on. */
	emu_tag_store(emu_zero_page(), 0);
	assert_int_equal(tag_load(IPA), 0);
	assert_known(IPA, NONE);
	assert_int_equal(world_walk(&w, IPA, EMU_TAG_WRITE).fault, EMU_FAULT_PERMISSION);
	at->zero = false;
	notify(at);
	tag_store(IPA, MINE);
	assert_int_equal(emu_tag(emu_zero_page()), 0);
	assert_known(IPA, TAGGED);
	world_end(&w);
}

/* Another VM or process may tag shared memory, unseen. */
static void shared_memory(void **state)
{
	lazy_begin(&host_max);
	world_slot(&w, 0, 0, IPA, 2 * PAGE, shared);
	assert_runs(IPA, EMU_WRITE);
	assert_known(IPA, UNKNOWN);
	emu_tag_store(hpa_at(IPA), MINE);
	assert_int_equal(tag_load(IPA), MINE);
	assert_known(IPA, TAGGED);
	world_end(&w);
}

/* --- Files. --- */

static struct emu_vma file_vma(void)
{
	struct emu_vma vma = { .kind = BACKING_RAM, .file = true };

	vma.copy = emu_ram_alloc(1);
	return vma;
}

static struct emu_vma *broken;

/* The kernel's notifier comes when a page is replaced, before seam_backing_get() returns. */
static void notifier_comes(void *arg)
{
	notify(broken);
}

static void private_file(void **state)
{
	lazy_begin(&host_max);
	broken = world_slot(&w, 0, ABI_MEM_TAGS_OPTIONAL, IPA, PAGE, file_vma());
	assert_runs(IPA, EMU_READ);
	assert_true(broken->file);
	assert_known(IPA, NONE);
	emu_backing_hook(notifier_comes, NULL);
	assert_int_equal(tag_load(IPA), 0);
	assert_int_equal(hpa_at(IPA).addr, broken->copy.addr);
	tag_store(IPA, MINE);
	assert_int_equal(tag_load(IPA), MINE);
	assert_known(IPA, TAGGED);
	world_end(&w);
}

/* What is not to be written is not copied; what was, holds tags. */
static void file_that_stays(void **state)
{
	struct emu_vma vma, *at;

	lazy_begin(&host_max);
	vma = file_vma();
	world_slot(&w, 0, ABI_MEM_TAGS_OPTIONAL | ABI_MEM_READONLY, IPA, PAGE, vma);
	assert_tag_exit(IPA, EMU_TAG_READ);
	vma = file_vma();
	vma.read_only = true;
	world_slot(&w, 1, ABI_MEM_TAGS_OPTIONAL, IPA + PAGE, PAGE, vma);
	assert_tag_exit(IPA + PAGE, EMU_TAG_READ);
	vma = file_vma();
	vma.file = false; /* a shared mapping */
	world_slot(&w, 2, ABI_MEM_TAGS_OPTIONAL, IPA + 2 * PAGE, PAGE, vma);
	assert_runs(IPA + 2 * PAGE, EMU_WRITE);
	assert_tag_exit(IPA + 2 * PAGE, EMU_TAG_WRITE);
	vma = file_vma();
	at = world_slot(&w, 3, ABI_MEM_TAGS_OPTIONAL, IPA + 3 * PAGE, PAGE, vma);
	world_attr(&w, IPA + 3 * PAGE, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_tag_exit(IPA + 3 * PAGE, EMU_TAG_READ);
	assert_true(at->file);
	world_attr(&w, IPA + 3 * PAGE, PAGE, ATTR_CLEAR, ABI_ATTR_NW);
	broken = at;
	emu_backing_hook(notifier_comes, NULL);
	assert_runs(IPA + 3 * PAGE, EMU_WRITE);
	world_attr(&w, IPA + 3 * PAGE, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(tag_load(IPA + 3 * PAGE), 0);
	world_end(&w);
}

/* NT is the VMM's word, and nothing is opened behind it. */
static void denied(void **state)
{
	lazy_begin(&host_max);
	world_slot(&w, 0, 0, IPA, PAGE, own_page);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NT);
	assert_runs(IPA, EMU_WRITE);
	assert_tag_exit(IPA, EMU_TAG_WRITE);
	assert_known(IPA, NONE);
	assert_int_equal(emu_log_count_of(EMU_TAGS), 0);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NT);
	tag_store(IPA, MINE);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NT);
	assert_runs(IPA, EMU_WRITE);
	assert_known(IPA, UNKNOWN);
	world_end(&w);
}

/* Without FEAT_MTE_PERM every page counts as tagged; files are copied at the first touch. */
static void without_mte_perm(void **state)
{
	lazy_begin(&host_n2);
	world_slot(&w, 0, 0, IPA, PAGE, own_page);
	assert_runs(IPA, EMU_READ);
	assert_known(IPA, TAGGED);
	assert_int_equal(tag_load(IPA), 0);
	broken = world_slot(&w, 1, ABI_MEM_TAGS_OPTIONAL | ABI_MEM_TAGS_ON_TOUCH, IPA2, PAGE,
			    file_vma());
	emu_backing_hook(notifier_comes, NULL);
	assert_runs(IPA2, EMU_READ);
	assert_false(broken->file);
	assert_int_equal(tag_load(IPA2), 0);
	world_slot(&w, 2, ABI_MEM_TAGS_OPTIONAL | ABI_MEM_TAGS_ON_TOUCH | ABI_MEM_READONLY,
		   IPA2 + PAGE, PAGE, file_vma());
	assert_tag_exit(IPA2 + PAGE, EMU_READ);
	world_end(&w);
}

/* --- Blocks. --- */

static int level_at(u64 gpa)
{
	return s2_lookup(&w.vm.s2, gpa_gfn(gpa_of(gpa))).level;
}

static void assert_block_known(u64 known, u64 tagged)
{
	struct s2_tags tags = vm_tags_look(&w.vm, gpa_gfn(gpa_of(IPA)), 64);

	assert_int_equal(tags.known, known);
	assert_int_equal(tags.tagged, tagged);
}

/* Split by the first, whole again by the one after FAULT_TAGS_WHOLE. */
static void blocks(void **state)
{
	lazy_begin(&host_max);
	world_slot(&w, 0, 0, IPA, BLOCK, own_block);
	assert_runs(IPA, EMU_WRITE);
	assert_int_equal(level_at(IPA), 2);
	assert_block_known(~0ULL, 0);
	for (u64 i = 0; i < FAULT_TAGS_WHOLE; i++) {
		assert_int_equal(w.vm.s2.stats.pages_tags_opened, i);
		tag_store(IPA + 2 * i * PAGE, (u8)i);
		assert_int_equal(level_at(IPA), 3);
		assert_block_known(~0ULL, 0x5555ULL & ((4ULL << (2 * i)) - 1));
	}
	tag_store(IPA + 17 * PAGE, MINE);
	assert_int_equal(level_at(IPA), 2);
	assert_block_known(~0ULL, ~0ULL);
	assert_int_equal(tag_load(IPA + 511 * PAGE), 0);
	assert_int_equal(tag_load(IPA + 6 * PAGE), 3);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).fault, EMU_FAULT_NONE);
	world_end(&w);
}

/* All have tags: it comes back as an open block; some have: by pages, each as it is. */
static void blocks_come_back(void **state)
{
	struct emu_vma *vma;

	lazy_begin(&host_max);
	vma = world_slot(&w, 0, 0, IPA, BLOCK, own_block);
	tag_store(IPA + PAGE, MINE);
	notify(vma);
	assert_runs(IPA, EMU_READ);
	assert_int_equal(level_at(IPA), 3);
	assert_block_known(1, 0);
	assert_runs(IPA + PAGE, EMU_READ);
	assert_block_known(3, 2);
	assert_int_equal(tag_load(IPA + PAGE), MINE);
	notify(vma);
	seam_tags_sanitise(vma->hpa, 512);
	assert_runs(IPA, EMU_READ);
	assert_int_equal(level_at(IPA), 2);
	assert_block_known(~0ULL, ~0ULL);
	assert_int_equal(tag_load(IPA + PAGE), MINE);
	world_end(&w);
}

/* Attributes cut a closed block; when it is joined it still says what it said. */
static void blocks_rejoined(void **state)
{
	lazy_begin(&host_max);
	world_slot(&w, 0, 0, IPA, BLOCK, own_block);
	assert_runs(IPA, EMU_WRITE);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(level_at(IPA), 3);
	assert_block_known(~0ULL, 0);
	world_attr(&w, IPA + PAGE, BLOCK - PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(level_at(IPA), 2);
	assert_block_known(~0ULL, 0);
	world_end(&w);
}

/* Open and closed pages do not make a block, nor do those of which less is known. */
static void unequal_pages(void **state)
{
	for (int opened = 0; opened < 2; opened++) {
		lazy_begin(&host_max);
		world_slot(&w, 0, 0, IPA, BLOCK, own_block);
		assert_runs(IPA, EMU_WRITE);
		world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
		if (opened)
			tag_store(IPA + PAGE, MINE);
		else
			vm_tags_written(&w.vm, world_gfns(IPA + PAGE, PAGE));
		world_attr(&w, IPA, BLOCK, ATTR_SET, ABI_ATTR_NW);
		assert_int_equal(level_at(IPA), 3);
		assert_block_known(opened ? ~0ULL : ~2ULL, opened ? 2 : 0);
		world_end(&w);
	}
}

/* Each table that a split could want is not there once: the guest comes again. */
static void split_without_memory(void **state)
{
	for (unsigned long nth = 1;; nth++) {
		struct vm_fault_result result;
		bool failed;

		lazy_begin(&host_max);
		world_slot(&w, 0, 0, IPA, BLOCK, own_block);
		assert_runs(IPA, EMU_WRITE);
		s2_cache_drain(&w.cache);
		emu_fail_nth(nth);
		result = world_fault(&w, IPA, ACCESS_DATA, PERM_T, true);
		failed = emu_fail_happened();
		emu_fail_nth(0);
		assert_int_equal(result.outcome, failed ? VM_ERROR : VM_RESUME);
		assert_known(IPA, failed ? NONE : TAGGED);
		tag_store(IPA, MINE);
		world_end(&w);
		if (!failed)
			return;
	}
}

/* --- What comes between a fault's look at the host's flags and its mapping. --- */

static struct s2_cache other;

static void other_opens(void *arg)
{
	struct access access = { gpa_of(*(u64 *)arg), ACCESS_DATA, PERM_R, false };
	struct vm_fault_result result;

	vm_fault(&w.vm, &other, &access, &result);
	access.need = PERM_T;
	access.permission = true;
	vm_fault(&w.vm, &other, &access, &result);
	assert_int_equal(world_walk(&w, *(u64 *)arg, EMU_TAG_READ).fault, EMU_FAULT_NONE);
}

/* The page, or another one of the block, was opened: it is not closed again. */
static void opened_meanwhile(void **state)
{
	const u64 gpas[] = { IPA, IPA + 5 * PAGE };

	for (int i = 0; i < 4; i++) {
		u64 gpa = gpas[i % 2];

		lazy_begin(&host_max);
		world_slot(&w, 0, 0, IPA, BLOCK, i < 2 ? own_block : own_page);
		emu_backing_hook(other_opens, &gpa);
		assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_R, false).outcome,
				 VM_RESUME);
		assert_known(gpa, TAGGED);
		assert_int_equal(world_walk(&w, gpa, EMU_TAG_READ).fault, EMU_FAULT_NONE);
		assert_runs(IPA, EMU_WRITE);
		assert_known(IPA, gpa == IPA ? TAGGED : NONE);
		s2_cache_drain(&other);
		world_end(&w);
	}
}

static void other_opens_and_leaves(void *arg)
{
	other_opens(arg);
	emu_tag_store(hpa_at(*(u64 *)arg), MINE);
	vm_release(&w.vm);
}

/* It was opened, and all mappings were dropped: the flag that was read before is an old one. */
static void opened_and_released(void **state)
{
	u64 gpa = IPA;

	lazy_begin(&host_max);
	world_slot(&w, 0, 0, IPA, PAGE, own_page);
	emu_backing_hook(other_opens_and_leaves, &gpa);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_R, false).outcome, VM_RESUME);
	assert_known(IPA, UNKNOWN);
	assert_runs(IPA, EMU_READ);
	assert_known(IPA, TAGGED);
	assert_int_equal(tag_load(IPA), MINE);
	s2_cache_drain(&other);
	world_end(&w);
}

static void vmm_tags(void *arg)
{
	emu_tag_store(((const struct emu_vma *)arg)->hpa, MINE);
	vm_tags_written(&w.vm, world_gfns(IPA, PAGE));
}

/* What the VMM stores is known to be there, mapped before or just now. */
static void tagged_by_the_vmm(void **state)
{
	struct emu_vma *vma;

	lazy_begin(&host_max);
	vma = world_slot(&w, 0, 0, IPA, 2 * PAGE, own_page);
	emu_backing_hook(vmm_tags, vma);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, false).outcome, VM_RESUME);
	assert_known(IPA, UNKNOWN);
	assert_runs(IPA, EMU_READ);
	assert_known(IPA, TAGGED);
	assert_int_equal(tag_load(IPA), MINE);
	world_end(&w);
	lazy_begin(&host_max);
	vma = world_slot(&w, 0, 0, IPA, 2 * PAGE, own_page);
	assert_runs(IPA, EMU_WRITE);
	assert_runs(IPA + PAGE, EMU_WRITE);
	vmm_tags(vma);
	assert_known(IPA, UNKNOWN);
	assert_known(IPA + PAGE, NONE);
	assert_int_equal(tag_load(IPA), MINE);
	assert_known(IPA, TAGGED);
	world_end(&w);
}

static void page_goes(void *arg)
{
	struct emu_vma *vma = arg;

	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	vma->hpa = emu_ram_alloc(0);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

/* The page that was found for a tag access is gone: what comes is clean. */
static void notifier_meanwhile(void **state)
{
	struct emu_vma *vma;

	lazy_begin(&host_max);
	vma = world_slot(&w, 0, 0, IPA, PAGE, own_page);
	assert_runs(IPA, EMU_WRITE);
	emu_backing_hook(page_goes, vma);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_T, true).outcome, VM_RESUME);
	assert_known(IPA, UNKNOWN);
	assert_int_equal(tag_load(IPA), 0);
	assert_true(emu_tags_live(vma->hpa));
	world_end(&w);
}

/* A second slot over the same memory: what is opened by one shows in the other. */
static void aliased(void **state)
{
	struct emu_vma *vma;
	struct slot_request req;

	lazy_begin(&host_max);
	vma = world_slot(&w, 0, 0, IPA, 2 * PAGE, own_page);
	assert_runs(IPA, EMU_WRITE);
	assert_runs(IPA + PAGE, EMU_WRITE);
	tag_store(IPA + PAGE, MINE);
	assert_true(vm_hva_used(&w.vm, vma->end - 1, vma->end));
	assert_false(vm_hva_used(&w.vm, vma->end, vma->end + PAGE));
	/* The same slot again is no other. */
	req = (struct slot_request){ 0, 0, IPA2 + PAGE, 2 * PAGE, vma->begin };
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	assert_runs(IPA2 + PAGE, EMU_WRITE);
	assert_known(IPA2 + PAGE, NONE);
	req = (struct slot_request){ 1, 0, IPA, PAGE, vma->begin };
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	assert_known(IPA2 + PAGE, UNKNOWN);
	assert_runs(IPA, EMU_WRITE);
	assert_known(IPA, UNKNOWN);
	tag_store(IPA, MINE);
	assert_known(IPA2 + PAGE, UNKNOWN);
	assert_int_equal(tag_load(IPA2 + PAGE), MINE);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enabling),
		cmocka_unit_test(first_use),
		cmocka_unit_test(live_tags),
		cmocka_unit_test(zero_page),
		cmocka_unit_test(shared_memory),
		cmocka_unit_test(private_file),
		cmocka_unit_test(file_that_stays),
		cmocka_unit_test(denied),
		cmocka_unit_test(without_mte_perm),
		cmocka_unit_test(blocks),
		cmocka_unit_test(blocks_come_back),
		cmocka_unit_test(blocks_rejoined),
		cmocka_unit_test(unequal_pages),
		cmocka_unit_test(split_without_memory),
		cmocka_unit_test(opened_meanwhile),
		cmocka_unit_test(tagged_by_the_vmm),
		cmocka_unit_test(notifier_meanwhile),
		cmocka_unit_test(aliased),
		cmocka_unit_test(opened_and_released),
	};

	return RUN(tests);
}
