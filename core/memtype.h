/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The memory type of a page at stage 2. It follows the host's own mapping of the
 * memory and what the host can do, never the guest's wish (docs/abi.md, "Memory
 * types"). Pure: values in, values out.
 */
#ifndef CORE_MEMTYPE_H
#define CORE_MEMTYPE_H

#include "host.h"
#include "seam.h"

enum memtype {
	MEMTYPE_REFUSED, /* the memory cannot be given to a guest on this host */
	MEMTYPE_WB,	 /* Normal write-back; forced with FEAT_S2FWB */
	MEMTYPE_NC,	 /* Normal non-cacheable */
	MEMTYPE_DEVICE,	 /* Device-nGnRE */
};

/* Do the caches of this host need no care, so that any VM may have BACKING_PFN_CACHED? */
bool memtype_coherent(const struct host *host);

/*
 * The type for memory of @kind; REFUSED also for kinds that are not memory. @cmo: the VM has
 * opted in to maintenance of what the kernel does not map (KVM_CAP_TSR_PFNMAP_CMO).
 */
enum memtype memtype_of(enum backing_kind kind, const struct host *host, bool cmo);

/*
 * Memory of @kind has been given a type: must data caches be cleaned and invalidated to PoC
 * before the guest gets it? Without FEAT_S2FWB a guest can reach it past the caches; and memory
 * that the kernel maps cacheable while the guest may not can have dirty lines.
 */
static inline bool memtype_needs_clean(enum backing_kind kind, const struct host *host)
{
	switch (kind) {
	case BACKING_RAM:
	case BACKING_PFN_CACHED:
		return !host->fwb;
	case BACKING_RAM_UNCACHED:
		return true;
	case BACKING_PFN_NC:
	case BACKING_PFN_DEVICE:
	case BACKING_NONE:
	case BACKING_POISON:
		return false;
	}
	return false;
}

/* And only through a window (seam_window_open())? */
static inline bool memtype_needs_window(enum backing_kind kind, const struct host *host)
{
	return kind == BACKING_PFN_CACHED && !host->fwb;
}

#endif
