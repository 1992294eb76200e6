// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tagged.h"

#include "fault.h"
#include "memtype.h"
#include "tags.h"

static struct {
	struct vm *vm;
	u8 tag[HVA_PAGES];    /* what a guest finds there */
	bool used[HVA_PAGES]; /* somebody has used its tags */
} map;

void tags_begin(struct vm *vm)
{
	memset(&map, 0, sizeof(map));
	map.vm = vm;
}

static struct hpa page_hpa(const struct page *page)
{
	return hpa_of((u64)page->hfn << 12);
}

static u32 page_hva(u32 index, const struct page *page)
{
	return page->slot->hva + (index - page->slot->pages.begin);
}

void tags_wanted(u32 index)
{
	struct page page = page_at(index);

	if (page.slot && page.vma)
		map.used[page_hva(index, &page)] = true;
}

void tags_accessed(u32 index, bool write, u8 value)
{
	struct page page = page_at(index);
	u32 hva = page_hva(index, &page);

	if (!rules.mte || page.vma->kind != BACKING_RAM)
		return;
	if (emu_tag(page_hpa(&page)) != map.tag[hva])
		model_fail("page %llx: a guest finds tag %x, not %x", look_gfn(index).nr,
			   emu_tag(page_hpa(&page)), map.tag[hva]);
	if (!write)
		return;
	emu_tag_store(page_hpa(&page), value);
	map.tag[hva] = value;
}

void tags_by_vmm(u32 index, u8 value)
{
	struct page page = page_at(index);
	u64 nr = look_gfn(index).nr;
	u32 hva;

	if (!rules.mte || !page.slot || !page.vma || !memory_holds_tags(page.vma))
		return;
	hva = page_hva(index, &page);
	emu_tag_store(page_hpa(&page), value);
	map.tag[hva] = value;
	map.used[hva] = true;
	vm_tags_written(map.vm, (struct gfn_range){ nr, nr + 1 });
}

void tags_moved(const struct emu_vma *vma, struct hpa old, bool fresh)
{
	u64 first = (vma->begin - HVA_BASE) / 4096, pages = (vma->end - vma->begin) / 4096;

	if (fresh || !memory_holds_tags(vma)) {
		emu_tags_drop(old, pages);
		emu_tags_drop(vma->hpa, pages);
		memset(&map.tag[first], 0, pages);
		memset(&map.used[first], 0, pages);
	} else if (old.addr != vma->hpa.addr) {
		emu_tags_move(old, vma->hpa, pages);
	}
}

/* So many pages of the block around have been used by their tags. */
static u32 used_around(u32 hva)
{
	u32 begin = hva & ~(LOOK_BLOCK - 1), used = 0;

	for (u32 i = begin; i < begin + LOOK_BLOCK; i++)
		used += map.used[i];
	return used;
}

/* Not lazily, or with so many others of its block that all were opened. */
static bool cleared_rightly(u32 hva)
{
	return !rules.lazy || !rules.mte_perm || map.used[hva] ||
	       used_around(hva) > FAULT_TAGS_WHOLE;
}

void tags_check(u32 index, const struct page *page, const struct look *seen)
{
	struct gfn gfn = look_gfn(index);
	struct s2_tags state;
	bool live;
	u32 hva;

	if (!rules.mte || seen->type != MEMTYPE_WB)
		return;
	hva = page_hva(index, page);
	live = emu_tags_live(page_hpa(page));
	if ((seen->perm & PERM_T) && !live)
		model_fail("page %llx: open, and its tags are another's", gfn.nr);
	if (live && !cleared_rightly(hva))
		model_fail("page %llx: cleared, and nobody has used its tags", gfn.nr);
	state = vm_tags_look(map.vm, gfn, 1);
	if (state.tagged && !live)
		model_fail("page %llx: said to have tags", gfn.nr);
	if (state.known && !state.tagged && live && map.tag[hva])
		model_fail("page %llx: said to have no tags", gfn.nr);
	/* What the VMM has stored in one page of a block is not known of the others. */
	if (rules.lazy && rules.apart && page->vma->own && !state.known && !used_around(hva))
		model_fail("page %llx: without tags, and that is not known", gfn.nr);
}
