// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rules.h"

#define RWXT ((perm_t)(PERM_R | PERM_W | PERM_X | PERM_T))

struct rules rules;

struct look_range piece_pages(u32 number)
{
	u32 begin = PIECES_LARGE * LOOK_BLOCK + (number - PIECES_LARGE) * PIECE_SMALL;

	if (number < PIECES_LARGE)
		return (struct look_range){ number * LOOK_BLOCK, (number + 1) * LOOK_BLOCK };
	return (struct look_range){ begin, begin + PIECE_SMALL };
}

/* What stands behind a page of the VMM; NULL: nothing. */
static const struct emu_vma *piece_at(u32 hva)
{
	u32 number = hva / LOOK_BLOCK;

	if (number >= PIECES_LARGE)
		number = PIECES_LARGE + (hva - PIECES_LARGE * LOOK_BLOCK) / PIECE_SMALL;
	return number < PIECES ? rules.piece[number] : NULL;
}

const struct model_slot *slot_at(u32 index)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		if (rules.slot[i].used && index >= rules.slot[i].pages.begin &&
		    index < rules.slot[i].pages.end)
			return &rules.slot[i];
	return NULL;
}

struct page page_at(u32 index)
{
	struct page page = { .slot = slot_at(index) };
	u8 attr = rules.attr[index];
	u32 hva;

	page.denied = (perm_t)((attr & 1 ? PERM_R : 0) | (attr & 2 ? PERM_W : 0) |
			       (attr & 4 ? PERM_X : 0) | (attr & 16 ? PERM_T : 0));
	if (!page.slot)
		return page;
	hva = page.slot->hva + (index - page.slot->pages.begin);
	page.vma = piece_at(hva);
	if (page.vma)
		page.hfn = (u32)((page.vma->hpa.addr >> 12) +
				 (hva - (page.vma->begin - HVA_BASE) / 4096));
	return page;
}

static bool is_device(const struct emu_vma *vma)
{
	return vma->kind == BACKING_PFN_NC || vma->kind == BACKING_PFN_DEVICE;
}

bool memory_holds_tags(const struct emu_vma *vma)
{
	return vma->kind == BACKING_RAM && (vma->can_tag || (rules.lazy && vma->own));
}

/* docs/abi.md 6.2: may memory that @holds tags, or not, stand behind a slot of these flags? */
static bool memory_suits(const struct emu_vma *vma, u32 flags, bool holds)
{
	if (!rules.mte || holds)
		return true;
	if (!(flags & ABI_MEM_TAGS_OPTIONAL))
		return false;
	if (is_device(vma))
		return !(flags & ABI_MEM_TAGS_ON_TOUCH);
	return rules.mte_perm || (flags & ABI_MEM_TAGS_ON_TOUCH);
}

/* Tags of such memory are what the VMM has promised to supply on the first touch. */
static bool untouched(const struct emu_vma *vma)
{
	return rules.mte && !memory_holds_tags(vma) && !is_device(vma) && !rules.mte_perm;
}

/* docs/abi.md 4.2: all that a page may grant. */
perm_t effective(const struct page *page)
{
	perm_t perm = RWXT & ~page->denied;

	if (!page->slot || !page->vma || page->vma->kind == BACKING_NONE ||
	    !memory_suits(page->vma, page->slot->flags, memory_holds_tags(page->vma)) ||
	    untouched(page->vma))
		return PERM_NONE;
	if ((page->slot->flags & ABI_MEM_READONLY) || page->vma->read_only)
		perm &= ~PERM_W;
	if (is_device(page->vma))
		perm = (perm & ~PERM_X) | PERM_T;
	else if (rules.mte && !memory_holds_tags(page->vma))
		perm &= ~PERM_T;
	/* Without FEAT_MTE_PERM nothing denies tags but not to map the page. */
	return rules.mte_perm ? perm : perm | PERM_T;
}

static struct verdict exit_for(perm_t need)
{
	u64 flags = need & PERM_T   ? ABI_EXIT_TAG
		    : need & PERM_R ? ABI_EXIT_READ
		    : need & PERM_W ? ABI_EXIT_WRITE
				    : ABI_EXIT_EXEC;

	return (struct verdict){ VM_EXIT_FAULT, flags };
}

/* An access that needs one of R, W and X, before its tags are looked at. */
static struct verdict judge_plain(const struct page *page, perm_t need)
{
	const struct emu_vma *vma = page->vma;

	if (!page->slot)
		return (struct verdict){ need == PERM_X ? VM_INJECT_ABORT : VM_EXIT_MMIO, 0 };
	if (need == PERM_W && (page->slot->flags & ABI_MEM_READONLY))
		return (struct verdict){ VM_EXIT_MMIO, 0 };
	if ((page->denied & need) || !vma || vma->kind == BACKING_NONE ||
	    (need == PERM_W && vma->read_only))
		return exit_for(need);
	if (need == PERM_X && is_device(vma))
		return (struct verdict){ VM_INJECT_ABORT, 0 };
	if (!memory_suits(vma, page->slot->flags, memory_holds_tags(vma)))
		return exit_for(need);
	return untouched(vma) ? exit_for(PERM_T) : (struct verdict){ VM_RESUME, 0 };
}

struct verdict judge(const struct page *page, perm_t need)
{
	struct verdict v = judge_plain(page, need & ~PERM_T);

	if (v.outcome == VM_RESUME && (need & PERM_T) && !(effective(page) & PERM_T))
		return exit_for(PERM_T);
	return v;
}

static bool slot_memory_suits(u32 hva, u32 size, u32 flags)
{
	for (u32 i = hva; i < hva + size; i++) {
		const struct emu_vma *vma = piece_at(i);

		if (vma && vma->kind != BACKING_NONE && !memory_suits(vma, flags, vma->can_tag))
			return false;
	}
	return true;
}

/* docs/abi.md, KVM_SET_USER_MEMORY_REGION2: does @err apply, among others? 0: no error does. */
bool slot_may(const struct slot_request *req, const struct model_slot *new, int err)
{
	const struct model_slot *old = &rules.slot[req->id];
	u32 size = (u32)(req->size >> 12);
	bool invalid, overlaps = false, beyond;

	invalid = (req->flags & ABI_MEM_TAGS_ON_TOUCH) && !(req->flags & ABI_MEM_TAGS_OPTIONAL);
	if (!size)
		return err == (old->used && !invalid ? 0 : -EINVAL);
	if (old->used)
		invalid |= old->hva != new->hva || old->flags != new->flags ||
			   old->pages.end - old->pages.begin != size;
	for (unsigned int i = 0; i < SLOTS; i++)
		overlaps |= rules.slot[i].used && i != req->id &&
			    rules.slot[i].pages.begin < new->pages.end &&new->pages.begin <
				    rules.slot[i].pages.end;
	beyond = req->gpa + req->size > 1ULL << rules.ipa_bits;
	if (old->used && !invalid && old->pages.begin == new->pages.begin)
		return err == 0;
	invalid |= !slot_memory_suits(new->hva, size, req->flags);
	if (err == 0)
		return !invalid && !overlaps && !beyond;
	return (err == -EINVAL && invalid) || (err == -EEXIST && overlaps) ||
	       (err == -EFAULT && beyond);
}

bool slot_is_alias(u32 id, const struct model_slot *new)
{
	u32 count = new->pages.end - new->pages.begin;

	for (u32 i = 0; i < SLOTS; i++) {
		const struct model_slot *slot = &rules.slot[i];

		if (slot->used && i != id &&
		    new->hva < slot->hva + slot->pages.end - slot->pages.begin &&
		    slot->hva < new->hva + count)
			return true;
	}
	return false;
}
