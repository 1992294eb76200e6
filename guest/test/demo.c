/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The guest of the demonstration: what an MTE guest does with memory of which a
 * part (region 1) cannot hold tags. Its output is the same on every host. x0 is
 * what cksum says of the file behind region 1; 0 leaves that comparison away.
 *
 * Each step starts with a MARK, so that the VMM's timeline can be read along.
 */
#include "guest.h"

#define TAG_ANONYMOUS 5
#define TAG_FILE      10
#define TAG_WRONG     3
#define FAR_KNOWN     GENMASK(59, 0)
#define MEBIBYTE      (1 << 20)

enum step {
	STEP_COMPUTE = 1,
	STEP_TAG_ANONYMOUS,
	STEP_TAG_FILE,
	STEP_READ_BACK,
	STEP_WRONG_TAG,
	STEP_RECOMPUTE,
};

static u32 surprises;

static void expect(bool as_expected, const char *what)
{
	if (as_expected)
		return;
	surprises++;
	print("guest: NOT as expected: %s\n", what);
}

/* The CRC of POSIX cksum over memory, so that anyone can check it. */
static u32 crc_byte(u32 crc, u8 byte)
{
	static u32 table[256];

	if (!table[1]) {
		for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
			u32 entry = i << 24;

			for (u32 bit = 0; bit < 8; bit++)
				entry = entry << 1 ^ (entry >> 31 ? 0x04c11db7 : 0);
			table[i] = entry;
		}
	}
	return crc << 8 ^ table[crc >> 24 ^ byte];
}

static u32 checksum(const struct ram *ram)
{
	u32 crc = 0;

	for (u64 at = ram->base; at < ram->end; at++)
		crc = crc_byte(crc, *(volatile u8 *)at);
	for (u64 length = ram->end - ram->base; length; length >>= 8)
		crc = crc_byte(crc, (u8)length);
	return ~crc;
}

static u64 tag_exits(void)
{
	return control_read(CONTROL_TAG_EXITS);
}

static void tag_anonymous(void)
{
	static u8 granule[MTE_GRANULE] __attribute__((aligned(MTE_GRANULE)));
	u64 exits = tag_exits();

	control_write(CONTROL_MARK, STEP_TAG_ANONYMOUS);
	mte_stg(mte_pointer((u64)granule, TAG_ANONYMOUS));
	print("guest: stored tag %u in anonymous memory and read back %lu\n", TAG_ANONYMOUS,
	      mte_ldg((u64)granule));
	expect(mte_ldg((u64)granule) == TAG_ANONYMOUS, "the tag in anonymous memory");
	expect(tag_exits() == exits, "a TAG exit for anonymous memory");
}

static void tag_file(const struct ram *ram)
{
	bool exits_now = (control_read(CONTROL_FLAGS) & CONTROL_FLAG_NOTAG) && ram_tags_exit(ram);
	u64 at = ram->base;
	u64 exits = tag_exits(), promotions = control_read(CONTROL_PROMOTIONS);

	control_write(CONTROL_MARK, STEP_TAG_FILE);
	mte_stg(mte_pointer(at, TAG_FILE));
	print("guest: stored tag %u in file-backed memory\n", TAG_FILE);
	expect(tag_exits() - exits == exits_now, "the number of TAG exits of the store");
	expect(control_read(CONTROL_PROMOTIONS) - promotions == exits_now,
	       "the number of promotions of the store");
	control_write(CONTROL_MARK, STEP_READ_BACK);
	print("guest: read back tag %lu\n", mte_ldg(at));
	expect(mte_ldg(at) == TAG_FILE, "the tag in file-backed memory");
}

static void wrong_tag(u64 at)
{
	u64 pointer = mte_pointer(at, TAG_WRONG);
	struct fault fault;
	bool caught;

	control_write(CONTROL_MARK, STEP_WRONG_TAG);
	mte_check(MTE_CHECK_SYNC);
	mte_load(mte_pointer(at, TAG_FILE));
	fault_arm();
	mte_load(pointer);
	fault = fault_take();
	mte_check(MTE_CHECK_OFF);
	caught = fault.count == 1 && FIELD_GET(ESR_EC, fault.esr) == EC_DATA_SAME &&
		 FIELD_GET(ESR_DFSC, fault.esr) == DFSC_TAG_CHECK &&
		 (fault.far & FAR_KNOWN) == (pointer & FAR_KNOWN);
	print("guest: a load with tag %u there: %s\n", TAG_WRONG,
	      caught ? "tag check fault, caught at EL1" : "no tag check fault");
	expect(caught, "the tag check fault");
}

u64 main(u64 cksum, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;
	u32 before, after;

	mte_need();
	ram = ram_need(1, 1);
	control_write(CONTROL_MARK, STEP_COMPUTE);
	before = checksum(&ram);
	print("guest: %lu MiB of file-backed memory, checksum %u\n",
	      (ram.end - ram.base) / MEBIBYTE, before);
	expect(!cksum || before == cksum, "the checksum of the file");
	if (control_read(CONTROL_FLAGS) & CONTROL_FLAG_NOTAG)
		expect(tag_exits() == 0, "a TAG exit before the first tag access");
	tag_anonymous();
	tag_file(&ram);
	wrong_tag(ram.base);
	control_write(CONTROL_MARK, STEP_RECOMPUTE);
	after = checksum(&ram);
	print("guest: checksum again %u\n", after);
	expect(after == before, "the data after the promotion");
	if (!surprises)
		print("guest: all as expected\n");
	return surprises ? EXIT_FAILED : EXIT_PASSED;
}
