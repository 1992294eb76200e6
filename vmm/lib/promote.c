/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tessera/clock.h"
#include "tessera/promote.h"
#include "tessera/promoted.h"

/* Linux's default for vm.max_map_count, taken where it cannot be read. */
#define MAPPINGS_DEFAULT 65530

/* A unit that is being promoted, on the stack of the thread that does it. */
struct tsr_promotion_flight {
	struct tsr_promotion_flight *next;
	struct tsr_ram_region *region;
	struct tsr_page_run run;
	struct tsr_range gpa;
	int64_t reserved; /* mappings set aside for it */
};

static int64_t mappings_allowed(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	int64_t allowed = MAPPINGS_DEFAULT, used = 0;
	int letter;

	if (file) {
		if (fscanf(file, "%" SCNd64, &allowed) != 1)
			allowed = MAPPINGS_DEFAULT;
		fclose(file);
	}
	file = fopen("/proc/self/maps", "re");
	if (file) {
		while ((letter = getc(file)) != EOF)
			used += letter == '\n';
		fclose(file);
	}
	return allowed - allowed / 8 - used;
}

int tsr_promoter_init(struct tsr_promoter *promoter, struct tsr_ram *ram,
		      struct tsr_attributes attributes, _Atomic uint64_t *changes, uint64_t unit,
		      struct tsr_why *why)
{
	if (!unit)
		unit = TSR_BLOCK_SIZE;
	if (unit < TSR_PAGE_SIZE || (unit & (unit - 1)))
		return tsr_because(why, -EINVAL,
				   "The unit of promotion, %" PRIu64
				   " bytes, is not a power of two of at least 4096.",
				   unit);
	memset(promoter, 0, sizeof(*promoter));
	promoter->ram = ram;
	promoter->attributes = attributes;
	promoter->changes = changes;
	promoter->unit_pages = unit / TSR_PAGE_SIZE;
	promoter->mappings_spare = mappings_allowed();
	pthread_mutex_init(&promoter->lock, NULL);
	pthread_cond_init(&promoter->landed, NULL);
	return 0;
}

void tsr_promoter_destroy(struct tsr_promoter *promoter)
{
	pthread_cond_destroy(&promoter->landed);
	pthread_mutex_destroy(&promoter->lock);
}

bool tsr_region_promotable(const struct tsr_ram_region *region)
{
	return region->kind == TSR_RAM_FILE_PRIVATE ||
	       (region->kind == TSR_RAM_FILE_SHARED && region->exclusive);
}

static bool promotable(struct tsr_ram *ram, uint64_t gpa)
{
	const struct tsr_ram_region *region = tsr_ram_find(ram, gpa);

	return region && tsr_region_promotable(region);
}

static bool in_flight(const struct tsr_promoter *promoter, struct tsr_range gpa)
{
	const struct tsr_promotion_flight *flight;

	for (flight = promoter->flights; flight; flight = flight->next)
		if (tsr_range_overlaps(flight->gpa, gpa))
			return true;
	return false;
}

/* Returns with promoter->lock held. */
static void wait_landed(struct tsr_promoter *promoter, struct tsr_range gpa)
{
	while (in_flight(promoter, gpa))
		pthread_cond_wait(&promoter->landed, &promoter->lock);
}

static struct tsr_range run_gpa(const struct tsr_ram_region *region, struct tsr_page_run run)
{
	return (struct tsr_range){
		.start = region->gpa.start + run.first * TSR_PAGE_SIZE,
		.end = region->gpa.start + run.last * TSR_PAGE_SIZE,
	};
}

/*
 * Decides what to promote for @page and enters it as in flight; false if the
 * page turns out to be promoted. A plan that meets a flight waits and is made
 * anew, since the flight changes what merges. Called with promoter->lock held.
 */
static bool flight_plan(struct tsr_promoter *promoter, struct tsr_promotion_flight *flight,
			uint64_t page)
{
	struct tsr_ram_region *region = flight->region;

	for (;;) {
		wait_landed(promoter, run_gpa(region, (struct tsr_page_run){ page, page + 1 }));
		if (tsr_pages_test(&region->promoted, page))
			return false;
		flight->run =
			tsr_promoted_plan(&region->promoted, region->gpa.start / TSR_PAGE_SIZE,
					  page, promoter->unit_pages, promoter->mappings_spare);
		flight->gpa = run_gpa(region, flight->run);
		if (!in_flight(promoter, flight->gpa))
			break;
		wait_landed(promoter, flight->gpa);
	}
	flight->reserved = tsr_promoted_cost(&region->promoted, flight->run);
	if (flight->reserved < 0)
		flight->reserved = 0;
	promoter->mappings_spare -= flight->reserved;
	flight->next = promoter->flights;
	promoter->flights = flight;
	return true;
}

static void flight_land(struct tsr_promoter *promoter, struct tsr_promotion_flight *flight)
{
	struct tsr_promotion_flight **link = &promoter->flights;

	while (*link != flight)
		link = &(*link)->next;
	*link = flight->next;
	promoter->mappings_spare += flight->reserved;
	pthread_cond_broadcast(&promoter->landed);
}

static int copy_run(const struct tsr_promoter *promoter, const struct tsr_ram_region *region,
		    struct tsr_page_run run)
{
	uint64_t at = run.first * TSR_PAGE_SIZE;

	/*
	 * The kernel reads the old memory, so that a truncated file is -EFAULT
	 * here and not SIGBUS; and it allocates the staging, so that a full
	 * memory is an error here and not a fault in the guest later.
	 */
	while (at < run.last * TSR_PAGE_SIZE) {
		ssize_t done = pwrite(promoter->ram->staging, region->host + at,
				      run.last * TSR_PAGE_SIZE - at, (off_t)(region->offset + at));

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -ENOSPC;
		at += (uint64_t)done;
	}
	return 0;
}

/* Pages of the flight that are promoted already hold the guest's data and tags: left alone. */
static int flight_copy(const struct tsr_promoter *promoter,
		       const struct tsr_promotion_flight *flight, uint64_t *copied)
{
	const struct tsr_pages *promoted = &flight->region->promoted;
	struct tsr_page_run run = { 0, flight->run.first };

	*copied = 0;
	while (tsr_pages_next(promoted, false, run.last, flight->run.last, &run)) {
		int error = copy_run(promoter, flight->region, run);

		if (error)
			return error;
		*copied += (run.last - run.first) * TSR_PAGE_SIZE;
	}
	return 0;
}

/* Gives back the staging's memory that a failed flight had filled. */
static void flight_discard(const struct tsr_promoter *promoter,
			   const struct tsr_promotion_flight *flight)
{
	const struct tsr_ram_region *region = flight->region;
	struct tsr_page_run run = { 0, flight->run.first };

	while (tsr_pages_next(&region->promoted, false, run.last, flight->run.last, &run))
		fallocate(promoter->ram->staging, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)(region->offset + run.first * TSR_PAGE_SIZE),
			  (off_t)((run.last - run.first) * TSR_PAGE_SIZE));
}

/* One mapping for the whole flight, also over what was promoted: that is how pieces merge. */
static int flight_place(struct tsr_promoter *promoter, struct tsr_promotion_flight *flight)
{
	struct tsr_ram_region *region = flight->region;
	uint64_t at = flight->run.first * TSR_PAGE_SIZE;

	if (mmap(region->host + at, tsr_range_size(flight->gpa), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, promoter->ram->staging,
		 (off_t)(region->offset + at)) == MAP_FAILED)
		return -errno;
	pthread_mutex_lock(&promoter->lock);
	/* What the flight really cost replaces what was set aside for it. */
	promoter->mappings_spare -= tsr_promoted_cost(&region->promoted, flight->run);
	tsr_pages_set(&region->promoted, flight->run);
	pthread_mutex_unlock(&promoter->lock);
	return 0;
}

static int explain(const struct tsr_promotion_flight *flight, const char *step, int error,
		   struct tsr_why *why)
{
	const char *hint = "";

	if (error == -EFAULT)
		hint = " Its file may have been truncated while the guest ran.";
	else if (error == -ENOSPC || error == -ENOMEM || error == -EFBIG)
		hint = " Give the VMM more memory, mappings or file size, or a smaller unit.";
	return tsr_because(why, error,
			   "Memory at 0x%" PRIx64 "-0x%" PRIx64
			   " could not be promoted: %s failed: "
			   "%s.%s The memory is unchanged.",
			   flight->gpa.start, flight->gpa.end, step, strerror(-error), hint);
}

/* From the first store kept out to the first let in again; the VMM's writers are held off. */
static int flight_perform(struct tsr_promoter *promoter, struct tsr_promotion_flight *flight,
			  uint64_t *copied, struct tsr_why *why)
{
	struct tsr_attributes *attributes = &promoter->attributes;
	int error, lifted;

	error = attributes->no_write(attributes->opaque, flight->gpa, true);
	if (error)
		return explain(flight, "keeping the guest from writing", error, why);
	error = flight_copy(promoter, flight, copied);
	if (error) {
		explain(flight, "copying", error, why);
	} else {
		error = flight_place(promoter, flight);
		if (error)
			explain(flight, "mapping the copy", error, why);
	}
	if (error)
		flight_discard(promoter, flight);
	lifted = attributes->no_write(attributes->opaque, flight->gpa, false);
	if (lifted && !error)
		error = tsr_because(why, lifted,
				    "Memory at 0x%" PRIx64 "-0x%" PRIx64 " was promoted, but the "
				    "guest could not be allowed to write it again: %s.",
				    flight->gpa.start, flight->gpa.end, strerror(-lifted));
	return error;
}

int tsr_promote(struct tsr_promoter *promoter, uint64_t gpa, uint64_t entered,
		struct tsr_promotion *promotion, struct tsr_why *why)
{
	struct tsr_promotion_flight flight = { .region = tsr_ram_find(promoter->ram, gpa) };
	uint64_t start = tsr_clock_ns();
	int error;

	memset(promotion, 0, sizeof(*promotion));
	if (!promotable(promoter->ram, gpa))
		return tsr_because(why, -EPERM, "Memory at 0x%" PRIx64 " may not be promoted.",
				   gpa);
	pthread_mutex_lock(&promoter->lock);
	promotion->found_done =
		!flight_plan(promoter, &flight, (gpa - flight.region->gpa.start) / TSR_PAGE_SIZE);
	pthread_mutex_unlock(&promoter->lock);
	if (promotion->found_done) {
		if (*promoter->changes != entered)
			return 0;
		return tsr_because(why, -ELOOP,
				   "The guest asks for tags at 0x%" PRIx64 " although that memory "
				   "has been promoted. The hypervisor does not see the new memory.",
				   gpa);
	}
	promotion->gpa = flight.gpa;
	tsr_ram_lock(promoter->ram, flight.gpa);
	error = flight_perform(promoter, &flight, &promotion->copied, why);
	tsr_ram_unlock(promoter->ram, flight.gpa);

	promotion->nanoseconds = tsr_clock_ns() - start;
	pthread_mutex_lock(&promoter->lock);
	if (!error) {
		promoter->promotions++;
		promoter->bytes_copied += promotion->copied;
	}
	/* A failure counts too: stores that it kept out must run again. */
	(*promoter->changes)++;
	flight_land(promoter, &flight);
	pthread_mutex_unlock(&promoter->lock);
	return error;
}

/* Whether a store met the write restriction of a promotion that is over by now. */
static bool caused_write_fault(struct tsr_promoter *promoter, const struct tsr_fault *fault)
{
	struct tsr_range page = { fault->gpa, fault->gpa + TSR_PAGE_SIZE };

	pthread_mutex_lock(&promoter->lock);
	wait_landed(promoter, page);
	pthread_mutex_unlock(&promoter->lock);
	return *promoter->changes != fault->entered;
}

enum tsr_verdict tsr_promoter_handle(void *opaque, struct tsr_vcpu *vcpu,
				     const struct tsr_fault *fault, struct tsr_why *why)
{
	struct tsr_promoter *promoter = opaque;
	struct tsr_promotion promotion;

	if (fault->poisoned || !promotable(promoter->ram, fault->gpa))
		return TSR_NOT_MINE;
	if (fault->flags == TSR_FAULT_WRITE)
		return caused_write_fault(promoter, fault) ? TSR_RESOLVED : TSR_NOT_MINE;
	if (fault->flags != TSR_FAULT_TAG)
		return TSR_NOT_MINE;
	if (tsr_promote(promoter, fault->gpa, fault->entered, &promotion, why))
		return TSR_STOP;
	if (promoter->report)
		promoter->report(promoter->report_opaque, fault, &promotion);
	return TSR_RESOLVED;
}
