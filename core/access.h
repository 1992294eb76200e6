/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* How a guest came to touch a page, as module/trap.c decodes it from ESR_EL2. */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include "perm.h"

enum access_kind {
	ACCESS_DATA,  /* load, store, atomic, tag access */
	ACCESS_FETCH, /* instruction fetch, not a table walk */
	ACCESS_WALK,  /* stage-1 table walk (S1PTW) of either */
	ACCESS_CACHE, /* cache maintenance by VA (ISS.CM) */
};

struct access {
	struct gpa gpa; /* what was touched; page aligned for FETCH and WALK */
	enum access_kind kind;
	/* DATA, by the syndrome: R, W, T, or for a tag write W and T; FETCH: X; else R. */
	perm_t need;
	bool permission; /* the fault was a permission fault, not a translation fault */
};

#endif
