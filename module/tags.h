/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocation tags of guest pages in bulk: docs/abi.md 6.5 and 6.6.
 *
 * A page's tags are packed as LDGM and STGM have them: a word for each 256 bytes of the
 * page, a nibble for each 16 bytes, lower addresses in lower nibbles.
 *
 * Which pages may have tags the host's page flag PG_mte_tagged says (module/mte.c); of what is
 * mapped for the guest core knows it without looking (vm_tags_look()).
 */
#ifndef MODULE_TAGS_H
#define MODULE_TAGS_H

#include "compat.h"
#include "tessera.h"

#define TSR_TAG_WORDS (PAGE_SIZE / 256)

struct tsr_page_tags {
	u64 words[TSR_TAG_WORDS];
};

/* Bytes that one LDGM or STGM covers: GMID_EL1.BS is log2 of the words (Arm ARM D24.2.49). */
static inline unsigned long tsr_tag_block(void)
{
	return 4UL << FIELD_GET(GMID_EL1_BS_MASK, read_sysreg_s(SYS_GMID_EL1));
}

/* mte.c: the folio, of which the caller holds a page, carries live tags from now on, all of it. */
void tsr_folio_tags_sanitise(struct folio *folio);

/* mte.c: what a page, of no large folio of hugetlb, has of tags is zero. Its owner gives it up. */
void tsr_page_tags_clear(struct page *page);

/* mte_page.c: @page is held by the caller, or mapped under the lock of its table. */

/* Does it carry live tags? They may all be 0. */
static inline bool tsr_page_is_tagged(struct page *page)
{
	struct folio *folio = page_folio(page);

	return tsr_folio_has_one_tag_flag(folio) ? tsr_folio_tagged(folio) : page_mte_tagged(page);
}

/* False: all of them are 0, or it carries none; @tags are 0 then. */
bool tsr_page_tags_read(struct page *page, struct tsr_page_tags *tags);
/* From now on the page carries live tags, these. They are not lost by anybody who finds none. */
void tsr_page_tags_write(struct page *page, const struct tsr_page_tags *tags);

/*
 * tags_find.c: which of the *@count <= 64 pages at @hva, page aligned, of current->mm may have
 * tags that are not 0: bits of *@may, bit 0 the first. Populates nothing. Sleeps; takes the mmap
 * lock, and page table locks inside it.
 * Errors: -EFAULT (there is no mapping at the page *@count, which is lowered to that), -EINTR.
 */
int tsr_tags_find(unsigned long hva, unsigned int *count, u64 *may);

/*
 * tags_guest.c: the tags of one page of a guest; called by its VMM. May fault the page in.
 * Errors of both: -EFAULT (no slot; no memory, or a device's), -EHWPOISON, -EINTR, -ENOMEM; to
 * set also -EFAULT (a READONLY slot, memory that cannot be written or cannot hold tags) and -EBUSY
 * (logged to dirty rings alone). The tags are what they were then, but for -EBUSY in a slot whose
 * logging began meanwhile.
 */

/*
 * 1, or 0 if all of them are 0. Who has set tags, or tried to, calls vm_tags_written() when he is
 * done.
 */
int tsr_guest_tags_get(struct tsr_vm *vm, struct gfn gfn, struct tsr_page_tags *tags);
int tsr_guest_tags_set(struct tsr_vm *vm, struct gfn gfn, const struct tsr_page_tags *tags);

/* The ioctls on a VM. tags_copy.c: KVM_ARM_MTE_COPY_TAGS; tags_batch.c: KVM_TSR_TAG_BATCH. */
long tsr_tags_copy(void *vm, void *arg, unsigned long raw);
long tsr_tags_batch(void *vm, void *arg, unsigned long raw);

#endif
