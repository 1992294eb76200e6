/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel.h"

#define PATIENCE 10 /* seconds */

/* A message, and room for a descriptor that comes with it. */
struct parcel {
	struct iovec data;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message;
};

static void parcel_init(struct parcel *parcel, const void *data, size_t size)
{
	memset(parcel, 0, sizeof(*parcel));
	/* A struct iovec serves both directions; sendmsg() only reads. */
	parcel->data = (struct iovec){ .iov_base = (void *)data, .iov_len = size };
	parcel->message.msg_iov = &parcel->data;
	parcel->message.msg_iovlen = 1;
}

/* The address of @path, or the abstract one of process @pid; 0 if the path is too long. */
static socklen_t address_of(const char *path, unsigned long pid, struct sockaddr_un *address)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (!path)
		return (socklen_t)(head + 1 +
				   (size_t)snprintf(address->sun_path + 1,
						    sizeof(address->sun_path) - 1, "tessera-%lu",
						    pid));
	if (!path[0] || strlen(path) >= sizeof(address->sun_path))
		return 0;
	strcpy(address->sun_path, path);
	return sizeof(*address);
}

static bool is_trusted(uid_t user)
{
	return user == 0 || user == geteuid();
}

static bool peer_of(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) && size == sizeof(*peer);
}

static uint64_t bits_of(const struct ask *ask)
{
	uint64_t bits = 0;

	for (uint64_t page = 0; page < ask->pages; page++)
		bits += ask->bitmap[page / 64] >> page % 64 & 1;
	return bits;
}

static bool range_is_sound(const struct ask *ask)
{
	struct tsr_range range;

	return ask->pages && ask->pages <= CHANNEL_PAGES_MAX && !(ask->gpa % TSR_PAGE_SIZE) &&
	       !tsr_range_make(ask->gpa, ask->pages * TSR_PAGE_SIZE, &range);
}

bool ask_is_sound(const struct ask *ask, size_t size)
{
	if (size < ASK_HEAD || ask->version != CHANNEL_VERSION || ask->pad ||
	    ask->bytes > CHANNEL_TAGS_MAX || size != ASK_HEAD + ask->bytes)
		return false;
	switch (ask->question) {
	case ASK_SNAPSHOT:
	case ASK_STATE:
	case ASK_PAUSE:
	case ASK_RESUME:
	case ASK_HOLD:
		return !ask->bytes;
	case ASK_TAGS:
		return !ask->bytes && range_is_sound(ask);
	case ASK_TAGS_SET:
		return range_is_sound(ask) && ask->bytes == bits_of(ask) * 128;
	default:
		return false;
	}
}

int channel_listen(const char *path, struct tsr_why *why)
{
	struct sockaddr_un address;
	socklen_t size = address_of(path, (unsigned long)getpid(), &address);
	int listening, error = 0;
	mode_t mask;

	if (!size)
		return tsr_because(why, -ENAMETOOLONG, "\"%s\" is no name for a socket.", path);
	listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listening < 0)
		return tsr_because(why, -errno, "Cannot make a socket: %s.", strerror(errno));
	mask = umask(S_IRWXG | S_IRWXO);
	if (bind(listening, (struct sockaddr *)&address, size))
		error = -errno;
	umask(mask);
	if (!error && !listen(listening, 8))
		return listening;
	error = error ? error : -errno;
	close(listening);
	return tsr_because(why, error, "Cannot listen at %s: %s.",
			   path ? path : "the socket by which a VM is asked", strerror(-error));
}

int channel_accept(int listening)
{
	int channel = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;

	if (channel < 0 || (peer_of(channel, &peer) && is_trusted(peer.uid)))
		return channel;
	close(channel);
	return -1;
}

int channel_receive(int channel, struct ask *ask)
{
	ssize_t size;

	memset(ask, 0, ASK_HEAD);
	size = recv(channel, ask, sizeof(*ask), MSG_DONTWAIT | MSG_TRUNC);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	return size > 0 && ask_is_sound(ask, (size_t)size) ? 0 : -EPROTO;
}

int channel_reply(int channel, const struct answer *answer, int fd)
{
	size_t size = ANSWER_HEAD + answer->bytes;
	struct parcel parcel;

	parcel_init(&parcel, answer, size);
	if (fd >= 0) {
		struct cmsghdr *head;

		parcel.message.msg_control = &parcel.control;
		parcel.message.msg_controllen = sizeof(parcel.control);
		head = CMSG_FIRSTHDR(&parcel.message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	if (sendmsg(channel, &parcel.message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
		return 0;
	return -EPIPE;
}

/* A process's number: digits and nothing else. */
static const char *path_unless_pid(const char *where, unsigned long *pid)
{
	char *end;

	*pid = 0;
	if (!isdigit((unsigned char)where[0]))
		return where;
	*pid = strtoul(where, &end, 10);
	return *end ? where : NULL;
}

/* For an answer, and to be let in where many wait for one who does not answer. */
static int patience_set(int fd)
{
	struct timeval patience = { .tv_sec = PATIENCE };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static int connect_to(const char *where, int channel, struct tsr_why *why)
{
	struct sockaddr_un address;
	struct ucred peer;
	unsigned long pid;
	const char *path = path_unless_pid(where, &pid);
	socklen_t size = address_of(path, pid, &address);

	if (!size)
		return tsr_because(why, -ENAMETOOLONG, "\"%s\" is no name of a socket.", where);
	if (patience_set(channel))
		return tsr_because(why, -errno, "Cannot set a time limit: %s.", strerror(errno));
	if (connect(channel, (struct sockaddr *)&address, size))
		return tsr_because(why, -errno,
				   "No VM can be asked at %s: %s. Name the process of a tessera "
				   "run, or the socket that it was given (--socket).",
				   where, strerror(errno));
	if (!peer_of(channel, &peer) || !is_trusted(peer.uid) || (!path && peer.pid != (pid_t)pid))
		return tsr_because(why, -EPERM, "Somebody else than that VM answers at %s.", where);
	return 0;
}

int channel_connect(const char *where, struct tsr_why *why)
{
	int channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int error;

	if (channel < 0)
		return tsr_because(why, -errno, "Cannot make a socket: %s.", strerror(errno));
	error = connect_to(where, channel, why);
	if (!error)
		return channel;
	close(channel);
	return error;
}

static int descriptor_of(struct msghdr *message)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

int channel_ask(int channel, const struct ask *ask, struct answer *answer, int *fd)
{
	size_t size = ASK_HEAD + ask->bytes;
	struct parcel parcel;
	ssize_t got;
	int came;

	if (send(channel, ask, size, MSG_NOSIGNAL) != (ssize_t)size)
		return -EPROTO;
	parcel_init(&parcel, answer, sizeof(*answer));
	parcel.message.msg_control = &parcel.control;
	parcel.message.msg_controllen = sizeof(parcel.control);
	do
		got = recvmsg(channel, &parcel.message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	came = got < 0 ? -1 : descriptor_of(&parcel.message);
	if (got >= (ssize_t)ANSWER_HEAD && answer->bytes <= CHANNEL_TAGS_MAX &&
	    (size_t)got == ANSWER_HEAD + answer->bytes) {
		if (fd)
			*fd = came;
		else if (came >= 0)
			close(came);
		return 0;
	}
	if (came >= 0)
		close(came);
	return -EPROTO;
}
