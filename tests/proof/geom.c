// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: every IPA size has a start level, tables that reach its end, and a lawful VTCR_EL2
 * sources: core/s2/geom.c
 * options: --unwind 8
 */
#include "proof.h"
#include "s2/geom.h"

/* ID_AA64MMFR0_EL1.PARange's values, D24.2: address bits for each. */
static u8 range_bits(u64 ps)
{
	switch (ps) {
	case 0:
		return 32;
	case 1:
		return 36;
	case 2:
		return 40;
	case 3:
		return 42;
	case 4:
		return 44;
	case 5:
		return 48;
	}
	return 0;
}

static void prove_shape(struct s2_geom geom)
{
	u64 entry_pages = 1ULL << (9 * (3 - geom.start_level));

	prove(geom.start_level <= 2);
	prove(geom.root_tables == 1 || geom.root_tables == 2 || geom.root_tables == 4 ||
	      geom.root_tables == 8 || geom.root_tables == 16);
	/* The tables reach the end, and no table is for naught. */
	prove(geom.root_tables * 512ULL * entry_pages >= s2_geom_pages(&geom));
	prove(geom.root_tables == 1 ||
	      geom.root_tables * 512ULL * entry_pages == s2_geom_pages(&geom));
	prove(s2_geom_root_entries(&geom) == geom.root_tables * 512U);
	/* The fewest levels: 16 tables of the next level would not do (D8.2.10). */
	prove(geom.start_level == 2 || 16 * 512ULL * (entry_pages >> 9) < s2_geom_pages(&geom));
}

static void prove_vtcr(u64 vtcr, struct s2_geom geom, const struct host *host)
{
	u64 ps = bits(vtcr, 18, 16);

	prove(bits(vtcr, 5, 0) == 64U - geom.ipa_bits);
	/* SL0, 4K granule: 0, 1, 2 start at level 2, 1, 0. */
	prove(bits(vtcr, 7, 6) == 2U - geom.start_level);
	prove(bits(vtcr, 9, 8) == 1 && bits(vtcr, 11, 10) == 1 && bits(vtcr, 13, 12) == 3);
	prove(bits(vtcr, 15, 14) == 0);
	/* The largest size that the host has. */
	prove(range_bits(ps) && range_bits(ps) <= host->pa_bits);
	prove(ps == 5 || range_bits(ps + 1) > host->pa_bits);
	/* VS is the owner's; dirty state by hardware and what lies above is not in use. */
	prove(!bits(vtcr, 20, 19) && !bits(vtcr, 30, 22) && bit(vtcr, 31));
	prove(!bits(vtcr, 63, 32));
	prove(!bit(vtcr, 21) || host->hafdbs);
}

int main(void)
{
	struct host host = any_host();
	u8 ipa_bits = (u8)any_between(32, 48);
	struct s2_geom geom = s2_geom_make(ipa_bits);

	prove(geom.ipa_bits == ipa_bits);
	prove(s2_geom_pages(&geom) == 1ULL << (ipa_bits - 12));
	prove_shape(geom);
	prove_vtcr(s2_geom_vtcr(&geom, &host), geom, &host);
	proved();
	return 0;
}
