// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Stage-2 descriptors: bits as the Arm ARM has them, and as the emulated walker reads them. */
#include "world.h"

struct desc_case {
	const char *what;
	const struct host *host;
	int level;
	enum memtype type;
	perm_t perm;
	u64 desc; /* with address 0x123456789000 or its block */
};

static struct host host_a76_mteperm;

#define R  PERM_R
#define W  PERM_W
#define X  PERM_X
#define T  PERM_T
#define XN (2ULL << 53)

/* Bits 1:0 kind, 5:2 MemAttr, 7:6 S2AP, 9:8 SH, 10 AF, 54:53 XN (D8.3, D8.6). */
static const struct desc_case desc_cases[] = {
	{ "page, all, FWB", &host_max, 3, MEMTYPE_WB, R | W | X | T,
	  0x123456789000 | 3 | 0x6 << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ "page, NoTagAccess, FWB", &host_max, 3, MEMTYPE_WB, R | W | X,
	  0x123456789000 | 3 | 0xe << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ "page, all", &host_a76, 3, MEMTYPE_WB, R | W | X | T,
	  0x123456789000 | 3 | 0xf << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ "page, NoTagAccess, no FWB", &host_a76_mteperm, 3, MEMTYPE_WB, R | W | X,
	  0x123456789000 | 3 | 0x4 << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ "no MTE_PERM: T is not denied", &host_n2, 3, MEMTYPE_WB, R | W | X,
	  0x123456789000 | 3 | 0x6 << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ "2 MiB block", &host_max, 2, MEMTYPE_WB, R | W | X | T,
	  0x123456600000 | 1 | 0x6 << 2 | 3 << 6 | 3 << 8 | 1 << 10 },
	{ "1 GiB block, read-only", &host_max, 1, MEMTYPE_WB, R | X | T,
	  0x123440000000 | 1 | 0x6 << 2 | 1 << 6 | 3 << 8 | 1 << 10 },
	{ "execute-only", &host_max, 3, MEMTYPE_WB, X | T,
	  0x123456789000 | 3 | 0x6 << 2 | 3 << 8 | 1 << 10 },
	{ "write-only", &host_max, 3, MEMTYPE_WB, W | T,
	  0x123456789000 | 3 | 0x6 << 2 | 2 << 6 | 3 << 8 | 1 << 10 | XN },
	{ "Device", &host_max, 3, MEMTYPE_DEVICE, R | W,
	  0x123456789000 | 3 | 0x1 << 2 | 3 << 6 | 3 << 8 | 1 << 10 | XN },
	{ "Normal-NC", &host_a76, 3, MEMTYPE_NC, R | W | T,
	  0x123456789000 | 3 | 0x5 << 2 | 3 << 6 | 3 << 8 | 1 << 10 | XN },
};

static void encode(void **state)
{
	host_a76_mteperm = host_a76;
	host_a76_mteperm.mte_perm = true;
	for (size_t i = 0; i < sizeof(desc_cases) / sizeof(desc_cases[0]); i++) {
		const struct desc_case *c = &desc_cases[i];
		u64 hpa = 0x123456789000 & ~((PAGE << TSR_LEVEL_ORDER(c->level)) - 1);
		u64 desc = s2_desc_leaf(c->host, hpa_of(hpa), c->level, c->type, c->perm);

		if (desc != c->desc)
			fail_msg("%s: %llx, expected %llx", c->what, desc, c->desc);
	}
}

/* Whatever is encoded is decoded to the same; T counts where it can be denied. */
static void decode_is_inverse(void **state)
{
	for (unsigned int i = 0; i < 3 * 3 * 16 * 4; i++) {
		int level = 1 + (int)(i % 3);
		enum memtype type = (enum memtype)(MEMTYPE_WB + i / 3 % 3);
		perm_t perm = (perm_t)(i / 9 % 16);
		struct host host = { .fwb = i / 144 % 2, .mte_perm = i / 288 % 2 };
		u64 hpa = 0xfedcba987000 & ~((PAGE << TSR_LEVEL_ORDER(level)) - 1);
		struct s2_entry e = s2_desc_decode(
			&host, s2_desc_leaf(&host, hpa_of(hpa), level, type, perm), level);

		if (type != MEMTYPE_WB || !host.mte_perm)
			perm |= PERM_T;
		assert_int_equal(e.kind, S2_LEAF);
		assert_int_equal(e.hpa.addr, hpa);
		assert_int_equal(e.type, type);
		assert_int_equal(e.perm, perm);
		assert_true(e.young);
	}
}

/* No 64-bit value is decoded to anything undefined; what is not valid is INVALID. */
static void decode_is_total(void **state)
{
	u64 seed = 3;

	for (int i = 0; i < 100000; i++) {
		u64 desc = random_next(&seed);
		int level = (int)random_below(&seed, 4);
		struct s2_entry e = s2_desc_decode(i & 1 ? &host_max : &host_a76, desc, level);

		if (!(desc & 1) || (level == 3 && !(desc & 2)) || (level == 0 && !(desc & 2)))
			assert_int_equal(e.kind, S2_INVALID);
		else
			assert_int_equal(e.kind, level < 3 && (desc & 2) ? S2_TABLE : S2_LEAF);
	}
}

static void table_entry(void **state)
{
	u64 desc = s2_desc_table(hpa_of(0x876543210000));
	struct s2_entry e = s2_desc_decode(&host_max, desc, 1);

	assert_int_equal(desc, 0x876543210003);
	assert_int_equal(e.kind, S2_TABLE);
	assert_int_equal(e.hpa.addr, 0x876543210000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode),
		cmocka_unit_test(decode_is_inverse),
		cmocka_unit_test(decode_is_total),
		cmocka_unit_test(table_entry),
	};

	return RUN(tests);
}
