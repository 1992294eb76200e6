// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/geom.h"

static_assert(TSR_PAGE_SHIFT == 12, "SL0 and TG0 below are those of the 4K granule");
static_assert(TSR_LEVEL_ORDER(0) + TSR_LEVEL_BITS + TSR_PAGE_SHIFT == 48, "four levels");

/* VTCR_EL2, Arm ARM D24.2 */
#define VTCR_T0SZ   GENMASK_ULL(5, 0)
#define VTCR_SL0    GENMASK_ULL(7, 6)
#define VTCR_IRGN0  GENMASK_ULL(9, 8)
#define VTCR_ORGN0  GENMASK_ULL(11, 10)
#define VTCR_SH0    GENMASK_ULL(13, 12)
#define VTCR_TG0    GENMASK_ULL(15, 14)
#define VTCR_PS	    GENMASK_ULL(18, 16)
#define VTCR_HA	    BIT_ULL(21)
#define VTCR_RES1   BIT_ULL(31)
#define VTCR_RGN_WB 1ULL
#define VTCR_SH_IS  3ULL
#define VTCR_TG0_4K 0ULL

/* Up to 16 start tables stand side by side. */
#define CONCAT_BITS_MAX 4

struct s2_geom s2_geom_make(u8 ipa_bits)
{
	unsigned int bits = ipa_bits - TSR_PAGE_SHIFT;
	struct s2_geom geom = { .ipa_bits = ipa_bits, .start_level = TSR_LEVEL_LAST };

	/* bits: what the start level has to resolve */
	while (bits > TSR_LEVEL_BITS + CONCAT_BITS_MAX) {
		bits -= TSR_LEVEL_BITS;
		geom.start_level--;
	}
	geom.root_tables = bits > TSR_LEVEL_BITS ? 1U << (bits - TSR_LEVEL_BITS) : 1;
	return geom;
}

/* ID_AA64MMFR0_EL1.PARange's encoding. */
static u64 pa_range(u8 pa_bits)
{
	static const u8 bits[] = { 32, 36, 40, 42, 44, 48 };
	u64 ps = 0;

	while (ps + 1 < sizeof(bits) && bits[ps + 1] <= pa_bits)
		ps++;
	return ps;
}

u64 s2_geom_vtcr(const struct s2_geom *geom, const struct host *host)
{
	return FIELD_PREP(VTCR_T0SZ, 64ULL - geom->ipa_bits) |
	       FIELD_PREP(VTCR_SL0, 2ULL - geom->start_level) |
	       FIELD_PREP(VTCR_IRGN0, VTCR_RGN_WB) | FIELD_PREP(VTCR_ORGN0, VTCR_RGN_WB) |
	       FIELD_PREP(VTCR_SH0, VTCR_SH_IS) | FIELD_PREP(VTCR_TG0, VTCR_TG0_4K) |
	       FIELD_PREP(VTCR_PS, pa_range(host->pa_bits)) | (host->hafdbs ? VTCR_HA : 0) |
	       VTCR_RES1;
}
