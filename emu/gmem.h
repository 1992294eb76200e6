/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * guest_memfds of the emulated machine: files of a fixed number of pages. A page that is
 * dropped comes back, when it is got again, at another place and with stale tags; twice dropped,
 * at the first again.
 */
#ifndef EMU_GMEM_H
#define EMU_GMEM_H

#include "seam.h"

#define EMU_GMEM_PAGES 1024U

struct seam_gmem {
	struct hpa place[2];	    /* where all pages are, in turn */
	bool there[EMU_GMEM_PAGES]; /* was got, and not dropped since */
	u8 turn[EMU_GMEM_PAGES];
	u64 bound[EMU_GMEM_PAGES]; /* the guest's page and one; 0: none */
	u8 order;		   /* of the pieces it is in; 0 or 9 */
	bool closed;
	bool poisoned;
	int err;	    /* of the next get */
	long refs;	    /* slots that have bound some of it */
	unsigned long gets; /* and drops of pages that were there */
	unsigned long drops;
};

/* Empties @gmem, in pieces of 2^@order pages. */
void emu_gmem_make(struct seam_gmem *gmem, u8 order);
/* Where the page is, or would be next. */
struct hpa emu_gmem_hpa(const struct seam_gmem *gmem, u64 page);
/* Is @hpa a page of the file, and which? Threads may ask. */
bool emu_gmem_has(const struct seam_gmem *gmem, struct hpa hpa, u64 *page);

#endif
