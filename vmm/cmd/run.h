/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* `tessera run`: sets a machine up, lets it run, reports how it ended. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

/* @argv[0] is "run". Returns the exit status (enum exit_status). */
int run_command(int argc, char **argv);

#endif
