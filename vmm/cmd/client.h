/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Who asks a running machine: a channel to it (channel.h) and the questions as
 * functions. Each explains its errors in @why and returns:
 *
 *	-EPROTO	there is no answer: it ended, or belongs to another user
 *	others	what the machine answered
 *
 * A machine that is held rests until client_close(), whatever ends this process.
 */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include "channel.h"
#include "snapshot.h"

struct client {
	const char *where;
	int channel;
	struct ask ask;
	struct answer answer;
};

/* @where: a process's number or a path. Errors: those of channel_connect(). */
int client_open(struct client *client, const char *where, struct tsr_why *why);
void client_close(struct client *client);

/* The picture of its memory; snapshot_free() it. */
int client_snapshot(struct client *client, struct snapshot *snapshot, struct tsr_why *why);

/*
 * ASK_PAUSE or ASK_HOLD, and waits until all vCPUs rest.
 * Errors: -ETIMEDOUT if one does not, in some seconds; the pause is taken back.
 */
int client_rest(struct client *client, enum question question, struct tsr_why *why);

/* ASK_STATE or ASK_RESUME; what came is in client->answer. */
int client_ask(struct client *client, enum question question, struct tsr_why *why);

/*
 * Reads the tags of the first of @pages pages; how many is in
 * client->answer.pages_done, at least 64 or all, and what they have in its bitmap
 * and tags.
 */
int client_tags(struct client *client, uint64_t gpa, uint64_t pages, struct tsr_why *why);

/* Writes those that client->ask describes: gpa, pages, bitmap and tags. */
int client_tags_set(struct client *client, struct tsr_why *why);

#endif
