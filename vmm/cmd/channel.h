/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How a running `tessera run` is asked: a Unix socket that keeps messages
 * apart. Who has connected asks one question after the other and gets an answer
 * to each. Questions and answers are of limited size and come whole or not at
 * all, so nobody who connects can keep the VMM waiting, and what it is told is
 * checked by ask_is_sound() before anything else looks at it.
 *
 * The socket has a path, or else the abstract name "tessera-PID". Only the user
 * that runs the VM, and root, are answered; who asks checks likewise that who
 * answers is the process it asked for, or runs as its own user or root.
 *
 * Sections of the manual: unix(7), SOCK_SEQPACKET, SO_PEERCRED and SCM_RIGHTS.
 */
#ifndef CMD_CHANNEL_H
#define CMD_CHANNEL_H

#include <stddef.h>

#include "tessera/range.h"
#include "tessera/why.h"

#define CHANNEL_VERSION	  2U
#define CHANNEL_PAGES_MAX 4096U /* of a question about tags */
#define CHANNEL_WORDS	  (CHANNEL_PAGES_MAX / 64)
#define CHANNEL_TAGS_MAX  65536U /* bytes, packed */

enum question {
	ASK_SNAPSHOT = 1, /* answered by the descriptor of a sealed memfd (snapshot.h) */
	ASK_STATE,	  /* how many vCPUs there are, and how many of them rest */
	ASK_PAUSE,	  /* vCPUs come to rest, until ASK_RESUME */
	ASK_RESUME,
	ASK_HOLD,      /* vCPUs come to rest, until who asked disconnects */
	ASK_TAGS,      /* the tags of a range */
	ASK_TAGS_SET,  /* the other way; only with ASK_HOLD, once all vCPUs rest */
	ASK_QUESTIONS, /* the number of the last, plus one */
};

struct ask {
	uint32_t version;
	uint32_t question;
	uint64_t gpa; /* of tags: the range, at most CHANNEL_PAGES_MAX pages */
	uint64_t pages;
	uint32_t bytes; /* at tags[]: 128 for each bit, for ASK_TAGS_SET */
	uint32_t pad;
	uint64_t bitmap[CHANNEL_WORDS]; /* as tessera/tags.h has it */
	unsigned char tags[CHANNEL_TAGS_MAX];
};

struct answer {
	int32_t error; /* 0, or -errno, which tags[] explains as text */
	uint32_t vcpus;
	uint32_t resting;    /* of them */
	uint32_t paused;     /* 1: they are to rest */
	uint64_t pages_done; /* of tags; after an error, too */
	uint32_t bytes;	     /* at tags[] */
	uint32_t pad;
	uint64_t bitmap[CHANNEL_WORDS];
	unsigned char tags[CHANNEL_TAGS_MAX];
};

#define ASK_HEAD    offsetof(struct ask, tags)
#define ANSWER_HEAD offsetof(struct answer, tags)

/* Whether what came as @size bytes is a question. Pure. */
bool ask_is_sound(const struct ask *ask, size_t size);

/*
 * Listens at @path; NULL for the abstract name. Returns the socket.
 * Errors, explained in @why: -ENAMETOOLONG; those of bind().
 */
int channel_listen(const char *path, struct tsr_why *why);

/* One who has connected and may ask; -1 if there is none, or who has may not. Never waits. */
int channel_accept(int listening);

/*
 * A question; @ask is 0 behind it. Never waits.
 * Errors: -EAGAIN: none has come; -EPROTO: there will be none, close the channel.
 */
int channel_receive(int channel, struct ask *ask);

/*
 * The answer, with descriptor @fd if that is not -1. Never waits.
 * Errors: -EPIPE: it was not taken, close the channel.
 */
int channel_reply(int channel, const struct answer *answer, int fd);

/*
 * The other side: connects to the VM at @where, a process's number or a path.
 * Returns the channel.
 *
 * Errors, explained in @why: those of connect(); -EPERM if somebody else
 * answers.
 */
int channel_connect(const char *where, struct tsr_why *why);

/*
 * Asks and waits for the answer, within reason; @fd may be NULL, else it is the
 * descriptor that came along, or -1.
 *
 * Errors: -EPROTO if there is no answer.
 */
int channel_ask(int channel, const struct ask *ask, struct answer *answer, int *fd);

#endif
