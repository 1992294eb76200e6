/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/kvm.h>
#include "uapi/tessera.h"

#include "tessera/survey.h"

_Static_assert(TSR_FAULT_READ == KVM_TSR_EXTENT_READ, "docs/abi.md");
_Static_assert(TSR_FAULT_WRITE == KVM_TSR_EXTENT_WRITE, "docs/abi.md");
_Static_assert(TSR_FAULT_EXEC == KVM_TSR_EXTENT_EXEC, "docs/abi.md");
_Static_assert(TSR_FAULT_TAG == KVM_TSR_EXTENT_TAG, "docs/abi.md");

#define NEEDS (TSR_FAULT_READ | TSR_FAULT_WRITE | TSR_FAULT_EXEC | TSR_FAULT_TAG)

/* Answers that were fetched for addresses that come, in the order in which they come. */
#define ANSWERS 64

struct survey {
	struct tsr_vm *vm;
	const struct tsr_ram_region *region;
	struct tsr_lazy *lazy;
	bool queries; /* KVM_TSR_QUERY_MEMORY is there */
	int pagemap;

	struct kvm_tsr_extent extents[ANSWERS];
	size_t extent, extent_count;
	uint64_t extents_until; /* gpa up to which they answer */
	struct page_region pages[ANSWERS];
	size_t page, page_count;
	uint64_t pages_until; /* host address, likewise */
};

static void lower(uint64_t *until, uint64_t to)
{
	if (to < *until)
		*until = to;
}

static int extents_fetch(struct survey *survey, uint64_t gpa)
{
	struct kvm_tsr_memory_query query = {
		.gpa = gpa,
		.pages = (survey->region->gpa.end - gpa) / TSR_PAGE_SIZE,
		.extents = (uintptr_t)survey->extents,
		.count = ANSWERS,
	};

	if (ioctl(survey->vm->fd, KVM_TSR_QUERY_MEMORY, &query))
		return -errno;
	survey->extent = 0;
	survey->extent_count = query.count;
	survey->extents_until = query.gpa;
	return 0;
}

/* Attributes and stage 2 at @gpa. */
static int ask_hypervisor(struct survey *survey, uint64_t gpa, uint64_t *until,
			  struct tsr_cell *cell)
{
	const struct kvm_tsr_extent *extent;
	int error = 0;

	if (!survey->queries)
		return 0;
	if (gpa >= survey->extents_until)
		error = extents_fetch(survey, gpa);
	if (error)
		return error;
	lower(until, survey->extents_until);
	extent = &survey->extents[survey->extent];
	while (survey->extent < survey->extent_count &&
	       extent->gpa + extent->pages * TSR_PAGE_SIZE <= gpa)
		extent = &survey->extents[++survey->extent];
	if (survey->extent == survey->extent_count)
		return 0;
	if (extent->gpa > gpa) {
		lower(until, extent->gpa);
		return 0;
	}
	lower(until, extent->gpa + extent->pages * TSR_PAGE_SIZE);
	cell->denied = extent->attributes & NEEDS;
	cell->granted = extent->flags & NEEDS;
	cell->order = extent->order;
	cell->flags |= extent->flags & KVM_TSR_EXTENT_MAPPED ? TSR_CELL_MAPPED : 0;
	cell->flags |= extent->attributes & TSR_FAULT_PRIVATE ? TSR_CELL_PRIVATE : 0;
	cell->flags |= extent->flags & KVM_TSR_EXTENT_YOUNG ? TSR_CELL_YOUNG : 0;
	return 0;
}

static bool pages_fetch(struct survey *survey, uint64_t host)
{
	const uint64_t there = PAGE_IS_PRESENT | PAGE_IS_SWAPPED;
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = host,
		.end = (uintptr_t)survey->region->host + tsr_range_size(survey->region->gpa),
		.vec = (uintptr_t)survey->pages,
		.vec_len = ANSWERS,
		.category_anyof_mask = there,
		.return_mask = there | PAGE_IS_FILE | PAGE_IS_PFNZERO | PAGE_IS_HUGE,
	};
	int found = ioctl(survey->pagemap, PAGEMAP_SCAN, &scan);

	if (found < 0 || scan.walk_end <= host)
		return false;
	survey->page = 0;
	survey->page_count = (size_t)found;
	survey->pages_until = scan.walk_end;
	return true;
}

static enum tsr_behind behind_of(uint64_t categories)
{
	if (categories & PAGE_IS_SWAPPED)
		return TSR_BEHIND_SWAP;
	if (categories & PAGE_IS_PFNZERO)
		return TSR_BEHIND_ZERO;
	return categories & PAGE_IS_FILE ? TSR_BEHIND_FILE : TSR_BEHIND_OWN;
}

/* What the host has behind @gpa. */
static void ask_host(struct survey *survey, uint64_t gpa, uint64_t *until, struct tsr_cell *cell)
{
	uint64_t skew = (uintptr_t)survey->region->host - survey->region->gpa.start;
	const struct page_region *pages;
	uint64_t host = gpa + skew;

	if (survey->pagemap >= 0 && host >= survey->pages_until && !pages_fetch(survey, host)) {
		close(survey->pagemap);
		survey->pagemap = -1;
	}
	if (survey->pagemap < 0) {
		cell->behind = TSR_BEHIND_UNKNOWN;
		return;
	}
	lower(until, survey->pages_until - skew);
	pages = &survey->pages[survey->page];
	while (survey->page < survey->page_count && pages->end <= host)
		pages = &survey->pages[++survey->page];
	if (survey->page == survey->page_count)
		return;
	if (pages->start > host) {
		lower(until, pages->start - skew);
		return;
	}
	lower(until, pages->end - skew);
	cell->behind = behind_of(pages->categories);
	cell->flags |= pages->categories & PAGE_IS_HUGE ? TSR_CELL_HUGE : 0;
}

/* What this library did there. */
static void ask_records(struct survey *survey, uint64_t gpa, uint64_t *until, struct tsr_cell *cell)
{
	const struct tsr_ram_region *region = survey->region;
	uint64_t page = (gpa - region->gpa.start) / TSR_PAGE_SIZE;
	uint64_t last = (*until - region->gpa.start) / TSR_PAGE_SIZE;
	bool promoted = tsr_pages_test(&region->promoted, page);

	last = tsr_pages_until(&region->promoted, promoted, page, last);
	lower(until, region->gpa.start + last * TSR_PAGE_SIZE);
	cell->flags |= promoted ? TSR_CELL_PROMOTED : 0;
	if (survey->lazy && tsr_lazy_waits(survey->lazy, gpa, until))
		cell->flags |= TSR_CELL_WAITING;
}

/* Memory of the VM's own stands where zeroes or a file's page were. */
static bool is_dirty(const struct tsr_ram_region *region, const struct tsr_cell *cell)
{
	if (cell->flags & TSR_CELL_PROMOTED)
		return true;
	if (cell->flags & TSR_CELL_WAITING)
		return false;
	if (region->kind != TSR_RAM_ANON && region->kind != TSR_RAM_FILE_PRIVATE)
		return false;
	return cell->behind == TSR_BEHIND_OWN || cell->behind == TSR_BEHIND_SWAP;
}

static bool alike(const struct tsr_cell *a, const struct tsr_cell *b)
{
	return a->gpa.end == b->gpa.start && a->denied == b->denied && a->granted == b->granted &&
	       a->order == b->order && a->behind == b->behind && a->flags == b->flags;
}

static int survey_cell(struct survey *survey, uint64_t gpa, struct tsr_cell *cell)
{
	uint64_t until = survey->region->gpa.end;
	int error;

	*cell = (struct tsr_cell){ .gpa = { gpa, gpa } };
	error = ask_hypervisor(survey, gpa, &until, cell);
	ask_host(survey, gpa, &until, cell);
	ask_records(survey, gpa, &until, cell);
	cell->flags |= is_dirty(survey->region, cell) ? TSR_CELL_DIRTY : 0;
	cell->gpa.end = until;
	return error;
}

static int survey_region(struct survey *survey, tsr_cell_fn report, void *opaque)
{
	struct tsr_range all = survey->region->gpa;
	struct tsr_cell cell, next;
	int error = survey_cell(survey, all.start, &cell);

	while (!error && cell.gpa.end < all.end) {
		error = survey_cell(survey, cell.gpa.end, &next);
		if (!error && alike(&cell, &next)) {
			cell.gpa.end = next.gpa.end;
			continue;
		}
		if (!error)
			error = report(opaque, &cell);
		cell = next;
	}
	return error ? error : report(opaque, &cell);
}

int tsr_survey(struct tsr_vm *vm, const struct tsr_ram_region *region, struct tsr_lazy *lazy,
	       tsr_cell_fn cell, void *opaque)
{
	struct survey survey = {
		.vm = vm,
		.region = region,
		.lazy = lazy && lazy->region == region ? lazy : NULL,
		.queries = tsr_check_extension(vm->fd, KVM_CAP_TSR_MEMORY_QUERY),
		.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
	};
	int error = survey_region(&survey, cell, opaque);

	if (survey.pagemap >= 0)
		close(survey.pagemap);
	return error;
}
