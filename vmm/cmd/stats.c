/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <string.h>

#include "stats.h"

static const char *const kind_names[] = {
	[TSR_RAM_ANON] = "anon",
	[TSR_RAM_MEMFD] = "memfd",
	[TSR_RAM_FILE_PRIVATE] = "file_private",
	[TSR_RAM_FILE_SHARED] = "file_shared",
};

/* How many mappings [@start, @end) consists of, and how much of it is in memory. */
struct residence {
	uint64_t bytes, mappings;
};

static struct residence residence_of(const unsigned char *host, uint64_t size)
{
	uint64_t start, end, kib, first = (uintptr_t)host, last = first + size;
	struct residence found = { 0, 0 };
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	char line[256];

	if (!file)
		return found;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
			inside = start >= first && end <= last;
			found.mappings += inside;
		} else if (inside && sscanf(line, "Rss: %" SCNu64, &kib) == 1) {
			found.bytes += kib * 1024;
		}
	}
	fclose(file);
	return found;
}

static uint64_t pages_in(const struct tsr_pages *set)
{
	struct tsr_page_run run = { 0, 0 };
	uint64_t pages = 0;

	while (tsr_pages_next(set, true, run.last, set->pages, &run))
		pages += run.last - run.first;
	return pages;
}

static void region_print(FILE *file, size_t index, const struct tsr_ram_region *region)
{
	uint64_t size = tsr_range_size(region->gpa);
	struct residence residence = residence_of(region->host, size);

	fprintf(file, "ram%zu_kind=%s\n", index, kind_names[region->kind]);
	fprintf(file, "ram%zu_start=0x%" PRIx64 "\n", index, region->gpa.start);
	fprintf(file, "ram%zu_bytes=%" PRIu64 "\n", index, size);
	fprintf(file, "ram%zu_resident_pages=%" PRIu64 "\n", index,
		residence.bytes / TSR_PAGE_SIZE);
	fprintf(file, "ram%zu_private_pages=%" PRIu64 "\n", index,
		pages_in(&region->private_pages));
	fprintf(file, "ram%zu_promoted_pages=%" PRIu64 "\n", index, pages_in(&region->promoted));
	fprintf(file, "ram%zu_mappings=%" PRIu64 "\n", index, residence.mappings);
}

static uint64_t exits(const struct machine *machine, enum tsr_exit_kind kind)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < machine->options->vcpus; i++)
		sum += machine->vcpus[i].exits[kind];
	return sum;
}

static void lazy_print(FILE *file, const struct tsr_lazy *lazy)
{
	fprintf(file, "lazy_pages=%" PRIu64 "\n", lazy->arrived.pages);
	fprintf(file, "lazy_fetches=%" PRIu64 "\n", lazy->fetches);
	fprintf(file, "lazy_pages_fetched=%" PRIu64 "\n", lazy->pages_fetched);
}

void stats_print(FILE *file, const struct machine *machine, int status)
{
	const struct tally *tally = &machine->tally;

	fprintf(file, "status=%d\n", status);
	fprintf(file, "microseconds=%" PRIu64 "\n", timeline_now(&machine->timeline) / 1000);
	fprintf(file, "tessera=%d\n", machine->host.tsr_version);
	fprintf(file, "mte=%d\n", machine->vm.mte);
	fprintf(file, "notag=%d\n", machine->vm.notag);
	fprintf(file, "lazy_tags=%d\n", machine->vm.lazy_tags);
	fprintf(file, "vcpus=%u\n", machine->options->vcpus);
	fprintf(file, "exits_mmio=%" PRIu64 "\n", exits(machine, TSR_EXIT_MMIO));
	fprintf(file, "exits_mmio_hole=%" PRIu64 "\n", tally->hole_exits);
	fprintf(file, "exits_tag=%" PRIu64 "\n", tally->tag_exits);
	fprintf(file, "exits_memory_fault=%" PRIu64 "\n", tally->fault_exits);
	fprintf(file, "exits_call=%" PRIu64 "\n", exits(machine, TSR_EXIT_CALL));
	fprintf(file, "exits_system=%" PRIu64 "\n", exits(machine, TSR_EXIT_SYSTEM));
	fprintf(file, "exits_kicked=%" PRIu64 "\n", exits(machine, TSR_EXIT_KICKED));
	fprintf(file, "exits_failed=%" PRIu64 "\n",
		exits(machine, TSR_EXIT_FAILED) + exits(machine, TSR_EXIT_OTHER));
	fprintf(file, "promotions=%" PRIu64 "\n", tally->promotions);
	fprintf(file, "promotion_microseconds=%" PRIu64 "\n", tally->promotion_ns / 1000);
	fprintf(file, "promoted_bytes_copied=%" PRIu64 "\n",
		machine->policies.promoter.bytes_copied);
	fprintf(file, "injections=%" PRIu64 "\n", tally->injections);
	fprintf(file, "watched=%" PRIu64 "\n", tally->watched);
	fprintf(file, "text_faults=%" PRIu64 "\n", tally->text_faults);
	fprintf(file, "conversions=%" PRIu64 "\n", machine->privacy.memory.conversions);
	fprintf(file, "calls_refused=%" PRIu64 "\n", machine->privacy.memory.refusals);
	if (machine->policies.lazily)
		lazy_print(file, &machine->policies.lazy);
	fprintf(file, "marks=%" PRIu64 "\n", tally->marks);
	fprintf(file, "resets=%" PRIu64 "\n", tally->resets);
	for (size_t i = 0; i < machine->ram.count; i++)
		region_print(file, i, &machine->ram.regions[i]);
}
