/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* All of the guest library, for a test: start reading at layout.h and tap.h. */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "layout.h"
#include "types.h"
#include "sysreg.h"
#include "mem.h"
#include "control.h"
#include "console.h"
#include "cpu.h"
#include "exception.h"
#include "heap.h"
#include "leave.h"
#include "mte.h"
#include "ram.h"
#include "smccc.h"
#include "tap.h"

/*
 * Each guest's own. Runs at EL1 on vCPU 0 with the MMU on and interrupts masked;
 * the arguments are the numbers after the image on the command line, 0 where
 * there is none. The result is the status that the guest exits with.
 */
u64 main(u64 a, u64 b, u64 c, u64 d);

/* Room for the unused ones of main()'s arguments. */
#define unused __attribute__((unused))

#endif
