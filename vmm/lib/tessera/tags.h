/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The allocation tags of guest memory, in bulk: docs/abi.md 6.5 and 6.6.
 *
 * Packed tags are 128 bytes a page, two tags a byte, that of the lower address in
 * the low nibble. They come with a bitmap, a bit a page, bit 0 of word 0 the first:
 * set where a page has a tag other than 0, and only for those there are packed
 * tags, one after the other. This is what KVM_TSR_TAG_BATCH moves.
 *
 * KVM_ARM_MTE_COPY_TAGS, which the kernel's own KVM has too, moves a byte a tag,
 * 256 a page, of every page.
 *
 * The VM has MTE. vCPUs may run: each page is read or written at some moment of the
 * call, and what they do to tags meanwhile may be in it or not, tag by tag. Writing
 * marks the pages in dirty logs. No lock is taken; any thread may call.
 */
#ifndef TESSERA_TAGS_H
#define TESSERA_TAGS_H

#include "tessera/vm.h"

#define TSR_TAGS_PAGE_BYTES 128U /* packed */
#define TSR_TAGS_PAGE_COUNT 256U /* a byte each */
#define TSR_TAGS_WORD_PAGES 64U	 /* pages of one word of a bitmap */

/* How far a call came; told after success and after an error alike. */
struct tsr_tags_done {
	uint64_t pages; /* these, from the first on, are done */
	size_t bytes;	/* of packed tags that were read or written for them */
};

/* Words of the bitmap of @pages pages. */
static inline size_t tsr_tags_words(uint64_t pages)
{
	return (size_t)(pages / TSR_TAGS_WORD_PAGES + !!(pages % TSR_TAGS_WORD_PAGES));
}

/* Whether the hypervisor serves tsr_tags_read() and tsr_tags_write(). */
bool tsr_tags_have_batch(const struct tsr_vm *vm);

/*
 * Reads the tags of @pages pages, not 0, from @gpa, which is page aligned: @bitmap of
 * tsr_tags_words() words, and @size bytes at @tags for what is packed. Memory that the
 * guest has not touched stays untouched.
 *
 * Returns 0 also where @size is too small for all: done->pages is less than @pages then,
 * and a multiple of 64, so that the next call goes on with the next word; but where
 * @size holds not even a word's, any number, or none. Signals do not end it.
 *
 * Errors: -EINVAL (the VM has no MTE; arguments not as above, or beyond the VM's
 * addresses); -EFAULT (a page is in no slot, or its memory cannot be read);
 * -EHWPOISON; -ENOMEM; -ENOTTY (no tessera).
 */
int tsr_tags_read(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, uint64_t *bitmap, void *tags,
		  size_t size, struct tsr_tags_done *done);

/*
 * The other way: pages whose bit is set get the tags at @tags, those whose bit is clear
 * come to have none, so that what was read with tsr_tags_read() is exactly restored.
 * Pages that have none anyway are not touched.
 *
 * Returns 0 also where the @size bytes at @tags end before the bits do, as above.
 * Errors: those of tsr_tags_read(); -EFAULT too where a page to be changed is in a
 * READONLY slot or its memory cannot be written or cannot hold tags; -EBUSY where it is
 * logged to dirty rings alone.
 */
int tsr_tags_write(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, const uint64_t *bitmap,
		   const void *tags, size_t size, struct tsr_tags_done *done);

/*
 * KVM_ARM_MTE_COPY_TAGS (api.rst 4.130): TSR_TAGS_PAGE_COUNT bytes a page, the low four
 * bits of each a tag. done->pages says how far it came; done->bytes stays 0.
 * Errors: -EINVAL, -EFAULT, as above; -EBUSY when writing: the kernel's own KVM, if any slot
 * has a dirty log; tessera where the page is logged to dirty rings alone.
 */
int tsr_tags_copy_out(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, uint8_t *tags,
		      struct tsr_tags_done *done);
int tsr_tags_copy_in(struct tsr_vm *vm, uint64_t gpa, uint64_t pages, const uint8_t *tags,
		     struct tsr_tags_done *done);

#endif
