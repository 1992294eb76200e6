// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Linux's arch/arm64/kvm/hyp/pgtable.c as the subject, called as KVM calls it: a fault under a
 * shared walk, with a cache of tables that is topped up before; ranges a GiB at a time.
 */
#include <err.h>
#include <stdlib.h>

#include <asm/kvm_pgtable.h>
#include <asm/stage2_pgtable.h>

#include "lock.h"
#include "pool.h"
#include "subject.h"

#define IPA_BITS   40
#define PARANGE_48 5ULL
#define KVM_BLOCK  (2UL << 20)
#define KVM_CHUNK  (1UL << 30)

static struct kvm_s2_mmu mmu;
static struct kvm_pgtable pgt;
static struct kvm_mmu_memory_cache own_cache;
static u32 lock;
/* Of each page of the pool, as far apart as in an array of struct page. */
static struct page_ref {
	u32 count;
} __attribute__((aligned(64))) refs[POOL_PAGES];

static void must(long error, const char *what)
{
	if (error)
		errx(1, "%s: %ld", what, error);
}

static void *page_alloc(unsigned int count)
{
	void *pages = pool_take(count);

	for (unsigned int i = 0; i < count; i++)
		refs[pool_index(pages) + i].count = 1;
	return pages;
}

static void *cache_page_alloc(void *cache)
{
	struct kvm_mmu_memory_cache *mc = cache;

	return mc && mc->nobjs ? mc->objects[--mc->nobjs] : page_alloc(1);
}

static void cache_topup(struct kvm_mmu_memory_cache *mc, int min)
{
	if (mc->nobjs >= min)
		return;
	while (mc->nobjs < KVM_MMU_CACHE_OBJECTS)
		mc->objects[mc->nobjs++] = page_alloc(1);
}

static void *exact_alloc(size_t size)
{
	return page_alloc((unsigned int)(size / PAGE_SIZE));
}

static void exact_free(void *pages, size_t size)
{
	pool_give(pages, (unsigned int)(size / PAGE_SIZE));
}

static void page_get(void *p)
{
	count_atomic();
	__atomic_fetch_add(&refs[pool_index(p)].count, 1, __ATOMIC_RELAXED);
}

static void page_put(void *p)
{
	count_atomic();
	if (__atomic_fetch_sub(&refs[pool_index(p)].count, 1, __ATOMIC_ACQ_REL) == 1)
		pool_give((void *)((unsigned long)p & ~(PAGE_SIZE - 1)), 1);
}

static int page_count(void *p)
{
	return (int)READ_ONCE(refs[pool_index(p)].count);
}

static void *to_virt(phys_addr_t pa)
{
	return pool_ptr(pa);
}

static phys_addr_t to_phys(void *p)
{
	return pool_hpa(p);
}

static void cache_maintain(void *address, size_t size)
{
}

static void table_free(void *table, s8 level);

static struct kvm_pgtable_mm_ops mm_ops = {
	.zalloc_page = cache_page_alloc,
	.zalloc_pages_exact = exact_alloc,
	.free_pages_exact = exact_free,
	.free_unlinked_table = table_free,
	.get_page = page_get,
	.put_page = page_put,
	.page_count = page_count,
	.phys_to_virt = to_virt,
	.virt_to_phys = to_phys,
	.dcache_clean_inval_poc = cache_maintain,
	.icache_inval_pou = cache_maintain,
};

static void table_free(void *table, s8 level)
{
	kvm_pgtable_stage2_free_unlinked(&mm_ops, table, level);
}

static void subject_open(void)
{
	mmu.pgt = &pgt;
	mmu.vtcr = kvm_get_vtcr(PARANGE_48, 0, IPA_BITS);
	must(kvm_pgtable_stage2_init(&pgt, &mmu, &mm_ops), "kvm_pgtable_stage2_init");
}

static void cache_drain(struct kvm_mmu_memory_cache *mc)
{
	while (mc->nobjs)
		pool_give(mc->objects[--mc->nobjs], 1);
}

static void subject_close(void)
{
	kvm_pgtable_stage2_destroy(&pgt);
	cache_drain(&own_cache);
	cache_drain(&mmu.split_page_cache);
}

/* A walk that meets another gives up: the guest comes again. */
static void map(struct kvm_mmu_memory_cache *cache, u64 gfn, u64 size)
{
	int error;

	do {
		cache_topup(cache, kvm_mmu_cache_min_pages(&mmu));
		error = kvm_pgtable_stage2_map(
			&pgt, gfn << PAGE_SHIFT, size, (gfn + SUBJECT_HOST) << PAGE_SHIFT,
			KVM_PGTABLE_PROT_RWX, cache, KVM_PGTABLE_WALK_SHARED);
	} while (error == -EAGAIN);
	must(error, "kvm_pgtable_stage2_map");
}

static void subject_map_page(u64 gfn)
{
	map(&own_cache, gfn, PAGE_SIZE);
}

static void subject_map_block(u64 gfn)
{
	map(&own_cache, gfn, KVM_BLOCK);
}

static void subject_dirty(u64 gfn)
{
	must(kvm_pgtable_stage2_relax_perms(&pgt, gfn << PAGE_SHIFT, KVM_PGTABLE_PROT_RWX,
					    KVM_PGTABLE_WALK_SHARED),
	     "kvm_pgtable_stage2_relax_perms");
}

static bool force_pages(u64 address, u64 end, enum kvm_pgtable_prot prot)
{
	return true;
}

static void subject_map_pages(u64 gfn, u64 pages)
{
	pgt.force_pte_cb = force_pages;
	must(kvm_pgtable_stage2_map(&pgt, gfn << PAGE_SHIFT, pages << PAGE_SHIFT,
				    (gfn + SUBJECT_HOST) << PAGE_SHIFT, KVM_PGTABLE_PROT_RWX,
				    &own_cache, 0),
	     "kvm_pgtable_stage2_map");
	pgt.force_pte_cb = NULL;
}

static void subject_join(u64 gfn, u64 pages)
{
	for (u64 i = 0; i < pages; i += KVM_BLOCK / PAGE_SIZE)
		map(&own_cache, gfn + i, KVM_BLOCK);
}

static void subject_split(u64 gfn, u64 pages)
{
	cache_topup(&mmu.split_page_cache, 1);
	must(kvm_pgtable_stage2_split(&pgt, gfn << PAGE_SHIFT, pages << PAGE_SHIFT,
				      &mmu.split_page_cache),
	     "kvm_pgtable_stage2_split");
}

static kvm_pte_t leaf(u64 gfn, s8 *level)
{
	kvm_pte_t pte = 0;

	must(kvm_pgtable_get_leaf(&pgt, gfn << PAGE_SHIFT, &pte, level), "kvm_pgtable_get_leaf");
	return pte;
}

static u64 subject_walk(u64 gfn)
{
	return leaf(gfn, NULL);
}

static int subject_level(u64 gfn)
{
	s8 level;

	leaf(gfn, &level);
	return level;
}

/* Applies @change to the range in the pieces that KVM takes. */
static void in_chunks(u64 gfn, u64 pages, int (*change)(struct kvm_pgtable *, u64, u64))
{
	u64 address = gfn << PAGE_SHIFT, end = (gfn + pages) << PAGE_SHIFT, next;

	for (; address < end; address = next) {
		next = min(ALIGN_DOWN(address + KVM_CHUNK, KVM_CHUNK), end);
		must(change(&pgt, address, next - address), "a change of a range");
	}
}

static void subject_protect(u64 gfn, u64 pages)
{
	in_chunks(gfn, pages, kvm_pgtable_stage2_wrprotect);
}

static void subject_unmap(u64 gfn, u64 pages)
{
	in_chunks(gfn, pages, kvm_pgtable_stage2_unmap);
}

static void subject_protect_dirty(u64 gfn, u64 mask)
{
	u64 first = (u64)__builtin_ctzll(mask), last = 63 - (u64)__builtin_clzll(mask);

	in_chunks(gfn + first, last - first + 1, kvm_pgtable_stage2_wrprotect);
}

static void *subject_cache(void)
{
	return calloc(1, sizeof(struct kvm_mmu_memory_cache));
}

static void subject_fault(void *cache, u64 gfn)
{
	cache_topup(cache, kvm_mmu_cache_min_pages(&mmu));
	lock_read(&lock);
	map(cache, gfn, PAGE_SIZE);
	unlock_read(&lock);
}

#include "rows.h"
