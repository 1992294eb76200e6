/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The flat map of the model of core/s2: what each page must be.
 *
 * Where core has a choice, such as to drop the rest of a block that it has no table to split
 * by, a page's bounds are apart; comparing it settles them by what is there. What a page is
 * made of, page or block, is not in the map: the walker tells.
 */
#ifndef MODEL_FLAT_H
#define MODEL_FLAT_H

#include "look.h"

#define FLAT_MAPPED  1U
#define FLAT_YOUNG   2U
#define FLAT_LOOSE   4U /* may be gone */
#define FLAT_AGELESS 8U /* of any age */

struct flat_page {
	u32 hfn; /* the host's page frame */
	u8 least, most;
	u8 type;  /* enum memtype */
	u8 state; /* FLAT_* */
};

extern struct flat_page flat[LOOK_PAGES];

/* Compares what is there in the range, and a page on each side, with the map. */
void flat_check(struct look_range range);
void flat_check_all(void);

#endif
