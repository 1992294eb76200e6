/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera/lazy.h"

#define CLOSED (TSR_FAULT_READ | TSR_FAULT_WRITE | TSR_FAULT_EXEC)

/* Pages that a thread reads, on its stack. */
struct tsr_lazy_flight {
	struct tsr_lazy_flight *next;
	struct tsr_page_run run;
};

static struct tsr_range run_gpa(const struct tsr_lazy *lazy, struct tsr_page_run run)
{
	return (struct tsr_range){
		.start = lazy->region->gpa.start + run.first * TSR_PAGE_SIZE,
		.end = lazy->region->gpa.start + run.last * TSR_PAGE_SIZE,
	};
}

static uint64_t lazy_denies(void *opaque, uint64_t gpa, uint64_t *until)
{
	struct tsr_lazy *lazy = opaque;
	struct tsr_range all = run_gpa(lazy, (struct tsr_page_run){ 0, lazy->arrived.pages });
	uint64_t page, last, end;
	bool arrived;

	if (!tsr_range_holds(all, gpa)) {
		if (all.start > gpa && all.start < *until)
			*until = all.start;
		return 0;
	}
	if (*until > all.end)
		*until = all.end;
	page = (gpa - all.start) / TSR_PAGE_SIZE;
	last = (*until - all.start + TSR_PAGE_SIZE - 1) / TSR_PAGE_SIZE;
	arrived = tsr_pages_test(&lazy->arrived, page);
	end = all.start + tsr_pages_until(&lazy->arrived, arrived, page, last) * TSR_PAGE_SIZE;
	if (end < *until)
		*until = end;
	return arrived ? 0 : CLOSED;
}

static uint64_t pages_of(uint64_t bytes)
{
	return bytes / TSR_PAGE_SIZE + (bytes % TSR_PAGE_SIZE != 0);
}

static int file_open(struct tsr_lazy *lazy, struct tsr_why *why)
{
	struct stat stat;

	lazy->file = open(lazy->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (lazy->file < 0)
		return tsr_because(why, -errno, "Cannot open %s to fill memory from: %s.",
				   lazy->path, strerror(errno));
	if (fstat(lazy->file, &stat) || !S_ISREG(stat.st_mode)) {
		close(lazy->file);
		return tsr_because(why, -EINVAL, "%s is not a regular file to fill memory from.",
				   lazy->path);
	}
	lazy->file_size = (uint64_t)stat.st_size;
	if (lazy->file_size <= tsr_range_size(lazy->region->gpa))
		return 0;
	close(lazy->file);
	return tsr_because(why, -EFBIG,
			   "%s has %" PRIu64 " bytes and the memory that it is to fill %" PRIu64
			   ". Give the guest more memory (--ram).",
			   lazy->path, lazy->file_size, tsr_range_size(lazy->region->gpa));
}

static int check(const struct tsr_lazy *lazy, uint64_t window, struct tsr_why *why)
{
	if (window % TSR_PAGE_SIZE || window > TSR_LAZY_WINDOW_MAX)
		return tsr_because(why, -EINVAL,
				   "%" PRIu64 " bytes cannot be prefetched at once: it must be a "
				   "multiple of 4096, and 64M at most.",
				   window);
	if (lazy->region->kind == TSR_RAM_ANON || lazy->region->kind == TSR_RAM_MEMFD)
		return 0;
	return tsr_because(why, -EINVAL,
			   "The memory at 0x%" PRIx64 " is a file already and cannot be filled "
			   "from another: make it anon or memfd.",
			   lazy->region->gpa.start);
}

/* The hook of tsr_ram_read() and tsr_ram_write(). */
static int lazy_arrive(void *opaque, uint64_t gpa)
{
	struct tsr_lazy *lazy = opaque;
	uint64_t page = (gpa - lazy->region->gpa.start) / TSR_PAGE_SIZE;

	if (page >= lazy->arrived.pages || tsr_pages_test(&lazy->arrived, page))
		return 0;
	return tsr_lazy_fetch(lazy, gpa, NULL);
}

static int close_all(struct tsr_lazy *lazy, struct tsr_why *why)
{
	struct tsr_range gpa = run_gpa(lazy, (struct tsr_page_run){ 0, lazy->arrived.pages });
	int error = tsr_gate_add(lazy->gate, (struct tsr_keeper){ lazy_denies, lazy });

	if (!error && lazy->arrived.pages) {
		tsr_gate_lock(lazy->gate);
		error = tsr_gate_close(lazy->gate, gpa, CLOSED);
		tsr_gate_unlock(lazy->gate);
	}
	if (!error)
		return 0;
	tsr_gate_remove(lazy->gate, lazy);
	return tsr_because(why, error,
			   "Memory cannot be kept closed until it has its contents: %s.",
			   strerror(-error));
}

int tsr_lazy_init(struct tsr_lazy *lazy, struct tsr_gate *gate, struct tsr_ram *ram,
		  struct tsr_ram_region *region, const char *path, uint64_t window,
		  struct tsr_why *why)
{
	int error;

	memset(lazy, 0, sizeof(*lazy));
	lazy->gate = gate;
	lazy->ram = ram;
	lazy->region = region;
	lazy->window = (window ? window : TSR_LAZY_WINDOW) / TSR_PAGE_SIZE;
	if (strlen(path) >= sizeof(lazy->path))
		return tsr_because(why, -ENAMETOOLONG, "The name %s is too long.", path);
	strcpy(lazy->path, path);
	error = check(lazy, window, why);
	if (!error)
		error = file_open(lazy, why);
	if (error)
		return error;
	if (tsr_pages_init(&lazy->arrived, pages_of(lazy->file_size))) {
		error = tsr_because(why, -ENOMEM, "No memory to keep track of %s.", path);
		goto close_file;
	}
	error = close_all(lazy, why);
	if (error)
		goto free_pages;
	pthread_cond_init(&lazy->landed, NULL);
	region->arrive = lazy_arrive;
	region->arrive_opaque = lazy;
	return 0;

free_pages:
	tsr_pages_free(&lazy->arrived);
close_file:
	close(lazy->file);
	return error;
}

void tsr_lazy_destroy(struct tsr_lazy *lazy)
{
	lazy->region->arrive = NULL;
	tsr_gate_remove(lazy->gate, lazy);
	pthread_cond_destroy(&lazy->landed);
	tsr_pages_free(&lazy->arrived);
	close(lazy->file);
}

/* How many pages right before @page have arrived, counted to @most. */
static uint64_t run_before(const struct tsr_pages *arrived, uint64_t page, uint64_t most)
{
	uint64_t count = 0;

	while (count < most && count < page && tsr_pages_test(arrived, page - count - 1))
		count++;
	return count;
}

static uint64_t run_after(const struct tsr_pages *arrived, uint64_t page, uint64_t most)
{
	uint64_t to = page + 1 + most < arrived->pages ? page + 1 + most : arrived->pages;

	return tsr_pages_until(arrived, true, page + 1, to) - (page + 1);
}

struct tsr_page_run tsr_lazy_plan(const struct tsr_pages *arrived, uint64_t page, uint64_t window)
{
	uint64_t up = run_before(arrived, page, 2 * (window - 1)) / 2;
	uint64_t down = run_after(arrived, page, 2 * (window - 1 - up)) / 2;
	uint64_t last = page + 1 + up < arrived->pages ? page + 1 + up : arrived->pages;
	uint64_t first = page;

	while (down && first && !tsr_pages_test(arrived, first - 1)) {
		first--;
		down--;
	}
	return (struct tsr_page_run){ first, tsr_pages_until(arrived, false, page, last) };
}

static const struct tsr_lazy_flight *flight_of(const struct tsr_lazy *lazy, uint64_t page)
{
	const struct tsr_lazy_flight *flight = lazy->flights;

	while (flight && (page < flight->run.first || page >= flight->run.last))
		flight = flight->next;
	return flight;
}

/* Leaves to other threads what they are reading already. */
static void flight_trim(const struct tsr_lazy *lazy, struct tsr_page_run *run, uint64_t page)
{
	const struct tsr_lazy_flight *flight;

	for (flight = lazy->flights; flight; flight = flight->next) {
		if (flight->run.first > page && flight->run.first < run->last)
			run->last = flight->run.first;
		if (flight->run.last <= page && flight->run.last > run->first)
			run->first = flight->run.last;
	}
}

/* Where the file ends inside its last page, zeroes follow: the memory is that already. */
static int run_read(const struct tsr_lazy *lazy, struct tsr_page_run run)
{
	uint64_t at = run.first * TSR_PAGE_SIZE, end = run.last * TSR_PAGE_SIZE;

	if (end > lazy->file_size)
		end = lazy->file_size;
	while (at < end) {
		ssize_t done = pread(lazy->file, lazy->region->host + at, end - at, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		at += (uint64_t)done;
	}
	return 0;
}

/* What is only prefetched must not fail the access: then the page comes alone. */
static int flight_read(const struct tsr_lazy *lazy, uint64_t page, struct tsr_page_run *run)
{
	int error = run_read(lazy, *run);

	if (error && run->last - run->first > 1) {
		*run = (struct tsr_page_run){ page, page + 1 };
		error = run_read(lazy, *run);
	}
	return error;
}

static void flight_land(struct tsr_lazy *lazy, struct tsr_lazy_flight *flight)
{
	struct tsr_lazy_flight **link = &lazy->flights;

	while (*link != flight)
		link = &(*link)->next;
	*link = flight->next;
	pthread_cond_broadcast(&lazy->landed);
}

static int explain(const struct tsr_lazy *lazy, uint64_t gpa, int error, struct tsr_why *why)
{
	const char *hint = "";

	if (error == -EIO)
		hint = " It may have been truncated while the guest ran.";
	return tsr_because(why, error,
			   "The guest's memory at 0x%" PRIx64 " could not be read from %s: %s.%s "
			   "The guest cannot go on without it.",
			   gpa, lazy->path, strerror(-error), hint);
}

/* Called with the gate locked, which it is not while the file is read. */
static int flight_fly(struct tsr_lazy *lazy, uint64_t page)
{
	struct tsr_page_run run = tsr_lazy_plan(&lazy->arrived, page, lazy->window);
	struct tsr_lazy_flight flight;
	int error;

	flight_trim(lazy, &run, page);
	flight = (struct tsr_lazy_flight){ lazy->flights, run };
	lazy->flights = &flight;
	tsr_gate_unlock(lazy->gate);
	error = flight_read(lazy, page, &run);
	tsr_gate_lock(lazy->gate);
	if (!error) {
		tsr_pages_set(&lazy->arrived, run);
		lazy->fetches++;
		lazy->pages_fetched += run.last - run.first;
		error = tsr_gate_open(lazy->gate, run_gpa(lazy, run), CLOSED);
	}
	flight_land(lazy, &flight);
	return error;
}

/* @closed: whether the page had not arrived when this was called. */
static int bring(struct tsr_lazy *lazy, uint64_t gpa, bool *closed, struct tsr_why *why)
{
	uint64_t page = (gpa - lazy->region->gpa.start) / TSR_PAGE_SIZE;
	int error = 0;

	*closed = false;
	if (page >= lazy->arrived.pages)
		return 0;
	tsr_gate_lock(lazy->gate);
	*closed = !tsr_pages_test(&lazy->arrived, page);
	while (flight_of(lazy, page))
		pthread_cond_wait(&lazy->landed, &lazy->gate->lock);
	/* A flight that failed leaves the page to whoever waited for it. */
	if (!tsr_pages_test(&lazy->arrived, page))
		error = flight_fly(lazy, page);
	tsr_gate_unlock(lazy->gate);
	return error ? explain(lazy, gpa, error, why) : 0;
}

int tsr_lazy_fetch(struct tsr_lazy *lazy, uint64_t gpa, struct tsr_why *why)
{
	bool closed;

	return bring(lazy, gpa, &closed, why);
}

bool tsr_lazy_waits(struct tsr_lazy *lazy, uint64_t gpa, uint64_t *until)
{
	bool waits;

	tsr_gate_lock(lazy->gate);
	waits = lazy_denies(lazy, gpa, until);
	tsr_gate_unlock(lazy->gate);
	return waits;
}

uint64_t tsr_lazy_missing(struct tsr_lazy *lazy)
{
	uint64_t missing;

	tsr_gate_lock(lazy->gate);
	missing = lazy->arrived.pages - lazy->pages_fetched;
	tsr_gate_unlock(lazy->gate);
	return missing;
}

enum tsr_verdict tsr_lazy_handle(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				 struct tsr_why *why)
{
	struct tsr_lazy *lazy = opaque;
	bool closed;

	if (fault->poisoned || !(fault->flags & CLOSED) ||
	    !tsr_range_holds(lazy->region->gpa, fault->gpa))
		return TSR_NOT_MINE;
	if (bring(lazy, fault->gpa, &closed, why))
		return TSR_STOP;
	return closed ? TSR_RESOLVED : TSR_NOT_MINE;
}
