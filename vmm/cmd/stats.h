/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* --stats: what a run came to, as name=value lines that a script can read. */
#ifndef CMD_STATS_H
#define CMD_STATS_H

#include <stdio.h>

#include "machine.h"

/* vCPUs must have stopped, and guest memory must still be mapped. */
void stats_print(FILE *file, const struct machine *machine, int status);

#endif
