// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>
#include <string.h>
#include <sys/mman.h>

#include "guest.h"
#include "tagio.h"
#include "tap.h"

#ifndef PROT_MTE
#define PROT_MTE 0x20
#endif

#define TAG_SHIFT 56

bool tagio_guest_store(struct machine *m, uint64_t gpa, unsigned int tag)
{
	return machine_finishes(m, guest_stg, gpa, tag, NULL);
}

unsigned int tagio_guest_load(struct machine *m, uint64_t gpa)
{
	uint64_t value = 0;

	return machine_finishes(m, guest_ldg, gpa, 0, &value) ? (unsigned int)value : 16;
}

uint8_t *tagio_slot(struct machine *m, uint32_t flags, size_t size)
{
	uint8_t *memory = memory_anon(size);

	madvise(memory, size, MADV_NOHUGEPAGE);
	if (machine_slot(m, TEST_SLOT, flags, TEST_GPA, size, memory))
		errx(2, "there is no slot to test");
	return memory;
}

uint8_t *tagio_host_map(size_t size, int flags, int fd)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_MTE, flags, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void tagio_host_store(uint8_t *at, unsigned int tag)
{
	uintptr_t tagged = (uintptr_t)at | (uintptr_t)tag << TAG_SHIFT;

	asm volatile(".arch_extension memtag\n stg %0, [%0]" : : "r"(tagged) : "memory");
}

unsigned int tagio_host_load(const uint8_t *at)
{
	uintptr_t tagged = (uintptr_t)at;

	asm volatile(".arch_extension memtag\n ldg %0, [%0]" : "+r"(tagged) : : "memory");
	return (unsigned int)(tagged >> TAG_SHIFT) & 0xf;
}

unsigned int tagio_resident(void *memory, unsigned int pages)
{
	unsigned char there[1024];
	unsigned int count = 0;

	if (pages > sizeof(there) || mincore(memory, pages * PAGE, there))
		err(2, "mincore");
	for (unsigned int i = 0; i < pages; i++)
		count += there[i] & 1;
	return count;
}

long tagio_dirty(struct machine *m, uint64_t *bits)
{
	struct kvm_dirty_log log = { .slot = TEST_SLOT, .dirty_bitmap = bits };

	return call(m->vm, KVM_GET_DIRTY_LOG, (unsigned long)&log);
}

unsigned int tagio_mte = MACHINE_MTE;
uint64_t tagio_bitmap[TAGIO_WORDS];
uint8_t tagio_tags[TAGIO_PAGES * TAGIO_PACKED];
struct kvm_tsr_tag_batch tagio_batch;

long tagio_call(struct machine *m, uint32_t flags, uint64_t page, uint64_t pages, uint64_t size)
{
	tagio_batch = (struct kvm_tsr_tag_batch){
		.gpa = TEST_GPA + page * PAGE,
		.pages = pages,
		.bitmap = (unsigned long)tagio_bitmap,
		.tags = (unsigned long)tagio_tags,
		.tags_size = size,
		.flags = flags,
		.pages_done = 0x5a5a,
		.tags_done = 0x5a5a,
	};
	return call(m->vm, KVM_TSR_TAG_BATCH, (unsigned long)&tagio_batch);
}

bool tagio_done(uint64_t pages, uint64_t with_tags)
{
	if (tagio_batch.pages_done == pages && tagio_batch.tags_done == with_tags * TAGIO_PACKED)
		return true;
	tap_note("%llu pages done, %llu bytes", tagio_batch.pages_done, tagio_batch.tags_done);
	return false;
}

/* Reads all; true if it is done and these are the words of the bitmap. */
bool tagio_reads(struct machine *m, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	const uint64_t want[TAGIO_WORDS] = { w0, w1, w2, w3 };
	unsigned int count = 0;

	memset(tagio_bitmap, 0xff, sizeof(tagio_bitmap));
	memset(tagio_tags, 0xff, sizeof(tagio_tags));
	if (tagio_call(m, 0, 0, TAGIO_PAGES, sizeof(tagio_tags)))
		return false;
	for (unsigned int i = 0; i < TAGIO_WORDS; i++) {
		count += (unsigned int)__builtin_popcountll(want[i]);
		if (tagio_bitmap[i] != want[i])
			tap_note("word %u: %#llx", i, (unsigned long long)tagio_bitmap[i]);
	}
	return !memcmp(tagio_bitmap, want, sizeof(want)) && tagio_done(TAGIO_PAGES, count);
}
