/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The five permissions of a guest page.
 *
 * A set of them is a perm_t. What a page grants is `all` less what the slot, the
 * attributes and the backing lack (docs/abi.md, "Effective permission"); it is
 * computed in fault.c by pure functions and nowhere else. Tag is FEAT_MTE_PERM's
 * NoTagAccess turned round: a permission, not a memory type.
 */
#ifndef CORE_PERM_H
#define CORE_PERM_H

#include "types.h"

typedef u8 perm_t;

#define PERM_R	  ((perm_t)BIT(0)) /* loads, and the guest's own table walks */
#define PERM_W	  ((perm_t)BIT(1)) /* stores, tag stores, hardware AF and dirty updates */
#define PERM_X	  ((perm_t)BIT(2)) /* instruction fetch, EL1 and EL0 */
#define PERM_T	  ((perm_t)BIT(3)) /* allocation tags: explicit and tag-checked accesses */
#define PERM_H	  ((perm_t)BIT(4)) /* the host may see the page; without it: private */
#define PERM_NONE ((perm_t)0)
#define PERM_ALL  ((perm_t)(PERM_R | PERM_W | PERM_X | PERM_T | PERM_H))

static inline bool perm_has(perm_t have, perm_t need)
{
	return (have & need) == need;
}

#endif
