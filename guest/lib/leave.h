/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Ways out of the vCPU, for tests of what must survive them.
 */
#ifndef GUEST_LEAVE_H
#define GUEST_LEAVE_H

#include "types.h"

/*
 * By turns with @round: a hypercall, an exit to the VMM, or a busy loop long enough
 * for the host's timer to interrupt it now and then. Takes no exception at EL1.
 */
void leave(u64 round);

#endif
