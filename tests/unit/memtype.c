// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory types: the table of docs/abi.md 9, a row a case. */
#include "world.h"

struct type_case {
	enum backing_kind kind;
	bool fwb, dic;
	enum memtype type;
	bool clean;
};

#define ANY_HOST(kind, type, clean)                                              \
	{ kind, false, false, type, clean }, { kind, false, true, type, clean }, \
		{ kind, true, false, type, clean },                              \
	{                                                                        \
		kind, true, true, type, clean                                    \
	}

static const struct type_case type_cases[] = {
	{ BACKING_RAM, true, false, MEMTYPE_WB, false },
	{ BACKING_RAM, true, true, MEMTYPE_WB, false },
	{ BACKING_RAM, false, false, MEMTYPE_WB, true },
	{ BACKING_RAM, false, true, MEMTYPE_WB, true },
	{ BACKING_PFN_CACHED, true, true, MEMTYPE_WB, false },
	{ BACKING_PFN_CACHED, true, false, MEMTYPE_REFUSED, false },
	{ BACKING_PFN_CACHED, false, true, MEMTYPE_REFUSED, false },
	{ BACKING_PFN_CACHED, false, false, MEMTYPE_REFUSED, false },
	ANY_HOST(BACKING_PFN_NC, MEMTYPE_NC, false),
	ANY_HOST(BACKING_PFN_DEVICE, MEMTYPE_DEVICE, false),
	ANY_HOST(BACKING_RAM_UNCACHED, MEMTYPE_DEVICE, true),
	ANY_HOST(BACKING_NONE, MEMTYPE_REFUSED, false),
	ANY_HOST(BACKING_POISON, MEMTYPE_REFUSED, false),
};

static void types(void **state)
{
	for (size_t i = 0; i < sizeof(type_cases) / sizeof(type_cases[0]); i++) {
		const struct type_case *c = &type_cases[i];
		struct host host = { .fwb = c->fwb, .dic = c->dic };

		if (memtype_of(c->kind, &host) != c->type ||
		    memtype_needs_clean(c->kind, &host) != c->clean)
			fail_msg("kind %d, fwb %d, dic %d", c->kind, c->fwb, c->dic);
	}
	assert_int_equal(sizeof(type_cases) / sizeof(type_cases[0]), 7 * 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(types) };

	return RUN(tests);
}
