/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * `tessera tags`: which pages of a running VM have tags; all of them to a file,
 * and back.
 *
 * Looking leaves the VM running, and leaves out what is private. For a dump and for
 * a restore it rests, whatever becomes of this process, until the work is done; of
 * memory that is partly private there is neither. A dump appears under its name
 * only when it is complete. A file is read to its end and found good before a
 * restore begins with it; a restore is exact, pages that have no tags in the file
 * lose theirs.
 *
 * Each of these returns an exit status, having said why.
 */
#ifndef CMD_TAGS_H
#define CMD_TAGS_H

#include <signal.h>

#include "client.h"
#include "options.h"
#include "progress.h"
#include "tags_file.h"

/* The signal that asked this process to end, or 0; work goes on only while it is 0. */
extern volatile sig_atomic_t tags_signal;

/* `tessera tags`: @argv[0] is "tags". */
int tags_command(int argc, char **argv);

/* Prints what failed and returns @status; or, if a signal did it, what stands for that. */
int tags_fail(enum exit_status status, const struct tsr_why *why);

/*
 * Holds the VM, until all vCPUs rest, and finds out where its memory is. -errno as in client.h;
 * -EACCES, explained in @why: some of it is private.
 */
int tags_hold(struct client *client, struct tags_layout *layout, struct tsr_why *why);

uint64_t tags_layout_size(const struct tags_layout *layout);

int tags_dump(struct client *client, const char *path, bool progress);
int tags_restore(struct client *client, const char *path, bool progress);
int tags_check(const char *path, bool progress);

#endif
