// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* core/attr as the subject. */
#include <err.h>

#include "../heap.h"
#include "attr.h"
#include "subject.h"

#define IPA_BITS 40

#define SUBJECT_LIMIT (~0ULL)

static struct attr attr;

static void subject_open(void)
{
	if (attr_init(&attr, IPA_BITS))
		errx(1, "attr_init");
}

static void subject_close(void)
{
	attr_destroy(&attr);
}

static void subject_set(u64 gfn, u64 pages, u8 bits)
{
	struct gfn_range range = { gfn, gfn + pages };
	struct attr_plan plan;

	if (attr_prepare(&attr, range, ATTR_EXACT, bits, &plan))
		errx(1, "attr_prepare");
	attr_commit(&attr, &plan);
}

static u8 subject_get(u64 gfn)
{
	return attr_get(&attr, gfn_of(gfn)).bits;
}

static bool subject_uniform(u64 gfn, u8 bits)
{
	struct attr_view view = attr_get(&attr, gfn_of(gfn));

	return view.level < TSR_LEVEL_LAST && view.bits == bits;
}

static u64 subject_memory(void)
{
	return heap_used;
}

#include "rows.h"
