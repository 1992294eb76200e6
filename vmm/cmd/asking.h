/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * `tessera inspect`, `pause` and `resume`: small questions to a running VM.
 * argv[0] is the command's name; each returns the exit status.
 */
#ifndef CMD_ASKING_H
#define CMD_ASKING_H

int inspect_command(int argc, char **argv);
int pause_command(int argc, char **argv);
int resume_command(int argc, char **argv);

#endif
