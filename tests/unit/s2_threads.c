// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The hardware finds pages (sets their access flag) while permissions and age are taken from
 * them: nothing that was taken may come back, and nothing that was found be lost.
 */
#include "tables.h"

#define ROUNDS 300
#define PAGES  512U

static bool stop;

static u64 *entry_of(u64 ipa)
{
	u64 *table = t.s2.root + (ipa >> 30);

	for (int level = 2; level <= 3; level++)
		table = (u64 *)seam_table_ptr(s2_desc_hpa(*table)) +
			((ipa >> (12 + TSR_LEVEL_ORDER(level))) & 511);
	return table;
}

/* As the hardware does it: the descriptor that it has read, or none (D8.5.2). */
static void *find(void *arg)
{
	u64 *entry = arg;

	while (!READ_ONCE(stop))
		for (unsigned int i = 0; i < PAGES; i++) {
			u64 desc = READ_ONCE(entry[i]);

			if ((desc & S2_DESC_VALID) && !(desc & S2_DESC_AF))
				(void)cmpxchg_release(&entry[i], desc, desc | S2_DESC_AF);
		}
	return NULL;
}

static void round_of(unsigned int i)
{
	struct s2_leaf leaf = { .hpa = hpa_of(PA), .type = MEMTYPE_WB, .perm = RWXT };

	map_range(IPA, BLOCK, 3, &leaf);
	age(IPA, BLOCK, true);
	switch (i % 3) {
	case 0:
		protect(IPA, BLOCK, PERM_W);
		break;
	case 1:
		write_protect_with(NULL, IPA, BLOCK);
		break;
	case 2:
		protect(IPA, BLOCK, PERM_W | PERM_X);
		break;
	}
	for (u64 at = 0; at < BLOCK; at += PAGE) {
		perm_t has = s2_lookup(&t.s2, gpa_gfn(gpa_of(IPA + at))).perm;

		assert_int_equal(has, i % 3 == 2 ? PERM_R | PERM_T : RWXT & ~PERM_W);
	}
}

static void takes_beside_the_hardware(void **state)
{
	pthread_t thread;
	bool young = false;

	tables_begin(&host_max, 40);
	map(IPA, PA, 3, RWXT);
	assert_int_equal(pthread_create(&thread, NULL, find, entry_of(IPA)), 0);
	for (unsigned int i = 0; i < ROUNDS; i++)
		round_of(i);
	/* All is found in the end. */
	for (u64 at = 0; at < BLOCK; at += PAGE)
		while (!(young = age(IPA + at, PAGE, false)))
			sched_yield();
	assert_true(young);
	WRITE_ONCE(stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(tables_end());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_beside_the_hardware),
	};

	return RUN(tests);
}
