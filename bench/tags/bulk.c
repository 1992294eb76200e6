// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench-tags-bulk lazy|eager PAGES EACH: what it costs the VMM to have all tags of a guest of
 * PAGES pages that it has all written, and of which it uses tags in every EACHth, in nanoseconds
 * of the host's monotonic clock, which under QEMU's -icount shift=0 are instructions: the least
 * of several rounds. And how many bytes the VMM gets.
 *
 *	copy INSTRUCTIONS BYTES	    KVM_ARM_MTE_COPY_TAGS
 *	batch INSTRUCTIONS BYTES    KVM_TSR_TAG_BATCH, where it is served: tags, and its bitmap
 *	tags BYTES		    of these, tags
 *	encoded BYTES		    what the codec makes of all of them, 64 pages a time
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../core/tag/codec.h"
#include "../../tests/abi/guest.h"
#include "../../tests/abi/machine.h"

#define ROUNDS 3

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* A page of a heap: runs of 1 to 64 granules, each of a tag that is not 0. */
static void heap_page(uint8_t *tags)
{
	static uint32_t state = 1;
	unsigned int run = 0, tag = 0;

	for (unsigned int i = 0; i < TAG_GRANULES; i++, run--) {
		if (!run) {
			state = state * 1664525 + 1013904223;
			run = (state >> 16) % 64 + 1;
			tag = (state >> 24) % 15 + 1;
		}
		tags[i] = (uint8_t)tag;
	}
}

static void guest_make(struct machine *m, uint64_t pages, uint64_t each)
{
	uint8_t *memory = memory_anon(pages * PAGE), tags[TAG_GRANULES];

	madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
	if (machine_slot(m, TEST_SLOT, 0, TEST_GPA, pages * PAGE, memory) ||
	    !machine_finishes(m, guest_touch_loop, TEST_GPA, pages, NULL))
		errx(1, "the guest has not touched its memory");
	for (uint64_t page = each - 1; page < pages; page += each) {
		struct kvm_arm_copy_mte_tags copy = {
			.guest_ipa = TEST_GPA + page * PAGE,
			.length = PAGE,
			.addr = tags,
		};

		heap_page(tags);
		if (call(m->vm, KVM_ARM_MTE_COPY_TAGS, (unsigned long)&copy) != (long)PAGE ||
		    !machine_finishes(m, guest_ldg, copy.guest_ipa, 0, NULL))
			errx(1, "the guest has no tags");
	}
}

/* The instructions of a call that returns @want; of several the least. */
static unsigned long long cost(int fd, unsigned long request, void *arg, long want)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now(), took;

		if (call(fd, request, (unsigned long)arg) != want)
			errx(1, "a call has not come to its end");
		took = now() - start;
		if (took < best)
			best = took;
	}
	return best;
}

/* Memory that is there, so that its faults are not measured. */
static void *room(uint64_t bytes)
{
	return memset(memory_anon(bytes), 1, bytes);
}

static void copy_measure(struct machine *m, uint64_t pages)
{
	uint64_t bytes = pages * TAG_GRANULES;
	struct kvm_arm_copy_mte_tags copy = {
		.guest_ipa = TEST_GPA,
		.length = pages * PAGE,
		.addr = room(bytes),
		.flags = KVM_ARM_TAGS_FROM_GUEST,
	};

	printf("copy %llu ", cost(m->vm, KVM_ARM_MTE_COPY_TAGS, &copy, (long)copy.length));
	printf("%llu\n", (unsigned long long)bytes);
	munmap(copy.addr, bytes);
}

static unsigned long long encoded_bytes(const uint64_t *bitmap, uint64_t pages, const uint8_t *tags)
{
	static uint8_t out[TAG_BATCH_ROOM];
	unsigned long long bytes = 0;

	for (uint64_t at = 0; at < pages; at += TAG_BATCH_PAGES) {
		uint64_t left = pages - at, word = bitmap[at / TAG_BATCH_PAGES];
		unsigned int count = left < TAG_BATCH_PAGES ? (unsigned int)left : TAG_BATCH_PAGES;

		bytes += tag_batch_encode(tags, word, count, out);
		tags += TAG_PAGE_PACKED * (unsigned int)__builtin_popcountll(word);
	}
	return bytes;
}

static void batch_measure(struct machine *m, uint64_t pages)
{
	uint64_t words = (pages + 63) / 64;
	uint64_t *bitmap = room(words * sizeof(*bitmap));
	uint8_t *tags = room(pages * TAG_PAGE_PACKED);
	struct kvm_tsr_tag_batch batch = {
		.gpa = TEST_GPA,
		.pages = pages,
		.bitmap = (uintptr_t)bitmap,
		.tags = (uintptr_t)tags,
		.tags_size = pages * TAG_PAGE_PACKED,
	};

	printf("batch %llu ", cost(m->vm, KVM_TSR_TAG_BATCH, &batch, 0));
	printf("%llu\n", words * sizeof(*bitmap) + batch.tags_done);
	printf("tags %llu\n", batch.tags_done);
	printf("encoded %llu\n", encoded_bytes(bitmap, pages, tags));
}

int main(int argc, char **argv)
{
	uint64_t pages = argc == 4 ? strtoull(argv[2], NULL, 0) : 0;
	uint64_t each = argc == 4 ? strtoull(argv[3], NULL, 0) : 0;
	struct machine m;

	if (!pages || !each)
		errx(2, "usage: bench-tags-bulk lazy|eager PAGES EACH");
	env_init();
	machine_open(&m, MACHINE_MTE | MACHINE_MMU | (!strcmp(argv[1], "lazy") ? MACHINE_LAZY : 0));
	/* Else each of the guest's stores would use a tag. */
	machine_checks(&m, false);
	guest_make(&m, pages, each);
	copy_measure(&m, pages);
	if (env.tsr)
		batch_measure(&m, pages);
	machine_close(&m);
	return 0;
}
