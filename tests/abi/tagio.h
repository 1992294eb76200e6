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

/* KVM_GET_DIRTY_LOG of TEST_SLOT, at most 64 pages; -errno is negative. */
long tagio_dirty(struct machine *m, uint64_t *bits);

#endif
