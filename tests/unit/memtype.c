// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory types: the table of docs/abi.md 9, a row a case, over every host. */
#include "world.h"

/* What a row says of a host; ANY: nothing. */
enum tri { NO, YES, ANY };

struct type_row {
	enum backing_kind kind;
	enum tri fwb, dic, cmo;
	enum memtype type;
	bool clean, window;
};

#define NONE	 false, false
#define CLEANED	 true, false
#define WINDOWED true, true

static const struct type_row rows[] = {
	{ BACKING_RAM, YES, ANY, ANY, MEMTYPE_WB, NONE },
	{ BACKING_RAM, NO, ANY, ANY, MEMTYPE_WB, CLEANED },
	{ BACKING_PFN_CACHED, YES, YES, ANY, MEMTYPE_WB, NONE },
	{ BACKING_PFN_CACHED, YES, NO, NO, MEMTYPE_REFUSED, NONE },
	{ BACKING_PFN_CACHED, YES, NO, YES, MEMTYPE_WB, NONE },
	{ BACKING_PFN_CACHED, NO, ANY, NO, MEMTYPE_REFUSED, NONE },
	{ BACKING_PFN_CACHED, NO, ANY, YES, MEMTYPE_WB, WINDOWED },
	{ BACKING_PFN_NC, ANY, ANY, ANY, MEMTYPE_NC, NONE },
	{ BACKING_PFN_DEVICE, ANY, ANY, ANY, MEMTYPE_DEVICE, NONE },
	{ BACKING_RAM_UNCACHED, ANY, ANY, ANY, MEMTYPE_DEVICE, CLEANED },
	{ BACKING_NONE, ANY, ANY, ANY, MEMTYPE_REFUSED, NONE },
	{ BACKING_POISON, ANY, ANY, ANY, MEMTYPE_REFUSED, NONE },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static bool agrees(enum tri said, bool is)
{
	return said == ANY || (said == YES) == is;
}

/* The one row for these; the table is whole and says nothing twice. */
static const struct type_row *row_of(enum backing_kind kind, const struct host *host, bool cmo)
{
	const struct type_row *found = NULL;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].kind != kind || !agrees(rows[i].fwb, host->fwb) ||
		    !agrees(rows[i].dic, host->dic) || !agrees(rows[i].cmo, cmo))
			continue;
		assert_null(found);
		found = &rows[i];
	}
	assert_non_null(found);
	return found;
}

static void check(enum backing_kind kind, const struct host *host, bool cmo)
{
	const struct type_row *row = row_of(kind, host, cmo);

	if (memtype_of(kind, host, cmo) != row->type)
		fail_msg("kind %d, fwb %d, dic %d, cmo %d: type", kind, host->fwb, host->dic, cmo);
	/* Of what is refused nobody asks more. */
	if (row->type == MEMTYPE_REFUSED)
		return;
	if (memtype_needs_clean(kind, host) != row->clean ||
	    memtype_needs_window(kind, host) != row->window)
		fail_msg("kind %d, fwb %d, dic %d, cmo %d: care", kind, host->fwb, host->dic, cmo);
}

static void types(void **state)
{
	for (int kind = BACKING_NONE; kind <= BACKING_POISON; kind++)
		for (int bits = 0; bits < 16; bits++) {
			struct host host = { .fwb = bits & 1, .dic = bits & 2, .idc = bits & 4 };

			check((enum backing_kind)kind, &host, bits & 8);
		}
}

/* KVM_CAP_ARM_CACHEABLE_PFNMAP_SUPPORTED, by the machines of docs/testing.md. */
static void coherent(void **state)
{
	assert_true(memtype_coherent(&host_max));
	assert_true(memtype_coherent(&host_n2));
	assert_false(memtype_coherent(&host_a710));
	assert_false(memtype_coherent(&host_a76));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(coherent),
	};

	return RUN(tests);
}
