/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Allocation tags made small, for files and the wire; docs/tags-format.md says bit by bit what
 * is written.
 *
 * A page has 256 tags, one for each 16 bytes. Packed, as the uABI hands them over, they are 128
 * bytes: two tags a byte, that of the lower address in the low nibble. Encoded, a page has a
 * head that says how it is written, and a body that the head describes: nothing where all tags
 * are the same, the runs of equal tags, or the packed tags as they are. A page alone begins with
 * its head; up to 64 pages make a batch, whose heads stand together, so that what most pages
 * have in common is said once. Pages of a batch may also hold no tags at all, which is not the
 * same as tags that are zero: nobody has to write them.
 *
 * Decoders take any bytes from anyone: they read nothing behind what they are given, and accept
 * what the format allows and nothing else. What the encoders write for given tags is the same
 * on every machine.
 *
 * There is no state and no lock. The types are C's own: user space includes this file without
 * a seam.
 */
#ifndef CORE_TAG_CODEC_H
#define CORE_TAG_CODEC_H

#define TAG_GRANULES	256U /* tags of a page */
#define TAG_PAGE_PACKED 128U /* bytes of its packed tags */
#define TAG_BATCH_PAGES 64U  /* pages of a batch at most */

/* Bytes of what is encoded, at most: a page alone, a batch of @pages. */
#define TAG_PAGE_MAX	     129U
#define TAG_BATCH_MAX(pages) (129U * (pages))

/* Bytes that an encoder may write to; what lies behind its result means nothing. */
#define TAG_PAGE_ROOM  144U
#define TAG_BATCH_ROOM 8256U

/* Encodes the packed tags of a page. Returns the bytes that it took, 1 to TAG_PAGE_MAX. */
unsigned int tag_page_encode(const unsigned char tags[TAG_PAGE_PACKED],
			     unsigned char out[TAG_PAGE_ROOM]);

/*
 * Decodes a page from the first of @size bytes. Returns the bytes that it took.
 * Errors: -EINVAL: this is no page with tags, or it is cut short; @tags is untouched.
 */
int tag_page_decode(const unsigned char *in, unsigned int size,
		    unsigned char tags[TAG_PAGE_PACKED]);

/*
 * Encodes a batch of @pages pages, 1 to TAG_BATCH_PAGES. Bit n of @holds says that page n holds
 * tags; bits from @pages on are 0. @tags has the packed tags of these pages, one behind the
 * other: 128 bytes for each bit that is set. Returns the bytes that it took, 1 to
 * TAG_BATCH_MAX(@pages).
 */
unsigned int tag_batch_encode(const unsigned char *tags, unsigned long long holds,
			      unsigned int pages, unsigned char out[TAG_BATCH_ROOM]);

/*
 * Decodes a batch of @pages pages, 1 to TAG_BATCH_PAGES, from the first of @size bytes: @holds
 * and @tags as above, with room for 128 bytes a page at @tags. Returns the bytes that it took.
 * Errors: -EINVAL: this is no batch of so many pages, or it is cut short; @holds is untouched,
 * and what @tags has means nothing.
 */
int tag_batch_decode(const unsigned char *in, unsigned int size, unsigned int pages,
		     unsigned long long *holds, unsigned char *tags);

#endif
