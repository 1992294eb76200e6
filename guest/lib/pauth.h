/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Pointer authentication with key A for instructions. */
#ifndef GUEST_PAUTH_H
#define GUEST_PAUTH_H

#include "types.h"

/* @pointer with its signature under @modifier. */
u64 pauth_sign(u64 pointer, u64 modifier);

/* The pointer that was signed; a wrong one faults or becomes non-canonical. */
u64 pauth_check(u64 pointer, u64 modifier);

#endif
