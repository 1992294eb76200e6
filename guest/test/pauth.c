/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The pointer authentication keys belong to the vCPU: all ten registers read back
 * what was written, and a signature stays the same, over exits of every kind, with
 * other keys on each vCPU.
 */
#include "guest.h"
#include "pauth.h"

#define ISAR1_ADDRESS (GENMASK(7, 4) | GENMASK(11, 8)) /* APA, API */
#define ISAR2_ADDRESS GENMASK(15, 12)		       /* APA3 */
#define ROUNDS	      100
#define POINTER	      0x40123450UL

#define KEYS(x)                                                                         \
	x(S3_0_C2_C1_0) x(S3_0_C2_C1_1) x(S3_0_C2_C1_2) x(S3_0_C2_C1_3) x(S3_0_C2_C2_0) \
		x(S3_0_C2_C2_1) x(S3_0_C2_C2_2) x(S3_0_C2_C2_3) x(S3_0_C2_C3_0) x(S3_0_C2_C3_1)
#define KEY_WRITE(name) sysreg_write(name, pattern(i++, seed));
#define KEY_CHECK(name) wrong += sysreg_read(name) != pattern(i++, seed);

static u64 key_errors[CPU_MAX], sign_errors[CPU_MAX], signatures[CPU_MAX];

static void keys_write(u64 seed)
{
	u64 i = 0;

	KEYS(KEY_WRITE)
	isb();
}

static u64 keys_wrong(u64 seed)
{
	u64 i = 0, wrong = 0;

	KEYS(KEY_CHECK)
	return wrong;
}

static void check(u64 index)
{
	u64 seed = index + 1;

	keys_write(seed);
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | SCTLR_ENIA);
	isb();
	signatures[index] = pauth_sign(POINTER, seed);
	for (u64 round = 0; round < ROUNDS; round++) {
		leave(round);
		key_errors[index] += keys_wrong(seed);
		sign_errors[index] += pauth_sign(POINTER, seed) != signatures[index];
		sign_errors[index] += pauth_check(signatures[index], seed) != POINTER;
	}
}

static bool wrong_modifier_passes(void)
{
	u64 pointer;

	fault_arm();
	pointer = pauth_check(signatures[0], 2);
	return !fault_take().count && pointer == POINTER;
}

static bool pauth_present(void)
{
	return sysreg_read(id_aa64isar1_el1) & ISAR1_ADDRESS ||
	       sysreg_read(S3_0_C0_C6_2) & ISAR2_ADDRESS;
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	if (!pauth_present())
		tap_skip_all("this VM has no pointer authentication");
	cpu_run_all(check);
	for (u32 i = 0; i < cpu_count(); i++) {
		tap_is(key_errors[i], 0, "vCPU %u keeps its keys over %u exits", i, ROUNDS);
		tap_is(sign_errors[i], 0, "vCPU %u keeps its signatures", i);
		tap_ok(signatures[i] != POINTER, "vCPU %u: a signature is not the bare pointer", i);
	}
	tap_ok(!wrong_modifier_passes(), "a signature does not pass under another modifier");
	return tap_done();
}
