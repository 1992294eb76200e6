// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "memtype.h"

bool memtype_coherent(const struct host *host)
{
	return host->fwb && host->dic;
}

enum memtype memtype_of(enum backing_kind kind, const struct host *host, bool cmo)
{
	switch (kind) {
	case BACKING_RAM:
		return MEMTYPE_WB;
	case BACKING_PFN_CACHED:
		/* The kernel has no mapping by which it could maintain the caches. */
		return cmo || memtype_coherent(host) ? MEMTYPE_WB : MEMTYPE_REFUSED;
	case BACKING_PFN_NC:
		return MEMTYPE_NC;
	case BACKING_RAM_UNCACHED:
	case BACKING_PFN_DEVICE:
		return MEMTYPE_DEVICE;
	case BACKING_NONE:
	case BACKING_POISON:
		return MEMTYPE_REFUSED;
	}
	return MEMTYPE_REFUSED;
}
