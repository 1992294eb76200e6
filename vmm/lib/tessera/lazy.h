/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Lazy memory: a region whose contents come from a file page by page, when they
 * are needed.
 *
 * Byte N of the file is byte N of the region; what the file does not have is
 * zero from the start. Pages that have not arrived are closed to the guest
 * (read, write and execute), and its first touch of one brings it: the vCPU's
 * own thread reads it from the file into its place and opens it. The VMM's own
 * accesses (tsr_ram_read(), tsr_ram_write()) bring pages the same way. No
 * userfaultfd is involved, so what else maps the memory (a device, another
 * process) sees zeroes where pages have not arrived: keep such away.
 *
 * The window. With a page come its neighbours, if the guest seems to go through
 * memory in order: behind a run of N pages that have arrived, at most N / 2 more
 * are brought with the page that follows it, and likewise downwards before one.
 * So who goes through memory from end to end fetches at most 1.5 times what it
 * touches, and who touches here and there fetches pages one by one. What is
 * brought at once is never more than the window.
 *
 * Errors. A page that cannot be read (an I/O error, a file that was truncated)
 * stays closed; the access that needed it fails. What was only to be prefetched
 * and cannot be read is left for later.
 *
 * Invariants: a page is opened after all of it has its contents, and once; no
 * two threads read the same page. The region's memory is anonymous or a memfd,
 * so it is never promoted.
 *
 * Locks: the gate's guards all; it is not held while the file is read.
 */
#ifndef TESSERA_LAZY_H
#define TESSERA_LAZY_H

#include "tessera/gate.h"

#define TSR_LAZY_WINDOW	    (UINT64_C(1) << 20) /* bytes, if nothing else is asked for */
#define TSR_LAZY_WINDOW_MAX (UINT64_C(64) << 20)

struct tsr_lazy_flight;

struct tsr_lazy {
	struct tsr_gate *gate; /* constant, as all up to "window" */
	struct tsr_ram *ram;
	struct tsr_ram_region *region;
	char path[256];
	int file;
	uint64_t file_size;
	uint64_t window; /* pages */

	struct tsr_pages arrived; /* the pages that the file has part of */
	struct tsr_lazy_flight *flights;
	pthread_cond_t landed;
	uint64_t fetches;	/* times the file was gone to */
	uint64_t pages_fetched; /* pages that came, prefetched ones too */
};

/*
 * Opens the file and closes the pages of @region that are in it, in one call
 * whatever their number. @window: bytes, 0 for TSR_LAZY_WINDOW. The VMM's
 * accesses bring pages from now on.
 *
 * Errors, explained in @why: those of open(); -EINVAL for what is not a regular
 * file, a window that is no multiple of the page or above the largest, and a
 * region that is itself a file; -EFBIG for a file that is larger than the
 * region; -ENOMEM, and those of the gate. Nothing is held then.
 */
int tsr_lazy_init(struct tsr_lazy *lazy, struct tsr_gate *gate, struct tsr_ram *ram,
		  struct tsr_ram_region *region, const char *path, uint64_t window,
		  struct tsr_why *why);

/* No vCPU runs. */
void tsr_lazy_destroy(struct tsr_lazy *lazy);

/*
 * Brings the page at @gpa, of the region, and what the window adds; or waits
 * for the thread that does. Nothing happens if it is there.
 *
 * Errors, explained in @why: those of pread(); -EIO if the file was truncated;
 * those of the gate.
 */
int tsr_lazy_fetch(struct tsr_lazy *lazy, uint64_t gpa, struct tsr_why *why);

/*
 * What to bring for @page, which has not arrived: the window's rule, pure.
 * @window: pages, at least 1.
 */
struct tsr_page_run tsr_lazy_plan(const struct tsr_pages *arrived, uint64_t page, uint64_t window);

/*
 * Whether the page at @gpa waits for its contents; *@until is lowered to where
 * that changes. Takes the gate's lock.
 */
bool tsr_lazy_waits(struct tsr_lazy *lazy, uint64_t gpa, uint64_t *until);

/* Pages that have not arrived. Takes the gate's lock. */
uint64_t tsr_lazy_missing(struct tsr_lazy *lazy);

/* The handler; opaque: struct tsr_lazy. Stops if the page cannot be had. */
enum tsr_verdict tsr_lazy_handle(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				 struct tsr_why *why);

#endif
