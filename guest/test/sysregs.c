/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * System registers that EL1 may write belong to the vCPU: what was written reads
 * back at once, and after exits, with other values on each vCPU. Only bits that
 * every implementation has, and that change nothing while the test runs.
 */
#include "guest.h"

#define ROUNDS 60

/* Register and the bits of it to try. */
#define REGISTERS(x)                                                                               \
	x(tpidr_el0, GENMASK(63, 0)) x(tpidrro_el0, GENMASK(63, 0)) x(tpidr_el1, GENMASK(63, 0))   \
		x(sp_el0, GENMASK(63, 0)) x(vbar_el1, GENMASK(47, 11))                             \
			x(ttbr1_el1, GENMASK(63, 48)) x(mair_el1, GENMASK(63, 24)) x(              \
				contextidr_el1, GENMASK(31, 0)) x(far_el1, GENMASK(63, 0))         \
				x(esr_el1, GENMASK(31, 0)) x(elr_el1, GENMASK(63, 0)) x(           \
					spsr_el1, GENMASK(31, 28)) x(par_el1, GENMASK(47, 12))     \
					x(cntkctl_el1, GENMASK(7, 4)) x(csselr_el1, GENMASK(1, 1)) \
						x(mdscr_el1, GENMASK(12, 12))                      \
							x(cpacr_el1, GENMASK(21, 21))              \
								x(sctlr_el1, GENMASK(18, 18))

#define ENTRY(reg, bits) { #reg, bits },
#define SAVE(reg, bits)	 values[i++] = sysreg_read(reg);
#define LOAD(reg, bits)	 sysreg_write(reg, values[i++]);

static const struct {
	const char *name;
	u64 bits;
} registers[] = { REGISTERS(ENTRY) };

#define COUNT ARRAY_SIZE(registers)

static u64 wrong_at_once[CPU_MAX][COUNT], wrong_later[CPU_MAX][COUNT];

static void save(u64 *values)
{
	u32 i = 0;

	REGISTERS(SAVE)
}

static void load(const u64 *values)
{
	u32 i = 0;

	REGISTERS(LOAD)
	isb();
}

static void check(u64 index)
{
	/* leave() takes no exception, so VBAR_EL1 and ELR_EL1 are free to change. */
	u64 own[COUNT], want[COUNT], got[COUNT], later[COUNT];

	save(own);
	for (u64 round = 0; round < ROUNDS; round++) {
		for (u32 i = 0; i < COUNT; i++)
			want[i] = (own[i] & ~registers[i].bits) |
				  (pattern(round * COUNT + i, index + 1) & registers[i].bits);
		load(want);
		save(got);
		leave(round);
		save(later);
		load(own);
		for (u32 i = 0; i < COUNT; i++) {
			wrong_at_once[index][i] += ((got[i] ^ want[i]) & registers[i].bits) != 0;
			wrong_later[index][i] += got[i] != later[i];
		}
	}
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u32 count = cpu_count();
	u64 at_once, later;

	cpu_run_all(check);
	for (u32 i = 0; i < COUNT; i++) {
		at_once = later = 0;
		for (u32 cpu = 0; cpu < count; cpu++) {
			at_once += wrong_at_once[cpu][i];
			later += wrong_later[cpu][i];
		}
		tap_is(at_once, 0, "%s reads what was written", registers[i].name);
		tap_is(later, 0, "%s is kept over exits on %u vCPUs", registers[i].name, count);
	}
	return tap_done();
}
