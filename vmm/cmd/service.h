/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a running machine answers to those who ask it (channel.h): its memory's
 * picture, its tags, and to pause. All on the main thread, which never waits for
 * who asks. Each question is answered in bounded time, so that one who asks
 * much keeps neither signals nor others waiting.
 *
 * A machine whose tags are written has to rest: ASK_TAGS_SET is answered
 * -EBUSY unless the same channel holds the machine and all its vCPUs rest. Memory
 * that cannot hold tags is promoted for it, if the machine's policy is to promote.
 *
 * Locks: none; the main thread's.
 */
#ifndef CMD_SERVICE_H
#define CMD_SERVICE_H

#include <poll.h>

#include "channel.h"

struct machine;

#define SERVICE_CHANNELS 8
#define SERVICE_POLLED	 (SERVICE_CHANNELS + 1)

struct service {
	int socket; /* -1: nobody can ask */
	const char *path;
	struct {
		int fd; /* -1: free */
		bool holds;
	} channels[SERVICE_CHANNELS];
	bool paused; /* by ASK_PAUSE */
	struct ask ask;
	struct answer answer;
};

/* @path: where to listen; NULL for the abstract name. Errors, explained in @why: of bind(). */
int service_open(struct service *service, const char *path, struct tsr_why *why);
void service_close(struct service *service);

/* Fills in what the main thread waits for; where all channels are in use others wait. */
void service_poll(const struct service *service, struct pollfd polled[SERVICE_POLLED]);

/* Answers those who have asked; vCPU threads have been started. */
void service_serve(struct machine *machine, const struct pollfd polled[SERVICE_POLLED]);

#endif
