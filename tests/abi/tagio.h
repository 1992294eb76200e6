/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What the tests of tags in bulk, tagcopy.c and tagbatch.c, have in common. */
#ifndef TESTS_ABI_TAGIO_H
#define TESTS_ABI_TAGIO_H

#include "machine.h"

#define GRANULE	      16UL
#define PAGE_GRANULES (PAGE / GRANULE)

/* The guest stores a tag, by STG; false if it did not come to that. */
bool tagio_guest_store(struct machine *m, uint64_t gpa, unsigned int tag);
/* What the guest reads there, by LDG; 16 if it did not come to that. */
unsigned int tagio_guest_load(struct machine *m, uint64_t gpa);

/* @size bytes of private memory, no huge pages, in TEST_SLOT with @flags. */
uint8_t *tagio_slot(struct machine *m, uint32_t flags, size_t size);

/* Memory of the VMM's own with tags: mapped with PROT_MTE, NULL where that is refused. */
uint8_t *tagio_host_map(size_t size, int flags, int fd);
/* The VMM stores and loads a tag of memory that it has so. */
void tagio_host_store(uint8_t *at, unsigned int tag);
unsigned int tagio_host_load(const uint8_t *at);

/* Of @pages pages at @memory, how many are in the process's tables or are cached. */
unsigned int tagio_resident(void *memory, unsigned int pages);

/* --- KVM_TSR_TAG_BATCH of up to TAGIO_PAGES pages from TEST_GPA on. --- */

#define TAGIO_PAGES  200UL
#define TAGIO_WORDS  (TAGIO_PAGES / 64 + 1)
#define TAGIO_PACKED 128UL

extern uint64_t tagio_bitmap[TAGIO_WORDS];
extern uint8_t tagio_tags[TAGIO_PAGES * TAGIO_PACKED];
extern struct kvm_tsr_tag_batch tagio_batch; /* the last call's */
/* The flags for machine_open() with which the tables are gone through: MTE, or that and LAZY. */
extern unsigned int tagio_mte;

/* Calls it for @pages from page @page on, with @size bytes of tagio_tags; 0 or -errno. */
long tagio_call(struct machine *m, uint32_t flags, uint64_t page, uint64_t pages, uint64_t size);
/* Did the last call do so many pages, so many of them with tags? */
bool tagio_done(uint64_t pages, uint64_t with_tags);
/* Reads all pages; is it done, and are these the words of the bitmap? */
bool tagio_reads(struct machine *m, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3);

/* KVM_GET_DIRTY_LOG of TEST_SLOT, at most 64 pages; -errno is negative. */
long tagio_dirty(struct machine *m, uint64_t *bits);

#endif
