/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memory behind slots: the VMM's address space as a table of fake VMAs. One address
 * space a process, like the machine.
 */
#ifndef EMU_BACKING_H
#define EMU_BACKING_H

#include "seam.h"

struct emu_vma {
	u64 begin, end; /* hva, bytes */
	enum backing_kind kind;
	struct hpa hpa; /* of begin */
	u8 order;	/* of the pieces that the host maps */
	bool read_only; /* the VMA itself */
	bool can_tag;
	bool own;  /* private to the VMM, no file's */
	bool zero; /* not written yet: reading finds the zero page, writing ends that */
	/*
	 * Private pages of a file that were not written yet; when they are, or are wanted for
	 * tags, the VMM gets pages of its own, at `copy`.
	 */
	bool file;
	struct hpa copy;
};

#define EMU_VMA_MAX 64

/* Forgets all VMAs, hooks and errors. */
void emu_mm_reset(void);
/* The VMA stays the caller's and may be changed as the host would; NULL if there is no room. */
struct emu_vma *emu_mm_add(const struct emu_vma *vma);
/* The one added last. */
struct emu_vma *emu_mm_last(void);
/* Called once by the next seam_backing_get(), when it has found the page. */
void emu_backing_hook(void (*hook)(void *arg), void *arg);
/* The next seam_backing_get() fails with @err. */
void emu_backing_error(int err);
/* Calls of seam_backing_get(), and pages got and not put. */
unsigned long emu_backing_gets(void);
long emu_backing_held(void);
/* A page was got that is none of the VMM's (gmem.h). */
void emu_backing_hold(void);
/* Was the last page that was put said to be dirtied? */
bool emu_backing_last_dirtied(void);
struct hpa emu_zero_page(void);

/* Around a change of a VMA while other threads may fault. */
void emu_mm_lock(void);
void emu_mm_unlock(void);

#endif
