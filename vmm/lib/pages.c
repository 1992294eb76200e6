/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "tessera/pages.h"

#define WORD_BITS 64

static size_t bytes_of(const struct tsr_pages *set)
{
	return (set->pages / WORD_BITS + 1) * sizeof(set->bits[0]);
}

/* Not from the heap, which may clear it at once: a VM starts in a time that is not its size's. */
int tsr_pages_init(struct tsr_pages *set, uint64_t pages)
{
	set->pages = pages;
	set->bits = mmap(NULL, bytes_of(set), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (set->bits != MAP_FAILED)
		return 0;
	set->bits = NULL;
	return -ENOMEM;
}

void tsr_pages_free(struct tsr_pages *set)
{
	if (set->bits)
		munmap(set->bits, bytes_of(set));
	set->bits = NULL;
}

static uint64_t word_of(const struct tsr_pages *set, uint64_t page)
{
	/* Pairs with the release in tsr_pages_set(). */
	return __atomic_load_n(&set->bits[page / WORD_BITS], __ATOMIC_ACQUIRE);
}

bool tsr_pages_test(const struct tsr_pages *set, uint64_t page)
{
	return word_of(set, page) >> (page % WORD_BITS) & 1;
}

/* The bits of @run that lie in the word of its first page. */
static uint64_t word_mask(struct tsr_page_run run)
{
	uint64_t shift = run.first % WORD_BITS, count = run.last - run.first;
	uint64_t ones = count < WORD_BITS ? (UINT64_C(1) << count) - 1 : UINT64_MAX;

	return ones << shift;
}

static uint64_t word_end(uint64_t page)
{
	return (page / WORD_BITS + 1) * WORD_BITS;
}

void tsr_pages_set(struct tsr_pages *set, struct tsr_page_run run)
{
	for (; run.first < run.last; run.first = word_end(run.first))
		__atomic_fetch_or(&set->bits[run.first / WORD_BITS], word_mask(run),
				  __ATOMIC_RELEASE);
}

void tsr_pages_clear(struct tsr_pages *set, struct tsr_page_run run)
{
	for (; run.first < run.last; run.first = word_end(run.first))
		__atomic_fetch_and(&set->bits[run.first / WORD_BITS], ~word_mask(run),
				   __ATOMIC_RELEASE);
}

uint64_t tsr_pages_until(const struct tsr_pages *set, bool held, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t word = word_of(set, from);
		uint64_t differs = (held ? ~word : word) >> (from % WORD_BITS);

		if (differs) {
			from += (uint64_t)__builtin_ctzll(differs);
			return from < to ? from : to;
		}
		from = word_end(from);
	}
	return to;
}

bool tsr_pages_next(const struct tsr_pages *set, bool wanted, uint64_t from, uint64_t to,
		    struct tsr_page_run *run)
{
	run->first = tsr_pages_until(set, !wanted, from, to);
	run->last = tsr_pages_until(set, wanted, run->first, to);
	return run->first < run->last;
}
